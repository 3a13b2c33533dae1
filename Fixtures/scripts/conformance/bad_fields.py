"""Every field of every frame header, tensor record and index entry wrong in turn, all checksums
right but the one that is meant: FORMAT.md, sections 5, 7 and 9."""
from collections.abc import Callable, Sequence
from typing import Any

from .container import Container
from .frames import Frame
from .suite import bad, base, one, patched, u16, u32, u64

OPENED = "META", "CONF", "PTAB"  # read whenever a file is opened
DATA = "PADD", "RAWD", "BSUM", "CHNK"
KINDS = "gENR", "META", "CONF", "BLOB", "nOTe", "TNSR", *DATA, "INDX", "PTAB"


def headers() -> None:
    for kind in KINDS:
        header(kind)


def header(kind: str) -> None:
    def wrong(name: str, codes: str, at: int, change: Callable[[Frame], None],
              also: Sequence[Callable[[Container], int]] = (), prefix: str = "bad", section: str = "5",
              level: str | None = None) -> None:
        """`change` is made to the frame after everything has found its place."""
        c = Container(one(), align=12) if kind == "PADD" else base()
        frame = next(f for f in c.frames if f.kind == kind)
        change(frame)
        where = [c.attached_at] if kind in ("META", "CONF", "BLOB") else []
        where += {"PTAB": [c.commit_at], "INDX": [c.ptab.at]}.get(kind, [])
        bad(name + "-" + kind, level or ("open" if kind in OPENED else "verify"), codes, section, c,
            frame.at + at, c.encoded(), [*where, *[find(c) for find in also]], prefix=prefix)

    def put(**fields: Any) -> Callable[[Frame], None]:
        return lambda frame: vars(frame).update(fields)

    def other_length(frame: Frame) -> None:
        assert kind == "PADD" or len(frame.payload) % 64
        frame.payload = frame.payload[:-1] if kind == "PADD" else frame.payload + b"\0"
        frame.logical += len(frame.payload) - frame.logical if kind != "CHNK" else 1

    disagree = "routesDisagree invalidFrame"
    entries = lambda c: c.index.at
    wrong("header-crc", "checksumMismatch", 60, put(check=1))
    for at in (36, 59):
        wrong(f"header-reserved-{at}", "reservedNotZero", at, put(rest=bytes(at - 36) + b"\1"))
    wrong("frame-version", "unsupportedVersion invalidFrame", 4, put(version=2), prefix="future")
    wrong("frame-version-0", "unsupportedVersion invalidFrame", 4, put(version=0))
    for bit in (0, 1, 15):
        if (kind, bit) != ("RAWD", 0):
            flags = 1 << bit | (kind == "RAWD")
            wrong(f"frame-flag-{bit}", "invalidFrame reservedNotZero", 6, put(flags=flags))
    if kind != "CHNK":
        wrong("frame-logical-length", "invalidFrame", 16, put(logical=10**6))
        wrong("frame-chunk-number", "invalidFrame reservedNotZero", 28, put(number=1))
    if kind in DATA:
        wrong("frame-ordinal", "frameOrder routesDisagree invalidFrame", 24, put(ordinal=7),
              [entries], section="9")
    elif kind != "TNSR":
        wrong("frame-ordinal", "invalidFrame reservedNotZero", 24, put(ordinal=1))
    wrong("payload-crc", "checksumMismatch invalidFrame routesDisagree"
          + " invalidIndex" * (kind == "PTAB"), 32, put(crc=1))
    length = {"META": disagree, "CONF": disagree, "BLOB": disagree, "INDX": disagree + " invalidIndex",
              "PTAB": disagree + " invalidCommitRecord invalidIndex checksumMismatch", "PADD": disagree,
              "TNSR": disagree + " invalidTensorRecord invalidName", "RAWD": disagree,
              "BSUM": disagree, "CHNK": disagree}
    if kind in length:  # a note may well be longer: its text then ends in a zero byte
        wrong("frame-stored-length", length[kind], 8, other_length, [entries])
    other = kind[0].swapcase() + kind[1:]
    if kind in ("nOTe", "gENR"):
        wrong("unknown-critical", "unknownCriticalFrame", 0, put(kind=other), prefix="future")
    else:
        wrong("frame-type-unknown", "routesDisagree frameOrder invalidFrame invalidIndex "
              "invalidCommitRecord", 0, put(kind=other), [entries, lambda c: c.find("TNSR")])
    wrong("frame-type-third-letter", "invalidFrame unknownCriticalFrame", 2,
          put(kind=kind[:2] + kind[2].lower() + kind[3]))


