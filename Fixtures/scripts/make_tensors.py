"""Writes golden conversions of ml_dtypes and NumPy, and golden texts of NumPy's printing, to
Fixtures/tensors."""

import hashlib

from common import folder, write_json, write_safetensors

import ml_dtypes
import numpy as np

SEED = 20240603
# Kinds smaller than 16 bits: bits of a pattern, and ml_dtypes' type.
SMALL_KINDS = {
    "float8_e4m3fn": (8, ml_dtypes.float8_e4m3fn),
    "float8_e5m2": (8, ml_dtypes.float8_e5m2),
    "float8_e4m3fnuz": (8, ml_dtypes.float8_e4m3fnuz),
    "float8_e5m2fnuz": (8, ml_dtypes.float8_e5m2fnuz),
    "float8_e8m0fnu": (8, ml_dtypes.float8_e8m0fnu),
    "float6_e2m3fn": (6, ml_dtypes.float6_e2m3fn),
    "float6_e3m2fn": (6, ml_dtypes.float6_e3m2fn),
    "float4_e2m1fn": (4, ml_dtypes.float4_e2m1fn),
}


def bits(values):
    return np.asarray(values, dtype=np.float32).view(np.uint32)


def unique(*parts):
    """The distinct patterns, in the order of their first appearance."""
    everything = np.concatenate([np.asarray(p, dtype=np.uint32).ravel() for p in parts])
    _, first = np.unique(everything, return_index=True)
    return everything[np.sort(first)]


def special_patterns():
    finite = np.finfo(np.float32)
    positive = np.concatenate(
        [
            bits([0.0, 1.0, np.inf, finite.max, finite.tiny, finite.smallest_subnormal]),
            np.array([0x007FFFFF, 0x00400000, 0x00000002, 0x00000003], np.uint32),
            # NaNs: quiet and signalling, payloads high, low and full.
            np.array(
                [0x7FC00000, 0x7FC00001, 0x7FFFFFFF, 0x7F800001, 0x7F801FFF, 0x7F802000,
                 0x7F80FFFF, 0x7F810000, 0x7FA00000, 0x7FBFFFFF, 0x7FC12345, 0x7FD55555],
                np.uint32,
            ),
        ]
    )  # fmt: skip
    return unique(positive, positive | np.uint32(0x80000000))


def around_midpoints(lower, upper):
    """The midpoint of two neighbours of a narrower kind, and the float32 just beside it."""
    with np.errstate(over="ignore"):
        middle = (lower.astype(np.float64) + upper.astype(np.float64)) / 2
        middle = bits(middle.astype(np.float32))
    return np.concatenate([middle, middle - np.uint32(1), middle + np.uint32(1)])


