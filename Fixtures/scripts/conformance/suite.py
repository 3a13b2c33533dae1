"""The suite in the making: files, and what the manifest says of them."""
import struct
from collections.abc import Callable, Sequence
from typing import Any

from .container import Container
from .frames import Frame, blob, conf, meta
from .tensors import CHUNKED, Tensor, floats, sha, stepping

FILES: dict[str, bytes] = {}
MANIFEST: dict[str, dict[str, Any]] = {}


def expected(c: Container) -> dict[str, Any]:
    """What a reader has to say of a valid container, from what went in."""
    def tensor(t: Tensor) -> dict[str, Any]:
        return {"name": t.name.decode(), "dtype": t.dtype, "shape": list(t.shape),
                "bytes": len(t.data), "storage": ("raw", "chunked", "alias")[t.storage],
                "alias_of": t.owner.name.decode() if t.owner else None, "position": t.place,
                "sha256": sha(t.data).hex()}

    def typed(kind: str, value: Any) -> Any:
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


def accept(name: str, c: Container, section: str) -> Container:
    FILES[f"{name}.cairn"] = c.encoded()
    MANIFEST[f"{name}.cairn"] = {"expect": "accept", "section": section, "content": expected(c)}
    return c


def ok(name: str, items: Sequence[Frame | Tensor], section: str, **options: Any) -> Container:
    return accept(f"ok-{name}", Container(items, **options), section)


def bad(name: str, level: str, codes: str, section: str, c: Container, offset: int, data: bytes,
        also: Sequence[int] = (), decode: bool = False, prefix: str = "bad") -> None:
    """A file that must be refused: `offset` is where the violation lies, `also` are other offsets
    at which it may be noticed; `decode`: only a reader that decodes the chunks can notice it."""
    words = codes.split()
    assert f"{prefix}-{name}.cairn" not in FILES, name
    FILES[f"{prefix}-{name}.cairn"] = data
    MANIFEST[f"{prefix}-{name}.cairn"] = {
        "expect": "refuse", "level": level, "code": words[0], "codes": words, "section": section,
        "offset": offset, "needs_decoding": decode,
        "within": [c.record_of(o, len(data)) for o in (offset, *also)]}


def edit(c: Container, name: str, level: str, codes: str, section: str, at: int, value: bytes, also: Sequence[int] = (),
         skip: Sequence[str] | None = (), **more: Any) -> None:
    """Of container `c`, other bytes at `at`; all checksums anew but those in `skip` (None: all)."""
    bad(name, level, codes, section, c, at, patched(c, at, value, skip), also, **more)


def items(name: str, level: str, codes: str, section: str, things: Sequence[Frame | Tensor],
          find: Callable[[Container], int], decode: bool = False, also: Sequence[Callable[[Container], int]] = (),
          options: dict[str, Any] | None = None, **more: Any) -> None:
    """A container of its own; `find` gives the offset of the violation in it."""
    c = Container(things, **(options or {}))
    bad(name, level, codes, section, c, find(c), c.encoded(), [f(c) for f in also], decode, **more)


def twin(name: str, level: str, codes: str, section: str, things: Sequence[Frame | Tensor], in_record: int,
         in_entry: int, value: bytes, **options: Any) -> None:
    """Other bytes in the TNSR frame and in the index entry of the first tensor alike."""
    c = Container(things, **options)
    data = bytearray(c.encoded())
    for at in (at_tnsr(c) + in_record, c.entries_at + in_entry):
        data[at:at + len(value)] = value
    bad(name, level, codes, section, c, c.entries_at + in_entry, c.repaired(data), [at_tnsr(c)])


def one(*arguments: Any, **more: Any) -> list[Frame | Tensor]:
    """A container's items: one small tensor."""
    return [Tensor("a", "uint8", (3,), b"abc", *arguments, **more)]


def at_tnsr(c: Container) -> int:
    return c.find("TNSR") + 64


def at_entry(c: Container) -> int:
    return c.entries_at


def patched(c: Container, at: int, value: bytes, skip: Sequence[str] | None = ()) -> bytes:
    data = bytearray(c.encoded())
    old = bytes(data[at:at + len(value)])
    assert old != value, "the patch changes nothing"
    data[at:at + len(value)] = value
    return c.repaired(data, skip) if skip is not None else bytes(data)


def flipped(c: Container, at: int, skip: Sequence[str] | None = (), mask: int = 1) -> bytes:
    return patched(c, at, bytes([c.encoded()[at] ^ mask]), skip)


def u16(n: int) -> bytes:
    return struct.pack("<H", n)


def u32(n: int) -> bytes:
    return struct.pack("<I", n)


def u64(n: int) -> bytes:
    return struct.pack("<Q", n)


def base(**options: Any) -> Container:
    """A small container with something of everything."""
    return Container([
        Frame("gENR", b"a fixture"), meta([("k", "string", "v"), ("l", "bool", True)]),
        conf('{"a":1}'), blob("x", b"content"), Frame("nOTe", b"a note"),
        Tensor("a", "float32", (3,), floats(1, 2, 3)),
        Tensor("b", "int16", (70000,), stepping("int16", 70000), CHUNKED, 1),
        Tensor("c", of="b"), Tensor("d", "uint8", (5,), b"fives"),
    ], **options)
