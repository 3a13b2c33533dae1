"""Writes archives and sets of files that are what their format's own library reads, and that Cairn once took for
something else, to Fixtures/archives; and what the libraries read in them, to expected.json there."""

import io
import json
import sys
import types
import warnings
import zipfile

from common import folder

import numpy as np
import onnx
import torch
from safetensors.numpy import save_file

warnings.filterwarnings("ignore")
torch.manual_seed(7)


class Wrapper(torch.Tensor):
    """A tensor whose data are elsewhere, as DTensor is."""

    @staticmethod
    def __new__(cls):
        return torch.Tensor._make_wrapper_subclass(cls, (2, 3), dtype=torch.float32)

    def __torch_dispatch__(self, *arguments, **named):
        raise NotImplementedError


Wrapper.__module__ = "package_of_wrappers"
sys.modules["package_of_wrappers"] = types.ModuleType("package_of_wrappers")
sys.modules["package_of_wrappers"].Wrapper = Wrapper


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def containers(out):
    vocabulary = {f"w{i}": i for i in range(1_100)}
    history = [{"epoch": i, "loss": i * 0.5, "acc": None} for i in range(400)]
    checkpoint = {"w": torch.ones(2), "vocabulary": vocabulary, "history": history,
                  "pairs": [("é", 1), (1.5, [2, True])] * 300, "steps": list(range(1_200)),
                  "config": {"lr": 0.5, "ids": {i: i * i for i in range(1_100)}}}
    torch.save(checkpoint, out / "containers.pt")
    read = torch.load(out / "containers.pt", weights_only=True)
    return {"texts": {"vocabulary": text(read["vocabulary"]), "history": text(read["history"]),
                      "pairs": text(read["pairs"]), "config.ids": text(read["config"]["ids"])},
            "steps": len(read["steps"]), "lr": read["config"]["lr"]}


def parameters(out):
    parameter = torch.nn.Parameter
    torch.save({"meta": parameter(torch.empty(3, device="meta")),
                "sparse": parameter(torch.eye(3).to_sparse())}, out / "parameters.pt")
    read = torch.load(out / "parameters.pt", weights_only=True)
    return {"meta": list(read["meta"].shape),
            "indices": read["sparse"].detach().coalesce().indices().tolist()}


def quantized(out):
    whole = torch.quantize_per_tensor(torch.randn(4, 6), 0.1, 3, torch.quint4x2)
    torch.save({"whole": whole, "first": whole[:1], "rest": whole[1:]}, out / "packed_views.pt")
    read = torch.load(out / "packed_views.pt")
    return {"offset": read["rest"].storage_offset(), "whole": whole.untyped_storage().nbytes()}


def others(out):
    empty = torch.empty(0)
    torch.save({"a": empty, "b": empty.reshape(0, 3)}, out / "empty_twice.pt",
               _use_new_zipfile_serialization=False)
    assert torch.load(out / "empty_twice.pt")["b"].shape == (0, 3)
    torch.save({"w": torch.ones(2), "sharded": Wrapper()}, out / "wrapper.pt")
    script = torch.jit.script(torch.nn.Linear(2, 1))
    torch.jit.save(script, out / "script_extra.pt", _extra_files={"labels.txt": "a\nb"})


NAMES = ["/dense/kernel", "a\\b", "a//b", "a/../b", "../up", "", "a\nb", "ok"]


def archives(out):
    """Of NumPy and of Keras."""
    np.savez(out / "names.npz", **{name: np.full(1, i, np.float32) for i, name in enumerate(NAMES)})
    np.savez(out / "long_name.npz", **{"x" * 1_021: np.ones(1, np.float32)})
    np.savez(out / "surrogate.npz", a=np.ones(1, np.float32), s=np.array(["a\ud800"]))
    np.savez(out / "nothing.npz")
    array = io.BytesIO()
    np.save(array, np.ones(1, np.float32))
    for name, members in [
        ("folder_first", [("w/", b""), ("w/a.npy", array.getvalue())]),
        ("text_first", [("config.json", b"{}"), ("a.npy", array.getvalue())]),
        ("bare_first", [("x", array.getvalue()), ("a.npy", array.getvalue())]),
        ("only_bare", [("x", array.getvalue())]),
    ]:
        write(out / f"{name}.npz", members)
    model = zipfile.ZipFile(out.parent / "cases" / "models" / "k3_arange_broadcast.keras")
    members = [(info.filename, model.read(info)) for info in model.infolist()]
    write(out / "folder_first.keras", [("assets/", b"")] + members[::-1])
    return {path.name: np.load(path).files for path in sorted(out.glob("*.npz"))}


def write(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)


def index(path, weight_map, metadata=None, **more):
    path.write_text(json.dumps({"metadata": metadata or {}, "weight_map": weight_map, **more}))


def shards(out):
    """Tied names, of which the index gives one to another file, or leaves one out."""
    weight = torch.arange(6.0)
    for name in ["tie_elsewhere", "tie_second", "tie_first"]:
        place = out / name
        place.mkdir(exist_ok=True)
        torch.save({"emb": weight, "head": weight}, place / "p1.bin")
        torch.save({"emb": torch.zeros(6)}, place / "p2.bin")
    name = "pytorch_model.bin.index.json"
    index(out / "tie_elsewhere" / name, {"emb": "p2.bin", "head": "p1.bin"})
    index(out / "tie_second" / name, {"head": "p1.bin"})
    index(out / "tie_first" / name, {"emb": "p1.bin"})
    place = out / "metadata"
    place.mkdir(exist_ok=True)
    for number, key in enumerate("ab", 1):
        save_file({key: np.zeros(1, np.float32)}, place / f"s{number}.safetensors",
                  {"format": "mlx", "k": str(number), "q": "same"})
    index(place / "model.safetensors.index.json",
          {"a": "s1.safetensors", "b": "s2.safetensors"},
          {"format": "pt", "q": "other", "s1.safetensors/k": "index"}, extra={"x": 1})


def external(out):
    """A model with a tensor in a file that is not there."""
    here = onnx.numpy_helper.from_array(np.ones(2, np.float32), "here")
    there = onnx.TensorProto(name="there", data_type=1, dims=[2],
                             data_location=onnx.TensorProto.EXTERNAL)
    place = there.external_data.add()
    place.key, place.value = "location", "gone.data"
    graph = onnx.helper.make_graph([], "graph", [], [], initializer=[here, there])
    (out / "external.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())


def main():
    out = folder("archives")
    expected = {"library": f"PyTorch {torch.__version__}, NumPy {np.__version__}",
                "containers": containers(out), "parameters": parameters(out),
                "packed_views": quantized(out)}
    others(out)
    expected["arrays"] = archives(out)
    shards(out)
    external(out)
    (out / "expected.json").write_text(
        json.dumps(expected, indent=1, ensure_ascii=True) + "\n")


main()
