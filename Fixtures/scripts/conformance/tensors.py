"""Element types, tensors and their planes and chunks: FORMAT.md, sections 9 to 11."""
import hashlib
import itertools
import random
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .frames import Frame

# What makes a stream of a chunk's planes; None keeps them as they are.
Coder = Callable[[bytes], bytes | None]

CODES = {name: code for code, name in enumerate(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 "
    "complex64 complex128 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz "
    "float8_e8m0fnu float6_e2m3fn float6_e3m2fn float4_e2m1fn int4 uint4 string quantized".split(),
    1)}
BITS = [8, 8, 16, 32, 64, 8, 16, 32, 64, 16, 16, 32, 64, 64, 128, 8, 8, 8, 8, 8, 6, 6, 4, 4, 4]
COMPONENT = {"int16": 2, "int32": 4, "int64": 8, "uint16": 2, "uint32": 4, "uint64": 8,
             "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8, "complex64": 4,
             "complex128": 8}
ROTATES = {"float16", "bfloat16", "float32", "float64", "complex64", "complex128"}
RAW, CHUNKED, ALIAS = 0, 1, 2


def noise(count: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(count)  # Mersenne Twister: the same everywhere


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sealed(body: bytes, wrong: int = 0) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body) ^ wrong)


def bits_of(dtype: str) -> int:
    return BITS[CODES[dtype] - 1] if CODES[dtype] <= len(BITS) else 0


def product(shape: Sequence[int]) -> int:
    n = 1
    for d in shape:
        n *= d
    return n


def strings(values: Sequence[bytes]) -> bytes:
    ends = itertools.accumulate(len(value) for value in values)
    return b"".join(struct.pack("<Q", end) for end in ends) + b"".join(values)


def packed(values: Sequence[int], bits: int) -> bytes:
    """Values of 4 or 6 bits as one little-endian bit string."""
    whole = sum(value << i * bits for i, value in enumerate(values))
    return whole.to_bytes((len(values) * bits + 7) // 8, "little")


def deflated(planes: bytes) -> bytes:
    return zlib.compress(planes, 9)


class Tensor:
    """One tensor or alias. Anything in `wrong` replaces what the rules would give."""

    # What a container gives it: where it stands, whose bytes it has, and what it became.
    ordinal: int
    place: int
    row: int
    owner: "Tensor | None"
    frames: "list[Frame]"

    def __init__(self, name: str | bytes, dtype: str = "float32", shape: Sequence[int] = (), data: bytes = b"",
                 storage: int = RAW, filter: int = 0, position: int | None = None, of: str | None = None,
                 quant: tuple[int, int, int] = (0, 0, 0), coder: Coder = deflated, tamper: Any = None,
                 **wrong: Any) -> None:
        self.name = name.encode() if isinstance(name, str) else name
        self.dtype, self.shape, self.data, self.storage = dtype, tuple(shape), data, storage
        self.filter, self.position, self.of, self.quant = filter, position, of, quant
        self.coder, self.tamper, self.wrong = coder, tamper, wrong
        if of is not None:
            self.storage = ALIAS

    def code(self) -> Any:
        return self.wrong.get("code", CODES.get(self.dtype))

    def size(self) -> Any:
        return self.wrong.get("size", len(self.data))

    def granule(self) -> int:
        if self.dtype == "quantized":
            return self.quant[2] or 1
        return {"string": 1}.get(self.dtype) or {4: 4, 6: 6}.get(bits_of(self.dtype),
                                                                bits_of(self.dtype) // 8)

    def planes(self, chunk: bytes) -> bytes:
        if self.filter == 0:
            return chunk
        k = COMPONENT[self.dtype]
        columns = [bytearray() for _ in range(k)]
        for at in range(0, len(chunk), k):
            value = int.from_bytes(chunk[at:at + k], "little")
            if self.filter == 2:
                value = (value << 1 | value >> 8 * k - 1) & (1 << 8 * k) - 1
            for column, byte in zip(columns, value.to_bytes(k, "little")):
                column.append(byte)
        return b"".join(columns)

    def chunks(self, log: int) -> Iterator[tuple[bytes, int]]:
        """(stored, logical) of every chunk."""
        unit = (1 << log) // self.granule() * self.granule()
        for at in range(0, len(self.data), unit):
            chunk = self.data[at:at + unit]
            stream = self.coder(self.planes(chunk))
            if stream is None or len(stream) >= len(chunk) and "force" not in self.wrong:
                stream = chunk
            yield stream, self.wrong.get("chunk_logical", len(chunk))

    def leaf(self) -> bytes:
        segments = [self.data[at:at + (1 << 20)] for at in range(0, len(self.data), 1 << 20)]
        return sha(b"cairn.leaf.1" + bytes(4) + struct.pack("<HH", self.code(), len(self.shape))
                   + struct.pack("<III", *self.quant)
                   + b"".join(struct.pack("<Q", d) for d in self.shape)
                   + struct.pack("<Q", len(self.data)) + b"".join(map(sha, segments)))


def stepping(dtype: str, count: int) -> bytes:
    """Bytes with structure for a dtype: small steps, so that planes are worth it."""
    k = COMPONENT.get(dtype, 1)
    n = count
    if dtype in ("float32", "complex64"):
        n = count * (2 if dtype == "complex64" else 1)
        return struct.pack(f"<{n}f", *[(i % 32 - 16) / 8 for i in range(n)])
    if dtype in ("float64", "complex128"):
        n = count * (2 if dtype == "complex128" else 1)
        return struct.pack(f"<{n}d", *[(i % 32 - 16) / 8 for i in range(n)])
    if dtype == "bool":
        return bytes(i * i % 7 // 2 % 2 for i in range(n))
    if dtype in CODES and bits_of(dtype) in (4, 6):
        return packed([i % 5 for i in range(n)], bits_of(dtype))
    return b"".join((i % 50 + 3).to_bytes(k, "little") for i in range(n))


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)
