"""Writes GGUF files of the types of few bits, of the other byte order and in parts with the gguf package to
Fixtures/gguf_more, and what it reads and dequantises."""

from common import folder
from expectations import write_expectations

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

# Random blocks with scales that are finite: offsets of the halves. Where there are none, any byte will do.
BLOCKS = {T.IQ2_XXS: [0], T.IQ2_XS: [0], T.IQ2_S: [0], T.IQ3_XXS: [0], T.IQ3_S: [0], T.IQ1_S: [0],
          T.IQ4_NL: [0], T.IQ4_XS: [0], T.TQ1_0: [52], T.TQ2_0: [64], T.MXFP4: [], T.NVFP4: []}
PARTS = 3


def blocks():
    random = np.random.default_rng(13)
    for type, halves in BLOCKS.items():
        elements, size = gguf.GGML_QUANT_SIZES[type]
        count = 256 // elements
        data = random.integers(0, 256, (1, count, size), dtype=np.uint8)
        for offset in halves:
            scales = random.standard_normal((1, count)).astype(np.float16)
            data[:, :, offset : offset + 2] = scales[..., None].view(np.uint8)
        if type == T.MXFP4:
            # The smallest exponents are made otherwise than the others.
            data[0, :4, 0] = [0, 1, 2, 250]
        if type == T.NVFP4:
            data[0, 0, :4] = [0, 0x7F, 0x80, 0xFF]
        yield type, data.reshape(1, -1), (1, 256)
    # The scale of this one stands in the top bits of four words.
    data = random.integers(0, 256, (1, 1, 56), dtype=np.uint8)
    words = data[:, :, 48:].view(np.uint16)
    scales = random.standard_normal((1, 1)).astype(np.float16).view(np.uint16)
    for word in range(4):
        top = (scales >> np.uint16(4 * word)) & np.uint16(15)
        words[:, :, word] = (words[:, :, word] & np.uint16(0x0FFF)) | (top << np.uint16(12))
    yield T.IQ1_M, data.reshape(1, -1), (1, 256)


def write_blocks(path):
    writer = gguf.GGUFWriter(path, "test")
    shapes = {}
    for type, data, shape in blocks():
        shapes[type.name] = shape
        writer.add_tensor(type.name, data, raw_dtype=type)
    finish(writer)
    out = []
    for tensor in gguf.GGUFReader(path).tensors:
        elements, size = gguf.GGML_QUANT_SIZES[tensor.tensor_type]
        floats = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        assert floats.shape == shapes[tensor.name] and floats.dtype == np.float32
        out.append({"name": tensor.name,
                    "dtype": f"quantized({int(tensor.tensor_type)}:{elements}x{size}B)",
                    "shape": list(floats.shape), "hex": tensor.data.tobytes().hex(),
                    "floats": floats.tobytes().hex()})
    return {"tensors": out}


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def plain():
    for dtype in (np.float32, np.float16, np.float64, np.int8, np.int16, np.int32, np.int64):
        raw = np.arange(1, 6 * np.dtype(dtype).itemsize + 1, dtype=np.uint8)
        yield np.dtype(dtype).name, raw.view(dtype).reshape(2, 3)


def described(tensors):
    out = []
    for name, array in tensors:
        little = np.asarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        out.append({"name": name, "dtype": array.dtype.newbyteorder("=").name, "shape": list(array.shape),
                    "hex": little.tobytes().hex()})
    return {"tensors": out}


def write_big_endian(path):
    writer = gguf.GGUFWriter(path, "test", endianess=gguf.GGUFEndian.BIG)
    writer.add_uint16("t.uint16", 60000)
    writer.add_float64("t.float64", 0.1)
    writer.add_array("t.ints", [1, -2, 3])
    for name, array in plain():
        writer.add_tensor(name, array)
    finish(writer)
    return described((t.name, t.data) for t in gguf.GGUFReader(path).tensors)


def write_split(out):
    arrays = {f"blk.{i}.w": np.arange(i, i + 8, dtype=np.float32) for i in range(6)}
    writer = gguf.GGUFWriter(out / "split.gguf", "test", split_max_tensors=2)
    writer.add_uint8("t.uint8", 200)
    writer.add_array("t.texts", ["a", "b"])
    for name, array in arrays.items():
        writer.add_tensor(name, array)
    finish(writer)
    return described(arrays.items())


def write_odd(path):
    """A type that is not known, keys that cannot be kept, arrays in arrays, values of every width."""
    writer = gguf.GGUFWriter(path, "test")
    for name, type in (("a.uint8", "uint8"), ("a.int8", "int8"), ("a.uint16", "uint16"), ("a.int16", "int16"),
                       ("a.uint32", "uint32"), ("a.int32", "int32"), ("a.uint64", "uint64"),
                       ("a.int64", "int64"), ("a.float32", "float32"), ("a.float64", "float64"),
                       ("a.bool", "bool")):
        kind = getattr(gguf.GGUFValueType, type.upper())
        writer.add_key_value(name, [True, False] if type == "bool" else [1, 2], gguf.GGUFValueType.ARRAY, kind)
    writer.add_key_value("", 7, gguf.GGUFValueType.UINT8)
    writer.add_uint64("t.large", 2**64 - 1)
    writer.add_tensor("plain", np.arange(8, dtype=np.float32))
    writer.add_tensor("odd", np.arange(8, dtype=np.float32))
    finish(writer)
    data = bytearray(path.read_bytes())
    place = data.index(b"\x03\0\0\0\0\0\0\0odd") + 11 + 4 + 8
    data[place] = 99
    path.write_bytes(data)


def main():
    out = folder("gguf_more")
    files = {"blocks.gguf": write_blocks(out / "blocks.gguf"),
             "big_endian.gguf": write_big_endian(out / "big_endian.gguf")}
    split = write_split(out)
    for number in range(PARTS):
        files[f"split-{number + 1:05d}-of-{PARTS:05d}.gguf"] = split
    write_odd(out / "odd.gguf")
    write_expectations(out, f"gguf {version()}, numpy {np.__version__}", files)


def version():
    from importlib.metadata import version

    return version("gguf")


main()
