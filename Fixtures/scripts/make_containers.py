#!/usr/bin/env python3
"""Makes the golden containers in Fixtures/containers and their manifest from FORMAT.md alone.

    make_containers.py [--check] [FOLDER]

An independent writer: it shares no code with any reader. `ok-*` files are valid; `bad-*` files break
one rule each, with every checksum repaired so that the rule itself is reached; `future-*` files
need a reader that is newer. What the manifest expects of an ok file is computed from what went in.
--check makes everything anew in memory and compares it with the folder (exit 1 if it differs;
the streams come from the zlib of this Python, and another zlib may choose other bytes).
"""
import hashlib
import json
import os
import random
import struct
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
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


def noise(count, seed=0):
    return random.Random(seed).randbytes(count)  # Mersenne Twister: the same everywhere


def sha(data):
    return hashlib.sha256(data).digest()


def sealed(body):
    return body + struct.pack("<I", zlib.crc32(body))


# --- tensors -------------------------------------------------------------------------------------


def bits_of(dtype):
    return BITS[CODES[dtype] - 1] if CODES[dtype] <= len(BITS) else 0


def product(shape):
    n = 1
    for d in shape:
        n *= d
    return n


def strings(values):
    ends, at = b"", 0
    for value in values:
        at += len(value)
        ends += struct.pack("<Q", at)
    return ends + b"".join(values)


