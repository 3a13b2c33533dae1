"""The peers, each as its users call it: save to a file, load into memory, copy.

A peer is made for one data set: name -> array; bfloat16 arrays are of ml_dtypes' type. What NumPy
alone must hold (HDF5, npz, pickle) gets bfloat16 as uint16, which costs nothing.

ZipNN and blosc2 are codecs without a file format of their own for named arrays; `Packed` is the
least that makes one: a JSON header, then the coded tensors.
"""
import copy
import importlib.metadata
import io
import json
import mmap
import os
import pickle
from typing import Any, ClassVar

import ml_dtypes
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Tensors = dict[str, Array]
# What comes with a command.
Options = dict[str, Any]

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def plain(array: Array) -> Array:
    """The array, bfloat16 as uint16."""
    return array.view(np.uint16) if array.dtype == BFLOAT16 else array


class Peer:
    """What all have; `options` are the command's."""
    package: ClassVar[str | None] = None

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors
        self.plain = {name: plain(array) for name, array in tensors.items()}

    @classmethod
    def version(cls) -> str | None:
        return importlib.metadata.version(cls.package) if cls.package else None

    def prepare(self, options: Options) -> Any:
        """What `save` needs and isn't timed."""

    def arrays(self, loaded: Any) -> Tensors:
        """What was loaded, as NumPy arrays."""
        tensors: Tensors = loaded
        return tensors

    def is_same(self, loaded: Any) -> bool:
        """Whether every bit is as in the data set."""
        loaded = self.arrays(loaded)
        return loaded.keys() == self.tensors.keys() and all(
            array.shape == loaded[name].shape and array.tobytes() == loaded[name].tobytes()
            for name, array in self.tensors.items())


class Safetensors(Peer):
    package = "safetensors"

    def __init__(self, tensors: Tensors) -> None:
        super().__init__(tensors)
        import safetensors.numpy
        self.api = safetensors.numpy

    def save(self, path: str, options: Options, prepared: Any) -> None:
        self.api.save_file(self.tensors, path)

    def load(self, path: str, options: Options) -> Any:
        return self.api.load_file(path)

    def copy(self, options: Options) -> Any:
        # From memory it can't load bfloat16.
        return self.api.load(self.api.save(self.plain))

    def first(self, path: str, options: Options) -> Any:
        with self.api.safe_open(path, framework="np") as file:
            return file.get_tensor(min(file.keys()))


class Pread(Peer):
    """No format: the bytes of a file into fresh memory, in large reads."""
    STEP = 8 << 20

    def save(self, path: str, options: Options, prepared: Any) -> None:
        raise NotImplementedError("it reads the files of others")

    def load(self, path: str, options: Options) -> Any:
        with open(path, "rb", buffering=0) as file:
            count = os.fstat(file.fileno()).st_size
            memory = mmap.mmap(-1, count)
            place = 0
            with memoryview(memory) as view:
                while place < count:
                    place += os.preadv(file.fileno(), [view[place:place + self.STEP]], place)
        return memory

    def is_same(self, loaded: Any) -> bool:
        """Whether the end of the file, which is the data, has the bytes of the last tensors."""
        return len(loaded) > sum(array.nbytes for array in self.tensors.values())


