"""Writes ONNX models whose tensors stand in every place that a model has for them, and of the types of 2, 4 and
6 bits, with the onnx package to Fixtures/onnx_more, and the tensors as it reads them."""

import hashlib

from common import folder
from expectations import described, write_expectations

import numpy as np
import onnx
from onnx import TensorProto as P
from onnx import helper, numpy_helper

SMALL = [P.FLOAT4E2M1, P.FLOAT8E8M0, P.UINT2, P.INT2, P.FLOAT6E2M3, P.FLOAT6E3M2]
BITS = {P.FLOAT4E2M1: 4, P.FLOAT6E2M3: 6, P.FLOAT6E3M2: 6}
# Cairn has no integers of 2 bits: they are read as those of 8.
WIDE = {P.UINT2: "uint8", P.INT2: "int8"}


def tensor(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def small(in_int32):
    """Eleven elements, so that no type fills its last byte; as raw data, or in int32_data."""
    out = []
    for type in SMALL:
        values = [0, 1, 2, 1, -1, 0, 1, 1, 2, 0, 1]
        if type in (P.UINT2, P.FLOAT8E8M0):
            values = [abs(v) for v in values]
        if type == P.INT2:
            values = [min(v, 1) for v in values]
        made = helper.make_tensor(P.DataType.Name(type).lower(), type, [11], values)
        if not in_int32:
            made = numpy_helper.from_array(numpy_helper.to_array(made), made.name)
            assert made.HasField("raw_data")
        else:
            assert len(made.int32_data) > 0
        out.append(made)
    return out


def read(made):
    array = numpy_helper.to_array(made)
    entry = described(made.name, array)
    if made.data_type in WIDE:
        entry["dtype"] = WIDE[made.data_type]
        entry["hex"] = array.astype(entry["dtype"]).tobytes().hex()
    elif made.data_type in BITS:
        # One to a byte in memory; a bit string in the file and here, least significant bits first.
        width, text = BITS[made.data_type], 0
        for place, byte in enumerate(array.tobytes()):
            text |= (byte & (1 << width) - 1) << (width * place)
        entry["hex"] = text.to_bytes((11 * width + 7) // 8, "little").hex()
    return entry


def sparse(name):
    made = onnx.SparseTensorProto()
    made.values.CopyFrom(tensor(name, [1.5, -2.5]))
    made.indices.CopyFrom(tensor("", [1, 7], np.int64))
    made.dims.extend([3, 4])
    return made


def sparse_expected(path):
    return [described(path + "/values", np.float32([1.5, -2.5])),
            described(path + "/indices", np.int64([1, 7])), described(path + "/shape", np.int64([3, 4]))]


def everywhere():
    """A tensor in every place, with the path that Documentation/formats/onnx.md gives it."""
    out = []

    def expect(path, values, dtype=np.float32):
        out.append(described(path, np.asarray(values, dtype)))

    constants = []
    for number, (key, value, dtype) in enumerate((
            ("value", None, np.float32), ("value_float", 1.5, np.float32),
            ("value_floats", [1.5, 2.5], np.float32), ("value_int", -3, np.int64),
            ("value_ints", [1, -2, 3], np.int64))):
        if key == "value":
            value = [[1.0, 2.0]]
            node = helper.make_node("Constant", [], [f"c{number}"], value=tensor("ignored", value))
        else:
            node = helper.make_node("Constant", [], [f"c{number}"], **{key: value})
        constants.append(node)
        expect(f"c{number}", value, dtype)
    constants.append(helper.make_node("Constant", [], ["c5"], sparse_value=sparse("")))
    out.extend(sparse_expected("c5"))
    fill = helper.make_node("ConstantOfShape", ["s"], ["filled"], value=tensor("", [7.0]))
    expect("filled/value", [7.0])
    several = helper.make_node("Odd", [], ["odd"], name="node", domain="x",
                               many=[tensor("", [1.0]), tensor("", [2.0])])
    expect("node/many/0", [1.0])
    expect("node/many/1", [2.0])
    twice = helper.make_node("Odd", [], ["odd2"], name="node", domain="x", one=tensor("", [3.0]))
    again = helper.make_node("Odd", [], ["odd3"], name="node", domain="x", one=tensor("", [4.0]))
    expect("node/one", [3.0])
    expect("node/one#2", [4.0])
    inner = helper.make_graph([], "inner", [], [], initializer=[tensor("w", [5.0])])
    branch = helper.make_node("If", ["s"], ["y"], name="if", then_branch=inner, else_branch=inner)
    # Attributes in the order in which make_node writes them, by name.
    expect("if/else_branch/w", [5.0])
    expect("if/then_branch/w", [5.0])
    nodes = constants + [fill, several, twice, again, branch]
    graph = helper.make_graph(nodes, "graph", [], [], initializer=[tensor("w", [6.0, 7.0])])
    expect("w", [6.0, 7.0])
    graph.sparse_initializer.append(sparse("thin"))
    out.extend(sparse_expected("thin"))
    body = helper.make_node("Constant", [], ["k"], value=tensor("", [8.0]))
    function = helper.make_function("my", "F", [], ["k"], [body], [helper.make_opsetid("", 25)])
    made = helper.make_model(graph, producer_name="fixtures", functions=[function],
                             opset_imports=[helper.make_opsetid("", 25)])
    training = made.training_info.add()
    training.algorithm.CopyFrom(helper.make_graph([], "step", [], [], initializer=[tensor("lr", [0.5])]))
    training.initialization.CopyFrom(helper.make_graph([], "init", [], [], initializer=[tensor("w0", [9.0])]))
    out_training = [described("training/0/initialization/w0", np.float32([9.0])),
                    described("training/0/algorithm/lr", np.float32([0.5]))]
    # A model's training information stands ahead of its functions in the file.
    out.extend(out_training)
    expect("functions/my.F/k", [8.0])
    return made, out


def odd():
    """A type that is not known, no name, and a property twice hide nothing."""
    made = small_model([tensor("w", [1.0]), tensor("x", [2.0]), tensor("", [3.0])])
    made.graph.initializer[1].data_type = 99
    for value in ("first", "second"):
        entry = made.metadata_props.add()
        entry.key, entry.value = "k", value
    return made


def small_model(tensors):
    graph = helper.make_graph([], "graph", [], [], initializer=tensors)
    return helper.make_model(graph, producer_name="fixtures", opset_imports=[helper.make_opsetid("", 25)])


def external(out, name, checksum):
    data = np.arange(8, dtype=np.float32).tobytes()
    (out / "data.bin").write_bytes(data)
    made = tensor("w", [0.0, 0.0])
    made.ClearField("raw_data")
    made.data_location = P.EXTERNAL
    entries = {"location": "data.bin", "offset": "8", "length": "8",
               "checksum": hashlib.sha1(data).hexdigest() if checksum else "0" * 40}
    for key, value in entries.items():
        entry = made.external_data.add()
        entry.key, entry.value = key, value
    onnx.save(small_model([made]), out / name)
    return {"tensors": [described("w", np.float32([2.0, 3.0]))]}


def main():
    out = folder("onnx_more")
    files = {}
    for name, in_int32 in (("small_raw", False), ("small_int32", True)):
        onnx.save(small_model(small(in_int32)), out / f"{name}.onnx")
        files[f"{name}.onnx"] = {"tensors": [read(t) for t in small(in_int32)]}
    made, expected = everywhere()
    onnx.save(made, out / "everywhere.onnx")
    files["everywhere.onnx"] = {"tensors": expected}
    files["checksum.onnx"] = external(out, "checksum.onnx", True)
    external(out, "wrong_checksum.onnx", False)
    onnx.save(odd(), out / "odd.onnx")
    write_expectations(out, f"onnx {onnx.__version__}, numpy {np.__version__}", files)


main()