def patterns_for_bfloat16(random):
    high = random.integers(0, 0x7F7F, 160, dtype=np.uint32)
    high = np.concatenate([high, np.array([0, 1, 2, 0x7E, 0x7F, 0x80, 0x7F7E, 0x7F7F], np.uint32)])
    low = np.array([0x0000, 0x0001, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
    table = (high[:, None] << np.uint32(16)) | low[None, :]
    return np.concatenate([table.ravel(), table.ravel() | np.uint32(0x80000000)])


def patterns_for_float16(random):
    half = random.integers(0, 0x7BFF, 160, dtype=np.uint16)
    half = np.concatenate(
        [half, np.array([0, 1, 2, 0x3FE, 0x3FF, 0x400, 0x401, 0x7BFD, 0x7BFE], np.uint16)]
    )
    table = np.concatenate(
        [
            around_midpoints(
                half.view(np.float16).astype(np.float32),
                (half + np.uint16(1)).view(np.float16).astype(np.float32),
            ),
            bits(half.view(np.float16).astype(np.float32)),
            bits([65504.0, 65519.99, 65520.0, 65535.0, 65536.0, 1e5, 2.0**-25, 2.0**-26]),
            bits([2.0**-25]) + np.uint32(1),
        ]
    )
    return np.concatenate([table, table | np.uint32(0x80000000)])


def patterns_for_small_kinds(random):
    """Every neighbour pair's midpoint of every small kind, and both sides of its largest value."""
    parts = [special_patterns()]
    for width, kind in SMALL_KINDS.values():
        values = np.arange(2**width, dtype=np.uint8).view(kind).astype(np.float32)
        values = np.unique(values[np.isfinite(values) & (values > 0)])
        count = min(len(values), 40)
        chosen = values[np.linspace(0, len(values) - 1, count).astype(int)]
        nearest = np.minimum(np.searchsorted(values, chosen) + 1, len(values) - 1)
        parts += [bits(chosen), around_midpoints(chosen, values[nearest])]
        with np.errstate(over="ignore"):
            factors = np.array([1.01, 1.0625, 1.125, 1.25, 1.5, 2.0, 4.0])
            beyond = values[-1].astype(np.float64) * factors
            below = values[0].astype(np.float64) * np.array([0.75, 0.5, 0.49, 0.25])
            parts += [bits(beyond.astype(np.float32)), bits(below.astype(np.float32))]
    magnitudes = unique(*parts)
    negative = magnitudes[random.permutation(len(magnitudes))[:300]] | np.uint32(0x80000000)
    return unique(magnitudes, negative, random.integers(0, 2**32, 100, dtype=np.uint32))


def is_nan(patterns):
    return (patterns & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)


def quiet(function, *arguments):
    with np.errstate(all="ignore"):
        return function(*arguments)


def casts():
    random = np.random.default_rng(SEED)
    anything = random.integers(0, 2**32, 600, dtype=np.uint32)
    ordinary = bits(random.normal(0.0, 1.0, 300).astype(np.float32))
    nans = random.integers(1, 2**23, 100, dtype=np.uint32) | np.uint32(0x7F800000)
    nans[::2] |= np.uint32(0x80000000)
    to16 = unique(
        special_patterns(),
        patterns_for_bfloat16(random),
        patterns_for_float16(random),
        anything,
        ordinary,
        nans,
    )
    floats = to16.view(np.float32)
    tensors = {
        "float32_to_16/input": to16,
        "float32_to_16/bfloat16": quiet(floats.astype, ml_dtypes.bfloat16).view(np.uint16),
        "float32_to_16/float16": quiet(floats.astype, np.float16).view(np.uint16),
    }

    small = patterns_for_small_kinds(random)
    small_floats = small.view(np.float32)
    tensors["float32_to_small/input"] = small
    kinds = {}
    for name, (width, kind) in SMALL_KINDS.items():
        every = np.arange(2**width, dtype=np.uint8)
        decoded = quiet(every.view(kind).astype, np.float32).view(np.uint32)
        tensors[f"to_float32/{name}"] = decoded
        narrowed = quiet(small_floats.astype, kind).view(np.uint8)
        tensors[f"float32_to_small/{name}"] = narrowed
        numbers = decoded.view(np.float32)
        kinds[name] = {
            "bits": width,
            "patterns": 2**width,
            "nan_patterns": [int(i) for i in np.flatnonzero(is_nan(decoded))],
            "infinity_patterns": [
                int(i) for i in np.flatnonzero((decoded & np.uint32(0x7FFFFFFF)) == 0x7F800000)
            ],
            "largest": float(numbers[np.isfinite(numbers)].max()),
        }

    halves = np.arange(65536, dtype=np.uint16)
    decodings = {}
    for name, kind in [("bfloat16", ml_dtypes.bfloat16), ("float16", np.float16)]:
        decoded = quiet(halves.view(kind).astype, np.float32).view(np.uint32)
        numbers = decoded[~is_nan(decoded)]
        decodings[name] = {
            "patterns": 65536,
            "nan_patterns": int(is_nan(decoded).sum()),
            "sha256": hashlib.sha256(decoded.astype("<u4").tobytes()).hexdigest(),
            "sha256_without_nan": hashlib.sha256(numbers.astype("<u4").tobytes()).hexdigest(),
        }

    out = folder("tensors")
    write_safetensors(
        out / "casts.safetensors",
        tensors,
        {"ml_dtypes_version": ml_dtypes.__version__, "numpy_version": np.__version__},
    )
    write_json(
        out / "casts.json",
        {
            "ml_dtypes_version": ml_dtypes.__version__,
            "numpy_version": np.__version__,
            "float32_to_16": {
                "count": len(to16),
                "nan_inputs": int(is_nan(to16).sum()),
                "input": "float32_to_16/input",
                "bfloat16": "float32_to_16/bfloat16",
                "float16": "float32_to_16/float16",
            },
            "float32_to_small": {
                "count": len(small),
                "nan_inputs": int(is_nan(small).sum()),
                "input": "float32_to_small/input",
                "kinds": {name: f"float32_to_small/{name}" for name in SMALL_KINDS},
            },
            "to_float32": {
                "by_table": {n: {"tensor": f"to_float32/{n}", **k} for n, k in kinds.items()},
                "by_digest": decodings,
            },
        },
    )
    print(f"tensors: {len(to16)} patterns to 16 bits, {len(small)} to fewer")


def printed_arrays():
    random = np.random.default_rng(SEED + 1)
    f32, f64, f16 = np.float32, np.float64, np.float16
    inf, nan = np.inf, np.nan
    yield np.array([1, 2, 3], np.int32)
    yield np.array([-1, 20, 300, -4000], np.int64)
    yield np.array([[1, -2], [30, 4]], np.int8)
    yield np.array([0, 255], np.uint8)
    yield np.array([2**63 - 1, -(2**63)], np.int64)
    yield np.array([2**64 - 1, 0], np.uint64)
    yield np.array([65535, 7], np.uint16)
    yield np.array([True, False, True])
    yield np.array([[True], [False]])
    yield np.array(True)
    yield np.array(7, np.int32)
    yield np.array(-3, np.int64)
    yield np.array(2.5, f32)
    yield np.array(1e-7, f64)
    yield np.array(3.0, f64)
    yield np.array(0.1, f32)
    yield np.array(nan, f32)
    yield np.array([], f32)
    yield np.array([], np.int64)
    yield np.zeros((0, 3), f32)
    yield np.zeros((3, 0), f32)
    yield np.zeros((2, 0, 3), np.int32)
    yield np.array([1.0, 2.0, 3.0], f32)
    yield np.array([1.0, -2.0, 300.0], f64)
    yield np.array([0.0, -0.0], f32)
    yield np.array([0.1, 0.25, 1.5], f32)
    yield np.array([0.1, 0.25, 1.5], f64)
    yield np.array([1 / 3, 2 / 3, 1.0], f32)
    yield np.array([1 / 3, 2 / 3, 1.0], f64)
    yield np.array([3.14159265358979, 100.5], f64)
    yield np.array([1e-5, 1.0], f64)
    yield np.array([1e-4, 1.0], f64)
    yield np.array([1e10, 1.0], f32)
    yield np.array([1e8, 2.0], f64)
    yield np.array([99999999.0, 2.0], f64)
    yield np.array([1e16, 2e16], f64)
    yield np.array([1e-10, 1e10], f64)
    yield np.array([1e-300, 1e300], f64)
    yield np.array([1.1e-8, -2.2e-9], f32)
    yield np.array([1001.5, 1.0], f64)
    yield np.array([0.001, 1.0], f64)
    yield np.array([0.0009, 1.0], f64)
    yield np.array([5e-324, 1.7976931348623157e308], f64)
    yield np.array([1e-45, 3.4028235e38], f32)
    yield np.array([nan, 1.0, -2.5], f32)
    yield np.array([inf, -inf, 1.0], f64)
    yield np.array([nan, inf, -inf], f32)
    yield np.array([1.0, nan, 1e-9], f64)
    yield np.array([[1.5, -2.25], [1000.125, 0.0]], f32)
    yield np.array([[0.1, 0.22], [0.333, 4.4444]], f64)
    yield np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    yield (np.arange(12, dtype=f32) / 4).reshape(2, 2, 3)
    yield np.arange(16, dtype=np.uint8).reshape(2, 2, 2, 2)
    yield np.ones((1, 1, 1), f64)
    yield np.array([1.0, 0.5, 65504.0, 6e-8], f16)
    yield np.array([0.1, 0.2, 0.3], f16)
    yield np.array(0.1, f16)
    yield np.array([1 + 2j, -0.5 - 1.25j], np.complex64)
    yield np.array([1 / 3 + 1e-3j, complex(nan, -inf)], np.complex64)
    yield np.array(1.5 - 2j, np.complex64)
    yield np.array([1 + 2j, 3 - 4j], np.complex128)
    # Wrapped lines, up to and over the threshold of 1,000 elements.
    yield np.arange(30, dtype=np.int32)
    yield np.arange(100, dtype=np.int16) * 100
    yield random.normal(0.0, 1.0, 20).astype(f32)
    yield random.normal(0.0, 1.0, 12)
    yield random.normal(0.0, 1.0, (3, 10)).astype(f32)
    yield random.integers(0, 2, 60).astype(bool)
    yield np.arange(1000, dtype=np.int16)
    yield np.arange(1001, dtype=np.int16)
    yield np.arange(1500, dtype=np.int16)
    yield np.arange(1500, dtype=f32) / f32(8)
    yield random.normal(0.0, 1.0, 1500).astype(f16)
    yield np.arange(3600, dtype=np.int16).reshape(60, 60)
    yield random.normal(0.0, 1.0, (60, 60)).astype(f16)
    yield np.arange(1200, dtype=np.int16).reshape(300, 4)
    yield np.arange(1200, dtype=np.int16).reshape(4, 300)
    yield (np.arange(1728) % 128).astype(np.int8).reshape(12, 12, 12)
    yield (np.arange(1536) % 100).astype(np.int8).reshape(2, 768)
    yield random.integers(0, 2, 1200).astype(bool)
    yield np.zeros((1001, 0), f32)


def numpy_repr():
    entries = []
    for array in printed_arrays():
        array = np.asarray(array)
        little = array.astype(array.dtype.newbyteorder("<"))
        entries.append(
            {
                "dtype": array.dtype.name,
                "shape": list(array.shape),
                "values": little.tobytes().hex(),
                "text": str(array),
            }
        )
    write_json(folder("tensors") / "numpy_repr.json", entries)
    print(f"tensors: {len(entries)} printed arrays")


casts()
numpy_repr()
