"""What a file says of a tensor: FORMAT.md, sections 7, 9, 11, 12 and 16."""
from functools import partial
from typing import Any

from .container import Container
from .suite import at_entry, at_tnsr, bad, base, edit, items, one, patched, twin, u32, u64
from .tensors import CHUNKED, Tensor

RECORD = "invalidIndex invalidTensorRecord"
BOTH: dict[str, Any] = {"find": at_entry, "also": [at_tnsr]}


def records() -> None:
    c = base()
    ptab = c.ptab.at
    wrong = partial(edit, c)
    for code in (0, 28, 65535):
        items(f"dtype-{code}", "open", "invalidDType", "11", one(code=code), **BOTH)
    for storage in (3, 4, 5):
        d = Container(one())
        bad(f"storage-{storage}", "open", RECORD + " unsupportedFeature", "9", d, d.entries_at + 12,
            d.repaired(d.encoded()[:d.find("TNSR") + 66] + bytes([storage])
                       + d.encoded()[d.find("TNSR") + 67:d.entries_at + 12] + bytes([storage])
                       + d.encoded()[d.entries_at + 13:]), [d.find("TNSR")])
    twin("filter-3", "open", RECORD, "9", one(CHUNKED), 3, 13, b"\3")
    twin("filter-1-of-uint8", "open", RECORD, "10", one(CHUNKED), 3, 13, b"\1")
    twin("filter-2-of-int32", "open", RECORD, "10", [Tensor("a", "int32", (1,), b"abcd", CHUNKED)],
         3, 13, b"\2")
    twin("filter-1-of-raw", "open", RECORD, "9", [Tensor("a", "int32", (1,), b"abcd")], 3, 13,
         b"\1")
    twin("logical-bytes", "open", RECORD, "9", one(), 16, 56, u64(4))
    twin("type-id-of-uint8", "open", RECORD + " invalidDType", "11", one(), 24, 72, u32(1))
    twin("block-elements-of-uint8", "open", RECORD + " invalidDType", "11", one(), 28, 76, u32(1))
    quantized = [Tensor("a", "quantized", (64,), bytes(36), quant=(2, 32, 18))]
    for value, name in ((0, "0"), (65537, "65537"), (33, "not-dividing")):
        twin(f"quantized-elements-{name}", "open", RECORD + " invalidDType", "11", quantized, 28, 76, u32(value))
    for value in (0, 65537, 19):
        twin(f"quantized-bytes-{value}", "open", RECORD + " invalidDType", "11", quantized, 32, 80, u32(value))
    for name, shape, data, quant in (
            ("part-of-a-block", (33,), bytes(18), (2, 32, 18)),
            ("block-of-no-bytes", (64,), b"", (2, 32, 0)),
            ("block-of-65537-bytes", (1,), bytes(65537), (2, 1, 65537)),
            ("block-of-65537-elements", (65537,), b"x", (2, 65537, 1))):
        items(f"quantized-{name}", "open", RECORD + " invalidDType", "11",
              [Tensor("a", "quantized", shape, data, CHUNKED, quant=quant)], at_entry,
              also=[at_tnsr], options={"chunk": 17})
    items("rank-33", "open", "limitExceeded", "16", [Tensor("a", "uint8", (1,) * 33, b"a")], **BOTH)
    items("dimension-2-48", "open", "limitExceeded", "16", [Tensor("a", "uint8", (1 << 48, 0), b"")],
          at_entry, also=[at_tnsr])
    items("elements-2-63", "open", "limitExceeded", "16",
          [Tensor("a", "uint8", (1 << 32, 1 << 31), b"", size=1 << 63)], at_entry,
          also=[at_tnsr, lambda d: d.commit_at])
    items("elements-2-64-wraps-to-zero", "open", "limitExceeded invalidIndex", "16",
          [Tensor("a", "uint8", (1 << 32, 1 << 32), b"")], at_entry, also=[at_tnsr])
    items("bytes-2-64-wrap-to-zero", "open", "limitExceeded invalidIndex", "16",
          [Tensor("a", "float64", (1 << 32, 1 << 29), b"")], at_entry, also=[at_tnsr])
    items("string-shorter-than-its-ends", "open", RECORD, "11",
          [Tensor("a", "string", (2,), bytes(12))], at_entry, also=[at_tnsr])
    items("string-empty-with-bytes", "open", RECORD, "11",
          [Tensor("a", "string", (0,), b"abc")], at_entry, also=[at_tnsr])
    twin("tensor-reserved-byte", "open", "reservedNotZero", "9", one(), 5, 15, b"\1")
    wrong("block-reserved", "open", "reservedNotZero", "7", c.block(0) + 20, b"\1")
    wrong("ptab-reserved", "open", "reservedNotZero", "7", ptab + 64 + 56, b"\1")
    wrong("attachment-reserved", "open", "reservedNotZero routesDisagree", "7", c.attached_at + 24, b"\1")


