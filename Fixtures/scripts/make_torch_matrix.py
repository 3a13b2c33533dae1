"""Writes checkpoints that between them name everything which torch.load(weights_only=True) allows, to
Fixtures/torch_matrix, and what PyTorch reads in them, spelt by the rules of
Documentation/formats/pytorch.md. It fails if an entry of PyTorch's own allow-list is in no file."""

import collections
import io
import struct
import warnings
import zipfile

from common import folder
from expectations import write_expectations

import torch
from torch import _weights_only_unpickler as unpickler

warnings.filterwarnings("ignore")
torch.manual_seed(7)

# What needs a GPU, or makes a tensor whose numbers are whatever was in memory.
ELSEWHERE = {name for name in unpickler._get_allowed_globals()
             if name.startswith("torch.cuda.") and name.endswith("Tensor")}
ELSEWHERE |= {"torch.storage.TypedStorage",  # never written by name: storages are references
              "torch._utils._rebuild_wrapper_subclass"}  # tensors without data


def sample(dtype, *shape):
    count = 1
    for dimension in shape:
        count *= dimension
    if dtype == torch.bool:
        return (torch.arange(count) % 3 == 0).reshape(shape)
    width = torch.empty(0, dtype=dtype).element_size()
    raw = torch.arange(1, count * width + 1, dtype=torch.int64).to(torch.uint8)
    return raw.view(dtype).reshape(shape)


def raw(tensor):
    if tensor.numel() == 0:
        return b""
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


OTHER_NAMES = {"complex32": "float16", "float4_e2m1fn_x2": "float4_e2m1fn", "bits8": "uint8",
               "bits1x8": "uint8", "bits2x4": "uint8", "bits4x2": "uint8", "bits16": "uint16"}
OTHER_NAMES |= {f"uint{n}": "uint8" for n in range(1, 8)}
OTHER_NAMES |= {f"int{n}": "int8" for n in range(1, 8)}


def parts(tensor):
    """A tensor that is not one block of numbers, as its parts; None for one that is."""
    if tensor.device.type == "meta":
        return {"device": "meta", "dtype": tensor.dtype, "shape": list(tensor.shape)}
    if tensor.is_nested:
        return {"values": tensor.values(), "sizes": tensor._nested_tensor_size(),
                "strides": tensor._nested_tensor_strides(),
                "storage_offsets": tensor._nested_tensor_storage_offsets()}
    if tensor.is_quantized:
        out = {"int_repr": tensor.int_repr(), "dtype": tensor.dtype, "qscheme": tensor.qscheme()}
        if tensor.dtype in (torch.quint4x2, torch.quint2x4):
            size = list(tensor.shape)
            held = torch.tensor(list(tensor.untyped_storage()), dtype=torch.uint8)
            out = {"packed": held, "size": size, "dtype": tensor.dtype, "qscheme": tensor.qscheme()}
        if tensor.qscheme() == torch.per_tensor_affine:
            return out | {"scale": tensor.q_scale(), "zero_point": tensor.q_zero_point()}
        return out | {"scales": tensor.q_per_channel_scales(),
                      "zero_points": tensor.q_per_channel_zero_points(),
                      "axis": tensor.q_per_channel_axis()}
    out = {"layout": tensor.layout}
    if tensor.layout == torch.sparse_coo:
        return out | {"indices": tensor._indices(), "values": tensor._values(),
                      "size": list(tensor.shape), "is_coalesced": tensor.is_coalesced()}
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return out | {"crow_indices": tensor.crow_indices(), "col_indices": tensor.col_indices(),
                      "values": tensor.values(), "size": list(tensor.shape)}
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return out | {"ccol_indices": tensor.ccol_indices(), "row_indices": tensor.row_indices(),
                      "values": tensor.values(), "size": list(tensor.shape)}
    return None


def spelt(key):
    if isinstance(key, bytes):
        return key.decode() if key.isascii() and key.decode().isprintable() else "0x" + key.hex()
    if isinstance(key, tuple):
        return "(" + ", ".join(spelt(item) for item in key) + ")"
    return str(key)


