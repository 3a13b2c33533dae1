"""Frames that overlap, dangle or are referred to by nothing, frames of unknown types, and numbers
above the limits: FORMAT.md, sections 4, 5, 7 and 16."""
from functools import partial

from .container import Container
from .frames import Frame, conf, meta
from .suite import at_entry, bad, base, edit, items, one, patched, u32, u64
from .tensors import CHUNKED, Tensor

DISAGREE = "routesDisagree invalidIndex"


def twins(storage: int = CHUNKED) -> list[Frame | Tensor]:
    """Two tensors of the same bytes, in blocks of the same CRC."""
    return [Tensor(name, "uint8", (70000,), bytes(70000), storage) for name in "ab"]


def references() -> None:
    c = Container(twins())
    offsets = [int.from_bytes(c.encoded()[c.block(n):][:8], "little") for n in range(4)]

    def wrong(name: str, number: int, to: int, level: str = "verify", codes: str = DISAGREE) -> None:
        data = patched(c, c.block(number), u64(to), ("blocks",))
        bad(name, level, codes, "7 8", c, c.block(number), data, [offsets[number]])

    wrong("blocks-shared-by-two-tensors", 2, offsets[0])
    wrong("blocks-overlap-in-one-tensor", 1, offsets[0])
    wrong("block-in-a-header", 0, c.find("TNSR"), codes=DISAGREE + " checksumMismatch")
    wrong("block-in-the-index", 3, c.entries_at, codes=DISAGREE + " checksumMismatch")
    inner = Container(one()).encoded()[64:192]  # a whole TNSR frame, as the bytes of a tensor
    d = Container([Tensor("b", "uint8", (len(inner),), inner), *one()])
    edit(d, "entry-points-into-a-payload", "verify", DISAGREE, "7 8", d.entry("a") + 64,
         u64(d.find("RAWD") + 64), [d.find("TNSR", 1)])
    items("tnsr-unreferenced", "verify", DISAGREE + " frameOrder", "8", [*one(), Tensor("b", "uint8", (0,), b"")],
          lambda d: d.find("TNSR", 1), also=[at_entry], options={"index": lambda rows: rows[:1]})
    items("tnsr-twice", "verify", DISAGREE + " frameOrder", "5 8",
          [Tensor("a", "uint8", (0,), b"", tamper=lambda fs: [
              *fs, Frame("TNSR", fs[0].payload)])], lambda d: d.find("TNSR", 1),
          also=[lambda d: d.find("TNSR"), at_entry])
    for kind, frame in ("META", meta([("k", "bool", True)])), ("CONF", conf("{}")):
        items(f"attachment-missing-{kind}", "verify", DISAGREE, "7 8", [frame, *one()],
              lambda d: 64, also=[lambda d: d.ptab.at], options={"skip_attachments": (kind,)})
    e = base()
    for row, kind, level in (0, "META", "open"), (1, "CONF", "open"), (2, "BLOB", "verify"):
        at = e.attached_at + 32 * row
        edit(e, f"attachment-dangling-{kind}", level, DISAGREE + " invalidFrame checksumMismatch",
             "7", at + 8, u64(64 if kind == "META" else e.find(kind) + 64), [64, e.find(kind)],
             skip=("attached",))
    for name, things, find in (
            ("indx-twice", [Frame("INDX", b""), *one()], lambda d: 64),
            ("ptab-twice", [Frame("PTAB", bytes(64)), *one()], lambda d: 64),
            ("padd-alone", [Frame("PADD", b""), *one()], lambda d: 64),
            ("rawd-alone", [Frame("RAWD", b"x", flags=1), *one()], lambda d: 64),
            ("chnk-alone", [Frame("CHNK", b"x"), *one()], lambda d: 64),
            ("bsum-twice", one(tamper=lambda fs: [*fs, fs[2]]), lambda d: d.find("BSUM"))):
        items(name, "verify", "frameOrder " + DISAGREE, "5", things, find,
              also=[at_entry, lambda d: d.frames[min(4, len(d.frames) - 1)].at])


def unknown() -> None:
    def wrong(name: str, frame: Frame, codes: str, at: int) -> None:
        items(f"ancillary-{name}", "verify", codes, "4 5", [frame, *one()], lambda d: 64 + at)

    odd = "invalidFrame reservedNotZero"
    wrong("ordinal", Frame("prIv", b"x", ordinal=1), odd, 24)
    wrong("chunk-number", Frame("prIv", b"x", number=1), odd, 28)
    wrong("flag-0", Frame("prIv", b"x", flags=1), odd, 6)
    wrong("flag-15", Frame("prIv", b"x", flags=1 << 15), odd, 6)
    wrong("logical-length", Frame("prIv", b"x", logical=2), odd, 16)
    broken = Frame("prIv", b"x")
    broken.crc = 1
    wrong("payload-crc", broken, "checksumMismatch", 64)
    reserved = Frame("prIv", b"x")
    reserved.rest = b"\1"
    wrong("reserved", reserved, odd, 36)
    c = Container([Frame("prIv", b"x"), *one()])
    edit(c, "ancillary-padding", "verify", "paddingNotZero", "5", 64 + 64 + 1, b"\1")


def limits() -> None:
    c = base()
    wrong = partial(edit, c)
    table = c.ptab.at + 64
    wrong("limit-index-bytes", "open", "limitExceeded invalidIndex", "16", table + 8,
          u64((4 << 30) + 64))
    wrong("limit-tensors", "open", "limitExceeded", "16", table + 16, u64((1 << 24) + 1))
    wrong("limit-blocks", "open", "limitExceeded", "16", table + 24, u64((1 << 27) + 1))
    wrong("blocks-at-the-limit-but-not-there", "open", "invalidIndex", "7", table + 24,
          u64(1 << 27))
    wrong("limit-attachments", "open", "limitExceeded", "16", table + 52, u32(65537))
    wrong("attachments-at-the-limit-but-not-there", "open", "invalidIndex", "7", table + 52,
          u32(65536))
