"""A writer of containers from FORMAT.md alone, which shares no code with any reader."""
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from .frames import Frame
from .tensors import CHUNKED, RAW, Tensor, sealed, sha


class Container:
    """Lays out items (frames and tensors) in the order given and keeps where everything went."""

    def __init__(self, items: Sequence[Frame | Tensor], align: int = 6, chunk: int = 16, digests: bool = False,
                 minor: int = 0, optional: int = 0, index: Any = None, surplus: Sequence[bytes] = (b"", b"", b""),
                 skip_attachments: Sequence[str] = ()) -> None:
        self.items, self.align, self.chunk, self.digests = items, align, chunk, digests
        self.frames: list[Frame] = []
        self.at = 64
        self.tensors = [item for item in items if isinstance(item, Tensor)]
        self.superblock = sealed(struct.pack("<8sHHIQQBB26x", b"\x89CRN\r\n\x1a\n", 1, minor, 64, 0,
                                             optional | digests, align, chunk))
        for number, t in enumerate(self.tensors):
            t.ordinal = number
            t.place = number if t.position is None else t.position
        by_name = {t.name: t for t in self.tensors}
        for t in self.tensors:
            t.owner = by_name[t.of.encode()] if t.of is not None else None
            if t.owner:
                for field in "dtype shape data quant".split():
                    if field not in t.wrong.get("keep", ()):
                        setattr(t, field, getattr(t.owner, field))
        for item in items:
            if isinstance(item, Tensor):
                self.group(item)
            else:
                self.add(item)
        self.lay_index(index, surplus, skip_attachments)

    def add(self, frame: Frame) -> None:
        frame.at = self.at
        self.frames.append(frame)
        self.at = frame.next()

    def group(self, t: Tensor) -> None:
        owner = t.wrong.get("owner_ordinal", t.owner.ordinal if t.owner else 0)
        record = struct.pack("<HBBBBHIIQIIII", t.code(), t.wrong.get("storage", t.storage),
                             t.filter, len(t.shape), 0, len(t.name), t.place, owner, t.size(),
                             *t.quant, 0)
        record += b"".join(struct.pack("<Q", d) for d in t.shape) + t.name
        frames = [Frame("TNSR", record, ordinal=t.ordinal)]
        if t.storage == RAW and t.data:
            data_at = self.at + 64 + (len(record) + 63) // 64 * 64 + 64
            gap = -data_at % (1 << self.align)
            if gap:  # a PADD header takes 64 bytes of the gap
                frames.append(Frame("PADD", bytes(gap - 64), ordinal=t.ordinal))
            frames.append(Frame("RAWD", t.data, flags=1, ordinal=t.ordinal))
            crcs = b"".join(struct.pack("<I", zlib.crc32(t.data[at:at + (1 << 20)]))
                            for at in range(0, len(t.data), 1 << 20))
            frames.append(Frame("BSUM", crcs, ordinal=t.ordinal))
        elif t.storage == CHUNKED:
            for number, (stored, logical) in enumerate(t.chunks(self.chunk)):
                frames.append(Frame("CHNK", stored, logical=logical, ordinal=t.ordinal,
                                    number=number))
        t.frames = frames
        placed = t.tamper(list(frames)) if t.tamper else frames
        for frame in placed:
            self.add(frame)

    def lay_index(self, index: Any, surplus: Sequence[bytes], skip: Sequence[str]) -> None:
        rows = sorted(self.tensors, key=lambda t: t.name)
        if index:
            rows = index(rows)
        self.rows = rows
        for row, t in enumerate(rows):
            t.row = row
        entries, blocks, dims, names = (bytearray() for _ in range(4))
        count_blocks = count_dims = 0
        self.block_frames = []
        for t in rows:
            data = [(f, f.at + 64 + at, len(f.payload[at:at + (1 << 20)]),
                     len(f.payload[at:at + (1 << 20)]), zlib.crc32(f.payload[at:at + (1 << 20)]))
                    for f in t.frames if f.kind == "RAWD" and f.at
                    for at in range(0, len(f.payload), 1 << 20)]
            data += [(f, f.at + 64, len(f.payload), f.logical, zlib.crc32(f.payload))
                     for f in t.frames if f.kind == "CHNK" and f.at]
            leaf = t.leaf() if self.digests and not t.owner else bytes(32)
            owner = t.owner.row if t.owner else 0
            entries += struct.pack(
                "<QHHBBBBIIIIQQQQQIII12x32s", len(names), len(t.name), t.code(),
                t.wrong.get("storage", t.storage), t.filter, len(t.shape), 0, t.ordinal, t.place,
                t.wrong.get("owner_row", owner), 0, count_dims, count_blocks, len(data), t.size(),
                t.frames[0].at or 64, *t.quant, leaf)
            for frame, offset, stored, logical, crc in data:
                blocks += struct.pack("<QIII12x", offset, stored, logical, crc)
                self.block_frames.append(frame)
            dims += b"".join(struct.pack("<Q", d) for d in t.shape)
            names += t.name
            count_blocks, count_dims = count_blocks + len(data), count_dims + len(t.shape)
        blocks, dims, names = (section + more for section, more in zip(
            (blocks, dims, names), surplus))
        count_blocks, count_dims = len(blocks) // 32, len(dims) // 8
        payload = bytes(entries + blocks + dims + names)
        self.index = Frame("INDX", payload)
        self.add(self.index)
        self.entries_at = self.index.at + 64
        self.blocks_at = self.entries_at + len(entries)
        self.dims_at = self.blocks_at + len(blocks)
        self.names_at = self.dims_at + len(dims)
        pages = [payload[at:at + 65536] for at in range(0, len(payload), 65536)]
        attached = [f for f in self.frames
                    if f.kind in ("META", "CONF", "BLOB") and f.kind not in skip]
        table = struct.pack("<QQQQQQIIQ", self.index.at, len(payload), len(rows), count_blocks,
                            count_dims, len(names), len(pages), len(attached), 0)
        table += b"".join(struct.pack("<I", zlib.crc32(page)) for page in pages)
        table += bytes(-len(table) % 8)
        self.attached_in_table = len(table)
        self.attached = attached
        for f in attached:
            table += struct.pack("<4sIQQQ", f.kind.encode(), zlib.crc32(f.payload), f.at,
                                 len(f.payload), 0)
        self.ptab = Frame("PTAB", table)
        self.add(self.ptab)
        self.attached_at = self.ptab.at + 64 + self.attached_in_table
        self.commit_at = self.at
        owners = [t for t in self.tensors if not t.owner]
        stored = sum(len(f.payload) for f in self.frames if f.kind in ("RAWD", "CHNK"))
        self.root = self.root_digest() if self.digests else bytes(32)
        self.commit_fields = (
            b"\x89CRNEND\n", self.commit_at + 128, self.ptab.at, len(table),
            zlib.crc32(table), int(self.digests), 0, len(rows), len(self.frames),
            sum(t.size() for t in owners), stored, self.root)

    def root_digest(self) -> bytes:
        text = b"cairn.root.1" + bytes(4) + struct.pack("<Q", len(self.rows))
        for t in self.rows:
            owner = t.owner or t
            member = min((m for m in self.rows if (m.owner or m) is owner), key=lambda m: m.name)
            text += struct.pack("<I", len(t.name)) + t.name + struct.pack("<I", t.place)
            if member is t:
                text += b"\0" + owner.leaf()
            else:
                text += b"\1" + struct.pack("<Q", member.row) + bytes(24)
        for kind in ("META", "CONF"):
            payloads = [f.payload for f in self.frames if f.kind == kind]
            text += sha(payloads[0]) if payloads else bytes(32)
        blobs = sorted((f for f in self.frames if f.kind == "BLOB"), key=lambda f: f.name)
        text += struct.pack("<I", len(blobs))
        return sha(text + b"".join(sha(f.payload) for f in blobs))

    def encoded(self) -> bytes:
        frames = [f.encoded() for f in self.frames]
        order = zlib.crc32(b"".join(frame[60:64] for frame in frames))
        commit = sealed(struct.pack("<8sQQQIIQQQQQ32sI8x", *self.commit_fields, order))
        return self.superblock + b"".join(frames) + commit

    # Where things are, for the bad files.

    def find(self, kind: str, number: int = 0) -> int:
        return [f for f in self.frames if f.kind == kind][number].at

    def entry(self, name: str) -> int:
        return self.entries_at + 128 * self.tensor(name).row

    def tensor(self, name: str) -> Tensor:
        return next(t for t in self.tensors if t.name == name.encode())

    def block(self, number: int) -> int:
        return self.blocks_at + 32 * number

    def record_of(self, offset: int, size: int) -> list[int]:
        """The superblock, frame or commit record that an offset lies in."""
        if offset < 64:
            return [0, 64]
        for f in self.frames:
            if f.at <= offset < f.next():
                return [f.at, f.next()]
        return [self.commit_at, max(size, self.commit_at + 128)]

    def repaired(self, data: bytes | bytearray, skip: Sequence[str] = ()) -> bytes:
        """All checksums anew, from the inside out, but the kinds in `skip`."""
        data = bytearray(data)

        def put(at: int, crc: int) -> None:
            data[at:at + 4] = struct.pack("<I", crc)

        def crc(at: int, count: int) -> int:
            return zlib.crc32(data[at:at + count])

        used: dict[int, int] = {}
        for number, f in enumerate(self.block_frames):
            start = f.at + 64 + used.get(f.at, 0)
            count = min(1 << 20, len(f.payload) - used.get(f.at, 0)) if f.kind == "RAWD" \
                else len(f.payload)
            used[f.at] = used.get(f.at, 0) + count
            if "blocks" not in skip:
                put(self.block(number) + 16, crc(start, count))
        for i, f in enumerate(self.frames):
            if f.kind == "BSUM" and self.frames[i - 1].kind == "RAWD" and "bsum" not in skip:
                d = self.frames[i - 1]
                for j in range(len(f.payload) // 4):
                    start = j << 20
                    put(f.at + 64 + 4 * j, crc(d.at + 64 + start,
                                               min(1 << 20, len(d.payload) - start)))
        for i, f in enumerate(self.attached):
            if "attached" not in skip:
                put(self.attached_at + 32 * i + 4, crc(f.at + 64, len(f.payload)))
        if "pages" not in skip:
            for i, at in enumerate(range(0, len(self.index.payload), 65536)):
                put(self.ptab.at + 128 + 4 * i,
                    crc(self.entries_at + at, min(65536, len(self.index.payload) - at)))
        for f in self.frames:
            if "payload" not in skip and not f.flags & 1:
                put(f.at + 32, crc(f.at + 64, len(f.payload)))
            if "header" not in skip:
                put(f.at + 60, crc(f.at, 60))
        if "ptab" not in skip:
            put(self.commit_at + 32, crc(self.ptab.at + 64, len(self.ptab.payload)))
        if "commit" not in skip:
            if "order" not in skip:
                sums = (data[f.at + 60:f.at + 64] for f in self.frames)
                put(self.commit_at + 112, zlib.crc32(b"".join(sums)))
            put(self.commit_at + 124, crc(self.commit_at, 124))
        if "superblock" not in skip:
            put(60, crc(0, 60))
        return bytes(data)
