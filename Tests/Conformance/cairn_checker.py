#!/usr/bin/env python3
"""A strict checker of Cairn containers 1.0, written from FORMAT.md alone (§: its sections).

    cairn_checker.py [--shallow] FILE

prints what the file holds as JSON (exit 0) or one line "code at offset" on standard error (exit 1;
exit 2: cannot be read). A file is opened through its index, then scanned from the start, and both
routes must agree; then, unless --shallow, every chunk is decoded. Bytes and the bits of an f64 are
printed as hexadecimal digits, the configuration as its text. Nothing in a file is ever executed.
"""
import json
import mmap
import struct
import sys
import zlib
from collections import Counter
from types import SimpleNamespace as Record
from typing import Any, NoReturn

from cairn_checker_content import (
    ALIAS,
    CHUNKED,
    MIB,
    RAW,
    Invalid,
    blob_name,
    check_name,
    check_tensor,
    configuration,
    digests,
    metadata,
    need,
    rules,
    sha,
    tensor_record,
    up,
    utf8,
    zero,
)

MAGIC, COMMIT, PAGE = b"\x89CRN\r\n\x1a\n", b"\x89CRNEND\n", 1 << 16
ATTACHED: dict[bytes, Any] = {b"META": metadata, b"CONF": configuration, b"BLOB": None}
DATA_KINDS = b"PADD RAWD BSUM CHNK".split()
KINDS = b"TNSR INDX PTAB nOTe gENR".split() + [*ATTACHED] + DATA_KINDS
LIMIT = {"META": 16 << 20, "CONF": 16 << 20, "nOTe": 64 << 10, "gENR": 64 << 10, "INDX": 4 << 30}

