"""Writes small ONNX models with the onnx package to Fixtures/onnx, and the initialisers that it reads."""

from common import folder
from expectations import described, write_expectations

import numpy as np
import onnx
from onnx import TensorProto as P
from onnx import helper, numpy_helper

DTYPES = [P.FLOAT, P.UINT8, P.INT8, P.UINT16, P.INT16, P.INT32, P.INT64, P.BOOL, P.FLOAT16,
          P.DOUBLE, P.UINT32, P.UINT64, P.COMPLEX64, P.COMPLEX128, P.BFLOAT16, P.FLOAT8E4M3FN,
          P.FLOAT8E4M3FNUZ, P.FLOAT8E5M2, P.FLOAT8E5M2FNUZ, P.UINT4, P.INT4]


def values(type):
    """Numbers that every type holds."""
    if type == P.BOOL:
        return [True, False, True, True, False, True]
    if type in (P.COMPLEX64, P.COMPLEX128):
        return [complex(i, -i) for i in range(6)]
    signed = type not in (P.UINT8, P.UINT16, P.UINT32, P.UINT64, P.UINT4)
    return [0, 1, 2, 3, 4, -5 if signed else 5]


def name(type):
    return P.DataType.Name(type).lower()


def typed():
    """The elements in the fields for their type, as varints and packed floats."""
    return [helper.make_tensor(name(t), t, [2, 3], values(t)) for t in DTYPES]


def raw():
    return [numpy_helper.from_array(numpy_helper.to_array(t), t.name) for t in typed()]


def model(initializers, nodes=(), **more):
    graph = helper.make_graph(list(nodes), "graph", [], [], initializer=initializers, **more)
    made = helper.make_model(graph, producer_name="fixtures",
                             opset_imports=[helper.make_opsetid("", 20)])
    helper.set_model_props(made, {"key": "value"})
    return made


def expected(tensors, prefix=""):
    out = []
    for tensor in tensors:
        array = numpy_helper.to_array(tensor)
        entry = described(prefix + tensor.name, array)
        if tensor.data_type in (P.UINT4, P.INT4):
            # In memory one to a byte; packed in the file and here, the first in the low half.
            flat = array.reshape(-1).astype(np.int16) & 15
            packed = (flat[0::2] | flat[1::2] << 4).astype(np.uint8)
            entry["hex"] = packed.tobytes().hex()
        out.append(entry)
    return out


def nested():
    inner = helper.make_graph([], "then", [], [],
                              initializer=[helper.make_tensor("w", P.FLOAT, [2], [1.0, 2.0])])
    other = helper.make_graph([], "else", [], [],
                              initializer=[helper.make_tensor("w", P.FLOAT, [2], [3.0, 4.0])])
    node = helper.make_node("If", ["c"], ["out"], name="choice", then_branch=inner,
                            else_branch=other)
    return model([helper.make_tensor("w", P.INT64, [1], [7])], [node])


def constants():
    weights = helper.make_tensor("ignored", P.FLOAT, [2], [1.0, 2.0])
    return model([helper.make_tensor("own", P.INT64, [1], [7])],
                 [helper.make_node("Constant", [], ["weights"], name="n", value=weights),
                  helper.make_node("Constant", [], ["three"], value_int=3)])


def external(out):
    place = folder("onnx/external")
    for old in place.iterdir():
        old.unlink()
    weights = np.arange(48, dtype=np.float32).reshape(6, 8)
    tensors = [numpy_helper.from_array(weights, "weights"),
               numpy_helper.from_array(weights.astype(np.int16), "more"),
               helper.make_tensor("own", P.INT64, [2], [5, 6])]
    onnx.save_model(model(tensors), place / "model.onnx", save_as_external_data=True,
                    all_tensors_to_one_file=True, location="model.data", size_threshold=64)
    read = onnx.load(place / "model.onnx")
    return {"tensors": expected(read.graph.initializer)}


def main():
    out = folder("onnx")
    files = {}
    for stem, made in (("typed", model(typed())), ("raw", model(raw())), ("nested", nested()),
                       ("constants", constants()), ("nothing", model([]))):
        path = out / f"{stem}.onnx"
        onnx.save_model(made, path)
        read = onnx.load(path)
        tensors = expected(read.graph.initializer)
        if stem == "nested":
            inner = []
            for attribute in read.graph.node[0].attribute:
                inner += expected(attribute.g.initializer, f"choice/{attribute.name}/")
            tensors = inner + tensors
        if stem == "constants":
            value = read.graph.node[0].attribute[0].t
            tensors = [described("weights", numpy_helper.to_array(value)),
                       described("three", np.int64(3))] + tensors
        files[path.name] = {"tensors": tensors}
    texts = helper.make_tensor("texts", P.STRING, [3], [b"one", b"", "zwei é".encode()])
    onnx.save_model(model([texts]), out / "texts.onnx")
    data = list(numpy_helper.to_array(texts))
    parts = [d if isinstance(d, bytes) else d.encode() for d in data]
    ends = np.cumsum([len(p) for p in parts]).astype("<u8").tobytes()
    files["texts.onnx"] = {"tensors": [{"name": "texts", "dtype": "string", "shape": [3],
                                        "hex": (ends + b"".join(parts)).hex()}]}
    files["external/model.onnx"] = external(out)
    write_expectations(out, f"onnx {onnx.__version__}, numpy {np.__version__}", files)


main()