def packed(values, bits):
    """Values of 4 or 6 bits as one little-endian bit string."""
    whole = sum(value << i * bits for i, value in enumerate(values))
    return whole.to_bytes((len(values) * bits + 7) // 8, "little")


def deflated(planes):
    return zlib.compress(planes, 9)


class Tensor:
    """One tensor or alias. Anything in `wrong` replaces what the rules would give."""

    def __init__(self, name, dtype="float32", shape=(), data=b"", storage=RAW, filter=0,
                 position=None, of=None, quant=(0, 0, 0), coder=deflated, tamper=None, **wrong):
        self.name = name.encode() if isinstance(name, str) else name
        self.dtype, self.shape, self.data, self.storage = dtype, tuple(shape), data, storage
        self.filter, self.position, self.of, self.quant = filter, position, of, quant
        self.coder, self.tamper, self.wrong = coder, tamper, wrong
        if of is not None:
            self.storage = ALIAS

    def code(self):
        return self.wrong.get("code", CODES.get(self.dtype))

    def size(self):
        return self.wrong.get("size", len(self.data))

    def granule(self):
        if self.dtype == "quantized":
            return self.quant[2] or 1
        return {"string": 1}.get(self.dtype) or {4: 4, 6: 6}.get(bits_of(self.dtype),
                                                                bits_of(self.dtype) // 8)

    def planes(self, chunk):
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

    def chunks(self, log):
        """(stored, logical) of every chunk."""
        unit = (1 << log) // self.granule() * self.granule()
        for at in range(0, len(self.data), unit):
            chunk = self.data[at:at + unit]
            stream = self.coder(self.planes(chunk))
            raw = stream is None or len(stream) >= len(chunk) and "force" not in self.wrong
            yield (chunk if raw else stream), self.wrong.get("chunk_logical", len(chunk))

    def leaf(self):
        segments = [self.data[at:at + (1 << 20)] for at in range(0, len(self.data), 1 << 20)]
        return sha(b"cairn.leaf.1" + bytes(4) + struct.pack("<HH", self.code(), len(self.shape))
                   + struct.pack("<III", *self.quant)
                   + b"".join(struct.pack("<Q", d) for d in self.shape)
                   + struct.pack("<Q", len(self.data)) + b"".join(map(sha, segments)))


# --- frames --------------------------------------------------------------------------------------


class Frame:
    def __init__(self, kind, payload=b"", flags=0, version=1, logical=None, ordinal=0, number=0):
        self.kind, self.payload, self.flags, self.version = kind, payload, flags, version
        self.logical = len(payload) if logical is None else logical
        self.ordinal, self.number, self.at, self.block = ordinal, number, None, False

    def next(self):
        return self.at + 64 + (len(self.payload) + 63) // 64 * 64

    def encoded(self):
        crc = 0 if self.flags & 1 else zlib.crc32(self.payload)
        head = struct.pack("<4sHHQQIII24x", self.kind.encode(), self.version, self.flags,
                           len(self.payload), self.logical, self.ordinal, self.number, crc)
        return sealed(head) + self.payload + bytes(-len(self.payload) % 64)


def meta(pairs, count=None):
    """pairs: (key, type, value), the value already a list where the type ends in []."""
    kinds = {"bool": 1, "i64": 2, "u64": 3, "f64": 4, "string": 5, "bytes": 6}

    def one(kind, v):
        if kind == "bool":
            return bytes([v])
        if kind in ("i64", "u64"):
            return struct.pack("<q" if kind == "i64" else "<Q", v)
        if kind == "f64":  # given as its 64 bits
            return struct.pack("<Q", v)
        v = v.encode() if isinstance(v, str) else v
        return struct.pack("<I", len(v)) + v

    out = struct.pack("<I", len(pairs) if count is None else count)
    for key, kind, value in pairs:
        key = key.encode() if isinstance(key, str) else key
        plain = kind.removesuffix("[]")
        values = value if kind != plain else [value]
        out += struct.pack("<H", len(key)) + key
        out += bytes([kinds[plain] + (128 if kind != plain else 0)])
        out += struct.pack("<I", len(values)) if kind != plain else b""
        out += b"".join(one(plain, v) for v in values)
    frame = Frame("META", out)
    frame.pairs = pairs
    return frame


def conf(text):
    return Frame("CONF", text.encode() if isinstance(text, str) else text)


def blob(name, content, length=None):
    name = name.encode() if isinstance(name, str) else name
    frame = Frame("BLOB", struct.pack("<H", len(name) if length is None else length) + name
                  + content)
    frame.name, frame.content = name, content
    return frame


class Container:
    """Lays out items (frames and tensors) in the order given and keeps where everything went."""

    def __init__(self, items, align=6, chunk=16, digests=False, minor=0, optional=0, index=None,
                 surplus=(b"", b"", b""), skip_attachments=()):
        self.items, self.align, self.chunk, self.digests = items, align, chunk, digests
        self.frames, self.blocks, self.at = [], {}, 64
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

    def add(self, frame):
        frame.at = self.at
        self.frames.append(frame)
        self.at = frame.next()

    def group(self, t):
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
        frames[0].tensor = t
        placed = t.tamper(list(frames)) if t.tamper else frames
        for frame in placed:
            self.add(frame)

    def lay_index(self, index, surplus, skip):
        rows = sorted(self.tensors, key=lambda t: t.name)
        if index:
            rows = index(rows)
        self.rows = rows
        for row, t in enumerate(rows):
            t.row = row
        entries = blocks = dims = names = b""
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
        payload = entries + blocks + dims + names
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
        self.commit = sealed(struct.pack(
            "<8sQQQIIQQQQQ32s12x", b"\x89CRNEND\n", self.commit_at + 128, self.ptab.at, len(table),
            zlib.crc32(table), int(self.digests), 0, len(rows), len(self.frames),
            sum(t.size() for t in owners), stored, self.root))

    def root_digest(self):
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

    def encoded(self):
        return self.superblock + b"".join(f.encoded() for f in self.frames) + self.commit

    # Where things are, for the bad files.

    def find(self, kind, number=0):
        return [f for f in self.frames if f.kind == kind][number].at

    def entry(self, name):
        return self.entries_at + 128 * self.tensor(name).row

    def tensor(self, name):
        return next(t for t in self.tensors if t.name == name.encode())

    def block(self, number):
        return self.blocks_at + 32 * number

    def record_of(self, offset, size):
        """The superblock, frame or commit record that an offset lies in."""
        if offset < 64:
            return [0, 64]
        for f in self.frames:
            if f.at <= offset < f.next():
                return [f.at, f.next()]
        return [self.commit_at, max(size, self.commit_at + 128)]

    def repaired(self, data, skip=()):
        """All checksums anew, from the inside out, but the kinds in `skip`."""
        data = bytearray(data)

        def put(at, crc):
            data[at:at + 4] = struct.pack("<I", crc)

        def crc(at, count):
            return zlib.crc32(data[at:at + count])

        used = {}
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
            put(self.commit_at + 124, crc(self.commit_at, 124))
        if "superblock" not in skip:
            put(60, crc(0, 60))
        return bytes(data)


# --- the files -----------------------------------------------------------------------------------

FILES, MANIFEST = {}, {}


def expected(c):
    """What a reader has to say of a valid container, from what went in."""
    def tensor(t):
        return {"name": t.name.decode(), "dtype": t.dtype, "shape": list(t.shape),
                "bytes": len(t.data), "storage": ("raw", "chunked", "alias")[t.storage],
                "alias_of": t.owner.name.decode() if t.owner else None, "position": t.place,
                "sha256": sha(t.data).hex()}

    def typed(kind, value):
        if kind.startswith("f64"):
            return [f"{v:016x}" for v in value] if kind.endswith("[]") else f"{value:016x}"
        if kind.startswith("bytes"):
            return [v.hex() for v in value] if kind.endswith("[]") else value.hex()
        return value

    metas = [f for f in c.frames if f.kind == "META"]
    confs = [f for f in c.frames if f.kind == "CONF"]
    minor = struct.unpack_from("<H", c.superblock, 10)[0]
    return {
        "format": "cairn", "version": f"1.{minor}", "tensors": [tensor(t) for t in c.rows],
        "metadata": {k: {"type": kind, "value": typed(kind, v)} for k, kind, v in metas[0].pairs}
        if metas else {},
        "configuration": confs[0].payload.decode() if confs else None,
        "blobs": {f.name.decode(): sha(f.content).hex() for f in c.frames if f.kind == "BLOB"},
        "digests": c.root.hex() if c.digests else None}


def ok(name, items, sections, **options):
    c = Container(items, **options)
    FILES[f"ok-{name}.cairn"] = c.encoded()
    MANIFEST[f"ok-{name}.cairn"] = {"expect": "accept", "sections": sections,
                                    "content": expected(c)}
    return c


def bad(name, level, codes, section, c, offset, data, also=(), decode=False, prefix="bad",
        proposed=None):
    """offset: where the violation lies; also: other offsets at which it may be noticed; decode:
    only a reader that decodes the chunks can notice it; proposed: a rule that FORMAT.md does not
    state in so many words."""
    codes = codes.split()
    entry = {"expect": "refuse", "level": level, "code": codes[0], "codes": codes,
             "section": section, "offset": offset, "needs_decoding": decode,
             "within": [c.record_of(o, len(data)) for o in (offset, *also)]}
    if proposed:
        entry["proposed"] = proposed
    FILES[f"{prefix}-{name}.cairn"] = data
    MANIFEST[f"{prefix}-{name}.cairn"] = entry


def patched(c, at, value, skip=()):
    data = bytearray(c.encoded())
    old = bytes(data[at:at + len(value)])
    assert old != value, "the patch changes nothing"
    data[at:at + len(value)] = value
    return c.repaired(data, skip) if skip is not None else bytes(data)


def flipped(c, at, skip=(), mask=1):
    return patched(c, at, bytes([c.encoded()[at] ^ mask]), skip)


def u16(n):
    return struct.pack("<H", n)


def u32(n):
    return struct.pack("<I", n)


def u64(n):
    return struct.pack("<Q", n)


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


class BitWriter:
    """DEFLATE by hand: bits from the lowest up, Huffman codes from their highest bit down."""

    def __init__(self):
        self.value, self.count = 0, 0

    def bits(self, value, count):
        self.value |= value << self.count
        self.count += count

    def huffman(self, code, count):
        self.bits(int(f"{code:0{count}b}"[::-1], 2), count)

    def align(self):
        self.count = (self.count + 7) // 8 * 8

    def bytes(self):
        return self.value.to_bytes((self.count + 7) // 8, "little")

    def stored(self, data, final=0):
        self.bits(final, 1)
        self.bits(0, 2)
        self.align()
        self.bits(len(data) | (len(data) ^ 0xffff) << 16, 32)
        self.bits(int.from_bytes(data, "little"), 8 * len(data))

    def literal(self, byte):  # of the fixed code
        self.huffman(0x30 + byte, 8) if byte < 144 else self.huffman(0x190 + byte - 144, 9)

    def fixed(self, literals, repeats=0, final=0):
        """Literals, then `repeats` times the last byte 258 times (length 258, distance 1)."""
        self.bits(final, 1)
        self.bits(1, 2)
        for byte in literals:
            self.literal(byte)
        for _ in range(repeats):
            self.huffman(0xc0 + 285 - 280, 8)
            self.huffman(0, 5)
        self.huffman(0, 7)

    def dynamic(self, data, final=0):
        """Literals only, of two byte values a and b, and no distance code at all."""
        a, b = sorted(set(data))
        self.bits(final, 1)
        self.bits(2, 2)
        self.bits(0, 5)       # HLIT: 257 literal and length codes
        self.bits(0, 5)       # HDIST: one distance code, of no bits: none is used
        self.bits(14, 4)      # HCLEN: 18 code length codes
        # Lengths: 0 and 1 and 2 and 18 (11 to 138 zeros) have two bits each.
        order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1]
        for symbol in order:
            self.bits(2 if symbol in (0, 1, 2, 18) else 0, 3)
        code = {0: 0, 1: 1, 2: 2, 18: 3}

        def zeros(n):
            while n >= 11:
                run = min(n, 138)
                self.huffman(code[18], 2)
                self.bits(run - 11, 7)
                n -= run
            for _ in range(n):
                self.huffman(code[0], 2)

        zeros(a)
        self.huffman(code[1], 2)     # a has one bit,
        zeros(b - a - 1)
        self.huffman(code[2], 2)     # b and the end of the block have two
        zeros(256 - b - 1)
        self.huffman(code[2], 2)
        zeros(1)
        for byte in data:
            self.huffman(0, 1) if byte == a else self.huffman(2, 2)
        self.huffman(3, 2)


def zlib_stream(raw, data, cmf=0x78):
    head = cmf << 8
    return struct.pack(">H", head + -head % 31) + raw + struct.pack(">I", zlib.adler32(data))


def by_hand(*blocks, cmf=0x78):
    """A coder that writes given blocks: ("stored" | "fixed" | "dynamic", end) up to each end."""
    def coder(data):
        w, at = BitWriter(), 0
        for i, (kind, end) in enumerate(blocks):
            getattr(w, kind)(data[at:end], final=int(i == len(blocks) - 1))
            at = end
        assert at == len(data)
        return zlib_stream(w.bytes(), data, cmf)
    return coder


def by_zlib(level=9, wbits=15, strategy=zlib.Z_DEFAULT_STRATEGY, flush=()):
    def coder(data):
        z, out, at = zlib.compressobj(level, zlib.DEFLATED, wbits, 8, strategy), b"", 0
        for end, mode in flush:
            out += z.compress(data[at:end]) + z.flush(mode)
            at = end
        return out + z.compress(data[at:]) + z.flush()
    return coder


def noise_then_level_9(split):
    """zlib level 0 for the first bytes, level 9 for the rest, in one stream."""
    def coder(data):
        a, b = zlib.compressobj(0, zlib.DEFLATED, -15), zlib.compressobj(9, zlib.DEFLATED, -15)
        raw = a.compress(data[:split]) + a.flush(zlib.Z_FULL_FLUSH)
        return zlib_stream(raw + b.compress(data[split:]) + b.flush(), data)
    return coder


def stepping(dtype, count, seed=0):
    """Bytes with structure for a dtype: small steps, so that planes are worth it."""
    k = COMPONENT.get(dtype, 1)
    rng, n = random.Random(seed), count
    if dtype in ("float32", "complex64"):
        n = count * (2 if dtype == "complex64" else 1)
        return struct.pack(f"<{n}f", *[(i % 32 - 16) / 8 for i in range(n)])
    if dtype in ("float64", "complex128"):
        n = count * (2 if dtype == "complex128" else 1)
        return struct.pack(f"<{n}d", *[(i % 32 - 16) / 8 for i in range(n)])
    if dtype == "bool":
        return bytes(rng.randrange(2) for _ in range(n))
    if dtype in CODES and bits_of(dtype) in (4, 6):
        return packed([i % 5 for i in range(n)], bits_of(dtype))
    return b"".join((i % 50 + 3).to_bytes(k, "little") for i in range(n))


def every_dtype(storage):
    tensors = []
    for dtype in list(CODES)[:25]:
        shapes = [("odd", (3, 7)), ("scalar", ()), ("empty", (2, 0, 5)), ("many", (331,))]
        for label, shape in shapes[:3 if storage == RAW else 4]:
            n = product(shape)
            filters = [0] if storage == RAW else [0] + [1] * (dtype in COMPONENT) + [2] * (
                dtype in ROTATES)
            filter = filters[-1] if label != "many" else filters[0]
            tensors.append(Tensor(f"{dtype}.{label}", dtype, shape, stepping(dtype, n), storage,
                                  filter))
    text = [b"", "né".encode(), b"\xff\x00raw", b"", b"x" * 300, b"last"]
    block = bytes(range(18))
    tensors += [
        Tensor("string.odd", "string", (2, 3), strings(text), storage),
        Tensor("string.scalar", "string", (), strings([b"one"]), storage),
        Tensor("string.empty", "string", (0, 3), b"", storage),
        Tensor("string.all-empty", "string", (4,), strings([b""] * 4), storage),
        Tensor("quantized.odd", "quantized", (3, 64), block * 6, storage, quant=(2, 32, 18)),
        Tensor("quantized.scalar", "quantized", (), b"\x07\x08\x09", storage, quant=(7, 1, 3)),
        Tensor("quantized.empty", "quantized", (0, 32), b"", storage, quant=(2, 32, 18)),
        Tensor("quantized.across-rows", "quantized", (2, 16), block, storage, quant=(2, 32, 18)),
        Tensor("quantized.type-0", "quantized", (4,), b"ab", storage, quant=(0, 2, 1)),
    ]
    return tensors


def make_good():
    ok("empty", [], "1 12 13")
    ok("raw-float32", [Tensor("a", "float32", (2, 3), floats(0, 1, -2, 3.5, 4, 5))], "6")
    for align in (12, 14):
        ok(f"raw-aligned-{1 << align}", [
            Tensor("a", "float32", (3,), floats(1, 2, 3)),
            Tensor("b", "uint8", (1,), b"\x09"),
            Tensor("c", "uint8", (0,), b""),
            Tensor("d", "float64", (2,), struct.pack("<2d", 1, 2))], "6", align=align)
    # The name's length moves the RAWD header: exactly in place (no PADD), and a PADD without bytes.
    ok("raw-aligned-without-padd", [
        blob("x", bytes(4096 - 64 - 64 - 3 - 192 + 64)),
        Tensor("a", "uint8", (4,), b"none")], "6", align=12)
    ok("raw-aligned-empty-padd", [
        blob("x", bytes(4096 - 64 - 64 - 3 - 192)),
        Tensor("a", "uint8", (4,), b"zero")], "6", align=12)
    ok("raw-aligned-65536-unused", [Tensor("a", "int8", (3,), b"abc", CHUNKED)], "6", align=16)
    ok("raw-every-dtype", every_dtype(RAW), "6 8")
    ok("chunked-every-dtype", every_dtype(CHUNKED), "7 8")
    big = {d: stepping(d, 70000 // max(1, bits_of(d) // 8) + 5) for d in
           ("int16", "uint32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
            "complex128", "uint8")}
    count = {d: len(data) * 8 // bits_of(d) for d, data in big.items()}
    ok("filters", [
        *[Tensor(f"{d}.{f}", d, (count[d],), data, CHUNKED, f) for d, data in big.items()
          for f in (0, 1, 2) if f == 0 or d in COMPONENT and f == 1 or d in ROTATES],
        Tensor("as-it-is", "float32", (64,), noise(256, 1), CHUNKED, 2),
        Tensor("random.1", "int32", (2000,), noise(4000, 2) + bytes(4000), CHUNKED, 1),
        Tensor("random.2", "float64", (500,), noise(2000, 3) + bytes(2000), CHUNKED, 2),
    ], "7")
    ok("chunk-boundaries", [
        Tensor("exact", "uint8", (1 << 16,), bytes(1 << 16), CHUNKED),
        Tensor("one-more", "uint8", ((1 << 16) + 1,), bytes(1 << 16) + b"\1", CHUNKED),
        Tensor("two", "int16", (2, 1 << 15), bytes(1 << 17), CHUNKED, 1),
        Tensor("six-bits", "float6_e2m3fn", (100001,), packed(
            [i % 3 for i in range(100001)], 6), CHUNKED),
        Tensor("four-bits", "int4", (150001,), packed([i % 3 for i in range(150001)], 4), CHUNKED),
        Tensor("blocks", "quantized", (3, 105600), bytes(range(210)) * 3300, CHUNKED,
               quant=(14, 96, 210)),
        Tensor("strings", "string", (9001,), strings([b"ab", b"c"] * 4500 + [b"z"]), CHUNKED),
        Tensor("largest-block", "quantized", (2,), bytes(131072), CHUNKED, quant=(1, 1, 65536)),
    ], "7 8")
    ok("chunk-size-2-24", [Tensor("a", "uint8", (300000,), bytes(300000), CHUNKED)], "3 7",
       chunk=24)
    ok("raw-blocks", [Tensor("a", "uint8", (50000,), noise(50000, 4))], "6 12")
    lz = noise(2000, 5) + bytes(29000) + noise(2000, 5)
    two = bytes(7 if (i * i) % 11 < 6 else 200 for i in range(4000))
    mixed = noise(1500, 6) + bytes(3000) + two[:1000]
    flushes = [(1000, zlib.Z_SYNC_FLUSH), (2000, zlib.Z_FULL_FLUSH), (3000, zlib.Z_BLOCK),
               (3500, zlib.Z_PARTIAL_FLUSH)]

    def stream(name, data, coder):
        return Tensor(name, "uint8", (len(data),), data, CHUNKED, coder=coder)

    ok("deflate-blocks", [
        stream("fixed", two, by_zlib(strategy=zlib.Z_FIXED)),
        stream("fixed-length-258", bytes([5] * (1 + 258 * 4)), lambda d: zlib_stream(
            fixed_run(4), d)),
        stream("dynamic", two, by_zlib()),
        stream("dynamic-no-distances", two, by_hand(("dynamic", 4000))),
        stream("huffman-only", two, by_zlib(strategy=zlib.Z_HUFFMAN_ONLY)),
        stream("filtered", two, by_zlib(strategy=zlib.Z_FILTERED)),
        stream("rle", bytes(3000), by_zlib(strategy=zlib.Z_RLE)),
        stream("level-0-and-9", mixed, noise_then_level_9(1500)),
        stream("level-1", lz, by_zlib(1)),
        stream("level-9-far", lz, by_zlib(9)),
        stream("level-0-not-shorter", b"stored as it is", by_zlib(0)),
        stream("flushes", two, by_zlib(flush=flushes)),
        stream("three-kinds", two, by_hand(("stored", 100), ("fixed", 300), ("dynamic", 3900),
                                           ("stored", 4000))),
        stream("empty-blocks", two, by_hand(("stored", 0), ("fixed", 0), ("dynamic", 4000),
                                            ("stored", 4000), ("fixed", 4000))),
        stream("window-512", two, by_zlib(9, 9)),
        stream("window-4096", bytes(5000) + two, by_zlib(9, 12)),
        stream("ratio-near-1032", bytes(60000), by_zlib(9)),
    ], "7")
    w = b"tied"
    ok("aliases", [
        Tensor("m.owner", "uint8", (4,), w, position=5),
        Tensor("z.alias", of="m.owner", position=0),
        Tensor("a.alias", of="m.owner", position=3),
        Tensor("k.alone", "int16", (2,), b"\1\0\2\0", position=1),
        Tensor("q.owner", "float32", (600,), stepping("float32", 600), CHUNKED, 2, position=6),
        Tensor("b.alias", of="q.owner", position=2),
        Tensor("c.empty", "int8", (0, 4), b"", position=7),
        Tensor("0.alias-of-empty", of="c.empty", position=4),
        Tensor("r.quantized", "quantized", (64,), bytes(36), quant=(2, 32, 18), position=8),
        Tensor("n.alias", of="r.quantized", position=9),
        Tensor("same-bytes-no-tie", "uint8", (4,), w, position=10),
    ], "6 12 14", digests=True)
    pairs = [
        ("a.bool", "bool", True), ("a.bool.false", "bool", False),
        ("b.i64.max", "i64", 2**63 - 1), ("b.i64.min", "i64", -2**63), ("c.u64", "u64", 2**64 - 1),
        ("d.f64", "f64", 0x3ff8000000000000), ("d.f64.-0", "f64", 1 << 63),
        ("d.f64.nan", "f64", 0x7ff4dead0000beef), ("e.string", "string", "grüße\n\0\u2028🌍"),
        ("e.string.empty", "string", ""), ("f.bytes", "bytes", b"\xff\0\x80"),
        ("f.bytes.empty", "bytes", b""), ("g.bools", "bool[]", [True, False, True]),
        ("h.i64s", "i64[]", [-1, 0, 1]), ("i.u64s", "u64[]", [0, 2**63]),
        ("j.f64s", "f64[]", [0, 0x7ff0000000000000, 0xfff8000000000001]),
        ("k.strings", "string[]", ["", "ä", "zwei"]), ("l.bytes", "bytes[]", [b"", b"\0"]),
        ("m.none", "string[]", []), ("n" * 1024, "bool", True), ("ключ", "string", "значение"),
    ]
    ok("metadata-every-type", [meta(pairs), Tensor("a", "uint8", (), b"a")], "10")
    text = ('{"A":[],"a":{"b":{}},"e":[0.0,-0.0,1.0,0.0001,1e-05,1.5e-07,1e+16,'
            '1234567890123456.0,5e-324,1.7976931348623157e+308,0.1,NaN,Infinity,-Infinity],'
            '"i":[0,-1,9223372036854775807,-9223372036854775808,18446744073709551615],'
            '"s":"/\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\x7fé\u2028\U0001f30d","t":[true,false,null],'
            '"é":1,"\uffee":2,"\U0001f30d":3}')
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"),
                              ensure_ascii=False)
    ok("configuration-and-blobs", [
        blob("z/last", b""), conf(text), blob("a", bytes(range(256)) * 20), blob("../up", b"name")],
       "11", digests=True)
    ok("configuration-128-deep", [conf("[" * 128 + "]" * 128)], "11")
    ok("notes-and-unknown-ancillary", [
        Frame("nOTe", "eine Notiz, é".encode()), Frame("gENR", b"make_containers"),
        Frame("nOTe", b""), Tensor("a", "uint8", (3,), b"abc"), Frame("prIv", noise(70, 7)),
        Frame("nEWf", b"of a later minor", version=1), Tensor("b", "uint8", (3,), b"xyz"),
        Frame("xXXX", b""), meta([("late", "bool", True)]), Frame("nOTe", b"end")], "4 5 11")
    both = [("no-digests", False), ("digests", True)]
    for name, digests in both:
        ok(name, [meta([("k", "string", "v")]), conf('{"a":1}'), blob("b", b"blob"),
                  blob("a", b"another"),
                  Tensor("w", "float32", (300,), stepping("float32", 300), CHUNKED, 2),
                  Tensor("v", "uint8", (5,), b"hello"), Tensor("e", "int8", (0,), b""),
                  Tensor("t", of="w"), Tensor("s", "string", (2,), strings([b"a", b"bc"]))],
           "14", digests=digests)
    ok("canonically-equivalent-names", [
        Tensor("caf\u00e9", "uint8", (), b"1"), Tensor("cafe\u0301", "uint8", (), b"2"),
        Tensor("CAFE\u0301", "uint8", (), b"3"), Tensor(" ", "uint8", (), b"4"),
        Tensor("/etc/../x", "uint8", (), b"5"), Tensor("n" * 1024, "uint8", (), b"6"),
        Tensor("\ufeff", "uint8", (), b"7"), Tensor("\uffff", "uint8", (), b"8"),
        Tensor("\U00010000", "uint8", (), b"9"), Tensor("\u00a0", "uint8", (), b"0"),
        Tensor("a", "uint8", (), b"a"), Tensor("aa", "uint8", (), b"b")], "9")
    special = struct.pack("<8I", 0x80000000, 1, 0x80000001, 0x7fc00001, 0x7f800001, 0xffffffff,
                          0x7f800000, 0xff800000) * 16
    special64 = struct.pack("<6Q", 1 << 63, 1, 0x7ff0000000000001, 0xffffffffffffffff,
                            0x7ff8000000000abc, 0x8000000000000001) * 16
    special16 = struct.pack("<6H", 0x8000, 1, 0x7e01, 0x7c01, 0xffff, 0x8001) * 16
    ok("special-bits", [
        Tensor(f"{dtype}.{storage}.{filter}", dtype, (len(data) * 8 // bits_of(dtype),), data,
               storage, filter)
        for dtype, data in (("float32", special), ("float64", special64), ("float16", special16),
                            ("bfloat16", special16), ("complex64", special),
                            ("complex128", special64), ("float8_e5m2", bytes(range(256))))
        for storage, filter in ((RAW, 0), (CHUNKED, 0), (CHUNKED, 1), (CHUNKED, 2))
        if filter == 0 or dtype in ROTATES], "8")
    ok("future-minor", [Tensor("a", "uint8", (), b"a")], "4", minor=7)
    ok("unknown-optional-bit", [Tensor("a", "uint8", (), b"a")], "4", optional=1 << 63 | 2)
    ok("rank-32", [Tensor("a", "uint8", (1,) * 32, b"a"),
                   Tensor("huge-but-empty", "float32", ((1 << 48) - 1,) * 31 + (0,), b"")], "16")
    ok("written-out-of-order", [
        blob("b", b"2"), Tensor("z", "uint8", (), b"z"), conf("{}"), Tensor("a", "uint8", (), b"a"),
        blob("a", b"1"), meta([("k", "u64", 0)]), Tensor("m", "uint8", (), b"m")], "5 17",
       digests=True)
    ok("many-tensors", [Tensor(f"t{i:04}", "uint8", (), bytes([i % 256]))
                        for i in range(100)], "12")
    ok("long-names", [Tensor(f"t{i}" + "x" * 900, "uint8", (0,), b"") for i in range(24)]
       + [Tensor("of" + "y" * 900, of=f"t{0}" + "x" * 900)], "12")
    for name, digests, storage in ("raw", False, RAW), ("coded", True, CHUNKED):
        ok(f"exhaustive-{name}", [
            Frame("nOTe", b"n"), meta([("k", "f64", 0)]), conf("{}"), blob("b", b"b"),
            Tensor("a", "float32", (24,), stepping("float32", 24), storage, 2 * storage),
            Tensor("s", "string", (2,), strings([b"x", b""]), storage), Tensor("t", of="a")],
           "15", digests=digests)
    ok("container-in-a-blob", [blob("inner", FILES["ok-raw-float32.cairn"])], "11 13")


def fixed_run(repeats):
    w = BitWriter()
    w.fixed([5], repeats, final=1)
    return w.bytes()


def base(**options):
    """A small container with something of everything."""
    return Container([
        Frame("gENR", b"make_containers"), meta([("k", "string", "v"), ("l", "bool", True)]),
        conf('{"a":1}'), blob("x", b"content"), Frame("nOTe", b"a note"),
        Tensor("a", "float32", (3,), floats(1, 2, 3)),
        Tensor("b", "int16", (70000,), stepping("int16", 70000), CHUNKED, 1),
        Tensor("c", of="b"), Tensor("d", "uint8", (5,), b"fives"),
    ], **options)


def make_bad():
    c, size = base(), len(base().encoded())
    whole, end = c.encoded(), base().commit_at
    tnsr, rawd, chnk = c.find("TNSR"), c.find("RAWD"), c.find("CHNK")
    entry, ptab, indx, bsum = c.entry("a"), c.ptab.at, c.index.at, c.find("BSUM")

    def edit(name, level, codes, section, at, value, also=(), skip=(), prefix="bad", **more):
        bad(name, level, codes, section, c, at, patched(c, at, value, skip), also, prefix=prefix,
            **more)

    # §3, §4
    edit("magic", "open", "notACairnFile", "3", 0, b"\x88", skip=None)
    edit("major-2", "open", "unsupportedVersion", "4", 8, u16(2), prefix="future")
    edit("major-2-other-length-and-crc", "open", "unsupportedVersion", "3", 8,
         u16(2) + u16(0) + u32(128), skip=None, prefix="future")
    edit("major-0", "open", "unsupportedVersion", "4", 8, u16(0))
    for bit in (0, 1, 2, 3, 4, 63):
        edit(f"required-bit-{bit}", "open", "unsupportedFeature", "4", 16, u64(1 << bit),
             prefix="future")
    edit("superblock-length", "open", "invalidSuperblock", "3", 12, u32(128))
    edit("superblock-crc", "open", "checksumMismatch", "3", 60, b"\0", skip=None)
    edit("superblock-crc-optional-bit", "open", "checksumMismatch", "3", 26, b"\1", skip=None)
    for log in (0, 5, 7, 13, 17):
        edit(f"alignment-{log}", "open", "invalidSuperblock", "3", 32, bytes([log]))
    for log in (0, 15, 25, 64):
        edit(f"chunk-size-{log}", "open", "invalidSuperblock", "3", 33, bytes([log]))
    for at in (34, 59):
        edit(f"superblock-reserved-{at}", "open", "reservedNotZero", "3", at, b"\1")

    # §13: how a file ends
    def cut(name, codes, length, at):
        bad(name, "open", codes, "13", c, at, whole[:length])

    bad("nothing", "open", "notACairnFile truncated", "3", c, 0, b"",
        proposed="a file that is shorter than the magic is not a Cairn file")
    bad("four-bytes", "open", "notACairnFile truncated", "3", c, 0, whole[:4],
        proposed="a file that is shorter than the magic is not a Cairn file")
    bad("truncated-in-superblock", "open", "truncated", "13", c, 0, whole[:40],
        proposed="a file that ends within the superblock is truncated")
    cut("not-committed-superblock-only", "notCommitted", 64, 64)
    cut("not-committed-between-frames", "notCommitted", tnsr, tnsr)
    cut("not-committed-before-record", "notCommitted", end, end)
    cut("truncated-in-header", "truncated", tnsr + 20, tnsr)
    cut("truncated-in-payload", "truncated", rawd + 64 + 5, rawd)
    cut("truncated-in-padding", "truncated", rawd + 64 + 13, rawd)
    cut("truncated-in-commit", "truncated", size - 1, end)
    cut("truncated-in-commit-start", "truncated", end + 4, end)
    for n in (1, 63, 64, 128):
        bad(f"trailing-{n}", "open", "trailingBytes", "13", c, size, whole + bytes(n))
    bad("trailing-second-container", "open", "trailingBytes", "13", c, size, whole + whole)
    edit("commit-says-longer", "open", "truncated", "13", end + 8, u64(size + 64))
    edit("commit-crc", "open", "checksumMismatch", "13", end + 124, b"\0", skip=None)
    edit("commit-magic", "open", "checksumMismatch invalidFrame", "13", end, b"\x88", skip=None)
    edit("commit-ptab-offset", "open", "invalidCommitRecord invalidFrame checksumMismatch", "13", end + 16,
         u64(indx), (indx,))
    edit("commit-ptab-offset-beyond", "open", "invalidCommitRecord limitExceeded checksumMismatch "
         "truncated", "13", end + 16, u64(1 << 63))
    edit("commit-ptab-length", "open", "invalidIndex routesDisagree", "13", end + 24,
         u64(len(c.ptab.payload) + 8), (ptab,))
    edit("commit-ptab-crc", "open", "checksumMismatch invalidIndex routesDisagree", "13", end + 32,
         b"\0\0\0\0", (ptab,), skip=("ptab",))
    edit("commit-flag-unknown", "open", "reservedNotZero", "13", end + 36, u32(2))
    edit("commit-flag-without-bit", "open", "invalidCommitRecord routesDisagree", "4 13", end + 36, u32(1),
         (0,))
    edit("commit-previous", "open", "reservedNotZero", "13", end + 40, u64(64))
    edit("commit-tensors", "open", "invalidCommitRecord routesDisagree", "13", end + 48, u64(5), (ptab,))
    edit("commit-frames", "verify", "routesDisagree", "13", end + 56, u64(len(c.frames) + 1))
    edit("commit-logical", "verify", "routesDisagree", "13", end + 64, u64(1))
    edit("commit-stored", "verify", "routesDisagree", "13", end + 72, u64(1))
    edit("commit-root-without-digests", "open", "digestMismatch reservedNotZero", "13 14", end + 80,
         b"\1")
    edit("commit-reserved", "open", "reservedNotZero", "13", end + 112, b"\1")

    # §5: headers, order
    for kind, place, level in (("TNSR", tnsr, "verify"), ("META", c.find("META"), "open"),
                               ("nOTe", c.find("nOTe"), "verify"), ("PTAB", ptab, "open"),
                               ("INDX", indx, "open"), ("RAWD", rawd, "verify"),
                               ("CHNK", chnk, "verify")):
        edit(f"header-crc-{kind}", level, "checksumMismatch", "5", place + 60,
             bytes([whole[place + 60] ^ 1]), skip=None)
        edit(f"header-reserved-{kind}", level, "reservedNotZero", "5", place + 59, b"\1")
    edit("frame-version", "verify", "unsupportedVersion invalidFrame", "5", tnsr + 4, u16(2),
         prefix="future")
    edit("frame-flag-bit-1", "verify", "reservedNotZero invalidFrame", "5", tnsr + 6, u16(2))
    bad("frame-flag-0-on-tnsr", "verify", "invalidFrame reservedNotZero", "5", c, tnsr + 6,
        c.repaired(patched(c, tnsr + 6, u16(1))[:tnsr + 32] + u32(0) + patched(
            c, tnsr + 6, u16(1))[tnsr + 36:], skip=("payload",)))
    edit("rawd-without-flag", "verify", "invalidFrame checksumMismatch", "5", rawd + 6, u16(0))
    edit("rawd-with-crc", "verify", "invalidFrame checksumMismatch", "5", rawd + 32, u32(7))
    edit("logical-length-of-tnsr", "verify", "invalidFrame", "5", tnsr + 16, u64(1))
    edit("stored-length-beyond-file", "verify", "invalidFrame truncated limitExceeded", "5", chnk + 8,
         u64(1 << 63), skip=("payload",))
    edit("stored-length-2-64", "verify", "invalidFrame truncated limitExceeded", "5", chnk + 8,
         u64((1 << 64) - 1), skip=("payload",))
    edit("ordinal-of-meta", "open", "invalidFrame reservedNotZero", "5", c.find("META") + 24, u32(1))
    edit("chunk-number-of-tnsr", "verify", "invalidFrame reservedNotZero", "5", tnsr + 28, u32(1))
    edit("ordinal-of-bsum", "verify", "invalidFrame routesDisagree frameOrder", "6", bsum + 24,
         u32(1))
    edit("type-third-letter", "verify", "invalidFrame unknownCriticalFrame", "5", c.find("nOTe"),
         b"nOte")
    edit("type-not-letters", "verify", "invalidFrame unknownCriticalFrame", "5", c.find("nOTe"),
         b"n\0Te")
    for kind in ("META", "CONF", "BLOB", "nOTe", "TNSR", "BSUM", "CHNK", "gENR"):
        place = c.find(kind)
        edit(f"payload-crc-{kind}", "open" if kind in ("META", "CONF") else "verify",
             "checksumMismatch routesDisagree", "5", place + 32,
             bytes([whole[place + 32] ^ 1]), (c.attached_at,), skip=("payload", "attached"))
    edit("payload-crc-PTAB", "open", "checksumMismatch routesDisagree invalidIndex", "5", ptab + 32,
         bytes([whole[ptab + 32] ^ 1]), (end,), skip=("payload", "ptab"))
    edit("payload-crc-INDX", "verify", "checksumMismatch", "5", indx + 32,
         bytes([whole[indx + 32] ^ 1]), skip=("payload",))
    edit("rawd-byte", "read", "checksumMismatch routesDisagree", "6", rawd + 64,
         bytes([whole[rawd + 64] ^ 1]), skip=None)
    edit("chunk-byte", "read", "checksumMismatch", "7", chnk + 64 + 10,
         bytes([whole[chnk + 74] ^ 1]), skip=None)
    edit("bsum-crc", "verify", "checksumMismatch routesDisagree", "6", bsum + 64,
         bytes([whole[bsum + 64] ^ 1]), (rawd, indx), skip=("bsum",))
    edit("block-crc", "read", "checksumMismatch routesDisagree", "12", c.block(0) + 16,
         bytes([whole[c.block(0) + 16] ^ 1]), (rawd, bsum), skip=("blocks",))
    edit("block-crc-of-chunk", "read", "checksumMismatch routesDisagree", "12", c.block(1) + 16,
         bytes([whole[c.block(1) + 16] ^ 1]), (chnk,), skip=("blocks",))
    edit("index-page-crc", "open", "checksumMismatch", "12", ptab + 128,
         bytes([whole[ptab + 128] ^ 1]), (indx,), skip=("pages",))
    edit("index-byte", "open", "checksumMismatch", "12", entry + 20,
         bytes([whole[entry + 20] ^ 1]), skip=None)
    edit("padding-of-note", "verify", "paddingNotZero", "5", c.find("nOTe") + 64 + 6, b"\1")
    edit("padding-of-rawd", "verify", "paddingNotZero", "5", rawd + 64 + 63, b"\1")
    edit("padding-of-ptab", "verify", "paddingNotZero", "5", ptab + 64 + len(c.ptab.payload), b"\1")
    edit("padding-in-page-table", "open", "paddingNotZero reservedNotZero", "12", ptab + 132, b"\1")

    def items(name, level, codes, section, things, find, decode=False, also=(), options={}, **more):
        """A container of its own; find gives the offset of the violation in it."""
        d = Container(things, **options)
        bad(name, level, codes, section, d, find(d), d.encoded(), [f(d) for f in also], decode,
            **more)

    one = lambda *a, **k: [Tensor("a", "uint8", (3,), b"abc", *a, **k)]
    at_tnsr = lambda d: d.find("TNSR") + 64
    at_entry = lambda d: d.entries_at
    both = dict(find=at_entry, also=[at_tnsr])
    record = "invalidIndex invalidTensorRecord"

    items("critical-frame", "verify", "unknownCriticalFrame", "4", [Frame("NEWF", b"x")],
          lambda d: 64, prefix="future")
    items("critical-frame-private", "verify", "unknownCriticalFrame", "4",
          [Frame("MiNE", b"x"), *one()], lambda d: 64, prefix="future")
    items("note-in-a-group", "verify", "frameOrder", "5",
          one(tamper=lambda fs: [fs[0], Frame("nOTe", b"x"), *fs[1:]]), lambda d: d.find("nOTe"))
    items("unknown-in-a-group", "verify", "frameOrder", "5",
          one(tamper=lambda fs: [*fs[:2], Frame("prIv", b"x"), fs[2]]), lambda d: d.find("prIv"))
    items("meta-in-a-group", "verify", "frameOrder", "5",
          one(tamper=lambda fs: [*fs[:2], meta([("k", "bool", True)]), fs[2]]),
          lambda d: d.find("META"))
    items("two-meta", "open", "frameOrder invalidIndex routesDisagree invalidMetadata", "5",
          [meta([("k", "bool", True)]), meta([("k", "bool", True)])],
          lambda d: d.find("META", 1), also=[lambda d: d.ptab.at])
    items("two-conf", "open", "frameOrder invalidIndex routesDisagree invalidConfiguration", "5",
          [conf("{}"), conf("{}")], lambda d: d.find("CONF", 1), also=[lambda d: d.ptab.at])
    items("two-generators", "verify", "frameOrder invalidFrame", "5", [Frame("gENR", b"1"), Frame("gENR", b"2")],
          lambda d: d.find("gENR", 1))
    items("generator-not-utf8", "verify", "invalidFrame", "11", [Frame("gENR", b"ab\xff")],
          lambda d: 64 + 64 + 2, proposed="a note that is not UTF-8 is invalid [V]")
    items("note-not-utf8", "verify", "invalidFrame", "11", [Frame("nOTe", b"\xed\xa0\x80")],
          lambda d: 64 + 64, proposed="a note that is not UTF-8 is invalid [V]")
    items("no-bsum", "verify", "frameOrder", "5", one(tamper=lambda fs: fs[:2]),
          lambda d: d.index.at, also=[lambda d: d.find("RAWD")])
    items("bsum-too-long", "verify", "invalidFrame routesDisagree", "6",
          one(tamper=lambda fs: [*fs[:2], Frame("BSUM", fs[2].payload * 2)]),
          lambda d: d.find("BSUM") + 8)
    items("stray-bsum", "verify", "frameOrder", "5", [Frame("BSUM", b"abcd"), *one()],
          lambda d: 64)
    items("stray-chunk-after-alias", "verify", "frameOrder invalidFrame", "5",
          [*one(), Tensor("b", of="a", tamper=lambda fs: [fs[0], Frame("CHNK", b"abc", ordinal=1)])],
          lambda d: d.find("CHNK"))
    big = dict(dtype="uint8", shape=(70000,), data=bytes(70000), storage=CHUNKED)
    items("chunks-swapped", "verify", "frameOrder routesDisagree", "5",
          [Tensor("a", tamper=lambda fs: [fs[0], fs[2], fs[1]], **big)], lambda d: d.find("CHNK"),
          also=[at_entry])
    items("chunk-missing", "read", "invalidIndex frameOrder routesDisagree", "5 12",
          [Tensor("a", tamper=lambda fs: fs[:2], **big)], lambda d: d.entries_at + 48)
    items("chunk-too-many", "read", "invalidIndex frameOrder routesDisagree", "5 12",
          [Tensor("a", "uint8", (4,), b"abcd", CHUNKED, tamper=lambda fs: (
              fs.append(Frame("CHNK", b"x", number=1)) or fs))], lambda d: d.find("CHNK", 1))
    items("padd-at-alignment-64", "verify", "frameOrder invalidFrame", "6",
          one(tamper=lambda fs: [fs[0], Frame("PADD", b""), *fs[1:]]), lambda d: d.find("PADD"))
    items("two-padd", "verify", "frameOrder invalidFrame", "5",
          one(tamper=lambda fs: [fs[0], Frame("PADD", bytes(fs[1].payload.__len__() - 128)),
                                 Frame("PADD", bytes(64)), *fs[2:]]),
          lambda d: d.find("PADD", 1), also=[lambda d: d.find("PADD")], options=dict(align=12))
    items("raw-not-aligned", "read", "invalidFrame frameOrder invalidIndex routesDisagree", "6",
          one(tamper=lambda fs: [fs[0], *fs[2:]]), lambda d: d.find("RAWD"), also=[at_entry],
          options=dict(align=12))
    items("padd-longer-than-needed", "verify", "invalidFrame", "6",
          one(tamper=lambda fs: [fs[0], Frame("PADD", fs[1].payload + bytes(4096)), *fs[2:]]),
          lambda d: d.find("PADD") + 8, options=dict(align=12),
          proposed="PADD is the shortest that aligns")
    items("padd-not-zero", "verify", "paddingNotZero", "6",
          one(tamper=lambda fs: [fs[0], Frame("PADD", fs[1].payload[:-1] + b"\1"), *fs[2:]]),
          lambda d: d.find("TNSR") + 192 + 64 - 64, options=dict(align=12))
    items("data-of-empty-tensor", "verify", "frameOrder", "5",
          [Tensor("a", "uint8", (0,), b"", tamper=lambda fs: [
              *fs, Frame("RAWD", b"", flags=1), Frame("BSUM", b"")])], lambda d: d.find("RAWD"))

    # §6, §8, §12, §16: records, in both routes alike
    for code in (0, 28, 65535):
        items(f"dtype-{code}", "open", "invalidDType", "8", one(code=code), **both)
    for storage in (3, 4, 5):
        d = Container(one())
        bad(f"storage-{storage}", "open", record + " unsupportedFeature", "6", d, d.entries_at + 12,
            d.repaired(d.encoded()[:d.find("TNSR") + 66] + bytes([storage])
                       + d.encoded()[d.find("TNSR") + 67:d.entries_at + 12] + bytes([storage])
                       + d.encoded()[d.entries_at + 13:]), [d.find("TNSR")])

    def twin(name, level, codes, section, things, in_record, in_entry, value, **options):
        d = Container(things, **options)
        data = bytearray(d.encoded())
        for at in (d.find("TNSR") + 64 + in_record, d.entries_at + in_entry):
            data[at:at + len(value)] = value
        bad(name, level, codes, section, d, d.entries_at + in_entry, d.repaired(data),
            [d.find("TNSR")])

    twin("filter-3", "open", record, "6", one(CHUNKED), 3, 13, b"\3")
    twin("filter-1-of-uint8", "open", record, "7", one(CHUNKED), 3, 13, b"\1")
    twin("filter-2-of-int32", "open", record, "7", [Tensor("a", "int32", (1,), b"abcd", CHUNKED)],
         3, 13, b"\2")
    twin("filter-1-of-raw", "open", record, "6", [Tensor("a", "int32", (1,), b"abcd")], 3, 13,
         b"\1")
    twin("logical-bytes", "open", record, "6", one(), 16, 56, u64(4))
    twin("type-id-of-uint8", "open", record + " invalidDType", "8", one(), 24, 72, u32(1))
    twin("block-elements-of-uint8", "open", record + " invalidDType", "8", one(), 28, 76, u32(1))
    quantized = lambda **k: [Tensor("a", "quantized", (64,), bytes(36), quant=(2, 32, 18), **k)]
    for value, name in ((0, "0"), (65537, "65537"), (33, "not-dividing")):
        twin(f"quantized-elements-{name}", "open", record + " invalidDType", "8", quantized(), 28, 76, u32(value))
    for value in (0, 65537, 19):
        twin(f"quantized-bytes-{value}", "open", record + " invalidDType", "8", quantized(), 32, 80, u32(value))
    for name, shape, data, quant in (
            ("part-of-a-block", (33,), bytes(18), (2, 32, 18)),
            ("block-of-no-bytes", (64,), b"", (2, 32, 0)),
            ("block-of-65537-bytes", (1,), bytes(65537), (2, 1, 65537)),
            ("block-of-65537-elements", (65537,), b"x", (2, 65537, 1))):
        items(f"quantized-{name}", "open", record + " invalidDType", "8",
              [Tensor("a", "quantized", shape, data, CHUNKED, quant=quant)], at_entry,
              also=[at_tnsr], options=dict(chunk=17))
    items("rank-33", "open", "limitExceeded", "16", [Tensor("a", "uint8", (1,) * 33, b"a")], **both)
    items("dimension-2-48", "open", "limitExceeded", "16", [Tensor("a", "uint8", (1 << 48, 0), b"")],
          at_entry, also=[at_tnsr])
    items("elements-2-63", "open", "limitExceeded", "16",
          [Tensor("a", "uint8", (1 << 32, 1 << 31), b"", size=1 << 63)], at_entry, also=[at_tnsr])
    items("elements-2-64-wraps-to-zero", "open", "limitExceeded invalidIndex", "16",
          [Tensor("a", "uint8", (1 << 32, 1 << 32), b"")], at_entry, also=[at_tnsr])
    items("bytes-2-64-wrap-to-zero", "open", "limitExceeded invalidIndex", "16",
          [Tensor("a", "float64", (1 << 32, 1 << 29), b"")], at_entry, also=[at_tnsr])
    items("string-shorter-than-its-ends", "open", record, "8",
          [Tensor("a", "string", (2,), bytes(12))], at_entry, also=[at_tnsr])
    items("string-empty-with-bytes", "open", record, "8",
          [Tensor("a", "string", (0,), b"abc")], at_entry, also=[at_tnsr],
          proposed="a string tensor without elements has 0 logical bytes")
    twin("tensor-reserved-byte", "open", "reservedNotZero", "6", one(), 5, 15, b"\1")
    edit("tnsr-reserved-36", "verify", "reservedNotZero invalidTensorRecord routesDisagree", "6",
         tnsr + 64 + 36, b"\1")
    edit("entry-reserved-28", "open", "reservedNotZero", "12", entry + 28, b"\1")
    edit("entry-reserved-84", "open", "reservedNotZero", "12", entry + 84, b"\1")
    edit("block-reserved", "open", "reservedNotZero", "12", c.block(0) + 20, b"\1")
    edit("ptab-reserved", "open", "reservedNotZero", "12", ptab + 64 + 56, b"\1")
    edit("attachment-reserved", "open", "reservedNotZero routesDisagree", "12", c.attached_at + 24, b"\1")

    # §9
    for name, value in (("empty", b""), ("1025-bytes", b"n" * 1025), ("latin-1", b"caf\xe9"),
                        ("overlong", b"\xc0\xaf"), ("surrogate", b"\xed\xa0\x80"),
                        ("beyond-unicode", b"\xf4\x90\x80\x80"), ("newline", b"a\nb"),
                        ("nul", b"a\0"), ("delete", b"\x7f"), ("c1", "\u0085".encode())):
        items(f"name-{name}", "open", "invalidName limitExceeded", "9", [Tensor(value, "uint8", (), b"x")],
              at_entry, also=[at_tnsr])
    items("names-twice", "verify", "duplicateName", "9",
          [Tensor("a", "uint8", (), b"x"), Tensor("a", "uint8", (), b"y")],
          lambda d: d.entries_at + 128, also=[lambda d: d.find("TNSR", 1)])
    items("names-descend", "verify", "invalidIndex", "12",
          [Tensor("a", "uint8", (), b"x"), Tensor("b", "uint8", (), b"y")],
          lambda d: d.entries_at + 128, options=dict(index=lambda rows: rows[::-1]))

    # §6: positions, ordinals, aliases
    two = lambda **k: [Tensor("a", "uint8", (), b"x"), Tensor("b", "uint8", (), b"y", **k)]
    for position in (0, 2, 0xffffffff):
        items(f"position-{position}", "verify", "invalidIndex invalidTensorRecord", "6", two(position=position),
              lambda d: d.entries_at + 128 + 20, also=[lambda d: d.find("TNSR", 1)])
    d = Container(two())
    bad("ordinal-twice", "verify", "invalidIndex routesDisagree", "12", d, d.entry("b") + 16,
        patched(d, d.entry("b") + 16, u32(0)))
    bad("ordinals-swapped", "verify", "routesDisagree", "12", d, d.entry("a") + 16,
        d.repaired(patched(d, d.entry("a") + 16, u32(1))[:d.entry("b") + 16] + u32(0)
                   + d.encoded()[d.entry("b") + 20:]), [d.find("TNSR")])
    bad("ordinal-of-tnsr", "verify", "frameOrder invalidFrame routesDisagree", "6", d,
        d.find("TNSR", 1) + 24, patched(d, d.find("TNSR", 1) + 24, u32(7)))
    ties = lambda **k: [Tensor("a", "uint8", (3,), b"abc"), Tensor("b", of="a"), Tensor("c", of="b",
                                                                                       **k)]
    items("alias-of-alias", "verify", record, "6 16", ties(), lambda d: d.entry("c") + 24,
          also=[lambda d: d.find("TNSR", 2)])
    items("alias-of-later", "verify", record, "6",
          [Tensor("b", of="a"), Tensor("a", "uint8", (3,), b"abc")],
          lambda d: d.entry("b") + 24, also=[lambda d: d.find("TNSR")])
    items("alias-of-itself", "verify", record, "6",
          [Tensor("a", "uint8", (3,), b"abc"), Tensor("b", of="a", owner_row=1, owner_ordinal=1)],
          lambda d: d.entry("b") + 24, also=[lambda d: d.find("TNSR", 1)])
    items("alias-beyond-the-table", "open", record, "6",
          [Tensor("a", "uint8", (3,), b"abc"), Tensor("b", of="a", owner_row=9, owner_ordinal=9)],
          lambda d: d.entry("b") + 24, also=[lambda d: d.find("TNSR", 1)])
    items("alias-of-other-shape", "verify", record, "6",
          [Tensor("a", "uint8", (2, 3), b"abcdef"),
           Tensor("b", shape=(3, 2), of="a", keep=("shape",))],
          lambda d: d.entry("b"), also=[lambda d: d.find("TNSR", 1), lambda d: d.dims_at])
    items("alias-of-other-dtype", "verify", record, "6",
          [Tensor("a", "uint8", (3,), b"abc"), Tensor("b", "int8", of="a", keep=("dtype",))],
          lambda d: d.entry("b") + 10, also=[lambda d: d.find("TNSR", 1)])
    items("alias-owners-disagree", "verify", "routesDisagree", "6 12",
          [Tensor("a", "uint8", (3,), b"abc"), Tensor("b", "uint8", (3,), b"abc"),
           Tensor("c", of="a", owner_row=1)], lambda d: d.entry("c") + 24,
          also=[lambda d: d.find("TNSR", 2)])
    items("owner-field-of-owner", "verify", record, "6", [
        Tensor("a", "uint8", (3,), b"abc"),
        Tensor("b", "uint8", (3,), b"abc", owner_row=1, owner_ordinal=1)],
        lambda d: d.entry("b") + 24, also=[lambda d: d.find("TNSR", 1)])

    # §12: the two routes disagree
    disagree = "routesDisagree"
    edit("entry-position-differs", "verify", disagree + " invalidIndex", "15", entry + 20, u32(1),
         (tnsr, c.entry("b")))
    bad("tnsr-name-differs", "verify", disagree, "15", c, tnsr + 64 + 48,
        patched(c, tnsr + 64 + 48, b"q"), [entry])
    bad("tnsr-dtype-differs", "verify", disagree, "15", c, tnsr + 64,
        patched(c, tnsr + 64, u16(8)), [entry])
    bad("tnsr-dimension-differs", "verify", disagree + " invalidTensorRecord", "15", c,
        tnsr + 64 + 40, patched(c, tnsr + 64 + 40, u64(4)), [entry])
    edit("tnsr-position-differs", "verify", disagree + " invalidIndex", "15", tnsr + 64 + 8, u32(7),
         (entry,))
    bad("tnsr-filter-differs", "verify", disagree, "15", c, c.find("TNSR", 1) + 64 + 3,
        patched(c, c.find("TNSR", 1) + 64 + 3, b"\0"), [entry])
    edit("entry-tnsr-offset", "verify", disagree + " invalidIndex", "12", entry + 64, u64(64))
    edit("entry-tnsr-offset-odd", "open", "invalidIndex routesDisagree invalidFrame", "12",
         entry + 64, u64(tnsr + 1))
    edit("entry-tnsr-offset-beyond", "open", "invalidIndex routesDisagree", "12", entry + 64,
         u64(1 << 62))
    edit("block-offset", "verify", disagree + " checksumMismatch", "12", c.block(0),
         u64(rawd + 65), (rawd,), skip=("blocks",))
    edit("block-offset-beyond", "open", "invalidIndex", "12", c.block(0), u64(size))
    edit("block-offset-wraps", "open", "invalidIndex", "12", c.block(0), u64((1 << 64) - 4))
    edit("block-logical", "read", "invalidIndex", "12", c.block(0) + 12, u32(11))
    edit("block-stored", "read", "invalidIndex", "12", c.block(0) + 8, u32(11))
    edit("chunk-stored-differs", "verify", disagree, "12", chnk + 16, u64(65535), (indx,))
    edit("index-gap-names", "open", "invalidIndex", "12", c.entry("b"), u64(2))
    edit("index-gap-dimensions", "verify", "invalidIndex invalidTensorRecord", "12", c.entry("b") + 32, u64(0))
    edit("index-gap-blocks", "verify", "invalidIndex", "12", c.entry("b") + 40, u64(0))
    edit("index-too-many-blocks", "open", "invalidIndex", "12", entry + 48, u64(1 << 63))
    edit("index-dimensions-beyond", "open", "invalidIndex", "12", c.entry("d") + 32, u64(1 << 61))
    edit("index-blocks-beyond", "open", "invalidIndex", "12", c.entry("d") + 40, u64((1 << 64) - 1))
    edit("ptab-index-offset", "open", "invalidIndex invalidFrame", "12", ptab + 64, u64(tnsr), (tnsr,))
    edit("ptab-index-bytes", "open", "invalidIndex", "12", ptab + 72, u64(1))
    edit("ptab-entries", "open", "invalidIndex routesDisagree", "12", ptab + 80, u64(5), (end,))
    edit("ptab-entries-2-57", "open", "invalidIndex limitExceeded routesDisagree", "12", ptab + 80,
         u64((1 << 57) + 4), (end,))
    edit("ptab-blocks", "open", "invalidIndex", "12", ptab + 88, u64(4))
    edit("ptab-dimensions", "open", "invalidIndex", "12", ptab + 96, u64((1 << 61) + 4))
    edit("ptab-names", "open", "invalidIndex", "12", ptab + 104, u64(5))
    edit("ptab-pages", "open", "invalidIndex checksumMismatch", "12", ptab + 112, u32(3))
    edit("ptab-attachments", "open", "invalidIndex", "12", ptab + 116, u32(2))
    edit("attachment-crc", "open", "routesDisagree checksumMismatch", "12", c.attached_at + 4,
         b"\0\0\0\0", (c.find("META"),), skip=("attached",))
    edit("attachment-crc-of-blob", "verify", "routesDisagree checksumMismatch", "12",
         c.attached_at + 64 + 4, b"\0\0\0\0", (c.find("BLOB"),), skip=("attached",))
    edit("attachment-offset", "open", "routesDisagree invalidIndex invalidFrame", "12",
         c.attached_at + 8, u64(c.find("CONF")))
    edit("attachment-length", "open", "routesDisagree", "12", c.attached_at + 16, u64(5))
    edit("attachment-type", "open", "routesDisagree invalidIndex", "12", c.attached_at, b"TNSR")
    items("attachment-missing", "verify", "routesDisagree", "12", [blob("a", b"x"), *one()],
          lambda d: d.ptab.at + 64 + 52, also=[lambda d: 64], options=dict(skip_attachments=("BLOB",)))

    for i, (section, more) in enumerate((("blocks", bytes(32)), ("dimensions", u64(3)),
                                         ("names", b"z"))):
        extra = [b"", b"", b""]
        extra[i] = more
        items(f"index-{section}-left-over", "verify", "invalidIndex", "12", one(), at_entry,
              options=dict(surplus=extra))
    items("tnsr-missing", "verify", "routesDisagree invalidIndex frameOrder", "15",
          [*one(), Tensor("b", "uint8", (0,), b"", tamper=lambda fs: [])],
          lambda d: d.entry("b") + 64, also=[lambda d: d.find("TNSR")])
    edit("chunk-number", "verify", "frameOrder invalidFrame routesDisagree", "5", chnk + 28, u32(1))
    d = Container(one())
    at = d.find("RAWD")
    bad("rawd-longer-than-the-tensor", "verify", "routesDisagree invalidFrame", "6", d, at + 8,
        patched(d, at + 8, u64(4) * 2), [d.entries_at])

    # §7: streams
    data = bytes(7 if i % 3 else 9 for i in range(300))

    def stream(name, coder, codes="corruptChunk", level="read", decode=True, where=64, data=data,
               **more):
        d = Container([Tensor("a", "uint8", (len(data),), data, CHUNKED, coder=coder)])
        bad(f"stream-{name}", level, codes, "7", d, d.find("CHNK") + where, d.encoded(),
            [d.entries_at], decode, **more)

    z = zlib.compress
    stream("wrong-adler", lambda p: z(p)[:-1] + bytes([z(p)[-1] ^ 1]))
    stream("adler-of-other-bytes", lambda p: z(p)[:-4] + b"\0\0\0\1")
    stream("too-short", lambda p: z(p[:-1]))
    stream("too-long", lambda p: z(p + b"x"))
    stream("far-too-long", lambda p: z(p + bytes(20000)))
    stream("empty", lambda p: z(b""))
    stream("no-adler", lambda p: z(p)[:-4])
    stream("half-an-adler", lambda p: z(p)[:-2])
    stream("second-member", lambda p: z(p[:100]) + z(p[100:]))
    stream("second-empty-member", lambda p: z(p) + z(b""))
    stream("byte-behind", lambda p: z(p) + b"\0")
    stream("gzip", lambda p: by_zlib(9, 31)(p))
    stream("raw-deflate", lambda p: by_zlib(9, -15)(p))
    stream("header-check", lambda p: b"\x78\x9d" + z(p)[2:])
    stream("method-7", lambda p: b"\x77\x85"[:1] + bytes([31 - 0x7700 % 31]) + z(p)[2:])
    stream("window-2-16", lambda p: b"\x88" + bytes([31 - 0x8800 % 31]) + z(p)[2:])

    def dictionary(p):
        o = zlib.compressobj(9, zdict=b"\7\7\x09" * 20)
        return o.compress(p) + o.flush()

    stream("preset-dictionary", dictionary)
    stream("block-type-3", lambda p: z(p)[:2] + b"\7" + z(p)[3:])
    stream("not-final", lambda p: zlib_stream(by_zlib(9, -15, flush=[(300, zlib.Z_FULL_FLUSH)])(p)[:-2], p))
    stream("distance-too-far", lambda p: zlib_stream(far_back(), p))
    stream("stored-length-complement", lambda p: zlib_stream(b"\1\x2c\1\xd4\xfe"[:3] + b"\0\0" + p[:80], p))
    stream("nothing", lambda p: b"", "corruptChunk", decode=False, where=8, data=b"x" * 60)
    stream("expansion-beyond-1032", lambda p: z(p)[:40], "limitExceeded corruptChunk", decode=False,
           where=16, data=bytes(60000))
    stream("expansion-by-one", lambda p: z(p)[:40] , "limitExceeded corruptChunk",
           decode=False, where=16, data=bytes(1032 * 40 + 65))
    d = Container([Tensor("a", "uint8", (10,), b"0123456789", CHUNKED, force=1,
                          coder=lambda p: by_hand(("stored", 10))(p))])
    bad("stored-longer-than-logical", "read", "invalidIndex corruptChunk invalidFrame", "7", d,
        d.find("CHNK") + 8, d.encoded(), [d.entries_at])
    items("planes-cut-unlike-the-chunk", "read", "invalidIndex routesDisagree", "7",
          [Tensor("a", "uint8", (300,), data, CHUNKED, chunk_logical=299)],
          lambda d: d.find("CHNK") + 16, also=[at_entry])

    # §8: elements
    for storage, label in ((RAW, "raw"), (CHUNKED, "chunked")):
        def element(name, dtype, shape, data, storage=storage, label=label):
            items(f"{name}-{label}", "deep", "invalidElement", "8",
                  [Tensor("a", dtype, shape, data, storage)],
                  lambda d: d.find("RAWD" if storage == RAW else "CHNK") + 64, decode=True,
                  also=[at_entry])

        element("bool-2", "bool", (40,), b"\0\1" * 19 + b"\2\1")
        element("bool-255", "bool", (1,), b"\xff")
        element("unused-bits-4", "int4", (3,), b"\x21\x13")
        element("unused-bits-6-of-1", "float6_e2m3fn", (1,), b"\x41")
        element("unused-bits-6-of-2", "float6_e3m2fn", (2,), b"\x00\x10")
        element("unused-bits-6-of-3", "float6_e3m2fn", (3,), b"\x00\x10\x04")
        element("string-ends-descend", "string", (3,),
                struct.pack("<3Q", 2, 1, 3) + b"abc")
        element("string-last-end", "string", (2,), struct.pack("<2Q", 1, 2) + b"abc")
        element("string-end-beyond", "string", (2,), struct.pack("<2Q", 1, 1 << 63) + b"abc")

    # §14
    g = base(digests=True)
    root = g.commit_at + 80
    bad("digest-root", "verify", "digestMismatch", "14", g, root,
        patched(g, root, bytes(32)))
    leaf = g.entry("b") + 96
    broken = flipped(g, leaf)
    bad("digest-leaf-root-not-repaired", "verify", "digestMismatch", "14", g, leaf, broken, [root])
    h = base(digests=True)
    h.tensor("b").leaf = lambda: bytes(range(32))
    tweaked = bytearray(patched(g, leaf, bytes(range(32))))
    tweaked[root:root + 32] = h.root_digest()
    bad("digest-leaf-root-repaired", "deep", "digestMismatch", "14", g, leaf, g.repaired(tweaked),
        [g.find("CHNK")], decode=True)
    bad("digest-of-an-alias", "verify", "digestMismatch reservedNotZero", "12", g,
        g.entry("c") + 96, flipped(g, g.entry("c") + 96))
    bad("digest-without-flag", "verify", "digestMismatch reservedNotZero", "12", c,
        entry + 96, flipped(c, entry + 96))
    bad("digest-bit-without-flag", "open", "invalidCommitRecord routesDisagree", "4", c, 24,
        flipped(c, 24), [end])

    # §10
    def meta_bad(name, payload, codes="invalidMetadata"):
        items(f"metadata-{name}", "open", codes, "10", [Frame("META", payload), *one()],
              lambda d: 128)

    key = lambda k, t, v=b"": struct.pack("<H", len(k)) + k + bytes([t]) + v
    meta_bad("no-pairs", u32(0))
    meta_bad("nothing", b"")
    meta_bad("three-bytes", b"\1\0\0")
    meta_bad("keys-descend", u32(2) + key(b"b", 1, b"\1") + key(b"a", 1, b"\1"))
    meta_bad("key-twice", u32(2) + key(b"a", 1, b"\1") + key(b"a", 1, b"\1"),
             "invalidMetadata duplicateName")
    meta_bad("key-empty", u32(1) + key(b"", 1, b"\1"), "invalidName invalidMetadata")
    meta_bad("key-latin-1", u32(1) + key(b"\xe9", 1, b"\1"), "invalidName invalidMetadata")
    meta_bad("key-control", u32(1) + key(b"\x1f", 1, b"\1"), "invalidName invalidMetadata")
    meta_bad("key-1025-bytes", u32(1) + key(b"k" * 1025, 1, b"\1"),
             "invalidName invalidMetadata limitExceeded")
    for t in (0, 7, 128, 135, 255):
        meta_bad(f"type-{t}", u32(1) + key(b"a", t, bytes(8)))
    meta_bad("bool-2", u32(1) + key(b"a", 1, b"\2"))
    meta_bad("bools-2", u32(1) + key(b"a", 129, u32(2) + b"\1\2"))
    meta_bad("bytes-behind", u32(1) + key(b"a", 1, b"\1") + b"\0")
    meta_bad("pair-too-many", u32(1) + key(b"a", 1, b"\1") + key(b"b", 1, b"\1"))
    meta_bad("pair-too-few", u32(2) + key(b"a", 1, b"\1"))
    meta_bad("count-2-32", u32(0xffffffff) + key(b"a", 1, b"\1"))
    meta_bad("array-count-2-32", u32(1) + key(b"a", 130, u32(0xffffffff) + bytes(8)))
    meta_bad("string-beyond", u32(1) + key(b"a", 5, u32(10) + b"short"))
    meta_bad("string-2-32", u32(1) + key(b"a", 5, u32(0xffffffff) + b"short"))
    meta_bad("string-not-utf8", u32(1) + key(b"a", 5, u32(2) + b"\xc3\x28"))
    meta_bad("integer-cut", u32(1) + key(b"a", 2, bytes(7)))

    # §11
    def conf_bad(name, text, level="verify", codes="invalidConfiguration", **more):
        items(f"configuration-{name}", level, codes, "11", [conf(text), *one()], lambda d: 128, **more)

    conf_bad("nothing", "", "open")
    conf_bad("not-json", "{a:1}", "open")
    conf_bad("not-utf8", b'"\xff"', "open")
    conf_bad("key-twice", '{"a":1,"a":2}', "open")
    conf_bad("key-twice-escaped", '{"a":1,"\\u0061":2}', "open")
    conf_bad("integer-2-64", "18446744073709551616", "open")
    conf_bad("integer-below-i64", "-9223372036854775809", "open")
    conf_bad("float-1e400", "1e400", "open",
             proposed="a number that no finite float64 is closest to is invalid [O]")
    conf_bad("two-values", "1 2", "open")
    conf_bad("trailing-comma", "[1,]", "open")
    conf_bad("control-in-string", '"\n"', "open")
    conf_bad("129-deep", "[" * 129 + "]" * 129, "open", "limitExceeded invalidConfiguration",
             proposed="depth is checked [O]; [] is 1 deep")
    conf_bad("lone-surrogate", '"\\ud800"', "open",
             proposed="an unpaired surrogate escape is invalid [O]")
    conf_bad("byte-order-mark", "\ufeff{}", "open")
    for name, text in (
            ("white-space", '{"a": 1}'), ("newline-at-end", "{}\n"), ("keys-unsorted", '{"b":1,"a":2}'),
            ("keys-utf16-order", '{"\U0001f30d":1,"\uffee":2}'), ("prefix-last", '{"ab":1,"a":2}'),
            ("slash-escaped", '"\\/"'), ("escape-u0008", '"\\u0008"'), ("escape-upper", '"\\u001F"'),
            ("escape-e9", '"\\u00e9"'), ("escape-pair", '"\\ud83c\\udf0d"'), ("delete-escaped", '"\\u007f"'),
            ("minus-zero", "-0"), ("float-1E5", "1E5"), ("float-1e5", "1e5"), ("float-1.50", "1.50"),
            ("float-1e16", "1e16"), ("float-1e-5", "1e-5"), ("float-0.00001", "0.00001"),
            ("float-1.0e-05", "1.0e-05"), ("float-too-many-digits", "0.10000000000000001"),
            ("float-10000000000000000.0", "10000000000000000.0"), ("float-1e-400", "1e-400")):
        conf_bad(name, text)

    def blob_bad(name, *frames, codes="invalidBlob", at=128):
        items(f"blob-{name}", "verify", codes, "11", [*frames, *one()], lambda d: d.find(
            "BLOB", len(frames) - 1) + 64)

    blob_bad("nothing", Frame("BLOB", b""))
    blob_bad("one-byte", Frame("BLOB", b"\1"))
    blob_bad("name-beyond", blob("abc", b"", length=4))
    blob_bad("name-empty", blob("", b"x"), codes="invalidName invalidBlob")
    blob_bad("name-control", blob("a\x07", b"x"), codes="invalidName invalidBlob")
    blob_bad("name-1025-bytes", blob("n" * 1025, b"x"), codes="invalidName invalidBlob limitExceeded")
    blob_bad("name-twice", blob("a", b"1"), blob("a", b"2"), codes="duplicateName invalidBlob")


def far_back():
    """A fixed block whose first length and distance points before the first byte."""
    w = BitWriter()
    w.bits(1, 1)
    w.bits(1, 2)
    w.literal(7)
    w.huffman(1, 7)   # length 3
    w.huffman(3, 5)   # distance 4
    w.huffman(0, 7)
    return w.bytes() + bytes(20)


def main(arguments):
    check = "--check" in arguments
    folders = [a for a in arguments if a != "--check"]
    folder = folders[0] if folders else os.path.join(HERE, "..", "containers")
    make_good()
    make_bad()
    contents = dict(FILES)
    manifest = {"about": "Made by Fixtures/scripts/make_containers.py. within: the records (begin, "
                         "end) in which a reader may place the violation; codes: the words it may "
                         "use, the best first; proposed: FORMAT.md does not say so in so many words.",
                "files": MANIFEST}
    contents["manifest.json"] = (json.dumps(manifest, sort_keys=True, indent=1) + "\n").encode()
    different = 0
    if not check:
        os.makedirs(folder, exist_ok=True)
        for name in set(os.listdir(folder)) - set(contents):
            if name.endswith(".cairn"):
                os.remove(os.path.join(folder, name))
    for name, data in sorted(contents.items()):
        if name.endswith(".cairn"):
            assert len(data) < 65536, (name, len(data))
        path = os.path.join(folder, name)
        if check:
            same = os.path.exists(path) and open(path, "rb").read() == data
            different += not same
            if not same:
                print(f"differs: {name}")
        else:
            with open(path, "wb") as file:
                file.write(data)
    total = sum(map(len, FILES.values()))
    good = sum(name.startswith("ok-") for name in FILES)
    print(f"{good} valid and {len(FILES) - good} invalid containers, {total} bytes")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
