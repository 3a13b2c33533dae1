"""TensorFlow's checkpoints: a sorted table of entries, with data beside it."""
from collections.abc import Iterable, Sequence

from draw import Case, Draw

from .wire import message, number, text, u32, u64, varint

TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = _byte >> 1 ^ (0x82F63B78 if _byte & 1 else 0)
    TABLE.append(_byte)


def masked_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    table = TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def block(content: bytes, kind: int = 0) -> bytes:
    content += bytes([kind])
    return content + u32(masked_crc(content))


def entries(pairs: Iterable[tuple[int, bytes, bytes]]) -> bytes:
    """Entries given as (shared bytes, key's rest, value)."""
    return b"".join(varint(s) + varint(len(k)) + varint(len(v)) + k + v for s, k, v in pairs)


def plain(content: bytes) -> bytes:
    return content + u32(0) + u32(1)


def table(blocks: Iterable[bytes]) -> bytes:
    out = rows = b""
    for i, content in enumerate(blocks):
        place = varint(len(out)) + varint(len(content) - 5)
        key = b"\x7f" + i.to_bytes(4, "big")
        rows += entries([(0, key, place)])
        out += content
    index = block(plain(rows))
    footer = varint(0) * 2 + varint(len(out)) + varint(len(index) - 5)
    return out + index + footer + bytes(40 - len(footer)) + u64(0xDB4775248B80FB57)


HEADER = entries([(0, b"", b"\x08\1")])


def entry(kind: int = 1, dims: Sequence[int] = (), size: int = 0, offset: int = 0, shard: int = 0) -> bytes:
    shape = b"".join(message(2, number(1, d)) for d in dims)
    return number(1, kind) + message(2, shape) + number(3, shard) + number(4, offset) + number(5, size) + b"\x35" + bytes(4)


def case(r: Draw, content: bytes, data: bytes = b"", kind: int = 0) -> Case:
    return Case({"x.index": r.damaged(table([block(plain(content), kind)])), "x.data-00000-of-00001": data})


def prefixes(r: Draw) -> Case:
    """A long key, and many that share it."""
    size = r.bytes // 2
    count = min(r.count(10), 100_000)
    return case(r, HEADER + entries([(0, b"a" * size, b"")]) + entries([(size, b"\1", r.one([b"", entry()]))]) * count)


def growing(r: Draw) -> Case:
    """Every key is the last one and a byte."""
    count = min(r.count(8), 40_000)
    return case(r, HEADER + entries((min(i, r.one([200, 60_000])), b"a", b"") for i in range(count)))


def many(r: Draw) -> Case:
    count = min(r.count(22), 60_000)
    value = r.one([b"", entry(dims=[0]), entry(99), entry(7, [0]), b"\x08\1"])
    return case(r, HEADER + entries((0, b"%06x" % i, value) for i in range(count)))


def named(r: Draw) -> Case:
    names = sorted({text(n)[:5000] for n in r.names(min(r.count(60), 2000))} | {text(r.name())[:5000]})
    return case(r, HEADER + entries((0, n, entry(dims=[1], size=4)) for n in names if n), bytes(4))


def shapes(r: Draw) -> Case:
    rows = ((0, b"%02x" % i, entry(r.one([1, 2, 3, 7, 10, 99]), r.dims()[:300], r.number(), r.number(), r.one([0, r.number()])))
            for i in range(1 + r.small(6)))
    return case(r, HEADER + entries(rows), r.data(64))