class Container:
    at: int  # of the scan, as `order` is
    order: int

    def __init__(self, data: Any) -> None:
        self.data, self.size = data, len(data)
        self.open_superblock()
        self.open_commit()
        self.open_index()

    def read(self, at: int, count: int) -> bytes:
        """The only place where bytes are copied, and never more than the file has."""
        need(count <= self.size - at, "truncated", at)
        return bytes(self.data[at:at + count])

    def fields(self, at: int, layout: str, names: str) -> Record:
        data = self.read(at, struct.calcsize("<" + layout))
        return Record(at=at, **dict(zip(names.split(), struct.unpack("<" + layout, data))))

    def crc(self, at: int, count: int) -> int:
        with memoryview(self.data) as view:
            return zlib.crc32(view[at:at + count])

    def sealed(self, at: int, count: int) -> None:
        """A record whose last four bytes are the CRC-32 of the rest."""
        crc = int.from_bytes(self.read(at, count)[-4:], "little")
        need(self.crc(at, count - 4) == crc, "checksumMismatch", at)

    def open_superblock(self) -> None:  # §3, in the order given there
        need(bytes(self.data[:8]) == MAGIC, "notACairnFile", 0)
        s = self.fields(8, "HHIQQBB26s4s", "major minor length required optional align chunk zero")
        need(s.major == 1, "unsupportedVersion", 8)
        need(s.length == 64, "invalidSuperblock", 12)
        self.sealed(0, 64)
        need(not s.required, "unsupportedFeature", 16)
        rules(0, "invalidSuperblock", {32: s.align in (6, 12, 14, 16), 33: 16 <= s.chunk <= 24})
        zero(s.zero, 34)
        self.align, self.chunk = 1 << s.align, 1 << s.chunk
        self.digests, self.minor = s.optional & 1, s.minor

    def open_commit(self) -> None:  # §6
        self.end = at = self.size - 128
        if at < 64 or at % 64 or self.data[at:at + 8] != COMMIT:
            self.explain()
        self.commit = c = self.fields(at + 8, "QQQIIQQQQQ32sI8sI", "size ptab length check flags "
                                      "previous tensors frames logical stored root order zero crc")
        if self.crc(at, 124) != c.crc or c.size != self.size:
            self.explain()
        rules(at, "reservedNotZero", {36: c.flags < 2, 40: not c.previous, 116: not any(c.zero)})
        need(c.flags == self.digests, "routesDisagree", at + 36)
        need(self.digests or not any(c.root), "digestMismatch", at + 80)

    def explain(self) -> NoReturn:
        """Why the file does not end in a good commit record."""
        at = 64
        while at < self.size:
            if self.data[at:at + 8] == COMMIT:
                self.sealed(at, 128)
                length = int.from_bytes(self.read(at + 8, 8), "little")
                need(length < 1 << 63, "checksumMismatch", at)
                need(length != at + 128, "trailingBytes", length)
                need(False, "truncated", at + 8)
            self.sealed(at, 64)
            length = 64 + up(int.from_bytes(self.read(at + 8, 8), "little"), 64) * 64
            need(length <= self.size - at, "truncated", at)
            at += length
        raise Invalid(f"notCommitted at {at}")

    def frame(self, at: int) -> Record:
        """The checked header of the frame at `at`: §5."""
        need(at % 64 == 0 and 64 <= at <= self.end - 64, "invalidFrame", at)
        self.sealed(at, 64)
        f = self.fields(at, "4sHHQQIII24s",
                        "kind version flags stored logical ordinal number crc zero")
        rules(at, "reservedNotZero", {6: f.flags < 2, 36: not any(f.zero)})
        need(f.kind.isalpha() and f.kind[2:3].isupper(), "invalidFrame", at)
        known = f.kind in KINDS
        need(known or f.kind[:1].islower(), "unknownCriticalFrame", at)
        need(f.version == 1 or not known, "unsupportedVersion", at + 4)
        rules(at, "invalidFrame", {
            6: f.flags == (f.kind == b"RAWD"), 8: f.stored <= self.end - at - 64,
            16: f.stored == f.logical or f.kind == b"CHNK", 28: not f.number or f.kind == b"CHNK",
            24: not f.ordinal or f.kind in DATA_KINDS + [b"TNSR"], 32: not f.crc or not f.flags})
        need(f.stored <= LIMIT.get(f.kind.decode(), f.stored), "limitExceeded", at + 8)
        f.body, f.next = at + 64, at + 64 + up(f.stored, 64) * 64
        return f

    def payload(self, f: Record) -> bytes:
        need(self.crc(f.body, f.stored) == f.crc, "checksumMismatch", f.body)
        return self.read(f.body, f.stored)

    def open_index(self) -> None:  # §7
        c, end = self.commit, self.end
        need(c.ptab in range(64, end, 64), "invalidCommitRecord", end + 16)
        f = self.frame(c.ptab)
        need(f.kind == b"PTAB" and f.next == end, "invalidCommitRecord", end + 16)
        rules(end, "invalidIndex", {24: f.stored == c.length >= 64, 32: f.crc == c.check})
        table, at = self.payload(f), f.body
        p = self.fields(at, "QQQQQQIIQ", "place size rows blocks dims names pages attached zero")
        need(p.place in range(64, f.at, 64), "invalidIndex", at)
        self.index = i = self.frame(p.place)
        size, head = 128 * p.rows + 32 * p.blocks + 8 * p.dims + p.names, 64 + up(p.pages, 2) * 8
        rules(at, "limitExceeded", {
            16: p.rows <= 1 << 24, 24: p.blocks <= 1 << 27, 52: p.attached <= 65536})
        need(p.rows == c.tensors, "routesDisagree", end + 48)
        rules(at, "invalidIndex", {
            0: i.kind == b"INDX" and i.next == f.at, 8: i.stored == p.size == size,
            48: p.pages == up(size, PAGE), 52: f.stored == head + 32 * p.attached})
        zero(table[56:64], at + 56)
        zero(table[64 + 4 * p.pages:head], at + 64 + 4 * p.pages, "paddingNotZero")
        for page, (crc,) in enumerate(struct.iter_unpack("<I", table[64:64 + 4 * p.pages])):
            start, length = i.body + page * PAGE, min(PAGE, size - page * PAGE)
            need(self.crc(start, length) == crc, "checksumMismatch", start)
        self.open_entries(self.read(i.body, size), i.body, p.rows, p.blocks, p.dims)
        self.open_attachments(table[head:], at + head)

    def open_attachments(self, table: bytes, base: int) -> None:
        self.attached, self.attached_at = table, base
        self.opened: dict[bytes, bytes] = {}
        self.values: dict[bytes, Any] = {b"META": {}, b"CONF": None}
        for at in range(0, len(table), 32):
            kind, crc, offset, length, _ = struct.unpack_from("<4sIQQQ", table, at)
            zero(table[at + 24:at + 32], base + at + 24)
            need(kind in ATTACHED, "invalidIndex", base + at)
            if kind != b"BLOB":
                f = self.frame(offset)
                same = (f.kind, f.crc, f.stored) == (kind, crc, length) and kind not in self.opened
                need(same, "routesDisagree", base + at)
                self.opened[kind] = self.payload(f)
                self.values[kind] = ATTACHED[kind](self.opened[kind], f.body)

    def open_entries(self, index: bytes, base: int, rows: int, blocks: int, dims: int) -> None:
        blocks_at, dims_at = 128 * rows, 128 * rows + 32 * blocks
        self.tensors: list[Record] = []
        names_at, name, dim, block, last = dims_at + 8 * dims, 0, 0, 0, b""
        for at in range(base, base + 128 * rows, 128):
            t = self.fields(at, "QHHBBBBIIIIQQQQQ12s12s32s", "first length code storage filter rank"
                            " zero ordinal position owner zero2 dim block blocks size offset quant"
                            " zero3 leaf")
            rules(at, "reservedNotZero", {15: not t.zero, 28: not t.zero2, 84: not any(t.zero3)})
            need(t.rank <= 32, "limitExceeded", at + 14)
            rules(at, "invalidIndex", {0: t.first == name, 32: t.dim == dim, 40: t.block == block})
            name, dim, block = name + t.length, dim + t.rank, block + t.blocks
            rules(at, "invalidIndex", {0: names_at + name <= len(index), 32: dim <= dims,
                                       40: block <= blocks, 64: 64 <= t.offset < base - 64})
            t.name = index[names_at + t.first:names_at + name]
            t.text = check_name(t.name, base + names_at + t.first)
            need(t.name > last, "duplicateName" if t.name == last else "invalidIndex", at)
            t.shape = struct.unpack_from(f"<{t.rank}Q", index, dims_at + 8 * t.dim)
            t.row, t.quant, last = len(self.tensors), struct.unpack("<III", t.quant), t.name
            check_tensor(t, at)
            unit = MIB if t.storage == RAW else self.chunk // t.granule * t.granule
            right = 0 if t.storage == ALIAS else up(t.size, unit)
            need(t.blocks == right, "invalidIndex", at + 48)
            t.blocks = [self.block(t, base + blocks_at + 32 * (t.block + i),
                                   min(unit, t.size - i * unit)) for i in range(right)]
            self.tensors.append(t)
        need((names_at + name, dim, block) == (len(index), dims, blocks), "invalidIndex", base)
        for t in self.tensors:
            need(t.owner < rows if t.storage == ALIAS else not t.owner, "invalidIndex", t.at + 24)
            t.source = o = self.tensors[t.owner] if t.storage == ALIAS else t
            same = (o.code, o.shape, o.quant, o.size) == (t.code, t.shape, t.quant, t.size)
            need(t.storage != ALIAS or o.storage != ALIAS and o.ordinal < t.ordinal and same,
                 "invalidIndex", t.at + 24)
            need(self.digests and o is t or not any(t.leaf), "digestMismatch", t.at + 96)
        for numbers in zip(*((t.ordinal, t.position) for t in self.tensors)):
            need(sorted(numbers) == list(range(rows)), "invalidIndex", base)

    def block(self, t: Record, at: int, logical: int) -> Record:
        b = self.fields(at, "QIII12s", "offset stored logical crc zero")
        zero(b.zero, at + 20)
        rules(at, "invalidIndex", {
            0: 128 <= b.offset <= self.index.at - b.stored, 12: b.logical == logical,
            8: b.stored == logical or b.stored < logical and t.storage == CHUNKED})
        need(b.stored, "corruptChunk", at + 8)
        need(logical <= 1032 * b.stored + 64, "limitExceeded", at + 8)
        return b

    def step(self, kind: bytes | None = None, t: Record | None = None) -> Record:
        """The next frame of the scan, with its payload and its padding checked."""
        f = self.frame(self.at)
        need(kind in (None, f.kind), "frameOrder", f.at)
        need(t is None or f.ordinal == t.ordinal, "invalidFrame", f.at + 24)
        need(f.flags or self.crc(f.body, f.stored) == f.crc, "checksumMismatch", f.body)
        zero(self.read(f.body + f.stored, -f.stored % 64), f.body + f.stored, "paddingNotZero")
        self.at, self.kinds[f.kind] = f.next, self.kinds[f.kind] + 1
        self.order = zlib.crc32(self.read(f.at + 60, 4), self.order)
        return f

    def verify(self) -> None:
        """The route from the start, every frame in order, held against the index: §5, §8."""
        self.at, self.order = 64, 0
        self.kinds: Counter[bytes] = Counter()
        self.blobs: dict[bytes, Record] = {}
        tensors, attached = iter(sorted(self.tensors, key=lambda t: t.ordinal)), b""
        while self.at != self.index.at:
            f = self.step()
            once = self.kinds[f.kind] == 1 or f.kind not in (b"META", b"CONF", b"gENR")
            need(once and f.kind not in DATA_KINDS + [b"INDX", b"PTAB"], "frameOrder", f.at)
            if f.kind == b"TNSR":
                self.group(f, next(tensors, None))
            elif f.kind in ATTACHED:
                attached += struct.pack("<4sIQQQ", f.kind, f.crc, f.at, f.stored, 0)
            elif f.kind in (b"nOTe", b"gENR"):
                utf8(self.read(f.body, f.stored), f.body, "invalidFrame")
            if f.kind == b"BLOB":
                name = blob_name(self.read(f.body, min(f.stored, 2 + 65535)), f.body)
                need(f.stored - 2 - len(name) <= 256 << 20, "limitExceeded", f.at + 8)
                need(name not in self.blobs, "duplicateName", f.body + 2)
                self.blobs[name] = f
        self.step(b"INDX")
        self.step(b"PTAB")
        need(next(tensors, None) is None, "routesDisagree", self.index.at)
        need(attached == self.attached, "routesDisagree", self.attached_at)
        c, blocks = self.commit, [b for t in self.tensors for b in t.blocks]
        rules(self.end, "routesDisagree", {
            56: c.frames == sum(self.kinds.values()), 72: c.stored == sum(b.stored for b in blocks),
            64: c.logical == sum(t.size for t in self.tensors if t.source is t),
            112: c.order == self.order})
        need(not self.digests or c.root == self.root(), "digestMismatch", self.end + 80)

    def group(self, f: Record, t: Record | None) -> None:
        """A TNSR frame and its data say what the entry says: §9."""
        need(t and f.ordinal == t.ordinal, "routesDisagree", f.at + 24)
        assert t
        need(f.at == t.offset, "routesDisagree", t.at + 64)
        need(self.read(f.body, f.stored) == tensor_record(t), "routesDisagree", f.body)
        if t.storage == CHUNKED:
            for number, b in enumerate(t.blocks):
                c = self.step(b"CHNK", t)
                need(c.number == number, "frameOrder", c.at + 28)
                need((c.body, c.stored, c.logical, c.crc) ==
                     (b.offset, b.stored, b.logical, b.crc), "routesDisagree", c.at)
        elif t.blocks:
            if gap := -(self.at + 64) % self.align:
                p = self.step(b"PADD", t)
                need(p.stored == (gap - 64) % self.align, "invalidFrame", p.at + 8)
                zero(self.read(p.body, p.stored), p.body, "paddingNotZero")
            d = self.step(b"RAWD", t)
            need(d.stored == t.size, "routesDisagree", d.at + 8)
            sums = self.step(b"BSUM", t)
            crcs = b"".join(b.crc.to_bytes(4, "little") for b in t.blocks)
            need(self.read(sums.body, sums.stored) == crcs, "routesDisagree", sums.body)
            for i, b in enumerate(t.blocks):
                need(b.offset == d.body + i * MIB, "routesDisagree", d.body)
                need(self.crc(b.offset, b.stored) == b.crc, "checksumMismatch", b.offset)

    def root(self) -> bytes:  # §15
        first: dict[int, int] = {}
        text = bytearray(struct.pack("<12s4xQ", b"cairn.root.1", len(self.tensors)))
        for t in self.tensors:  # ascending by name: the first of a tie group represents it
            one = first.setdefault(t.source.row, t.row)
            text += struct.pack("<I", len(t.name)) + t.name + struct.pack("<I", t.position)
            text += b"\0" + t.source.leaf if one == t.row else struct.pack("<BQ24x", 1, one)
        for kind in b"META", b"CONF":
            text += sha(self.opened[kind]) if kind in self.opened else bytes(32)
        blobs = [self.read(f.body, f.stored) for _, f in sorted(self.blobs.items())]
        return sha(text + struct.pack("<I", len(blobs)) + b"".join(map(sha, blobs)))

    def report(self, shallow: bool = False) -> dict[str, Any]:
        """Verify, verify deep (§8), and what the program prints."""
        self.verify()
        for t in self.tensors:
            if t.source is t and not shallow:
                leaf, t.sha = digests(t, self.read)
                need(not self.digests or leaf == t.leaf, "digestMismatch", t.at + 96)
        return {
            "format": "cairn", "version": f"1.{self.minor}", "metadata": self.values[b"META"],
            "configuration": self.values[b"CONF"],
            "digests": self.commit.root.hex() if self.digests else None,
            "blobs": {name.decode(): sha(self.read(f.body, f.stored)[2 + len(name):]).hex()
                      for name, f in self.blobs.items()},
            "tensors": [{
                "name": t.text, "dtype": t.dtype, "shape": t.shape, "bytes": t.size,
                "storage": ("raw", "chunked", "alias")[t.storage], "position": t.position,
                "alias_of": t.source.text if t.source is not t else None,
                "sha256": None if shallow else t.source.sha} for t in self.tensors]}

def main(arguments: list[str]) -> int:
    shallow = arguments[:1] == ["--shallow"]
    try:
        with open(arguments[shallow], "rb") as file:
            size = file.seek(0, 2)  # an empty file cannot be mapped
            data = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""
        print(json.dumps(Container(data).report(shallow), sort_keys=True, indent=1))
    except (Invalid, OSError, IndexError) as error:
        print(error, file=sys.stderr)
        return 1 if isinstance(error, Invalid) else 2
    return 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
