#!/usr/bin/env python3
"""Reads a Cairn container 1.0: a worked introduction to FORMAT.md, to whose sections § refers.

    cairn_reader.py FILE

prints what the file holds as JSON (exit 0), or in one line what is invalid, and where (exit 1;
exit 2: the file cannot be read). Such a file is

    0        superblock     versions, features, alignment and chunk size                §3 §4
    64       frames         header of 64 bytes, payload, zeros up to a multiple of 64      §5
               META CONF BLOB   metadata, a model's configuration, named bytes        §13 §14
               TNSR             begins a tensor or an alias; its data follow:              §9
               PADD RAWD BSUM     raw: zeros for alignment, the bytes, their CRCs          §9
               CHNK CHNK ...      chunked: zlib streams of byte planes                     §10
               INDX             names, types, shapes, and where the bytes are             §7
               PTAB             where INDX and the attachments are, CRCs of INDX          §7
    end-128  commit record  where PTAB is, totals, root digest                        §6 §15

Two routes lead to a tensor. `Container()` takes the one from the end: commit record, PTAB, INDX,
bytes. `scan` takes the one from the start, frame by frame, and must find the same. No length is
believed before it was held against the file. Integers are little-endian (§2).
"""
import io
import json
import math
import mmap
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from operator import attrgetter
from types import SimpleNamespace as Record
from typing import Any

# The fields of each record, with struct's letters (B H I Q: 1, 2, 4, 8 bytes); zero is reserved.
SUPERBLOCK = "magic:8s major:H minor:H size:I required:Q optional:Q align:B chunk:B rest:26s crc:I"
HEADER = "kind:4s version:H flags:H stored:Q logical:Q ordinal:I number:I crc:I zero:24s check:I"
ENTRY = ("name_at:Q name_size:H dtype:H storage:B filter:B rank:B zero:1s ordinal:I position:I "
         "owner:I zero2:4s dim_at:Q block_at:Q count:Q size:Q tnsr:Q quant:12s zero3:12s leaf:32s")
BLOCK = "offset:Q stored:I logical:I crc:I zero:12s"
PTAB = "indx:Q size:Q entries:Q blocks:Q dims:Q names:Q pages:I attachments:I zero:8s"
ATTACHMENT = "kind:4s crc:I offset:Q stored:Q zero:8s"
COMMIT = ("magic:8s size:Q ptab:Q ptab_size:Q ptab_crc:I flags:I previous:Q tensors:Q frames:Q "
          "logical:Q stored:Q root:32s order:I zero:8s crc:I")
DTYPES = ("- bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 "
          "float64 complex64 complex128 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz "
          "float8_e8m0fnu float6_e2m3fn float6_e3m2fn float4_e2m1fn int4 uint4 string quantized")
OUTSIDE, DATA = b"META CONF BLOB INDX PTAB".split(), b"TNSR PADD RAWD BSUM CHNK".split()
RAW, CHUNKED, ALIAS, MIB, PAGE = 0, 1, 2, 1 << 20, 1 << 16
LIMITS = {b"META": 16 << 20, b"CONF": 16 << 20, b"INDX": 4 << 30, b"nOTe": 1 << 16,  # §16
          b"gENR": 1 << 16}
# Type, ordinal, number, place, length and payload of a frame.
Frame = tuple[bytes, int, int, int, int, bytes | memoryview]
INVALID = ValueError, struct.error, zlib.error, RecursionError  # raised if a file is not valid

def need(condition: object, what: str, at: int) -> None:
    if not condition:
        raise ValueError(f"{what} at {at}")

