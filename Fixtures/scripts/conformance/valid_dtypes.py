"""Every dtype raw and coded, special bits, and how tensors are cut: FORMAT.md, sections 9 to 11."""
import struct
from collections.abc import Iterator
from typing import Any

from .suite import ok
from .tensors import CHUNKED, CODES, COMPONENT, RAW, ROTATES, Tensor, bits_of, noise, packed, product, stepping, strings

LONG = 1 << 16  # bytes of a chunk of these files
BLOCK = bytes(range(18))


def filters(dtype: str, storage: int = CHUNKED) -> list[int]:
    return [0] + [1] * (dtype in COMPONENT) + [2] * (dtype in ROTATES) if storage else [0]


def plain(dtype: str, storage: int) -> Iterator[Tensor]:
    """Odd, scalar, empty; coded also two chunks a filter, the second of a few elements."""
    best = filters(dtype, storage)[-1]
    for label, shape in ("odd", (3, 7)), ("scalar", ()), ("empty", (2, 0, 5)):
        yield Tensor(label, dtype, shape, stepping(dtype, product(shape)), storage, best)
    if storage == CHUNKED:
        count = LONG * 8 // bits_of(dtype) // 8 * 8 + 13
        for filter in filters(dtype):
            yield Tensor(f"two-chunks.{filter}", dtype, (count,), stepping(dtype, count), CHUNKED,
                         filter)


def texts(storage: int) -> Iterator[Tensor]:
    mixed = [b"", "né".encode(), b"\xff\x00raw", b"", b"x" * 300, b"last"]
    yield Tensor("odd", "string", (2, 3), strings(mixed), storage)
    yield Tensor("scalar", "string", (), strings([b"one"]), storage)
    yield Tensor("empty", "string", (0, 3), b"", storage)
    yield Tensor("all-empty", "string", (4,), strings([b""] * 4), storage)
    if storage == CHUNKED:  # the ends alone fill a chunk
        yield Tensor("two-chunks", "string", (9001,), strings(
            [b"text" if i % 500 == 0 else b"" for i in range(9000)] + [b"z"]), storage)


def quantized(storage: int) -> Iterator[Tensor]:
    yield Tensor("odd", "quantized", (3, 64), BLOCK * 6, storage, quant=(2, 32, 18))
    yield Tensor("scalar", "quantized", (), b"\x07\x08\x09", storage, quant=(7, 1, 3))
    yield Tensor("empty", "quantized", (0, 32), b"", storage, quant=(2, 32, 18))
    yield Tensor("across-rows", "quantized", (2, 16), BLOCK, storage, quant=(2, 32, 18))
    yield Tensor("type-0", "quantized", (4,), b"ab", storage, quant=(0, 2, 1))
    yield Tensor("type-largest", "quantized", (4,), b"ab", storage, quant=(0xffffffff, 2, 1))
    if storage == CHUNKED:  # 312 blocks a chunk
        yield Tensor("two-chunks", "quantized", (3, 105600), bytes(range(210)) * 3300, storage,
                     quant=(14, 96, 210))


def dtypes() -> None:
    for storage, label in (RAW, "raw"), (CHUNKED, "coded"):
        for dtype in list(CODES)[:25]:
            ok(f"{label}-{dtype}", [*plain(dtype, storage)], "9 10 11" if storage else "9 11")
        ok(f"{label}-string", [*texts(storage)], "11")
        ok(f"{label}-quantized", [*quantized(storage)], "11")


def special_bits() -> None:
    """-0, subnormals, infinities, NaNs of either kind with payloads: quiet and signalling."""
    words = {
        16: struct.pack("<8H", 0x8000, 1, 0x8001, 0x7e01, 0x7c01, 0x7f81, 0xffff, 0x7c00),
        32: struct.pack("<8I", 1 << 31, 1, 0x80000001, 0x7fc00001, 0x7f800001, 0xffffffff,
                        0x7f800000, 0xff800000),
        64: struct.pack("<8Q", 1 << 63, 1, 0x8000000000000001, 0x7ff8000000000abc,
                        0x7ff0000000000001, (1 << 64) - 1, 0x7ff << 52, 0xfff << 52)}
    for dtype, width in (("float16", 16), ("bfloat16", 16), ("float32", 32), ("float64", 64),
                         ("complex64", 32), ("complex128", 64)):
        data = words[width] * 16
        ok(f"special-bits-{dtype}", [
            Tensor(f"{'coded' if storage else 'raw'}.{filter}", dtype,
                   (len(data) * 8 // bits_of(dtype),), data, storage, filter)
            for storage in (RAW, CHUNKED) for filter in filters(dtype, storage)], "11")
    every = bytes(range(256))  # every pattern of a byte, NaNs and -0 among them
    for dtype in [d for d in CODES if d.startswith("float8")]:
        ok(f"special-bits-{dtype}", [Tensor("raw", dtype, (256,), every), Tensor(
            "coded", dtype, (2560,), every * 10, CHUNKED)], "11")
    for dtype in [d for d in CODES if bits_of(d) in (4, 6)]:
        n = 1 << bits_of(dtype)
        ok(f"every-pattern-{dtype}", [
            Tensor("raw", dtype, (n - 3,), packed(range(n - 3), bits_of(dtype))),
            Tensor("coded", dtype, (16 * n,), packed([*range(n)] * 16, bits_of(dtype)), CHUNKED)],
           "11")


def chunks() -> None:
    def file(name: str, *arguments: Any, log: int = 16, **more: Any) -> None:
        ok(f"chunk-{name}", [Tensor("a", *arguments, **more)], "3 10 11", chunk=log)

    file("exact", "uint8", (LONG,), bytes(LONG), CHUNKED)
    file("one-byte-less", "uint8", (LONG - 1,), bytes(LONG - 1), CHUNKED)
    file("one-byte-more", "uint8", (LONG + 1,), bytes(LONG) + b"\1", CHUNKED)
    file("two-exact", "int16", (2, LONG // 2), bytes(2 * LONG), CHUNKED, 1)
    file("six-bits-cut-between-elements", "float6_e2m3fn", (100001,), packed(
        [i % 3 for i in range(100001)], 6), CHUNKED)
    file("of-one-quantized-block", "quantized", (2,), bytes(131072), CHUNKED,
         quant=(1, 1, 65536))
    file("stored-as-it-is", "float32", (64,), noise(256, 1), CHUNKED, 2)
    file("coded-then-stored", "uint8", (LONG + 500,), bytes(LONG) + noise(500, 8), CHUNKED)
    file("noise-in-the-low-planes", "float64", (500,), b"".join(
        noise(4, i) + b"\0\0\xf0\x3f" for i in range(500)), CHUNKED, 2)
    for log in range(17, 24):
        file(f"size-2-{log}", "uint8", (5,), b"small", CHUNKED, log=log)
    file("size-2-24", "uint8", (300000,), bytes(300000), CHUNKED, log=24)