class Listing:
    """Everything in a value under its path."""

    def __init__(self, value):
        self.tensors, self.metadata, self.seen, self.alive = [], {}, {}, []
        self.visit(value, "")

    def keep(self, path, value):
        assert (path or "value") not in self.metadata, path
        self.metadata[path or "value"] = value

    def tensor(self, path, tensor):
        made = parts(tensor)
        if made is not None:
            return self.visit(made, path)
        # An address stands for one storage only while that is there.
        self.alive.append(tensor)
        tensor = tensor.detach()
        dtype = str(tensor.dtype).split(".")[1]
        shape = list(tensor.shape)
        view = (tensor.untyped_storage()._cdata, tensor.storage_offset(), tensor.shape,
                tensor.stride(), tensor.dtype, tensor.is_conj(), tensor.is_neg())
        data = raw(tensor.resolve_conj().resolve_neg() if not dtype.startswith("bits") else tensor)
        if dtype == "complex32":
            shape.append(2)
        if dtype == "float4_e2m1fn_x2":
            shape[-1] *= 2
        entry = {"name": path or "tensor", "dtype": OTHER_NAMES.get(dtype, dtype), "shape": shape,
                 "hex": data.hex()}
        if view in self.seen and tensor.numel():
            entry["alias_of"] = self.seen[view]
        else:
            self.seen[view] = path or "tensor"
        self.tensors.append(entry)
        if dtype in OTHER_NAMES:
            self.keep(f"{path}.dtype", f"torch.{dtype}")
        for name, value in tensor.__dict__.items():
            self.visit(value, f"{path}.{name}")

    def visit(self, value, path):
        def join(key):
            return f"{path}.{key}" if path else str(key)
        if isinstance(value, torch.Tensor):
            # detach() loses attributes.
            attributes = dict(value.__dict__)
            self.tensor(path, value)
            for name, item in attributes.items():
                if f"{path}.{name}" not in self.metadata and name != "_backward_hooks":
                    self.visit(item, join(name))
        elif isinstance(value, torch.UntypedStorage):
            self.tensor(path, torch.tensor(list(value), dtype=torch.uint8))
        elif isinstance(value, torch.storage.TypedStorage):
            self.tensor(path, torch.empty(0, dtype=value.dtype).set_(value))
        elif isinstance(value, dict):
            if not value and path:
                self.keep(path, [])
            for key, item in value.items():
                self.visit(item, join(spelt(key)))
            for name, item in getattr(value, "__dict__", {}).items():
                self.visit(item, join(name))
        elif isinstance(value, (list, tuple, set)):
            items = list(value)
            kinds = {type(item) for item in items}
            if not items or len(kinds) == 1 and kinds <= {bool, int, float, str}:
                return self.keep(path, items)
            if kinds == {bytes}:
                return self.keep(path, [item.hex() for item in items])
            for number, item in enumerate(items):
                self.visit(item, join(number))
        elif (value is None or isinstance(value, (torch.dtype, torch.layout, torch.qscheme, torch.device))
              or isinstance(value, int) and not -2**63 <= value < 2**64):
            self.keep(path, str(value))
        elif isinstance(value, (bool, int, float, str)):
            self.keep(path, value)
        elif isinstance(value, (bytes, bytearray)):
            self.keep(path, bytes(value).hex())
        elif isinstance(value, complex):
            self.keep(path, [value.real, value.imag])
        elif isinstance(value, type):
            self.keep(path, f"{value.__module__}.{value.__qualname__}")
        else:
            raise TypeError(f"{path}: {type(value)}")


def saved(value, **options):
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out.getvalue()


def rewritten(data, change):
    """The archive with its pickle changed."""
    source = zipfile.ZipFile(io.BytesIO(data))
    out = io.BytesIO()
    writer = torch._C.PyTorchFileWriter(out)
    for name in source.namelist():
        name = name.split("/", 1)[1]
        if name in ("version", ".data/serialization_id"):
            continue
        body = source.read("archive/" + name)
        body = change(body) if name == "data.pkl" else body
        writer.write_record(name, body, len(body))
    writer.write_end_of_file()
    return out.getvalue()


def by_hand(items):
    """A checkpoint whose pickle is a dictionary of programs: {name: bytes}, without storages."""
    program = b"\x80\x02}("
    for name, body in items.items():
        program += b"X" + struct.pack("<I", len(name)) + name.encode() + body
    return rewritten(saved({}), lambda _: program + b"u.")


STORAGES = {"Double": torch.float64, "Float": torch.float32, "Half": torch.float16,
            "BFloat16": torch.bfloat16, "Long": torch.int64, "Int": torch.int32,
            "Short": torch.int16, "Char": torch.int8, "Byte": torch.uint8, "Bool": torch.bool,
            "ComplexDouble": torch.complex128, "ComplexFloat": torch.complex64}


