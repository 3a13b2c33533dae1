"""Damaged files, with what of them is intact and what is lost: FORMAT.md, appendix A.

What the manifest expects is what went in, less what the damage is said here to cost.
"""
import json
import zlib
from collections.abc import Sequence
from typing import Any

from .container import Container
from .frames import Frame, blob, conf, meta
from .suite import FILES, MANIFEST, expected
from .tensors import CHUNKED, Tensor, noise, stepping

# What is lost, by its name, or as a pair of a name and what is left to tell of it.
Lost = str | tuple[str, str | None]

NAMELESS = None  # a tensor or blob of which nothing tells the name
KINDS = {"META": "metadata", "CONF": "configuration", "BLOB": "blob"}


def specimen(**options: Any) -> Container:
    """Everything that can be lost; the order of positions is not that of the frames."""
    return Container([
        Frame("gENR", b"a fixture"), meta([("k", "string", "v")]), conf('{"a":1}'),
        blob("x", bytes(100)), Frame("nOTe", b"a note"),
        Tensor("a", "float32", (100,), stepping("float32", 100), position=4),
        Tensor("b", "int16", (70000,), stepping("int16", 70000), CHUNKED, 1, position=3),
        Tensor("c", of="b", position=2), Tensor("d", "uint8", (5,), b"fives", position=1),
        Tensor("e", "int8", (0,), b"", position=0)], **options)


def content(c: Container, gone: set[str]) -> dict[str, Any]:
    """The content of a container without some of it, tensors with the positions that are left."""
    whole = expected(c)
    tensors = [t for t in whole["tensors"] if t["name"] not in gone]
    order = sorted(t["position"] for t in tensors)
    return {"metadata": {} if "META" in gone else whole["metadata"],
            "configuration": None if "CONF" in gone else whole["configuration"],
            "blobs": {} if "BLOB" in gone else whole["blobs"],
            "tensors": [{k: order.index(v) if k == "position" else v
                         for k, v in t.items() if k != "storage"} for t in tensors]}


def salvage(name: str, c: Container, data: bytes | bytearray, lost: Sequence[Lost] = (), unknown: Sequence[str] = (),
            decode: bool = False, **changed: Any) -> None:
    """`lost` is named, `unknown` is lost too, but nothing of it is left that could tell so; what is
    lost without its name is a pair of its name and None. `decode`: only decoding shows the damage."""
    assert f"salvage-{name}.cairn" not in FILES, name
    named = [[KINDS.get(one, "tensor"), None if one in KINDS else one] if isinstance(one, str)
             else [KINDS.get(one[0], "tensor"), one[1]] for one in lost]
    gone = {one if isinstance(one, str) else one[0] for one in lost} | set(unknown)
    FILES[f"salvage-{name}.cairn"] = bytes(data)
    MANIFEST[f"salvage-{name}.cairn"] = {
        "expect": "refuse", "section": "A", "needs_decoding": decode,
        "salvage": {"content": {**content(c, gone), **changed},
                    "lost": [{"kind": kind, "name": n} for kind, n in sorted(named, key=str)]}}


def flip(data: bytearray, at: int) -> None:
    data[at] ^= 0x10


def uncommitted(data: bytearray) -> None:
    """Damages the commit record: without it the index is no evidence."""
    flip(data, len(data) - 100)