def names() -> None:
    for name, value in (("empty", b""), ("1025-bytes", b"n" * 1025), ("latin-1", b"caf\xe9"),
                        ("overlong", b"\xc0\xaf"), ("surrogate", b"\xed\xa0\x80"),
                        ("beyond-unicode", b"\xf4\x90\x80\x80"), ("newline", b"a\nb"),
                        ("nul", b"a\0"), ("delete", b"\x7f"), ("c1", "\u0085".encode()),
                        ("c0-last", b"a\x1f"), ("c1-first", b"\xc2\x80"), ("c1-last", b"\xc2\x9f"),
                        ("cut-character", b"a\xe2\x82"), ("lone-continuation", b"\x80a"),
                        ("five-bytes", b"\xf8\x88\x80\x80\x80"), ("utf-16", "ab".encode("utf-16"))):
        items(f"name-{name}", "open", "invalidName limitExceeded", "12", [Tensor(value, "uint8", (), b"x")],
              at_entry, also=[at_tnsr])
    items("names-twice", "verify", "duplicateName", "12",
          [Tensor("a", "uint8", (), b"x"), Tensor("a", "uint8", (), b"y")],
          lambda d: d.entries_at + 128, also=[lambda d: d.find("TNSR", 1)])
    items("names-descend", "verify", "invalidIndex", "7",
          [Tensor("a", "uint8", (), b"x"), Tensor("b", "uint8", (), b"y")],
          lambda d: d.entries_at + 128, options={"index": lambda rows: rows[::-1]})


def ties() -> None:
    def two(**more: Any) -> list[Tensor]:
        return [Tensor("a", "uint8", (), b"x"), Tensor("b", "uint8", (), b"y", **more)]

    for position in (0, 2, 0xffffffff):
        items(f"position-{position}", "verify", "invalidIndex invalidTensorRecord", "9", two(position=position),
              lambda d: d.entries_at + 128 + 20, also=[lambda d: d.find("TNSR", 1)])
    d = Container(two())
    bad("ordinal-twice", "verify", "invalidIndex routesDisagree", "7", d, d.entry("b") + 16,
        patched(d, d.entry("b") + 16, u32(0)))
    bad("ordinals-swapped", "verify", "routesDisagree", "7", d, d.entry("a") + 16,
        d.repaired(patched(d, d.entry("a") + 16, u32(1))[:d.entry("b") + 16] + u32(0)
                   + d.encoded()[d.entry("b") + 20:]), [d.find("TNSR")])
    bad("ordinal-of-tnsr", "verify", "frameOrder invalidFrame routesDisagree", "9", d,
        d.find("TNSR", 1) + 24, patched(d, d.find("TNSR", 1) + 24, u32(7)))
    tied = [Tensor("a", "uint8", (3,), b"abc"), Tensor("b", of="a"), Tensor("c", of="b")]
    items("alias-of-alias", "open", RECORD, "9 16", tied, lambda d: d.entry("c") + 24,
          also=[lambda d: d.find("TNSR", 2)])
    items("alias-of-later", "verify", RECORD, "9",
          [Tensor("b", of="a"), Tensor("a", "uint8", (3,), b"abc")],
          lambda d: d.entry("b") + 24, also=[lambda d: d.find("TNSR")])
    items("alias-of-itself", "open", RECORD, "9",
          [Tensor("a", "uint8", (3,), b"abc"), Tensor("b", of="a", owner_row=1, owner_ordinal=1)],
          lambda d: d.entry("b") + 24, also=[lambda d: d.find("TNSR", 1)])
    items("alias-beyond-the-table", "open", RECORD, "9",
          [Tensor("a", "uint8", (3,), b"abc"), Tensor("b", of="a", owner_row=9, owner_ordinal=9)],
          lambda d: d.entry("b") + 24, also=[lambda d: d.find("TNSR", 1)])
    items("alias-of-other-shape", "open", RECORD, "9",
          [Tensor("a", "uint8", (2, 3), b"abcdef"),
           Tensor("b", shape=(3, 2), of="a", keep=("shape",))],
          lambda d: d.entry("b"), also=[lambda d: d.find("TNSR", 1), lambda d: d.dims_at])
    items("alias-of-other-dtype", "open", RECORD, "9",
          [Tensor("a", "uint8", (3,), b"abc"), Tensor("b", "int8", of="a", keep=("dtype",))],
          lambda d: d.entry("b") + 10, also=[lambda d: d.find("TNSR", 1)])
    items("alias-owners-disagree", "verify", "routesDisagree", "7 9",
          [Tensor("a", "uint8", (3,), b"abc"), Tensor("b", "uint8", (3,), b"abc"),
           Tensor("c", of="a", owner_row=1)], lambda d: d.entry("c") + 24,
          also=[lambda d: d.find("TNSR", 2)])
    items("owner-field-of-owner", "verify", RECORD, "9", [
        Tensor("a", "uint8", (3,), b"abc"),
        Tensor("b", "uint8", (3,), b"abc", owner_row=1, owner_ordinal=1)],
        lambda d: d.entry("b") + 24, also=[lambda d: d.find("TNSR", 1)])
