"""Superblock, commit record, and how a file ends: FORMAT.md, sections 3, 4 and 6."""
from collections.abc import Callable, Sequence
from functools import partial

from .container import Container
from .frames import Frame
from .suite import bad, base, edit, one, u16, u32, u64
from .tensors import Tensor


def superblocks() -> None:
    c = base()
    wrong = partial(edit, c)
    wrong("magic", "open", "notACairnFile", "3", 0, b"\x88", skip=None)
    wrong("major-2", "open", "unsupportedVersion", "4", 8, u16(2), prefix="future")
    wrong("major-2-other-length-and-crc", "open", "unsupportedVersion", "3", 8,
         u16(2) + u16(0) + u32(128), skip=None, prefix="future")
    wrong("major-65535", "open", "unsupportedVersion", "4", 8, u16(65535), prefix="future")
    wrong("major-0", "open", "unsupportedVersion", "4", 8, u16(0))
    for bit in (0, 1, 2, 3, 4, 63):
        wrong(f"required-bit-{bit}", "open", "unsupportedFeature", "4", 16, u64(1 << bit),
             prefix="future")
    wrong("superblock-length", "open", "invalidSuperblock", "3", 12, u32(128))
    wrong("superblock-crc", "open", "checksumMismatch", "3", 60, b"\0", skip=None)
    wrong("superblock-crc-optional-bit", "open", "checksumMismatch", "3", 26, b"\1", skip=None)
    for log in (0, 5, 7, 13, 17):
        wrong(f"alignment-{log}", "open", "invalidSuperblock", "3", 32, bytes([log]))
    for log in (0, 15, 25, 64):
        wrong(f"chunk-size-{log}", "open", "invalidSuperblock", "3", 33, bytes([log]))
    for at in (34, 59):
        wrong(f"superblock-reserved-{at}", "open", "reservedNotZero", "3", at, b"\1")
    later = base(minor=7)  # what a later minor version adds is optional bits and ancillary frames
    edit(later, "superblock-reserved-in-minor-7", "open", "reservedNotZero", "4", 34, b"\1")



def swaps() -> None:
    """Frames that nothing but the commit record's checksum of their order holds in their places."""
    def wrong(name: str, things: Sequence[Frame | Tensor], change: Callable[[bytes, bytes], bytes]) -> None:
        c = Container(things)
        whole = c.encoded()
        data = whole[:64] + change(whole[64:192], whole[192:320]) + whole[320:]
        bad(name, "verify", "routesDisagree", "6", c, c.commit_at + 112, data)

    notes = [Frame("nOTe", b"first"), Frame("nOTe", b"second"), *one()]
    wrong("notes-swapped", notes, lambda a, b: b + a)
    wrong("note-twice", notes, lambda a, b: a + a)
    wrong("note-and-generator-swapped", [Frame("gENR", b"a fixture"), *notes[1:]],
          lambda a, b: b + a)
    wrong("note-of-another-file", notes, lambda a, b: a + Frame("nOTe", b"third").encoded())
    wrong("note-of-another-type", notes, lambda a, b: a + Frame("xOTe", b"second").encoded())


def endings() -> None:
    c = base()
    whole, size, end = c.encoded(), len(c.encoded()), c.commit_at
    tnsr, rawd, ptab, indx = c.find("TNSR"), c.find("RAWD"), c.ptab.at, c.index.at
    wrong = partial(edit, c)

    def cut(name: str, codes: str, length: int, at: int) -> None:
        bad(name, "open", codes, "6", c, at, whole[:length])

    bad("nothing", "open", "notACairnFile truncated", "3", c, 0, b"")
    bad("four-bytes", "open", "notACairnFile truncated", "3", c, 0, whole[:4])
    bad("truncated-in-superblock", "open", "truncated", "6", c, 0, whole[:40])
    cut("not-committed-superblock-only", "notCommitted", 64, 64)
    cut("not-committed-between-frames", "notCommitted", tnsr, tnsr)
    cut("not-committed-before-record", "notCommitted", end, end)
    cut("truncated-in-header", "truncated", tnsr + 20, tnsr)
    cut("truncated-in-payload", "truncated", rawd + 64 + 5, rawd)
    cut("truncated-in-padding", "truncated", rawd + 64 + 13, rawd)
    cut("truncated-in-commit", "truncated", size - 1, end)
    cut("truncated-in-commit-start", "truncated", end + 4, end)
    for n in (1, 63, 64, 128):
        bad(f"trailing-{n}", "open", "trailingBytes", "6", c, size, whole + bytes(n))
    bad("trailing-second-container", "open", "trailingBytes", "6", c, size, whole + whole)
    wrong("commit-says-shorter", "open", "truncated trailingBytes checksumMismatch "
          "invalidCommitRecord invalidFrame", "6", end + 8, u64(size - 64))
    wrong("commit-says-longer", "open", "truncated", "6", end + 8, u64(size + 64))
    wrong("commit-crc", "open", "checksumMismatch", "6", end + 124, b"\0", skip=None)
    wrong("commit-magic", "open", "checksumMismatch invalidFrame", "6", end, b"\x88", skip=None)
    wrong("commit-ptab-offset", "open", "invalidCommitRecord invalidFrame checksumMismatch", "6", end + 16,
         u64(indx), (indx,))
    wrong("commit-ptab-offset-beyond", "open", "invalidCommitRecord limitExceeded checksumMismatch "
         "truncated", "6", end + 16, u64(1 << 63))
    wrong("commit-ptab-length", "open", "invalidIndex routesDisagree", "6", end + 24,
         u64(len(c.ptab.payload) + 8), (ptab,))
    wrong("commit-ptab-crc", "open", "checksumMismatch invalidIndex routesDisagree", "6", end + 32,
         b"\0\0\0\0", (ptab,), skip=("ptab",))
    wrong("commit-flag-unknown", "open", "reservedNotZero", "6", end + 36, u32(2))
    wrong("commit-flag-without-bit", "open", "invalidCommitRecord routesDisagree", "4 6", end + 36, u32(1),
         (0,))
    wrong("commit-previous", "open", "reservedNotZero", "6", end + 40, u64(64))
    wrong("commit-tensors", "open", "invalidCommitRecord routesDisagree", "6", end + 48, u64(5), (ptab,))
    wrong("commit-frames", "verify", "routesDisagree", "6", end + 56, u64(len(c.frames) + 1))
    wrong("commit-logical", "verify", "routesDisagree", "6", end + 64, u64(1))
    wrong("commit-stored", "verify", "routesDisagree", "6", end + 72, u64(1))
    wrong("commit-root-without-digests", "open", "digestMismatch reservedNotZero", "6 15", end + 80,
         b"\1")
    wrong("commit-frame-order", "verify", "routesDisagree", "6", end + 112, b"\1",
          skip=("order",))
    for at in (116, 123):
        wrong(f"commit-reserved-{at}", "open", "reservedNotZero", "6", end + at, b"\1")