def headers() -> None:
    """A damaged header is made good by the index; without the index it costs what it describes."""
    def damaged(name: str, kind: str, number: int, without_index: Sequence[Lost], unknown: Sequence[str] = ()) -> None:
        c = specimen()
        frame = [f for f in c.frames if f.kind == kind][number]
        for label, cost, gone in ("", (), ()), ("-and-commit-record", without_index, unknown):
            data = bytearray(c.encoded())
            flip(data, frame.at + 9)
            if label:
                uncommitted(data)
            salvage(f"header-of-{name}{label}", c, data, cost, gone)

    damaged("META", "META", 0, (), ["META"])
    damaged("CONF", "CONF", 0, (), ["CONF"])
    damaged("BLOB", "BLOB", 0, (), ["BLOB"])
    damaged("TNSR", "TNSR", 0, [("a", NAMELESS)])  # RAWD has its ordinal
    damaged("TNSR-of-chunks", "TNSR", 1, [("b", NAMELESS), "c"])
    damaged("TNSR-of-alias", "TNSR", 2, [("c", NAMELESS)])  # a higher ordinal is known
    damaged("TNSR-of-empty-last", "TNSR", 4, (), ["e"])
    damaged("RAWD", "RAWD", 0, ["a"])
    damaged("BSUM", "BSUM", 0, ["a"])
    damaged("CHNK-first", "CHNK", 0, ["b", "c"])
    damaged("CHNK-last", "CHNK", 2, ["b", "c"])
    damaged("nOTe", "nOTe", 0, ())
    damaged("INDX", "INDX", 0, ())
    damaged("PTAB", "PTAB", 0, ())


def payloads() -> None:
    """A damaged payload costs what it is the only copy of."""
    def damaged(name: str, kind: str, number: int, lost: Sequence[Lost], without_index: Sequence[Lost],
                at: int = 64) -> None:
        c = specimen()
        frame = [f for f in c.frames if f.kind == kind][number]
        for label, cost in ("", lost), ("-and-commit-record", without_index):
            data = bytearray(c.encoded())
            flip(data, frame.at + 64 + at)
            if label:
                uncommitted(data)
            salvage(f"payload-of-{name}{label}", c, data, cost)

    damaged("META", "META", 0, ["META"], ["META"], 8)
    damaged("CONF", "CONF", 0, ["CONF"], ["CONF"], 3)
    damaged("BLOB", "BLOB", 0, [("BLOB", NAMELESS)], [("BLOB", NAMELESS)])
    damaged("TNSR", "TNSR", 0, [], [("a", NAMELESS)], 3)
    damaged("TNSR-of-alias", "TNSR", 2, [], [("c", NAMELESS)], 3)
    damaged("RAWD", "RAWD", 0, ["a"], ["a"])
    damaged("BSUM", "BSUM", 0, [], ["a"], 1)
    damaged("CHNK", "CHNK", 1, ["b", "c"], ["b", "c"])
    damaged("INDX", "INDX", 0, [], [])
    damaged("PTAB", "PTAB", 0, [], [], 9)


def page_and_headers() -> None:
    """The only page of the index, and a header that it would have made good."""
    for kind, number, lost in (("TNSR", 0, [("a", NAMELESS)]), ("RAWD", 0, ["a"]),
                               ("CHNK", 1, ["b", "c"])):
        c = specimen()
        data = bytearray(c.encoded())
        flip(data, c.entries_at + 300)
        flip(data, [f for f in c.frames if f.kind == kind][number].at + 9)
        salvage(f"index-page-and-{kind}", c, data, lost)