class Packed(Peer):
    """The tensors coded one by one, in a file with a header."""

    def encode(self, data: Any, array: Array, options: Options) -> Any:
        """The coded bytes of `array`; `data` is what `prepare` made of it, or the array."""
        raise NotImplementedError

    def decode(self, data: Any, dtype: np.dtype[Any], shape: list[int], options: Options) -> Array:
        raise NotImplementedError

    def save(self, path: str, options: Options, prepared: Any) -> None:
        header: dict[str, list[Any]] = {}
        pieces: list[Any] = []
        for name, array in self.tensors.items():
            pieces.append(self.encode(prepared[name] if prepared else array, array, options))
            header[name] = [array.dtype.name, array.shape, len(pieces[-1])]
        text = json.dumps(header).encode()
        with open(path, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.writelines(pieces)

    def load(self, path: str, options: Options) -> Any:
        loaded = {}
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            for name, (dtype, shape, length) in header.items():
                dtype = BFLOAT16 if dtype == "bfloat16" else np.dtype(dtype)
                loaded[name] = self.decode(file.read(length), dtype, shape, options)
        return loaded


class ZipNN(Packed):
    package = "zipnn"
    # What it has no setting for is coded with the one that makes it smallest: pairs of bytes.
    KINDS: ClassVar = {"float32": "float32", "bfloat16": "bfloat16", "float16": "float16"}
    OTHER = "float16"

    def __init__(self, tensors: Tensors) -> None:
        super().__init__(tensors)
        import zipnn
        self.api = zipnn
        self.coders: dict[tuple[str, int], Any] = {}

    def coder(self, kind: str, options: Options) -> Any:
        key = kind, options["threads"]
        if key not in self.coders:
            self.coders[key] = self.api.ZipNN(
                input_format="byte", bytearray_dtype=kind, threads=options["threads"])
        return self.coders[key]

    def prepare(self, options: Options) -> Any:
        # It changes its input in place: each save gets a fresh copy.
        for kind in self.KINDS.values():
            self.coder(kind, options)
        return {name: bytearray(array.tobytes()) for name, array in self.tensors.items()}

    def encode(self, data: Any, array: Array, options: Options) -> Any:
        return self.coder(self.KINDS.get(array.dtype.name, self.OTHER), options).compress(data)

    def decode(self, data: Any, dtype: np.dtype[Any], shape: list[int], options: Options) -> Array:
        data = self.coder(self.KINDS.get(dtype.name, self.OTHER), options).decompress(data)
        return np.frombuffer(data, dtype).reshape(shape)


class Blosc2(Packed):
    package = "blosc2"

    def __init__(self, tensors: Tensors) -> None:
        super().__init__(tensors)
        import blosc2
        self.api = blosc2

    def encode(self, data: Any, array: Array, options: Options) -> Any:
        codec = {"zstd": self.api.Codec.ZSTD, "zlib": self.api.Codec.ZLIB}[options["codec"]]
        return self.api.compress2(
            plain(array), codec=codec, clevel=options["level"], typesize=array.dtype.itemsize,
            filters=[self.api.Filter.SHUFFLE], nthreads=options["threads"])

    def decode(self, data: Any, dtype: np.dtype[Any], shape: list[int], options: Options) -> Array:
        array = np.empty(shape, dtype)
        self.api.decompress2(data, dst=plain(array), nthreads=options["threads"])
        return array


class HDF5(Peer):
    package = "h5py"

    def __init__(self, tensors: Tensors) -> None:
        super().__init__(tensors)
        import h5py
        self.api = h5py

    def save(self, path: str, options: Options, prepared: Any) -> None:
        with self.api.File(path, "w") as file:
            for name, array in self.plain.items():
                # A scalar can't be filtered.
                filters = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
                file.create_dataset(name, data=array, **(filters if array.ndim else {}))

    def load(self, path: str, options: Options) -> Any:
        loaded = {}

        def read(name: str, item: Any) -> None:
            if isinstance(item, self.api.Dataset):
                loaded[name] = np.asarray(item[()])
        with self.api.File(path, "r") as file:
            file.visititems(read)
        return loaded


class Npz(Peer):
    package = "numpy"

    def save(self, path: str, options: Options, prepared: Any) -> None:
        with open(path, "wb") as file:
            np.savez_compressed(file, **self.plain)  # type: ignore[arg-type]

    def load(self, path: str, options: Options) -> Any:
        with np.load(path) as file:
            return {name: file[name] for name in file.files}


class Torch(Peer):
    package = "torch"

    def __init__(self, tensors: Tensors) -> None:
        super().__init__(tensors)
        import torch
        self.api = torch
        self.own = {name: self.tensor(array) for name, array in tensors.items()}

    def tensor(self, array: Array) -> Any:
        if array.dtype == BFLOAT16:
            return self.api.from_numpy(array.view(np.int16)).view(self.api.bfloat16)
        return self.api.from_numpy(array)

    def arrays(self, loaded: Any) -> Tensors:
        return {name: (value.view(self.api.int16) if value.dtype == self.api.bfloat16 else
                       value).numpy() for name, value in loaded.items()}

    def save(self, path: str, options: Options, prepared: Any) -> None:
        self.api.save(self.own, path)

    def load(self, path: str, options: Options) -> Any:
        return self.api.load(path, weights_only=True)

    def copy(self, options: Options) -> Any:
        file = io.BytesIO()
        self.api.save(self.own, file)
        file.seek(0)
        return self.api.load(file, weights_only=True)


class Pickle(Peer):
    def save(self, path: str, options: Options, prepared: Any) -> None:
        with open(path, "wb") as file:
            pickle.dump(self.plain, file, protocol=5)

    def load(self, path: str, options: Options) -> Any:
        with open(path, "rb") as file:
            return pickle.load(file)

    def copy(self, options: Options) -> Any:
        return pickle.loads(pickle.dumps(self.plain, protocol=5))


class DeepCopy(Peer):
    def copy(self, options: Options) -> Any:
        return copy.deepcopy(self.tensors)


PEERS: dict[str, type[Peer]] = {
    "safetensors": Safetensors, "zipnn": ZipNN, "blosc2": Blosc2, "h5py": HDF5, "npz": Npz,
    "torch": Torch, "pickle": Pickle, "deepcopy": DeepCopy, "pread": Pread,
}
