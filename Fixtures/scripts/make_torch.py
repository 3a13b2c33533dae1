"""Writes small checkpoints with PyTorch, as archives and as the stream before version 1.6, to
Fixtures/torch, and what PyTorch reads in them."""

import collections
import io
import warnings

from common import folder
from expectations import write_expectations

import torch

warnings.filterwarnings("ignore")
torch.manual_seed(7)
DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
          torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64, torch.complex128]
NEW_DTYPES = [torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2]


def sample(dtype, *shape):
    count = 1
    for dimension in shape:
        count *= dimension
    if dtype == torch.bool:
        return (torch.arange(count) % 3 == 0).reshape(shape)
    width = torch.empty(0, dtype=dtype).element_size()
    raw = torch.arange(1, count * width + 1, dtype=torch.int64).to(torch.uint8)
    return raw.view(dtype).reshape(shape)


def views():
    whole = sample(torch.float32, 4, 6)
    return {
        "whole": whole, "again": whole, "transposed": whole.t(), "row": whole[1],
        "column": whole[:, 2], "block": whole[1:3, 2:5], "steps": whole[::2, ::3],
        "expanded": sample(torch.int16, 1, 3).expand(4, 3),
        "permuted": sample(torch.uint8, 2, 3, 4).permute(2, 0, 1),
        "scalar": torch.tensor(2.5), "empty": torch.zeros(3, 0), "element": whole[2, 3],
    }


def model():
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3))
    net[2].weight = torch.nn.Parameter(net[0].weight.detach().t().contiguous())
    return net


def training():
    net = model()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    net(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    return {"model": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3,
            "note": "é", "best": 0.5, "done": False, "sizes": [1, 2, 3], "nothing": None,
            "shape": torch.Size([2, 3]), "empty": {}, "mixed": [1, "two", torch.ones(2)]}


def checkpoints():
    yield "every_dtype", {str(d).split(".")[1]: sample(d, 2, 3) for d in DTYPES}
    yield "views", views()
    yield "training", training()
    yield "parameters", collections.OrderedDict(
        weight=torch.nn.Parameter(sample(torch.float32, 2, 2)),
        tied=torch.nn.Parameter(sample(torch.float32, 2, 2)))
    yield "one_tensor", sample(torch.int32, 3)


def leaves(value, path=""):
    """(path, leaf) of everything, in order: the rule that the documentation gives."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)) and any(isinstance(v, torch.Tensor) for v in value):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}.{number}" if path else str(number))
    elif isinstance(value, torch.Tensor):
        yield path or "tensor", value
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}.{number}")


def described(value):
    seen, out = {}, []
    for name, tensor in leaves(value):
        tensor = tensor.detach()
        raw = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() \
            if tensor.numel() else b""
        entry = {"name": name, "dtype": str(tensor.dtype).split(".")[1],
                 "shape": list(tensor.shape), "hex": raw.hex()}
        view = (tensor.untyped_storage()._cdata, tensor.storage_offset(), tensor.shape,
                tensor.stride(), tensor.dtype)
        if view in seen:
            entry["alias_of"] = seen[view]
        else:
            seen[view] = name
        out.append(entry)
    return {"tensors": out}


def saved(value, zipped=True):
    out = io.BytesIO()
    torch.save(value, out, _use_new_zipfile_serialization=zipped)
    return out.getvalue()


class Evil:
    def __reduce__(self):
        return (print, ("called",))


class Silent:
    """Calls nothing, but names what it could call."""
    def __reduce__(self):
        import os
        return (os.system, ("true",))


def opaque():
    """What would have to be called to be made."""
    dense = torch.ones(2, 2)
    yield "module", saved(torch.nn.Linear(2, 2))
    yield "print", saved({"a": dense, "b": Evil()})
    yield "system", saved({"a": dense, "b": Silent()})
    yield "system_stream", saved({"a": dense, "b": Silent()}, zipped=False)
    script = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), script)
    yield "script", script.getvalue()


def main():
    out = folder("torch")
    files = {}
    for name, value in checkpoints():
        for kind, zipped in (("archive", True), ("stream", False)):
            data = saved(value, zipped)
            (out / f"{name}_{kind}.pt").write_bytes(data)
            read = torch.load(io.BytesIO(data), weights_only=True)
            files[f"{name}_{kind}.pt"] = described(read)
    data = saved({str(d).split(".")[1]: sample(d, 2, 3) for d in NEW_DTYPES})
    (out / "new_dtypes_archive.pt").write_bytes(data)
    files["new_dtypes_archive.pt"] = described(torch.load(io.BytesIO(data), weights_only=True))
    for name, data in opaque():
        (out / f"opaque_{name}.pt").write_bytes(data)
    write_expectations(out, f"torch {torch.__version__}", files)


main()
