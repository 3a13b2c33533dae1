"""Metadata, configuration and blobs: FORMAT.md, sections 13 and 14."""
import struct
from typing import Any

from .frames import Frame, blob, conf
from .suite import items, one, u32


def metadata() -> None:
    def meta_bad(name: str, payload: bytes, codes: str = "invalidMetadata") -> None:
        items(f"metadata-{name}", "open", codes, "13", [Frame("META", payload), *one()],
              lambda d: 128)

    def key(k: bytes, t: int, v: bytes = b"") -> bytes:
        return struct.pack("<H", len(k)) + k + bytes([t]) + v

    meta_bad("no-pairs", u32(0))
    meta_bad("nothing", b"")
    meta_bad("three-bytes", b"\1\0\0")
    meta_bad("keys-descend", u32(2) + key(b"b", 1, b"\1") + key(b"a", 1, b"\1"))
    meta_bad("key-twice", u32(2) + key(b"a", 1, b"\1") + key(b"a", 1, b"\1"),
             "invalidMetadata duplicateName")
    meta_bad("key-empty", u32(1) + key(b"", 1, b"\1"), "invalidName invalidMetadata")
    meta_bad("key-latin-1", u32(1) + key(b"\xe9", 1, b"\1"), "invalidName invalidMetadata")
    meta_bad("key-overlong", u32(1) + key(b"\xc0\xaf", 1, b"\1"), "invalidName invalidMetadata")
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


def configurations() -> None:
    def conf_bad(name: str, text: str | bytes, level: str = "verify", codes: str = "invalidConfiguration",
                 **more: Any) -> None:
        items(f"configuration-{name}", level, codes, "14", [conf(text), *one()], lambda d: 128, **more)

    conf_bad("nothing", "", "open")
    conf_bad("not-json", "{a:1}", "open")
    conf_bad("not-utf8", b'"\xff"', "open")
    conf_bad("key-twice", '{"a":1,"a":2}', "open")
    conf_bad("key-twice-escaped", '{"a":1,"\\u0061":2}', "open")
    conf_bad("integer-2-64", "18446744073709551616", "open")
    conf_bad("integer-below-i64", "-9223372036854775809", "open")
    conf_bad("float-1e400", "1e400", "open")
    conf_bad("two-values", "1 2", "open")
    conf_bad("trailing-comma", "[1,]", "open")
    conf_bad("control-in-string", '"\n"', "open")
    conf_bad("129-deep", "[" * 129 + "]" * 129, "open", "limitExceeded invalidConfiguration")
    conf_bad("lone-surrogate", '"\\ud800"', "open")
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

    def blob_bad(name: str, *frames: Frame, codes: str = "invalidBlob", at: int = 128) -> None:
        items(f"blob-{name}", "verify", codes, "14", [*frames, *one()], lambda d: d.find(
            "BLOB", len(frames) - 1) + 64)

    blob_bad("nothing", Frame("BLOB", b""))
    blob_bad("one-byte", Frame("BLOB", b"\1"))
    blob_bad("name-beyond", blob("abc", b"", length=4))
    blob_bad("name-empty", blob("", b"x"), codes="invalidName invalidBlob")
    blob_bad("name-control", blob("a\x07", b"x"), codes="invalidName invalidBlob")
    blob_bad("name-latin-1", blob(b"\xe9", b"x"), codes="invalidName invalidBlob")
    blob_bad("name-overlong", blob(b"\xc0\xaf", b"x"), codes="invalidName invalidBlob")
    blob_bad("name-1025-bytes", blob("n" * 1025, b"x"), codes="invalidName invalidBlob limitExceeded")
    blob_bad("name-twice", blob("a", b"1"), blob("a", b"2"), codes="duplicateName invalidBlob")
