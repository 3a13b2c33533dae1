"""Frame headers, checksums, padding, and the order of frames: FORMAT.md, sections 5 and 9."""
from functools import partial
from typing import Any

from .frames import Frame, conf, meta
from .suite import at_entry, base, edit, items, one, u64
from .tensors import CHUNKED, Tensor


def headers() -> None:
    c = base()
    whole, rawd, chnk = c.encoded(), c.find("RAWD"), c.find("CHNK")
    entry, ptab, indx, bsum = c.entry("a"), c.ptab.at, c.index.at, c.find("BSUM")
    wrong = partial(edit, c)
    wrong("stored-length-beyond-file", "verify", "invalidFrame truncated limitExceeded", "5", chnk + 8,
         u64(1 << 63), skip=("payload",))
    wrong("stored-length-2-64", "verify", "invalidFrame truncated limitExceeded", "5", chnk + 8,
         u64((1 << 64) - 1), skip=("payload",))
    wrong("type-not-letters", "verify", "invalidFrame unknownCriticalFrame", "5", c.find("nOTe"),
         b"n\0Te")
    wrong("rawd-byte", "read", "checksumMismatch routesDisagree", "9", rawd + 64,
         bytes([whole[rawd + 64] ^ 1]), skip=None)
    wrong("chunk-byte", "read", "checksumMismatch", "10", chnk + 64 + 10,
         bytes([whole[chnk + 74] ^ 1]), skip=None)
    wrong("bsum-crc", "verify", "checksumMismatch routesDisagree", "9", bsum + 64,
         bytes([whole[bsum + 64] ^ 1]), (rawd, indx), skip=("bsum",))
    wrong("block-crc", "read", "checksumMismatch routesDisagree", "7", c.block(0) + 16,
         bytes([whole[c.block(0) + 16] ^ 1]), (rawd, bsum), skip=("blocks",))
    wrong("block-crc-of-chunk", "read", "checksumMismatch routesDisagree", "7", c.block(1) + 16,
         bytes([whole[c.block(1) + 16] ^ 1]), (chnk,), skip=("blocks",))
    wrong("index-page-crc", "open", "checksumMismatch", "7", ptab + 128,
         bytes([whole[ptab + 128] ^ 1]), (indx,), skip=("pages",))
    wrong("index-byte", "open", "checksumMismatch", "7", entry + 20,
         bytes([whole[entry + 20] ^ 1]), skip=None)
    wrong("padding-of-note", "verify", "paddingNotZero", "5", c.find("nOTe") + 64 + 6, b"\1")
    wrong("padding-of-rawd", "verify", "paddingNotZero", "5", rawd + 64 + 63, b"\1")
    wrong("padding-of-ptab", "verify", "paddingNotZero", "5", ptab + 64 + len(c.ptab.payload), b"\1")
    wrong("padding-in-page-table", "open", "paddingNotZero reservedNotZero", "7", ptab + 132, b"\1")


def order() -> None:
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
    items("generator-not-utf8", "verify", "invalidFrame", "14", [Frame("gENR", b"ab\xff")],
          lambda d: 64 + 64 + 2)
    items("note-not-utf8", "verify", "invalidFrame", "14", [Frame("nOTe", b"\xed\xa0\x80")],
          lambda d: 64 + 64)
    items("no-bsum", "verify", "frameOrder", "5", one(tamper=lambda fs: fs[:2]),
          lambda d: d.index.at, also=[lambda d: d.find("RAWD")])
    items("bsum-too-long", "verify", "invalidFrame routesDisagree", "9",
          one(tamper=lambda fs: [*fs[:2], Frame("BSUM", fs[2].payload * 2)]),
          lambda d: d.find("BSUM") + 8)
    items("stray-bsum", "verify", "frameOrder", "5", [Frame("BSUM", b"abcd"), *one()],
          lambda d: 64)
    items("stray-chunk-after-alias", "verify", "frameOrder invalidFrame", "5",
          [*one(), Tensor("b", of="a", tamper=lambda fs: [fs[0], Frame("CHNK", b"abc", ordinal=1)])],
          lambda d: d.find("CHNK"))
    big: dict[str, Any] = {"dtype": "uint8", "shape": (70000,), "data": bytes(70000), "storage": CHUNKED}
    items("chunks-swapped", "verify", "frameOrder routesDisagree", "5",
          [Tensor("a", tamper=lambda fs: [fs[0], fs[2], fs[1]], **big)], lambda d: d.find("CHNK"),
          also=[at_entry])
    items("chunk-missing", "read", "invalidIndex frameOrder routesDisagree", "5 7",
          [Tensor("a", tamper=lambda fs: fs[:2], **big)], lambda d: d.entries_at + 48)
    items("chunk-too-many", "verify", "invalidIndex frameOrder routesDisagree", "5 7",
          [Tensor("a", "uint8", (4,), b"abcd", CHUNKED, tamper=lambda fs: (
              fs.append(Frame("CHNK", b"x", number=1)) or fs))], lambda d: d.find("CHNK", 1))
    items("padd-at-alignment-64", "verify", "frameOrder invalidFrame", "9",
          one(tamper=lambda fs: [fs[0], Frame("PADD", b""), *fs[1:]]), lambda d: d.find("PADD"))
    items("two-padd", "verify", "frameOrder invalidFrame", "5",
          one(tamper=lambda fs: [fs[0], Frame("PADD", bytes(fs[1].payload.__len__() - 128)),
                                 Frame("PADD", bytes(64)), *fs[2:]]),
          lambda d: d.find("PADD", 1), also=[lambda d: d.find("PADD")], options={"align": 12})
    items("raw-not-aligned", "verify", "invalidFrame frameOrder invalidIndex routesDisagree", "9",
          one(tamper=lambda fs: [fs[0], *fs[2:]]), lambda d: d.find("RAWD"), also=[at_entry],
          options={"align": 12})
    items("padd-longer-than-needed", "verify", "invalidFrame", "9",
          one(tamper=lambda fs: [fs[0], Frame("PADD", fs[1].payload + bytes(4096)), *fs[2:]]),
          lambda d: d.find("PADD") + 8, options={"align": 12})
    items("padd-not-zero", "verify", "paddingNotZero", "9",
          one(tamper=lambda fs: [fs[0], Frame("PADD", fs[1].payload[:-1] + b"\1"), *fs[2:]]),
          lambda d: d.find("TNSR") + 192 + 64 - 64, options={"align": 12})
    items("data-of-empty-tensor", "verify", "frameOrder", "5",
          [Tensor("a", "uint8", (0,), b"", tamper=lambda fs: [
              *fs, Frame("RAWD", b"", flags=1), Frame("BSUM", b"")])], lambda d: d.find("RAWD"))
