"""The suite in the making: files, and what the manifest says of them."""
import struct

from .container import Container
from .frames import Frame, blob, conf, meta
from .tensors import CHUNKED, Tensor, floats, sha, stepping

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


def accept(name, c, section):
    FILES[f"{name}.cairn"] = c.encoded()
    MANIFEST[f"{name}.cairn"] = {"expect": "accept", "section": section, "content": expected(c)}
    return c


def ok(name, items, section, **options):
    return accept(f"ok-{name}", Container(items, **options), section)


def bad(name, level, codes, section, c, offset, data, also=(), decode=False, prefix="bad"):
    """A file that must be refused: `offset` is where the violation lies, `also` are other offsets
    at which it may be noticed; `decode`: only a reader that decodes the chunks can notice it."""
    codes = codes.split()
    assert f"{prefix}-{name}.cairn" not in FILES, name
    FILES[f"{prefix}-{name}.cairn"] = data
    MANIFEST[f"{prefix}-{name}.cairn"] = {
        "expect": "refuse", "level": level, "code": codes[0], "codes": codes, "section": section,
        "offset": offset, "needs_decoding": decode,
        "within": [c.record_of(o, len(data)) for o in (offset, *also)]}


def edit(c, name, level, codes, section, at, value, also=(), skip=(), **more):
    """Of container `c`, other bytes at `at`; all checksums anew but those in `skip` (None: all)."""
    bad(name, level, codes, section, c, at, patched(c, at, value, skip), also, **more)


def items(name, level, codes, section, things, find, decode=False, also=(), options=None, **more):
    """A container of its own; `find` gives the offset of the violation in it."""
    c = Container(things, **(options or {}))
    bad(name, level, codes, section, c, find(c), c.encoded(), [f(c) for f in also], decode, **more)


def twin(name, level, codes, section, things, in_record, in_entry, value, **options):
    """Other bytes in the TNSR frame and in the index entry of the first tensor alike."""
    c = Container(things, **options)
    data = bytearray(c.encoded())
    for at in (at_tnsr(c) + in_record, c.entries_at + in_entry):
        data[at:at + len(value)] = value
    bad(name, level, codes, section, c, c.entries_at + in_entry, c.repaired(data), [at_tnsr(c)])


def one(*arguments, **more):
    """A container's items: one small tensor."""
    return [Tensor("a", "uint8", (3,), b"abc", *arguments, **more)]


def at_tnsr(c):
    return c.find("TNSR") + 64


def at_entry(c):
    return c.entries_at


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


def base(**options):
    """A small container with something of everything."""
    return Container([
        Frame("gENR", b"a fixture"), meta([("k", "string", "v"), ("l", "bool", True)]),
        conf('{"a":1}'), blob("x", b"content"), Frame("nOTe", b"a note"),
        Tensor("a", "float32", (3,), floats(1, 2, 3)),
        Tensor("b", "int16", (70000,), stepping("int16", 70000), CHUNKED, 1),
        Tensor("c", of="b"), Tensor("d", "uint8", (5,), b"fives"),
    ], **options)