def tensors() -> None:
    """Of a raw tensor: fields of its TNSR frame and of its index entry, one in one route only."""
    c = base()
    record, entry, unlike = c.find("TNSR") + 64, c.entry("a"), "routesDisagree"
    own = "invalidTensorRecord invalidIndex invalidDType"
    for name, at, value, codes in (
            ("dtype", 0, u16(8), unlike), ("dtype-of-other-width", 0, u16(1), own),
            ("dtype-0", 0, u16(0), own), ("storage", 2, b"\1", unlike), ("storage-3", 2, b"\3", own),
            ("filter", 3, b"\1", own), ("rank", 4, b"\0", own), ("rank-33", 4, b"\x21", own),
            ("reserved-5", 5, b"\1", "reservedNotZero"),
            ("name-length", 6, u16(0), own + " invalidName"), ("name-length-2", 6, u16(2), own),
            ("position", 8, u32(7), unlike), ("owner", 12, u32(1), own),
            ("logical-bytes", 16, u64(16), own), ("type-id", 24, u32(1), own),
            ("block-elements", 28, u32(1), own), ("block-bytes", 32, u32(1), own),
            ("reserved-36", 36, b"\1", "reservedNotZero"),
            ("dimension", 40, u64(4), own), ("dimension-2-48", 40, u64(1 << 48), "limitExceeded"),
            ("name", 48, b"q", unlike), ("name-control", 48, b"\n", "invalidName")):
        bad(f"tnsr-{name}", "verify", codes + " " + unlike, "8 9", c, record + at,
            patched(c, record + at, value), [entry])
    gap = "invalidIndex routesDisagree"
    for name, at, value, codes, level in (
            ("name-start", 0, u64(1), gap + " duplicateName", "verify"),
            ("name-start-beyond", 0, u64(1 << 63), gap, "open"),
            ("name-length", 8, u16(2), gap, "verify"),
            ("name-length-0", 8, u16(0), "invalidName " + gap, "open"),
            ("name-length-beyond", 8, u16(99), gap + " invalidName", "open"),
            ("dtype", 10, u16(8), unlike, "verify"), ("dtype-of-other-width", 10, u16(1), own, "open"),
            ("storage", 12, b"\1", unlike + " invalidIndex", "verify"),
            ("storage-3", 12, b"\3", own, "open"), ("filter", 13, b"\1", own, "open"),
            ("rank", 14, b"\0", own, "open"),
            ("rank-33", 14, b"\x21", own + " limitExceeded", "open"),
            ("reserved-15", 15, b"\1", "reservedNotZero", "open"),
            ("ordinal", 16, u32(1), gap, "verify"), ("ordinal-beyond", 16, u32(99), gap, "verify"),
            ("position", 20, u32(1), gap, "verify"), ("position-beyond", 20, u32(99), gap, "verify"),
            ("owner", 24, u32(1), own, "open"), ("reserved-28", 28, b"\1", "reservedNotZero", "open"),
            ("first-dimension", 32, u64(1), gap + " invalidTensorRecord", "open"),
            ("first-block", 40, u64(1), gap, "verify"), ("blocks", 48, u64(2), gap, "read"),
            ("blocks-0", 48, u64(0), gap, "read"), ("logical-bytes", 56, u64(16), own, "open"),
            ("tnsr-offset", 64, u64(64), gap, "verify"),
            ("type-id", 72, u32(1), own, "open"), ("block-elements", 76, u32(1), own, "open"),
            ("block-bytes", 80, u32(1), own, "open"),
            ("reserved-84", 84, b"\1", "reservedNotZero", "open"),
            ("reserved-95", 95, b"\1", "reservedNotZero", "open"),
            ("digest", 96, b"\1", "digestMismatch reservedNotZero", "verify")):
        bad(f"entry-{name}", level, codes, "7 8", c, entry + at, patched(c, entry + at, value),
            [record, c.entry("b")])
