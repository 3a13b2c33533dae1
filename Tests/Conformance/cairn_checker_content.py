"""What the frames of a Cairn container 1.0 hold: dtypes, chunks, elements, metadata, JSON.

The half of cairn_checker.py that knows nothing of files and frames; from FORMAT.md alone (§). The
`at` of a function is the offset in the file of what it is given, for the report of a violation.
"""
import hashlib
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import SimpleNamespace as Record
from typing import Any

MIB, RAW, CHUNKED, ALIAS = 1 << 20, 0, 1, 2
DTYPES = dict(enumerate((row.split() for row in (  # §11: name, bits, component bytes, r: rotates
    "bool 8 1/int8 8 1/int16 16 2/int32 32 4/int64 64 8/uint8 8 1/uint16 16 2/uint32 32 4/"
    "uint64 64 8/float16 16 2 r/bfloat16 16 2 r/float32 32 4 r/float64 64 8 r/complex64 64 4 r/"
    "complex128 128 8 r/float8_e4m3fn 8 1/float8_e5m2 8 1/float8_e4m3fnuz 8 1/float8_e5m2fnuz 8 1/"
    "float8_e8m0fnu 8 1/float6_e2m3fn 6 1/float6_e3m2fn 6 1/float4_e2m1fn 4 1/int4 4 1/uint4 4 1/"
    "string 0 1/quantized 0 1").split("/")), 1))

class Invalid(Exception):
    """A violation: code word and offset in the file."""

def need(condition: object, code: str, offset: int) -> None:
    if not condition:
        raise Invalid(f"{code} at {offset}")

def rules(at: int, code: str, conditions: Mapping[int, object]) -> None:
    """Of the record at `at`: what must hold for the field at each offset in it."""
    for offset, condition in conditions.items():
        need(condition, code, at + offset)

def zero(data: bytes, at: int, code: str = "reservedNotZero") -> None:
    need(not any(data), code, at + len(data) - len(data.lstrip(b"\0")))