def strings(r: Draw) -> Case:
    """Texts: each value says that all of the data is its own."""
    size = r.bytes // 2
    count = min(r.count(80), 3000)
    value = entry(7, [r.one([size - 16, size // 2, 1, 2**40])], size)
    return case(r, HEADER + entries((0, b"%06x" % i, value) for i in range(count)), bytes(size))


def sharing(r: Draw) -> Case:
    size = r.bytes // 2 // 4 * 4
    count = min(r.count(80), 20_000)
    return case(r, HEADER + entries((0, b"%06x" % i, entry(1, [size // 4], size)) for i in range(count)), r.data(size))


def sliced(r: Draw) -> Case:
    """Partitions along an inner axis, in any number."""
    rows, columns = r.one([(1000, 8), (100_000, 2), (3, 3), (2**20, 2**20)])
    count = min(r.count(120), 4000)
    slices = b"".join(message(7, message(1, number(1, 0) + number(2, rows)) + message(1, number(1, i) + number(2, 1)))
                      for i in range(count))
    whole = number(1, 1) + message(2, message(2, number(1, rows)) + message(2, number(1, columns))) + slices
    return case(r, HEADER + entries([(0, b"w", whole)]), bytes(min(rows * 4, 500_000)))


def ordered(value: int) -> bytes:
    """A number as keys of partitions have it: ordered as bytes."""
    for count in range(1, 9):
        if -(1 << (7 * count - 1)) <= value < 1 << (7 * count - 1):
            head = bytes([0x80, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE, 0xFF][count - 1:count]) + bytes(count - 1)
            plain = (value & (256**count - 1)).to_bytes(count, "big")
            return bytes(a ^ b for a, b in zip(plain, head))
    raise ValueError(value)


def partitions(r: Draw) -> Case:
    """Partitions of one column, or of a few, each with an entry of its own: rows are put together from all."""
    rows, columns, width = r.one([(400, 1000, 1), (50_000, 8, 1), (2, 4000, 1), (1, 4000, 1), (1000, 40, 8), (7, 4096, 4)])
    rows = max(1, min(rows, r.bytes * 10 // (columns * 4)))
    count = min(columns // width, max(1, r.bytes // 200))
    columns = count * width
    whole = number(1, 1) + message(2, message(2, number(1, rows)) + message(2, number(1, columns)))
    pairs = []
    size = rows * width * 4
    shares = r.chance(0.5)
    for i in range(count):
        whole += message(7, message(1, b"") + message(1, number(1, i * width) + number(2, width)))
        key = b"\0w\0\1\1\2" + ordered(0) + ordered(-1) + ordered(i * width) + ordered(width)
        pairs.append((key, entry(1, [rows, width], size, 0 if shares else i * size)))
    data = r.data(size if shares else size * count)
    return case(r, HEADER + entries([(0, k, v) for k, v in sorted(pairs)] + [(0, b"w", whole)]), data)


def data_files(r: Draw) -> Case:
    """A header that counts thousands of data files, of which a few are there, and entries in all of them."""
    count = r.one([2, 1000, 10_000, 2**20, 2**31 - 1, 2**63 - 1])
    header = entries([(0, b"", number(1, count))])
    rows = [(0, b"%06x" % i, entry(dims=[0], shard=i % count)) for i in range(min(r.count(24), 20_000))]
    return Case({"x.index": table([block(plain(header + entries(rows)))]), f"x.data-00000-of-{count:05}": b""})


def snappy(r: Draw) -> Case:
    size = r.one([1 << 16, 1 << 20, 12 << 20, 40 << 20])
    size = min(size, r.bytes * 20)
    out, left = varint(size) + b"\0\0", size - 1
    pieces = left // 64
    out += bytes([63 << 2 | 2]) + b"\1\0"
    out = out + (bytes([63 << 2 | 2]) + b"\1\0") * max(0, pieces - 1)
    if left % 64:
        out += bytes([(left % 64 - 1) << 2 | 2]) + b"\1\0"
    out = out[:150_000]
    times = r.one([1, 1, 3, 8])
    return Case({"x.index": table([block(out, 1)] * times), "x.data-00000-of-00001": b""})


def blocks(r: Draw) -> Case:
    count = min(r.count(60), 4000)
    return Case({"x.index": table([block(plain(HEADER))] + [block(plain(b""))] * count),
                 "x.data-00000-of-00001": b""})


def bools(r: Draw) -> Case:
    size = r.bytes // 2
    return case(r, HEADER + entries([(0, b"b", entry(10, [size], size))]), r.data(size))


FAMILIES = {f.__name__: f for f in [
    prefixes, growing, many, named, shapes, strings, sharing, sliced, partitions, data_files, snappy, blocks, bools]}
