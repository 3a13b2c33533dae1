"""Writes small `.npy` and `.npz` files with NumPy to Fixtures/numpy, and what NumPy reads in them."""

import io
import zipfile

from common import folder
from expectations import described, write_expectations

import ml_dtypes
import numpy as np

PLAIN = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
         "float16", "float32", "float64", "complex64", "complex128"]


def sample(dtype, shape=(2, 3)):
    """Every byte another, so that turning bytes round or over shows."""
    count = int(np.prod(shape))
    if dtype == "bool":
        return (np.arange(count) % 3 == 0).reshape(shape)
    raw = np.arange(1, count * np.dtype(dtype).itemsize + 1, dtype=np.uint64).astype(np.uint8)
    return raw.view(dtype).reshape(shape)


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version, allow_pickle=True)
    return out.getvalue()


def arrays():
    """Name of the file -> (its bytes, the array)."""
    float32 = sample("float32")
    yield "version_1", npy(float32, (1, 0)), float32
    yield "version_2", npy(float32, (2, 0)), float32
    yield "version_3", npy(float32, (3, 0)), float32
    yield "scalar", npy(np.array(3.5, np.float32)), np.array(3.5, np.float32)
    yield "empty", npy(np.zeros((3, 0), np.int16)), np.zeros((3, 0), np.int16)
    yield "one_dimension", npy(sample("int32", (5,))), sample("int32", (5,))
    for dtype in PLAIN:
        big = sample(dtype, (4,)).astype(np.dtype(dtype).newbyteorder(">"))
        yield f"big_endian_{dtype}", npy(big), big
    fortran = np.asfortranarray(sample("int16", (2, 3, 4)))
    yield "fortran", npy(fortran), fortran
    both = np.asfortranarray(sample("complex64", (3, 5)).astype(">c8"))
    yield "fortran_big_endian", npy(both), both
    bfloat16 = sample("uint16", (2, 4)).view(ml_dtypes.bfloat16)
    yield "bfloat16", npy(bfloat16), bfloat16


def texts():
    """As `arrays`, of texts."""
    characters = np.array([["one", "", "zwei é"], ["\U0001f4a1 lamp", "a\0b", "\U0010ffff"]])
    yield "texts", npy(characters), characters
    yield "texts_big_endian", npy(characters.astype(">U9")), characters
    fortran = np.asfortranarray(characters)
    yield "texts_fortran", npy(fortran), fortran
    plain = np.array([b"one", b"", b"\xff\0\xfe", b"three"])
    yield "byte_strings", npy(plain), plain
    yield "texts_none", npy(np.array([], "U3")), np.array([], "U3")
    yield "texts_scalar", npy(np.array("alone")), np.array("alone")


def strings(name, array):
    """Texts as a tensor of strings has them: ends, then bytes."""
    parts = [p if isinstance(p, bytes) else p.encode() for p in array.reshape(-1).tolist()]
    ends = np.cumsum([len(part) for part in parts]).astype("<u8").tobytes()
    return {"name": name, "dtype": "string", "shape": list(array.shape),
            "hex": (ends + b"".join(parts)).hex()}


def refused():
    yield "objects", npy(np.array([{"a": 1}, None], dtype=object))
    yield "structured", npy(np.zeros(2, [("x", "<f4"), ("y", "<i4")]))
    yield "dates", npy(np.array(["2024-01-01"], "datetime64[D]"))
    yield "raw_bytes", npy(np.zeros(2, "V2"))
    yield "float8", npy(np.zeros(2, ml_dtypes.float8_e4m3fn))
    yield "long_double", npy(np.zeros(2, np.longdouble))


def archives():
    everything = {dtype: sample(dtype) for dtype in PLAIN}
    everything["bfloat16"] = sample("uint16").view(ml_dtypes.bfloat16)
    for name, save in (("stored", np.savez), ("deflated", np.savez_compressed)):
        out = io.BytesIO()
        save(out, **everything)
        yield name, out.getvalue(), everything
    order = {"z": sample("int8"), "layer/kernel": sample("float32"), "é": sample("uint8"),
             "fortran": np.asfortranarray(sample("float64", (3, 4)))}
    out = io.BytesIO()
    np.savez(out, **order)
    yield "names", out.getvalue(), order
    out = io.BytesIO()
    np.savez(out)
    yield "nothing", out.getvalue(), {}
    # As zipfile writes where it cannot go back: sizes and checksums follow the data.
    out = Unseekable()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in order.items():
            with archive.open(zipfile.ZipInfo(name + ".npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array)
    yield "descriptors", out.bytes(), order
    # A member that is no array, which NumPy gives as bytes.
    out = io.BytesIO()
    np.savez(out, a=sample("int8"))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(zipfile.ZipInfo("notes.txt"), "no array")
    yield "other_member", out.getvalue(), {"a": sample("int8")}


class Unseekable(io.RawIOBase):
    def __init__(self):
        self.parts = []

    def writable(self):
        return True

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)

    def bytes(self):
        return b"".join(self.parts)


def main():
    out = folder("numpy")
    files = {}
    for name, data, array in arrays():
        (out / f"{name}.npy").write_bytes(data)
        read = np.load(io.BytesIO(data))
        if array.dtype == ml_dtypes.bfloat16:
            # NumPy gives raw bytes, which the reader has to see as what they are.
            assert read.dtype == "V2"
            read = read.view(ml_dtypes.bfloat16)
        assert read.tobytes() == array.tobytes() and read.dtype == array.dtype
        files[f"{name}.npy"] = {"tensors": [described("arr_0", read)]}
    for name, data, array in texts():
        (out / f"{name}.npy").write_bytes(data)
        read = np.load(io.BytesIO(data))
        assert read.tolist() == array.tolist()
        files[f"{name}.npy"] = {"tensors": [strings("arr_0", read)]}
    for name, data, expected in archives():
        (out / f"{name}.npz").write_bytes(data)
        with np.load(io.BytesIO(data)) as archive:
            assert [n for n in archive.files if isinstance(archive[n], np.ndarray)] == list(expected)
            read = {n: archive[n] for n in expected}
        for key, array in expected.items():
            assert read[key].tobytes() == array.tobytes(), key
            read[key] = array
        files[f"{name}.npz"] = {"tensors": [described(n, a) for n, a in read.items()]}
    for name, data in refused():
        (out / f"refused_{name}.npy").write_bytes(data)
    write_expectations(out, f"numpy {np.__version__}, ml_dtypes {ml_dtypes.__version__}", files)


main()