def storages():
    return {name: sample(dtype, 2, 3) for name, dtype in STORAGES.items()}


def numbers():
    names = sorted(name for name in unpickler._get_allowed_globals()
                   if isinstance(unpickler._get_allowed_globals()[name], torch.dtype))
    out = {"dtypes": {name: unpickler._get_allowed_globals()[name] for name in names}}
    # Those of them that tensors can be of and that have no storage class of their own.
    for dtype in sorted(torch.storage._new_dtypes(), key=str):
        out[str(dtype).split(".")[1]] = sample(dtype, 2, 3)
    return out


def values():
    tensor = torch.ones(2)
    tensor.note, tensor.more = "attribute", torch.arange(3)
    weight = torch.nn.Parameter(torch.ones(2, 2))
    weight.tag = 5
    counted = collections.Counter({30: 1, 60: 1})
    ordered = collections.OrderedDict(a=1)
    ordered.extra = {"version": 1}
    return {
        "set": {1}, "texts": {"a"}, "bytes": b"\x80\x00\xff", "bytearray": bytearray(b"\x01\x02"),
        "complex": complex(1.5, -2), "counter": counted, "ordered": ordered, "size": torch.Size([2, 3]),
        "device": torch.device("cuda", 1), "cpu": torch.device("cpu"), "layout": torch.sparse_csr,
        "big": 2**64 - 59, "huge": 3**90, "negative": -3**90, "least": -2**63,
        "keys": {1: "int", True and 2.5: "float", b"k": "bytes", (1, "t"): "tuple", None: "none",
                 torch.float16: "dtype"},
        "mixed": [1, "two", None, 3.5], "flags": [True, False], "nothing": None, "empty": [],
        "byte_lists": [b"\x01", b"\x02"], "tensor": tensor, "parameter": weight,
        "buffer": torch.nn.Buffer(torch.ones(3)), "plain": torch.nn.Parameter(torch.zeros(2)),
        "conj": torch.tensor([1 + 2j, 3 - 4j]).conj(),
        "neg": torch.tensor([1 + 2j, 3 - 4j]).conj().imag,
        "both": torch._neg_view(torch.tensor([1 + 2j, 3 - 4j]).conj()),
        "meta": torch.empty(2, 3, device="meta", dtype=torch.float16),
        "typed": torch.ones(3).storage(), "untyped": torch.arange(2, dtype=torch.int16).untyped_storage(),
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.zeros(3)]),
        "qschemes": {"a": torch.per_tensor_symmetric, "b": torch.per_channel_symmetric},
    }


def quantized():
    floats = torch.arange(12.0).reshape(3, 4) / 4
    out = {str(dtype).split(".")[1]: torch.quantize_per_tensor(floats, 0.5, 1, dtype)
           for dtype in (torch.qint8, torch.quint8, torch.qint32)}
    scales, zeros = torch.tensor([0.5, 0.25, 0.125], dtype=torch.float64), torch.tensor([0, 1, 2])
    out["channels"] = torch.quantize_per_channel(floats, scales, zeros, 0, torch.qint8)
    out["turned"] = torch.quantize_per_tensor(floats, 0.5, 1, torch.qint8).t()
    for dtype in (torch.quint4x2, torch.quint2x4):
        out[str(dtype).split(".")[1]] = torch.quantize_per_channel(
            torch.arange(24.0).reshape(3, 8), torch.ones(3), torch.zeros(3), 0, dtype)
    return out


def sparse():
    dense = torch.eye(4) * torch.arange(1.0, 5)
    return {"coo": dense.to_sparse(), "csr": dense.to_sparse_csr(), "csc": dense.to_sparse_csc(),
            "bsr": dense.to_sparse_bsr((2, 2)), "bsc": dense.to_sparse_bsc((2, 2)),
            "uncoalesced": torch.sparse_coo_tensor([[0, 0]], [1.0, 2.0], (3,))}


def hand():
    """Names that today's PyTorch reads and does not write."""
    reduce = {}
    for name in sorted(unpickler._get_allowed_globals()):
        module, _, last = name.rpartition(".")
        if module == "torch" and last.endswith("Tensor"):
            reduce[last] = f"c{module}\n{last}\n)R".encode()
    reduce["float_qparams"] = b"ctorch\nper_channel_affine_float_qparams\n"
    reduce["parameter"] = b"ctorch.nn.parameter\nParameter\nctorch\nIntTensor\n)R\x89\x86\x81"
    reduce["untyped"] = b"ctorch.storage\nUntypedStorage\n"
    return by_hand(reduce)


