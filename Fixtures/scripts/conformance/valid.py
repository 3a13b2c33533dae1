"""Layout, ties, names, versions, frames: what every reader must accept, and read right."""
import struct
from collections.abc import Sequence
from typing import Any

from .frames import Frame, blob, conf, meta
from .suite import FILES, ok, one
from .tensors import CHUNKED, RAW, Tensor, floats, noise, stepping, strings


def byte(name: str, value: bytes = b"a", **more: Any) -> Tensor:
    return Tensor(name, "uint8", (), value, **more)


def layout() -> None:
    ok("empty", [], "1 12 13")
    ok("one-tensor", [Tensor("a", "float32", (2, 3), floats(0, 1, -2, 3.5, 4, 5))], "9")
    ok("aligned-4096", [
        Tensor("a", "float32", (3,), floats(1, 2, 3)), Tensor("b", "uint8", (1,), b"\x09"),
        Tensor("c", "uint8", (0,), b""), Tensor("d", "float64", (2,), struct.pack("<2d", 1, 2))],
       "9", align=12)
    ok("aligned-16384", [Tensor("a", "float32", (3,), floats(1, 2, 3))], "9", align=14)
    ok("aligned-65536-unused", [Tensor("a", "int8", (3,), b"abc", CHUNKED)], "9", align=16)
    # The blob's length moves the RAWD header: exactly in place (no PADD), and a PADD without bytes.
    ok("aligned-without-padd", [
        blob("x", bytes(4096 - 64 - 64 - 3 - 192 + 64)), Tensor("a", "uint8", (4,), b"none")],
       "9", align=12)
    ok("aligned-empty-padd", [
        blob("x", bytes(4096 - 64 - 64 - 3 - 192)), Tensor("a", "uint8", (4,), b"zero")], "9",
       align=12)
    for n in (63, 64, 65):  # padding behind a payload: one byte, none, 63
        ok(f"payload-of-{n}-bytes", [Tensor("a", "uint8", (n,), noise(n, n))], "5")
    ok("many-tensors", [Tensor(f"t{i:02}", "uint8", (0,), b"") for i in range(60)], "7")
    ok("long-names", [Tensor(f"t{i}" + "x" * 900, "uint8", (0,), b"") for i in range(5)]
       + [Tensor("of" + "y" * 900, of="t0" + "x" * 900)], "7")
    ok("written-out-of-order", [
        blob("b", b"2"), byte("z"), conf("{}"), byte("a"), blob("a", b"1"),
        meta([("k", "u64", 0)]), byte("m")], "5 17", digests=True)
    ok("positions-reversed", [byte("a", position=2), byte("b", position=1), byte("c", position=0)],
       "9")
    both = [("digests-absent", False), ("digests-present", True)]
    for name, digests in both:
        ok(name, [meta([("k", "string", "v")]), conf('{"a":1}'), blob("b", b"blob"),
                  blob("a", b"another"),
                  Tensor("w", "float32", (300,), stepping("float32", 300), CHUNKED, 2),
                  Tensor("v", "uint8", (5,), b"hello"), Tensor("e", "int8", (0,), b""),
                  Tensor("t", of="w"), Tensor("s", "string", (2,), strings([b"a", b"bc"]))],
           "15", digests=digests)
    for name, digests, storage in ("raw", False, RAW), ("coded", True, CHUNKED):
        ok(f"exhaustive-{name}", [
            Frame("nOTe", b"n"), meta([("k", "f64", 0)]), conf("{}"), blob("b", b"b"),
            Tensor("a", "float32", (24,), stepping("float32", 24), storage, 2 * storage),
            Tensor("s", "string", (2,), strings([b"x", b""]), storage), Tensor("t", of="a")],
           "8", digests=digests)