def ends() -> None:
    """Cut at many points, and as long as before, but zeros from there on."""
    c = specimen()
    whole, rest = c.encoded(), ["META", "CONF", "BLOB", *"abcde"]
    at = {(f.kind, sum(g.kind == f.kind for g in c.frames[:i])): f for i, f in enumerate(c.frames)}
    meta_, a, b = at["META", 0], at["TNSR", 0], at["TNSR", 1]
    raw, sums, chunk = at["RAWD", 0], at["BSUM", 0], at["CHNK", 1]
    points: tuple[tuple[str, int, list[Lost], list[str]], ...] = (  # name, where, what is named, what nothing tells of
        ("behind-superblock", 64, [], rest),
        ("in-header-of-META", meta_.at + 30, [], rest),
        ("in-payload-of-META", meta_.at + 64 + 9, ["META"], rest[1:]),
        ("behind-META", meta_.next(), [], rest[1:]),
        ("in-header-of-TNSR", a.at + 63, [], rest[3:]),
        ("in-payload-of-TNSR", a.at + 64 + 20, [("a", NAMELESS)], rest[4:]),
        ("behind-TNSR", a.next(), ["a"], rest[4:]),
        ("in-payload-of-RAWD", raw.at + 64 + 200, ["a"], rest[4:]),
        ("behind-RAWD", raw.next(), ["a"], rest[4:]),
        ("in-payload-of-BSUM", sums.at + 64 + 2, ["a"], rest[4:]),
        ("in-padding-of-BSUM", sums.at + 64 + 4, [], rest[4:]),
        ("behind-a-tensor", b.at, [], rest[4:]),
        ("between-chunks", chunk.at, ["b"], rest[5:]),
        ("in-a-chunk", chunk.at + 64 + 30, ["b"], rest[5:]),
        ("behind-an-alias", at["TNSR", 3].at, [], rest[6:]),
        ("in-INDX", c.index.at + 200, [], []),
        ("behind-INDX", c.ptab.at, [], []),
        ("in-PTAB", c.ptab.at + 70, [], []),
        ("before-commit-record", c.commit_at, [], []),
        ("in-commit-record", c.commit_at + 100, [], []))
    for name, end, lost, unknown in points:
        salvage(f"cut-{name}", c, whole[:end], lost, unknown)
        salvage(f"zeros-from-{name}", c, whole[:end] + bytes(len(whole) - end), lost, unknown)
    salvage("cut-by-one-byte", c, whole[:-1])


def whole_file() -> None:
    """Damage to the file's frame: its two ends, what comes behind, what was put in or taken out."""
    c = specimen()
    whole = c.encoded()
    b, chunks = c.find("TNSR", 1), [f for f in c.frames if f.kind == "CHNK"]

    def changed(name: str, change: Any, lost: Sequence[Lost] = (), unknown: Sequence[str] = ()) -> None:
        data = bytearray(whole)
        change(data)
        salvage(name, c, data, lost, unknown)

    def zeros(start: int, end: int) -> Any:
        return lambda data: data.__setitem__(slice(start, end), bytes(end - start))

    changed("superblock-magic", lambda data: flip(data, 1))
    changed("superblock-crc", lambda data: flip(data, 60))
    changed("superblock-zeros", zeros(0, 64))
    changed("commit-record-crc", uncommitted)
    changed("commit-record-zeros", zeros(c.commit_at, len(whole)))
    def both_ends(data: bytearray) -> None:
        zeros(0, 64)(data)
        uncommitted(data)

    changed("both-ends-zeros", both_ends)
    changed("index-and-page-table-zeros", zeros(c.index.at, c.commit_at))
    changed("hole-over-a-tensor", zeros(c.find("RAWD"), b + 64), ["a"])
    changed("hole-over-attachments", zeros(64, c.find("TNSR")), ["META", "CONF", ("BLOB", NAMELESS)])
    salvage("garbage-appended", c, whole + noise(1000, 1))
    salvage("garbage-appended-64", c, whole + noise(64, 1))
    salvage("zeros-appended", c, whole + bytes(4096))
    other = Container([Tensor("other", "uint8", (3,), b"abc")]).encoded()
    salvage("two-files", c, whole + other)  # the first ends with its commit record
    salvage("the-same-file-twice", c, whole + whole)
    salvage("without-superblock", c, whole[64:])
    salvage("inserted-192-bytes", c, whole[:b] + noise(192, 2) + whole[b:])
    salvage("inserted-100-bytes", c, whole[:b] + noise(100, 2) + whole[b:], [], [*"bcde"])
    salvage("chunk-taken-out", c, whole[:chunks[1].at] + whole[chunks[1].next():], ["b", "c"])
    first, second = whole[chunks[0].at:chunks[0].next()], whole[chunks[1].at:chunks[1].next()]
    salvage("chunks-swapped", c, whole[:chunks[0].at] + second + first + whole[chunks[1].next():])
    inner = FILES["ok-one-tensor.cairn"]
    d = Container([Tensor("a", "uint8", (len(inner),), inner), Tensor("b", "uint8", (3,), b"abc")])
    data = bytearray(d.encoded())
    flip(data, d.find("RAWD") + 9)
    salvage("container-in-a-tensor-without-header", d, data)
    e = Container([Tensor("a", "uint8", (3,), b"abc")], align=12)
    data = bytearray(e.encoded())
    flip(data, e.find("PADD") + 9)
    salvage("header-of-PADD", e, data)
    uncommitted(data)
    salvage("header-of-PADD-and-commit-record", e, data)