def moved():
    """Tensors that were on other devices, of old forms, and of the old sparse classes."""
    base = saved({"w": torch.arange(3.0), "i": torch.tensor([[0, 2]]), "v": torch.tensor([5.0, 6.0])})

    def storage(kind, key, count):
        return (b"(X\x07\x00\x00\x00storagectorch\n" + kind + b"Storage\nX\x01\x00\x00\x00" + key
                + b"X\x03\x00\x00\x00cpuK" + bytes([count]) + b"tQ")

    def tensor(kind, key, count, sizes):
        shape = b"(" + b"".join(b"K" + bytes([n]) for n in sizes) + b"t"
        steps, step = [], 1
        for n in reversed(sizes):
            steps.insert(0, step)
            step *= n
        strides = b"(" + b"".join(b"K" + bytes([n]) for n in steps) + b"t"
        return (b"ctorch._utils\n_rebuild_tensor\n(" + storage(kind, key, count) + b"K\x00" + shape
                + strides + b"tR")

    plain = tensor(b"Float", b"0", 3, [3])
    items = {
        "plain": plain,
        "device": b"ctorch._utils\n_rebuild_device_tensor_from_cpu_tensor\n(" + plain
                  + b"ctorch\nfloat32\nX\x03\x00\x00\x00cpu\x89tR",
        "old_parameter": b"ctorch._utils\n_rebuild_parameter\n(" + plain
                         + b"\x88ccollections\nOrderedDict\n)RtR",
        "filled": b"ctorch\nTensor\n)R(" + storage(b"Float", b"2", 2)
                  + b"K\x00K\x02\x85K\x01\x85tb",
        "sparse": b"ctorch.sparse\nFloatTensor\n(" + tensor(b"Long", b"1", 2, [1, 2])
                  + tensor(b"Float", b"2", 2, [2]) + b"ctorch\nSize\nK\x04\x85\x85RtR",
    }
    body = b"\x80\x02}("
    for name, part in items.items():
        body += b"X" + struct.pack("<I", len(name)) + name.encode() + part
    return rewritten(base, lambda _: body + b"u.")


def cuda():
    """Storages of a GPU, which are read to the CPU."""
    def change(program):
        for name in STORAGES:
            program = program.replace(b"ctorch\n%sStorage\n" % name.encode(),
                                      b"ctorch.cuda\n%sStorage\n" % name.encode())
        return program
    return rewritten(saved(storages()), change)


def checkpoints():
    yield "storages", saved(storages())
    yield "cuda", cuda()
    yield "dtypes", saved(numbers())
    yield "values", saved(values())
    yield "quantized", saved(quantized())
    yield "sparse", saved(sparse())
    yield "hand", hand()
    yield "moved", moved()
    for protocol in range(2, 6):
        value = {"a": {"text": "é", "n": 3, "t": torch.arange(4.0)}, "l": [1, 2, 3], "f": 0.5}
        yield f"protocol{protocol}", saved(value, pickle_protocol=protocol)


def names_of(data):
    pickled = zipfile.ZipFile(io.BytesIO(data)).read("archive/data.pkl")
    return unpickler.get_globals_in_pkl(io.BytesIO(pickled))


def main():
    out = folder("torch_matrix")
    files, named = {}, set()
    for name, data in checkpoints():
        protocol = int(name[-1]) if name.startswith("protocol") else 2
        # What PyTorch reads of protocols beyond 2 depends on its safe unpickler's opcodes.
        read = torch.load(io.BytesIO(data), weights_only=protocol == 2, map_location="cpu")
        if protocol == 2:
            named |= names_of(data)
        listing = Listing(read)
        (out / f"{name}.pt").write_bytes(data)
        files[f"{name}.pt"] = {"tensors": listing.tensors, "metadata": listing.metadata}
    missing = set(unpickler._get_allowed_globals()) - named - ELSEWHERE
    # Only the names of the old sparse classes differ; one of them stands for all.
    missing = {name for name in missing if not name.startswith("torch.sparse.")}
    if missing != {"torch._utils._rebuild_device_tensor_from_numpy"}:
        raise SystemExit(f"not in any file: {sorted(missing)}")
    write_expectations(out, f"torch {torch.__version__}", files)


main()
