"""Writes small files, one feature each, with the Python safetensors library to
Fixtures/safetensors."""

import hashlib
import json

from common import folder, sort_metadata, write_json

import ml_dtypes
import numpy as np
import safetensors
from safetensors import TensorSpec, serialize

# What the library calls a dtype when it writes, and what it then writes into the header.
WRITTEN_AS = {
    "bool": "BOOL",
    "int8": "I8",
    "uint8": "U8",
    "int16": "I16",
    "uint16": "U16",
    "int32": "I32",
    "uint32": "U32",
    "int64": "I64",
    "uint64": "U64",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
    "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2": "F8_E5M2",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0",
    "float4_e2m1fn_x2": "F4",
}


def serialized(tensors, metadata=None):
    """`tensors`: name -> (dtype as the library calls it, shape, contiguous array)."""
    arrays = {name: np.ascontiguousarray(array) for name, (_, _, array) in tensors.items()}
    specs = {
        name: TensorSpec(
            dtype=dtype,
            shape=list(shape),
            data_ptr=arrays[name].ctypes.data,
            data_len=arrays[name].nbytes,
        )
        for name, (dtype, shape, _) in tensors.items()
    }
    return sort_metadata(bytes(serialize(specs, metadata=metadata)))


def plain(**arrays):
    return {name: (a.dtype.name, a.shape, a) for name, a in arrays.items()}


def every_dtype():
    signs = np.array([0.0, -0.0, 1.0, -1.5, 2.0, -0.25])
    finfo = np.finfo(np.float32)
    tensors = plain(
        bool=np.array([True, False, True, True]),
        int8=np.array([-128, -1, 0, 127], np.int8),
        uint8=np.array([0, 1, 128, 255], np.uint8),
        int16=np.array([[-(2**15), -1], [0, 2**15 - 1]], np.int16),
        uint16=np.array([[0, 1], [2**15, 2**16 - 1]], np.uint16),
        int32=np.array([-(2**31), -1, 0, 2**31 - 1], np.int32),
        uint32=np.array([0, 1, 2**31, 2**32 - 1], np.uint32),
        int64=np.array([-(2**63), -1, 0, 2**63 - 1], np.int64),
        uint64=np.array([0, 1, 2**63, 2**64 - 1], np.uint64),
        float16=np.append(signs, [np.inf, np.nan, 65504.0, 2.0**-24]).astype(np.float16),
        float32=np.append(signs, [np.inf, np.nan, finfo.max, finfo.smallest_subnormal]).astype(
            np.float32
        ),
        float64=np.append(signs, [-np.inf, np.nan, 1e308, 5e-324]),
        complex64=np.array([1 + 2j, -0.5j, complex(np.inf, np.nan)], np.complex64),
    )
    bfloat16 = np.append(signs, [np.inf, np.nan]).astype(ml_dtypes.bfloat16)
    tensors["bfloat16"] = ("bfloat16", (2, 4), bfloat16)
    every_byte = np.arange(256, dtype=np.uint8)
    for kind in ["e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz", "e8m0fnu"]:
        tensors[f"float8_{kind}"] = (f"float8_{kind}", (16, 16), every_byte)
    # Two to a byte. The library doubles the last dimension in the header.
    packed = np.array([[0x10, 0x32, 0x54, 0x76], [0x98, 0xBA, 0xDC, 0xFE]], np.uint8)
    tensors["float4"] = ("float4_e2m1fn_x2", (2, 4), packed)
    return tensors


def files():
    small = np.arange(6, dtype=np.float32).reshape(2, 3)
    yield "every_dtype", every_dtype(), None
    yield "no_tensors", {}, None
    yield "no_tensors_but_metadata", {}, {"only": "metadata"}
    yield "scalar", plain(scalar=np.array(3.5, np.float32)), None
    yield (
        "empty_tensors",
        plain(
            before=np.array([1, 2], np.int32),
            none=np.zeros((0,), np.float32),
            rows_of_none=np.zeros((3, 0), np.float32),
            none_of_rows=np.zeros((0, 4, 5), np.int64),
            after=np.array([3], np.int32),
        ),
        None,
    )
    yield "metadata_pt", plain(weight=small), {"format": "pt"}
    yield (
        "metadata_text",
        plain(weight=small),
        {
            "": "an empty key",
            "empty value": "",
            "escapes": 'quote " backslash \\ slash / tab \t newline \n nul \0 bell \x07',
            "unicode": "é — 日本語 — 🗻",
            "json": json.dumps({"nested": [1, 2, {"three": None}]}),
        },
    )
    # "é" in one scalar and in two: two tensors, which no comparison may confuse.
    yield (
        "unicode_names",
        {
            name: ("float32", (1,), np.array([value], np.float32))
            for value, name in enumerate(
                [
                    "caf\u00e9",
                    "cafe\u0301",
                    "日本語/カーネル",
                    "🗻",
                    "with space",
                    'quote"',
                    "back\\slash",
                    "a/b.c:0",
                ]
            )
        },
        None,
    )
    # The library writes and reads it; a Cairn file has no place for it.
    yield "empty_name", {"": ("float32", (1,), np.ones(1, np.float32))}, None
    # The library sorts by falling alignment, then by name: not the order given here.
    yield (
        "mixed_alignment",
        plain(
            a=np.arange(3, dtype=np.uint8),
            b=np.arange(2, dtype=np.float64),
            c=np.arange(3, dtype=np.int16),
            d=np.array([True]),
            e=np.arange(3, dtype=np.float32),
            f=np.arange(1, dtype=np.uint64),
        ),
        None,
    )
    deep = np.arange(8, dtype=np.int8).reshape(1, 2, 1, 2, 1, 2, 1)
    yield "many_dimensions", plain(deep=deep), None
    yield (
        "layers_0_to_11",
        {
            f"layers.{i}.weight": ("float32", (2,), np.array([i, -i], np.float32))
            for i in range(12)
        },
        {"format": "pt"},
    )


def main():
    out = folder("safetensors")
    expected = {}
    for name, tensors, metadata in files():
        data = serialized(tensors, metadata)
        file = f"{name}.safetensors"
        (out / file).write_bytes(data)
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        described = {}
        for tensor, (dtype, shape, array) in tensors.items():
            shape = list(shape)
            if dtype == "float4_e2m1fn_x2":
                shape[-1] *= 2
            entry = header[tensor]
            assert entry["dtype"] == WRITTEN_AS[dtype] and entry["shape"] == shape, (tensor, entry)
            begin, end = entry["data_offsets"]
            content = np.ascontiguousarray(array).tobytes()
            assert data[8 + length + begin : 8 + length + end] == content, tensor
            described[tensor] = {
                "dtype": WRITTEN_AS[dtype],
                "shape": shape,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        assert set(header) == set(tensors)
        expected[file] = {
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "metadata": metadata,
            "tensors_in_file_order": sorted(header, key=lambda t: header[t]["data_offsets"]),
            "tensors": described,
        }
    write_json(
        out / "expected.json",
        {"safetensors_version": safetensors.__version__, "files": expected},
    )
    print(f"safetensors: {len(expected)} files")


main()