def ties() -> None:
    def tied(name: str, things: Sequence[Frame | Tensor]) -> None:
        ok(f"alias-{name}", things, "7 9 15", digests=True)

    def four(name: str, **more: Any) -> Tensor:
        return Tensor(name, "uint8", (4,), b"tied", **more)

    tied("of-raw", [four("a"), Tensor("b", of="a")])
    tied("of-coded", [Tensor("a", "float32", (600,), stepping("float32", 600), CHUNKED, 2),
                      Tensor("b", of="a")])
    tied("of-empty", [Tensor("a", "int8", (0, 4), b""), Tensor("b", of="a")])
    tied("of-scalar", [byte("a"), Tensor("b", of="a")])
    tied("of-quantized", [Tensor("a", "quantized", (64,), bytes(36), quant=(2, 32, 18)),
                          Tensor("b", of="a")])
    tied("with-the-lowest-name", [four("m"), Tensor("a", of="m"), Tensor("z", of="m")])
    tied("far-from-its-owner", [four("m"), byte("k"), byte("z"), Tensor("a", of="m")])
    tied("two-groups", [four("a", position=3), four("b", position=1),
                        Tensor("c", of="b", position=0), Tensor("d", of="a", position=2)])
    tied("none-though-bytes-are-equal", [four("a"), four("b")])
    ok("alias-without-digests", [four("a"), Tensor("b", of="a")], "7 9")


def names() -> None:
    ok("name-canonically-equivalent", [
        byte("caf\u00e9", b"1"), byte("cafe\u0301", b"2"), byte("CAFE\u0301", b"3")], "12")
    ok("name-compatibility-equivalent", [byte("\ufb01", b"1"), byte("fi", b"2")], "12")
    ok("name-beside-surrogates", [  # UTF-16 would sort these the other way round
        byte("\uffff", b"8"), byte("\U00010000", b"9"), byte("\U0010ffff", b"0")], "12")
    for label, name in (("space", " "), ("path", "/etc/../x"), ("byte-order-mark", "\ufeff"),
                        ("no-break-space", "\u00a0"), ("right-to-left", "\u202ea"),
                        ("of-1-byte", "a"), ("of-1023-bytes", "n" * 1023),
                        ("of-1024-bytes", "n" * 1024), ("of-1024-bytes-in-256", "\U0001f30d" * 256)):
        ok(f"name-{label}", [byte(name)], "12 16")
    ok("name-prefix-of-another", [byte("a", b"1"), byte("aa", b"2"), byte("a.", b"3")], "12")
    ok("blob-name-canonically-equivalent", [blob("\u00e9", b"1"), blob("e\u0301", b"2")], "12 14",
       digests=True)
    ok("blob-name-of-1024-bytes", [blob("n" * 1024, b"content")], "12 14")
    ok("metadata-key-canonically-equivalent",
       [meta([("e\u0301", "bool", True), ("\u00e9", "bool", False)])], "12 13", digests=True)


def versions() -> None:
    ok("minor-7", one(), "4", minor=7)
    ok("minor-65535", one(), "4", minor=65535)
    ok("optional-bits-unknown", one(), "4", optional=1 << 63 | 2)
    ok("ancillary-unknown", [
        Frame("prIv", noise(70, 7)), *one(), Frame("nEWf", b"of a later minor"),
        Frame("xXXX", b"")], "4 5")
    ok("ancillary-unknown-version-9", [Frame("nEWf", b"later", version=9), *one()], "5")
    ok("note", [Frame("nOTe", "eine Notiz, é".encode()), *one()], "14")
    ok("note-empty", [Frame("nOTe", b""), *one()], "14")
    ok("note-with-control-characters", [Frame("nOTe", b"a\0b\nc\x1b"), *one()], "14")
    ok("notes-many", [Frame("nOTe", b"1"), *one(), Frame("nOTe", b"1"), Frame("nOTe", b"2")], "5 14")
    ok("generator", [Frame("gENR", b"a fixture"), *one()], "14")
    ok("generator-last", [*one(), Frame("gENR", b"a fixture")], "5 14")


def inner() -> None:
    """Containers within containers: nothing may look for frames in a payload."""
    whole = FILES["ok-one-tensor.cairn"]
    ok("container-in-a-blob", [blob("inner", whole)], "6 14")
    ok("container-in-a-tensor", [Tensor("a", "uint8", (len(whole),), whole), byte("b")], "6 9")
    ok("container-in-a-note", [Frame("nOTe", bytes(b & 127 for b in whole)), *one()], "6 14")
    ok("commit-record-in-a-tensor", [
        Tensor("a", "uint8", (128,), whole[-128:]), byte("b")], "6 9")