def up(n: int, unit: int = 64) -> int:
    return -(-n // unit) * unit

def record(layout: str, data: memoryview, at: int) -> Record:
    """The record at `at`, as an object with the fields of the layout."""
    names, letters = zip(*(field.split(":") for field in layout.split()))
    form = struct.Struct("<" + "".join(letters))
    need(0 <= at <= len(data) - form.size, "truncated", at)
    fields = dict(zip(names, form.unpack_from(data, at)))
    need(not any(any(fields[n]) for n in names if n[:4] == "zero"), "reserved bytes (§2)", at)
    return Record(at=at, **fields)

def name(data: bytes | memoryview, at: int) -> str:  # §12
    string = bytes(data).decode()
    need(1 <= len(data) <= 1024 and not re.search("[\0-\x1f\x7f-\x9f]", string), "name (§12)", at)
    return string

class Container:
    def __init__(self, file: bytes | mmap.mmap) -> None:
        """The route from the end, after the superblock has been checked in the order of §3."""
        self.data, self.end = data, end = memoryview(file), len(file) - 128
        need(bytes(data[:8]) == b"\x89CRN\r\n\x1a\n", "not a Cairn file (§3)", 0)
        s = record(SUPERBLOCK, data, 0)
        need(s.major == 1, f"unknown major version {s.major} (§4)", 8)
        need(s.size == 64 and s.crc == zlib.crc32(data[:60]), "size or CRC (§3)", 0)
        need(not s.required, f"unknown required features {s.required:#x} (§4)", 16)
        need(s.align in {6, 12, 14, 16} and 15 < s.chunk < 25 and not any(s.rest), "field (§3)", 32)
        self.align, self.chunk, self.minor = 1 << s.align, 1 << s.chunk, s.minor
        self.commit = c = record(COMMIT, data, end)
        need(c.magic == b"\x89CRNEND\n" and c.size == len(data) and not c.previous and
             c.flags == s.optional & 1 and c.crc == zlib.crc32(data[end:-4]),
             "no good commit record: not committed, truncated or trailing bytes (§6)", end)
        f = self.frame(c.ptab)
        p = record(PTAB, data, f.body)
        need(p.entries <= 1 << 24 and p.blocks <= 1 << 27 and p.attachments <= 1 << 16,
             "limit (§16)", f.body)
        pages, rest, table = (f.body + 64 + n for n in (0, 4 * p.pages, up(4 * p.pages, 8)))
        need((f.kind, f.next, f.stored, f.crc) == (b"PTAB", end, c.ptab_size, c.ptab_crc)
             and table + 32 * p.attachments == f.body + f.stored and not any(data[rest:table]),
             "PTAB (§7), or the commit record means another (§6)", f.at)
        self.indx = i = self.frame(p.indx)
        need((i.kind, i.next, i.stored, p.entries) == (b"INDX", f.at, p.size, c.tensors)
             and 128 * p.entries + 32 * p.blocks + 8 * p.dims + p.names == p.size, "INDX §7", i.at)
        crcs = [zlib.crc32(i.payload[at:at + PAGE]) for at in range(0, p.size, PAGE)]
        need(struct.pack(f"<{len(crcs)}I", *crcs) == data[pages:rest], "CRCs of pages (§7)", i.at)
        self.open_tensors(p, i.body)
        self.attached: dict[tuple[bytes, str], Record] = {}  # frames by their type and, of a blob, its name
        for a in (record(ATTACHMENT, data, at) for at in range(table, f.body + f.stored, 32)):
            f, key = self.frame(a.offset), ""
            if f.kind == b"BLOB":  # §14
                f.skip = int.from_bytes(f.payload[:2], "little") + 2
                need(f.skip <= f.stored <= f.skip + (256 << 20), "blob (§14 §16)", f.body)
                key = name(f.payload[2:f.skip], f.body + 2)
            need((f.kind, f.crc, f.stored) == (a.kind, a.crc, a.stored) and f.kind in OUTSIDE[:3]
                 and (f.kind, key) not in self.attached, "attachment (§5 §7)", a.at)
            self.attached[f.kind, key] = f
        self.meta, self.conf = (self.attached.get((kind, "")) for kind in OUTSIDE[:2])
        self.blobs = {key: f for (kind, key), f in self.attached.items() if kind == b"BLOB"}
        self.scan()
        for t in self.tensors:
            t.sha256 = self.read(t) if t.source is t else None

    def frame(self, at: int) -> Record:
        """The frame at `at`, its header, payload and padding checked: §5."""
        f = record(HEADER, self.data, at)
        need(at % 64 == 0 and f.check == zlib.crc32(self.data[at:at + 60]), "header (§5)", at)
        known = f.kind in OUTSIDE + DATA + [b"nOTe", b"gENR"]
        need(f.kind.isalpha() and f.kind[2:3].isupper(), "type of a frame (§5)", at)
        need(known or f.kind[:1].islower(), "unknown critical frame (§4)", at)
        f.body, f.next = at + 64, at + 64 + up(f.stored)
        need(f.next <= self.end and (f.version == 1 or not known) and f.flags == (f.kind == b"RAWD")
             and (f.kind in DATA or not f.ordinal)
             and (f.kind == b"CHNK" or not f.number and f.logical == f.stored), "header (§5)", at)
        need(f.stored <= LIMITS.get(f.kind, f.stored), "limit (§16)", at + 8)
        f.payload = self.data[f.body:f.body + f.stored]
        need(f.crc == (0 if f.flags else zlib.crc32(f.payload)), "CRC of a payload (§5)", f.body)
        need(not any(self.data[f.body + f.stored:f.next]), "padding (§5)", f.body + f.stored)
        return f

    def open_tensors(self, p: Record, base: int) -> None:
        """The entries of the index, by name; names, dimensions, blocks lie in their order: §7."""
        blocks_at, names_at = base + 128 * p.entries, base + p.size - p.names
        dims = struct.unpack_from(f"<{p.dims}Q", self.data, names_at - 8 * p.dims)
        blocks = [record(BLOCK, self.data, blocks_at + 32 * n) for n in range(p.blocks)]
        ends = [0, 0, 0]
        self.tensors: list[Record] = []
        for at in range(base, blocks_at, 128):
            t = record(ENTRY, self.data, at)
            need([t.name_at, t.dim_at, t.block_at] == ends, "gap (§7)", at)
            ends = [t.name_at + t.name_size, t.dim_at + t.rank, t.block_at + t.count]
            t.utf8 = bytes(self.data[names_at + t.name_at:][:t.name_size])
            t.name, t.shape = name(t.utf8, names_at + t.name_at), dims[t.dim_at:ends[1]]
            need(not self.tensors or self.tensors[-1].utf8 < t.utf8, "order of names (§7)", at)
            check_type(t)
            unit = MIB if t.storage == RAW else self.chunk // t.granule * t.granule
            starts = range(0, 0 if t.storage == ALIAS else t.size, unit)
            need(t.count == len(starts), "number of blocks (§9 §10)", at + 48)
            t.blocks = blocks[t.block_at:ends[2]]
            for b, start in zip(t.blocks, starts):
                need(b.logical == min(unit, t.size - start) <= 1032 * b.stored + 64 and
                     b.stored <= b.logical and b.offset + b.stored <= self.indx.at and
                     (t.storage == CHUNKED or b.offset == t.blocks[0].offset + start and
                      b.stored == b.logical), "block (§9 §10)", b.at)
            self.tensors.append(t)
        need(ends == [p.names, p.dims, p.blocks], "rest of the index", base)
        for t in self.tensors:  # §9
            alias, same = t.storage == ALIAS, attrgetter("dtype", "shape", "quant", "size")
            t.source = o = self.tensors[t.owner] if alias and t.owner < p.entries else t
            need(o.storage != ALIAS and o.ordinal < t.ordinal and same(o) == same(t) if alias
                 else not t.owner, "owner (§9)", t.at + 24)
            need(self.commit.flags and not alias or not any(t.leaf), "digest (§15)", t.at + 96)
        for numbers in {t.ordinal for t in self.tensors}, {t.position for t in self.tensors}:
            need(numbers == set(range(p.entries)), "ordinals or positions (§9)", base)

    def scan(self) -> None:
        """The route from the start: every frame, held against the index: §5."""
        at, frames = self.end, [self.frame(64)]
        while frames[-1].next < at:
            frames.append(self.frame(frames[-1].next))
        groups = [g for t in sorted(self.tensors, key=lambda t: t.ordinal) for g in self.group(t)]
        _ = [bytes(f.payload).decode() for f in frames if f.kind in (b"nOTe", b"gENR")]  # §14
        data = [f for f in frames if f.kind in DATA]
        wrong = [f.at for f, want in zip(data, groups) if want != (
            f.kind, f.ordinal, f.number, f.body, f.logical, f.payload)]
        wrong += [f.at for before, f in pairwise(frames)
                  if f.kind in DATA[1:] and before.kind not in DATA]
        need(not wrong, "a frame is not what the index says (§5 §9)", min(wrong, default=at))
        c, blocks = self.commit, [b for t in self.tensors for b in t.blocks]
        need([f.at for f in frames if f.kind in OUTSIDE]
             == [*(f.at for f in self.attached.values()), self.indx.at, c.ptab]
             and len(data) == len(groups) and sum(f.kind == b"gENR" for f in frames) < 2
             and (c.frames, c.stored) == (len(frames), sum(b.stored for b in blocks))
             and c.logical == sum(b.logical for b in blocks)
             and c.order == zlib.crc32(b"".join(self.data[f.at + 60:f.at + 64] for f in frames)),
             "number or order of frames (§5 §6)", at)
        need(c.root == (self.root() if c.flags else bytes(32)), "root digest (§15)", at + 80)

    def group(self, t: Record) -> Iterator[Frame]:
        """Of each frame that a tensor must have: type, ordinal, number, place, length, payload."""
        owner = t.source.ordinal if t.storage == ALIAS else 0
        payload = struct.pack(f"<HBBBxHIIQ12s4x{t.rank}Q", t.dtype, t.storage, t.filter, t.rank,
                              t.name_size, t.position, owner, t.size, t.quant, *t.shape) + t.utf8
        yield b"TNSR", t.ordinal, 0, t.tnsr + 64, len(payload), payload  # §9
        for n, b in enumerate(t.blocks if t.storage == CHUNKED else []):  # §10
            yield b"CHNK", t.ordinal, n, b.offset, b.logical, self.data[b.offset:][:b.stored]
        if t.storage == RAW and t.blocks:
            at, start = t.tnsr + 64 + up(len(payload)) + 64, t.blocks[0].offset
            if gap := -at % self.align:  # what follows then on this header of 64 bytes
                zeros = bytes((gap - 64) % self.align)
                yield b"PADD", t.ordinal, 0, at, len(zeros), zeros
            yield b"RAWD", t.ordinal, 0, start, t.size, self.data[start:][:t.size]
            crcs = struct.pack(f"<{t.count}I", *(b.crc for b in t.blocks))
            yield b"BSUM", t.ordinal, 0, start + up(t.size) + 64, len(crcs), crcs

    def root(self) -> bytes:  # §15
        first: dict[str, int] = {}
        parts = [struct.pack("<16sQ", b"cairn.root.1", len(self.tensors))]
        for row, t in enumerate(self.tensors):
            one = first.setdefault(t.source.name, row)  # the first name of a tie represents it
            parts += [struct.pack("<I", t.name_size), t.utf8, struct.pack("<I", t.position),
                      b"\0" + t.source.leaf if one == row else struct.pack("<BQ24x", 1, one)]
        parts += [sha256(f.payload).digest() if f else bytes(32) for f in (self.meta, self.conf)]
        blobs = [sha256(f.payload).digest() for _, f in sorted(self.blobs.items())]
        return sha256(b"".join([*parts, struct.pack("<I", len(blobs)), *blobs])).digest()

    def read(self, t: Record) -> str:
        """Decodes a tensor, checks its elements (§11) and its digest (§15)."""
        data, used = bytearray(), t.elements * t.bits % 8
        for b in t.blocks:  # §10
            piece: bytes | bytearray | memoryview = self.data[b.offset:b.offset + b.stored]
            stream = zlib.decompressobj()
            need(zlib.crc32(piece) == b.crc, "CRC of a block (§7)", b.offset)
            if b.stored < b.logical:
                piece = stream.decompress(piece, b.logical + 1)  # one more shows what is too long
                exact = stream.eof and not stream.unused_data and len(piece) == b.logical
                need(exact, "length of a stream (§10)", b.offset)
                piece = join(piece, t.k if t.filter else 1, t.filter == 2)
            data += piece
        ends = struct.unpack_from(f"<{t.elements}Q", data) if t.kind == "string" else ()
        need(list(ends) == sorted(ends) and (not ends or ends[-1] == t.size - 8 * t.elements)
             and (t.kind != "bool" or not data.translate(None, b"\0\1"))
             and (not used or not data[-1] >> used), f"elements of {t.kind} (§11)", t.at)
        leaf = struct.pack(f"<16sHH12s{t.rank}QQ", b"cairn.leaf.1", t.dtype, t.rank, t.quant,
                           *t.shape, t.size)
        leaf += b"".join(sha256(data[at:at + MIB]).digest() for at in range(0, t.size, MIB))
        need(not self.commit.flags or sha256(leaf).digest() == t.leaf, "digest (§15)", t.at + 96)
        return sha256(data).hexdigest()

    def report(self) -> dict[str, Any]:
        return {"format": "cairn", "version": f"1.{self.minor}",
                "digests": self.commit.root.hex() if self.commit.flags else None,
                "metadata": metadata(self.meta.payload) if self.meta else {},
                "configuration": configuration(self.conf.payload) if self.conf else None,
                "blobs": {k: sha256(f.payload[f.skip:]).hexdigest() for k, f in self.blobs.items()},
                "tensors": [{"name": t.name, "dtype": t.kind, "shape": t.shape, "bytes": t.size,
                             "storage": ["raw", "chunked", "alias"][t.storage],
                             "position": t.position, "sha256": t.source.sha256,
                             "alias_of": t.source.name if t.storage == ALIAS else None}
                            for t in self.tensors]}

def check_type(t: Record) -> None:
    """Dtype, storage class, filter and size of an entry: §9, §11, §16."""
    need(1 <= t.dtype <= 27 and t.storage <= ALIAS, "dtype or storage class (§9 §11)", t.at + 10)
    t.kind = DTYPES.split()[t.dtype]  # its name says how many bits an element has
    t.bits = 8 if t.kind == "bool" else int((re.search(r"\d+", t.kind) or "0")[0])
    t.k = max(1, t.bits // (16 if "complex" in t.kind else 8))
    filters = 0 if t.k == 1 or t.storage != CHUNKED else 2 if t.kind[0] in "bfc" else 1
    t.elements = n = math.prod(t.shape)
    t.granule, size = {0: 1, 4: 4, 6: 6}.get(t.bits, t.bits // 8), up(n * t.bits, 8) // 8
    good = not any(t.quant)
    if t.kind == "string" and n:
        size = max(t.size, 8 * n)
    elif t.kind == "quantized":
        _, elements, t.granule = struct.unpack("<III", t.quant)
        good = 1 <= elements <= 65536 >= t.granule >= 1 and n % elements == 0
        size = good and n // elements * t.granule
    need(good and t.size == size and t.filter <= filters, "size, filter, block fields (§11)", t.at)
    need(max(n, size) < 1 << 63 and t.rank < 33 and max(t.shape, default=0) < 1 << 48, "§16", t.at)

def join(planes: bytes, k: int, rotated: bool) -> bytes | bytearray:  # §10
    n, joined = len(planes) // k, bytearray(len(planes))
    for j in range(k):
        joined[j::k] = planes[j * n:(j + 1) * n]
    if rotated:  # rotate every component right by one bit: all of them as one long integer
        whole = int.from_bytes(joined, "little")
        lowest = whole & int.from_bytes((b"\1" + bytes(k - 1)) * n, "little")
        return ((whole ^ lowest) >> 1 | lowest << 8 * k - 1).to_bytes(n * k, "little")
    return joined

def metadata(data: bytes | memoryview) -> dict[str, Any]:  # §13
    stream, last, pairs = io.BytesIO(data), b"", {}
    def take(layout: str) -> Any:
        return struct.unpack("<" + layout, stream.read(struct.calcsize("<" + layout)))[0]
    kinds = [("bool", lambda: b"\0\1".index(take("s")) == 1), ("i64", lambda: take("q")),
             ("u64", lambda: take("Q")), ("f64", lambda: take("8s")[::-1].hex()),
             ("string", lambda: take(f"{take('I')}s").decode()),
             ("bytes", lambda: take(f"{take('I')}s").hex())]
    for _ in range(take("I")):
        key, code = take(f"{take('H')}s"), take("B")
        need(1 <= code % 128 <= 6 and last < key, "metadata (§13)", stream.tell())
        (kind, value), last = kinds[code % 128 - 1], key
        content = [value() for _ in range(take("I"))] if code > 127 else value()
        pairs[name(key, stream.tell())] = {"type": kind + "[]" * (code // 128), "value": content}
    need(pairs and not stream.read(), "length of metadata (§13)", stream.tell())
    return pairs

def configuration(data: bytes | memoryview) -> str:  # §14: a key that stands twice, or other spellings, do not come back
    string, depth = bytes(data).decode(), 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[]\[{}]', string):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        need(depth <= 128, "depth of the configuration (§14)", token.start())
    value = json.loads(string, parse_int=lambda s: int(s) if -2**63 <= int(s) < 2**64 else None)
    again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    need(again == string, "configuration (§14)", 0)
    return string

if __name__ == "__main__":
    try:
        with open(sys.argv[1], "rb") as file:  # of an empty one, mmap makes a ValueError
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        print(json.dumps(Container(data).report(), sort_keys=True, indent=1))
    except (*INVALID, OSError, IndexError) as error:
        print(error, file=sys.stderr)
        sys.exit(1 if isinstance(error, INVALID) else 2)