def contradictions() -> None:
    """Checksums are right, and yet something cannot be believed."""
    def file(name: str, things: Sequence[Frame | Tensor], lost: Sequence[Lost] = (), unknown: Sequence[str] = (),
             options: dict[str, Any] | None = None, change: Any = None, **changed: Any) -> None:
        c = Container(things, **(options or {}))
        data = bytearray(c.encoded())
        if change:
            change(c, data)
            data[:] = c.repaired(data)
        salvage(name, c, data, lost, unknown, **changed)

    def two() -> list[Tensor]:
        return [Tensor("a", "uint8", (3,), b"abc"), Tensor("b", "uint8", (3,), b"xyz")]

    def long(name: str, **more: Any) -> Tensor:
        return Tensor(name, "uint8", (500,), bytes(500), CHUNKED, **more)

    file("routes-disagree-on-dtype", two(), ["a"], change=lambda c, data: data.__setitem__(
        c.find("TNSR") + 64, 2))
    file("one-name-of-two-tensors", [Tensor("a", "uint8", (3,), b"abc"), Tensor(
        "a", "uint8", (3,), b"xyz"), Tensor("b", "uint8", (), b"b")], ["a", "a"])
    file("bad-element", [Tensor("a", "bool", (3,), b"\0\1\2"), *two()[1:]], ["a"], decode=True)
    file("stream-of-other-length", [long("a"), long("b", coder=lambda p: zlib.compress(p[:499])),
                                    Tensor("c", of="b")], ["b", "c"], decode=True)
    file("root-digest", two(), options={"digests": True},
         change=lambda c, data: flip(data, c.commit_at + 80))
    file("configuration-not-canonical", [conf('{"b": 1, "a": 2.50}'), *two()],
         configuration=json.dumps({"a": 2.5, "b": 1}, separators=(",", ":")))
    file("metadata-twice-differing", [meta([("k", "u64", 1)]), meta([("k", "u64", 2)]), *two()],
         ["META"])
    file("metadata-twice-alike", [meta([("k", "u64", 1)]), meta([("k", "u64", 1)]), *two()])
    short = meta([("k", "u64", 1)])
    short.payload, short.logical = b"\1\0\0", 3
    file("metadata-invalid", [short, *two()], ["META"])
    file("index-without-frames", [Tensor("a", "uint8", (0,), b"", tamper=lambda fs: []), *two()[1:]])
    salvage("frames-without-index-entries", Container(two()), Container(
        two(), index=lambda rows: rows[:1]).encoded())


def two_pages() -> None:
    """An index of two pages, the second of which is damaged: names, which rows on the first need."""
    c = Container([Tensor(f"t{i:02}" + "x" * 900, "uint8", (0,), b"") for i in range(70)])
    data = bytearray(c.encoded())
    flip(data, c.entries_at + 65536 + 1000)
    flip(data, c.find("TNSR", 5) + 9)  # its name is in the first page
    flip(data, c.find("TNSR", 69) + 9)  # its name is in the second
    salvage("index-page", c, data, [("t69" + "x" * 900, NAMELESS)])
