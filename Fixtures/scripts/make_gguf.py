"""Writes small GGUF files with the gguf package to Fixtures/gguf, and what it reads and dequantises."""

from common import folder
from expectations import write_expectations

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

QUANTIZABLE = [T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1]
# The package dequantises these and does not quantise: random blocks with scales that are finite. Where
# the scales are: offsets of the halves.
BLOCKS = {T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208]}
PLAIN = {T.F32: np.float32, T.F64: np.float64, T.I8: np.int8, T.I16: np.int16, T.I32: np.int32,
         T.I64: np.int64}


def tensors():
    random = np.random.default_rng(11)
    for type, dtype in PLAIN.items():
        raw = np.arange(1, 6 * np.dtype(dtype).itemsize + 1, dtype=np.uint8)
        yield f"plain.{type.name}", type, raw.view(dtype).reshape(2, 3), (2, 3)
    weights = random.standard_normal((3, 64)).astype(np.float32)
    for type in QUANTIZABLE:
        yield f"blocks.{type.name}", type, gguf.quants.quantize(weights, type), (3, 64)
    for type, halves in BLOCKS.items():
        _, size = gguf.GGML_QUANT_SIZES[type]
        blocks = random.integers(0, 256, (2, 2, size), dtype=np.uint8)
        for offset in halves:
            scales = random.standard_normal((2, 2)).astype(np.float16)
            blocks[:, :, offset : offset + 2] = scales[..., None].view(np.uint8)
        yield f"blocks.{type.name}", type, blocks.reshape(2, -1), (2, 512)


def keys(writer):
    writer.add_uint8("t.uint8", 200)
    writer.add_int8("t.int8", -100)
    writer.add_uint16("t.uint16", 60000)
    writer.add_int16("t.int16", -30000)
    writer.add_uint32("t.uint32", 4000000000)
    writer.add_int32("t.int32", -2000000000)
    writer.add_float32("t.float32", 0.1)
    writer.add_uint64("t.uint64", 2**63 + 1)
    writer.add_int64("t.int64", -(2**62))
    writer.add_float64("t.float64", 0.1)
    writer.add_bool("t.bool", True)
    writer.add_string("t.string", "é 日本")
    writer.add_array("t.ints", [1, -2, 3])
    writer.add_array("t.floats", [0.5, -1.5])
    writer.add_array("t.texts", ["a", "", "ü"])
    writer.add_array("t.bools", [True, False])


METADATA = {"general.architecture": "test", "t.uint8": 200, "t.int8": -100, "t.uint16": 60000,
            "t.int16": -30000, "t.uint32": 4000000000, "t.int32": -2000000000,
            "t.float32": float(np.float32(0.1)), "t.uint64": 2**63 + 1, "t.int64": -(2**62),
            "t.float64": 0.1, "t.bool": True, "t.string": "é 日本", "t.ints": [1, -2, 3],
            "t.floats": [0.5, -1.5], "t.texts": ["a", "", "ü"], "t.bools": [True, False]}


def write(path, version=3, alignment=None):
    writer = gguf.GGUFWriter(path, "test")
    if alignment:
        writer.add_custom_alignment(alignment)
    keys(writer)
    for name, type, data, _ in tensors():
        writer.add_tensor(name, data, raw_dtype=type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    if version != 3:
        # Versions 2 and 3 differ in this number, and in big-endian files, only.
        data = bytearray(path.read_bytes())
        data[4] = version
        path.write_bytes(data)


def described(path):
    out = []
    shapes = {name: shape for name, _, _, shape in tensors()}
    for tensor in gguf.GGUFReader(path).tensors:
        elements, size = gguf.GGML_QUANT_SIZES[tensor.tensor_type]
        names = {T.F16: "float16", T.BF16: "bfloat16"}
        if tensor.tensor_type in PLAIN:
            dtype = np.dtype(PLAIN[tensor.tensor_type]).name
        else:
            dtype = names.get(tensor.tensor_type,
                              f"quantized({int(tensor.tensor_type)}:{elements}x{size}B)")
        assert tuple(reversed(tensor.shape.tolist())) == shapes[tensor.name]
        entry = {"name": tensor.name, "dtype": dtype, "shape": list(shapes[tensor.name]),
                 "hex": tensor.data.tobytes().hex()}
        if tensor.tensor_type not in PLAIN:
            floats = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            assert floats.dtype == np.float32 and floats.shape == shapes[tensor.name]
            entry["floats"] = floats.tobytes().hex()
        out.append(entry)
    return {"metadata": METADATA, "tensors": out}


def main():
    out = folder("gguf")
    files = {}
    for name, version, alignment in (("version_2", 2, None), ("version_3", 3, None),
                                     ("alignment_256", 3, 256)):
        path = out / f"{name}.gguf"
        write(path, version, alignment)
        files[path.name] = described(path)
    write_expectations(out, f"gguf {gguf_version()}, numpy {np.__version__}", files)


def gguf_version():
    from importlib.metadata import version

    return version("gguf")


main()