def up(n: int, unit: int) -> int:
    return -(-n // unit)

def sha(data: bytes | bytearray) -> bytes:
    return hashlib.sha256(data).digest()

def utf8(data: bytes, at: int, code: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"{code} at {at + error.start}")

def check_name(data: bytes, at: int) -> str:  # §12
    text = utf8(data, at, "invalidName")
    need(1 <= len(data) <= 1024 and not re.search("[\0-\x1f\x7f-\x9f]", text), "invalidName", at)
    return text

def check_tensor(t: Record, at: int) -> None:
    """Dtype, storage, filter, shape, block fields, logical bytes: §9, §11, §16."""
    need(t.code in DTYPES, "invalidDType", at + 10)
    t.dtype, bits, k, *rotates = DTYPES[t.code]
    t.k, t.bits, (_, elements, block) = int(k), int(bits), t.quant
    filters = [0] + [1] * (t.k > 1) + [2] * len(rotates) if t.storage == CHUNKED else [0]
    rules(at, "invalidIndex", {12: t.storage <= ALIAS, 13: t.filter in filters})
    need(all(d < 1 << 48 for d in t.shape), "limitExceeded", at + 32)
    t.count = 0 if 0 in t.shape else 1
    for d in t.shape:
        t.count *= d
    if t.dtype == "quantized":
        rules(at, "invalidIndex", {76: 1 <= elements <= 65536, 80: 1 <= block <= 65536})
        need(t.count % elements == 0, "invalidIndex", at + 76)
        t.granule, size = block, t.count // elements * block
    else:
        need(not any(t.quant), "invalidIndex", at + 72)
        t.granule, size = {6: 6, 4: 4, 0: 1}.get(t.bits, t.bits // 8), up(t.count * t.bits, 8)
        if t.dtype == "string" and t.count:
            size = max(8 * t.count, t.size)
    need(t.count < 1 << 63 > size, "limitExceeded", at + 32)
    need(t.size == size, "invalidIndex", at + 56)

def tensor_record(t: Record) -> bytes:
    """The payload of TNSR that a tensor of the index must have: §9."""
    owner = t.source.ordinal if t.source is not t else 0
    return struct.pack(f"<HBBBBHIIQ4I{len(t.shape)}Q", t.code, t.storage, t.filter, len(t.shape), 0,
                       len(t.name), t.position, owner, t.size, *t.quant, 0, *t.shape) + bytes(t.name)

def blob_name(data: bytes, at: int) -> bytes:  # §14
    length = int.from_bytes(data[:2], "little")
    need(2 + length <= len(data), "invalidBlob", at)
    check_name(data[2:2 + length], at + 2)
    return data[2:2 + length]

def metadata(data: bytes, base: int) -> dict[str, Any]:  # §13
    at = 0
    def take(count: int) -> bytes:
        nonlocal at
        at += count
        need(at <= len(data), "invalidMetadata", base + at - count)
        return data[at - count:at]
    def number(count: int, signed: bool = False) -> int:
        return int.from_bytes(take(count), "little", signed=signed)
    def value(kind: str) -> Any:
        if kind in ("bool", "i64", "u64"):
            n = number(1 if kind == "bool" else 8, kind == "i64")
            need(kind != "bool" or n < 2, "invalidMetadata", base + at - 1)
            return n == 1 if kind == "bool" else n
        content = take(8)[::-1] if kind == "f64" else take(number(4))
        where = base + at - len(content)
        return utf8(content, where, "invalidMetadata") if kind == "string" else content.hex()
    pairs, last, count = {}, b"", number(4)
    need(count, "invalidMetadata", base)
    for _ in range(count):
        key, where, code = take(number(2)), base + at, number(1)
        text = check_name(key, where - len(key))
        rules(where, "invalidMetadata", {-len(key): key > last, 0: 1 <= code & 127 <= 6})
        kind, array = "bool i64 u64 f64 string bytes".split()[(code & 127) - 1], code > 127
        values = [value(kind) for _ in range(number(4) if array else 1)]
        pairs[text] = {"type": kind + "[]" * array, "value": values if array else values[0]}
        last = key
    need(at == len(data), "invalidMetadata", base + at)
    return pairs

def configuration(data: bytes, at: int) -> str:  # §14
    def check(value: Any, good: object) -> Any:
        return value if good else 1 / 0
    depth, text = 0, utf8(data, at, "invalidConfiguration")
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        need(depth <= 128, "limitExceeded", at + len(text[:token.start()].encode()))
    try:
        value = json.loads(
            text, object_pairs_hook=lambda p: check(dict(p), len(dict(p)) == len(p)),
            parse_int=lambda s: check(s, len(s) < 21) and check(int(s), -2**63 <= int(s) < 2**64),
            parse_float=lambda s: check(float(s), abs(float(s)) < float("inf")))
        again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        need(again.encode() == data, "invalidConfiguration", at)
    except (ValueError, ZeroDivisionError):  # malformed; a key twice, a number beyond 64 bits
        raise Invalid(f"invalidConfiguration at {at}")
    return text

def chunks(t: Record, read: Callable[[int, int], bytes]) -> Iterator[bytes]:
    """The decoded blocks of a tensor in order: §10. `read` gives bytes of the file."""
    for b in t.blocks:
        data = read(b.offset, b.stored)
        if b.stored < b.logical:
            inflate = zlib.decompressobj()
            try:
                data = inflate.decompress(data, b.logical + 1)  # one more shows what is too long
            except zlib.error:
                raise Invalid(f"corruptChunk at {b.offset}")
            exact = inflate.eof and not inflate.unused_data and len(data) == b.logical
            need(exact, "corruptChunk", b.offset)
            data = join(data, t.k, t.filter)
        yield data

def join(planes: bytes, k: int, filter_: int) -> bytes:
    """Component i is made of byte i of every plane, rotated right by one bit for filter 2."""
    if filter_ == 0:
        return planes
    n, joined = len(planes) // k, bytearray(len(planes))
    for j in range(k):
        joined[j::k] = planes[j * n:(j + 1) * n]
    if filter_ == 1:
        return bytes(joined)
    number = int.from_bytes(joined, "little")  # all components at once, as one long integer
    low = number & int.from_bytes((b"\1" + bytes(k - 1)) * n, "little")  # bit 0 of each
    return ((number ^ low) >> 1 | low << 8 * k - 1).to_bytes(len(joined), "little")

def digests(t: Record, read: Callable[[int, int], bytes]) -> tuple[bytes, str]:
    """Decode a tensor and check its elements (§11): its leaf (§15), SHA-256 of its bytes."""
    leaf = hashlib.sha256(b"cairn.leaf.1" + bytes(4) + struct.pack(
        f"<HH3I{len(t.shape)}QQ", t.code, len(t.shape), *t.quant, *t.shape, t.size))
    whole, at, last, segment = hashlib.sha256(), t.blocks[0].offset if t.blocks else t.at, 0, b""
    ends = 8 * t.count if t.dtype == "string" else 0  # bytes of ends that are still to come
    for segment in segments(chunks(t, read)):
        whole.update(segment)
        leaf.update(sha(segment))
        if t.dtype == "bool":
            need(not segment.translate(None, b"\0\1"), "invalidElement", at)
        for end, in struct.iter_unpack("<Q", segment[:ends]):
            need(last <= end, "invalidElement", at)
            last = end
        ends -= min(ends, len(segment))
    if t.dtype == "string" and t.count:
        need(last == t.size - 8 * t.count, "invalidElement", at)
    used = t.count * t.bits % 8
    need(not used or segment[-1] >> used == 0, "invalidElement", at)
    return leaf.digest(), whole.hexdigest()

def segments(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        rest += piece
        while len(rest) >= MIB:
            yield rest[:MIB]
            rest = rest[MIB:]
    if rest:
        yield rest
