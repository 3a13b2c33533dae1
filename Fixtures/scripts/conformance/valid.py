"""The files that every reader must accept, and read right."""
import json
import struct
import zlib

from .deflate import by_hand, by_zlib, fixed_run, noise_then_level_9, zlib_stream
from .frames import Frame, blob, conf, meta
from .suite import FILES, ok
from .tensors import (CHUNKED, CODES, COMPONENT, RAW, ROTATES, Tensor, bits_of, floats, noise,
                      packed, product, stepping, strings)


def every_dtype(storage):
    tensors = []
    for dtype in list(CODES)[:25]:
        shapes = [("odd", (3, 7)), ("scalar", ()), ("empty", (2, 0, 5)), ("many", (331,))]
        for label, shape in shapes[:3 if storage == RAW else 4]:
            n = product(shape)
            filters = [0] if storage == RAW else [0] + [1] * (dtype in COMPONENT) + [2] * (
                dtype in ROTATES)
            filter = filters[-1] if label != "many" else filters[0]
            tensors.append(Tensor(f"{dtype}.{label}", dtype, shape, stepping(dtype, n), storage,
                                  filter))
    text = [b"", "né".encode(), b"\xff\x00raw", b"", b"x" * 300, b"last"]
    block = bytes(range(18))
    tensors += [
        Tensor("string.odd", "string", (2, 3), strings(text), storage),
        Tensor("string.scalar", "string", (), strings([b"one"]), storage),
        Tensor("string.empty", "string", (0, 3), b"", storage),
        Tensor("string.all-empty", "string", (4,), strings([b""] * 4), storage),
        Tensor("quantized.odd", "quantized", (3, 64), block * 6, storage, quant=(2, 32, 18)),
        Tensor("quantized.scalar", "quantized", (), b"\x07\x08\x09", storage, quant=(7, 1, 3)),
        Tensor("quantized.empty", "quantized", (0, 32), b"", storage, quant=(2, 32, 18)),
        Tensor("quantized.across-rows", "quantized", (2, 16), block, storage, quant=(2, 32, 18)),
        Tensor("quantized.type-0", "quantized", (4,), b"ab", storage, quant=(0, 2, 1)),
    ]
    return tensors


def make():
    ok("empty", [], "1 12 13")
    ok("raw-float32", [Tensor("a", "float32", (2, 3), floats(0, 1, -2, 3.5, 4, 5))], "6")
    for align in (12, 14):
        ok(f"raw-aligned-{1 << align}", [
            Tensor("a", "float32", (3,), floats(1, 2, 3)),
            Tensor("b", "uint8", (1,), b"\x09"),
            Tensor("c", "uint8", (0,), b""),
            Tensor("d", "float64", (2,), struct.pack("<2d", 1, 2))], "6", align=align)
    # The name's length moves the RAWD header: exactly in place (no PADD), and a PADD without bytes.
    ok("raw-aligned-without-padd", [
        blob("x", bytes(4096 - 64 - 64 - 3 - 192 + 64)),
        Tensor("a", "uint8", (4,), b"none")], "6", align=12)
    ok("raw-aligned-empty-padd", [
        blob("x", bytes(4096 - 64 - 64 - 3 - 192)),
        Tensor("a", "uint8", (4,), b"zero")], "6", align=12)
    ok("raw-aligned-65536-unused", [Tensor("a", "int8", (3,), b"abc", CHUNKED)], "6", align=16)
    ok("raw-every-dtype", every_dtype(RAW), "6 8")
    ok("chunked-every-dtype", every_dtype(CHUNKED), "7 8")
    big = {d: stepping(d, 70000 // max(1, bits_of(d) // 8) + 5) for d in
           ("int16", "uint32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
            "complex128", "uint8")}
    count = {d: len(data) * 8 // bits_of(d) for d, data in big.items()}
    ok("filters", [
        *[Tensor(f"{d}.{f}", d, (count[d],), data, CHUNKED, f) for d, data in big.items()
          for f in (0, 1, 2) if f == 0 or d in COMPONENT and f == 1 or d in ROTATES],
        Tensor("as-it-is", "float32", (64,), noise(256, 1), CHUNKED, 2),
        Tensor("random.1", "int32", (2000,), noise(4000, 2) + bytes(4000), CHUNKED, 1),
        Tensor("random.2", "float64", (500,), noise(2000, 3) + bytes(2000), CHUNKED, 2),
    ], "7")
    ok("chunk-boundaries", [
        Tensor("exact", "uint8", (1 << 16,), bytes(1 << 16), CHUNKED),
        Tensor("one-more", "uint8", ((1 << 16) + 1,), bytes(1 << 16) + b"\1", CHUNKED),
        Tensor("two", "int16", (2, 1 << 15), bytes(1 << 17), CHUNKED, 1),
        Tensor("six-bits", "float6_e2m3fn", (100001,), packed(
            [i % 3 for i in range(100001)], 6), CHUNKED),
        Tensor("four-bits", "int4", (150001,), packed([i % 3 for i in range(150001)], 4), CHUNKED),
        Tensor("blocks", "quantized", (3, 105600), bytes(range(210)) * 3300, CHUNKED,
               quant=(14, 96, 210)),
        Tensor("strings", "string", (9001,), strings([b"ab", b"c"] * 4500 + [b"z"]), CHUNKED),
        Tensor("largest-block", "quantized", (2,), bytes(131072), CHUNKED, quant=(1, 1, 65536)),
    ], "7 8")
    ok("chunk-size-2-24", [Tensor("a", "uint8", (300000,), bytes(300000), CHUNKED)], "3 7",
       chunk=24)
    ok("raw-blocks", [Tensor("a", "uint8", (50000,), noise(50000, 4))], "6 12")
    lz = noise(2000, 5) + bytes(29000) + noise(2000, 5)
    two = bytes(7 if (i * i) % 11 < 6 else 200 for i in range(4000))
    mixed = noise(1500, 6) + bytes(3000) + two[:1000]
    flushes = [(1000, zlib.Z_SYNC_FLUSH), (2000, zlib.Z_FULL_FLUSH), (3000, zlib.Z_BLOCK),
               (3500, zlib.Z_PARTIAL_FLUSH)]

    def stream(name, data, coder):
        return Tensor(name, "uint8", (len(data),), data, CHUNKED, coder=coder)

    ok("deflate-blocks", [
        stream("fixed", two, by_zlib(strategy=zlib.Z_FIXED)),
        stream("fixed-length-258", bytes([5] * (1 + 258 * 4)), lambda d: zlib_stream(
            fixed_run(4), d)),
        stream("dynamic", two, by_zlib()),
        stream("dynamic-no-distances", two, by_hand(("dynamic", 4000))),
        stream("huffman-only", two, by_zlib(strategy=zlib.Z_HUFFMAN_ONLY)),
        stream("filtered", two, by_zlib(strategy=zlib.Z_FILTERED)),
        stream("rle", bytes(3000), by_zlib(strategy=zlib.Z_RLE)),
        stream("level-0-and-9", mixed, noise_then_level_9(1500)),
        stream("level-1", lz, by_zlib(1)),
        stream("level-9-far", lz, by_zlib(9)),
        stream("level-0-not-shorter", b"stored as it is", by_zlib(0)),
        stream("flushes", two, by_zlib(flush=flushes)),
        stream("three-kinds", two, by_hand(("stored", 100), ("fixed", 300), ("dynamic", 3900),
                                           ("stored", 4000))),
        stream("empty-blocks", two, by_hand(("stored", 0), ("fixed", 0), ("dynamic", 4000),
                                            ("stored", 4000), ("fixed", 4000))),
        stream("window-512", two, by_zlib(9, 9)),
        stream("window-4096", bytes(5000) + two, by_zlib(9, 12)),
        stream("ratio-near-1032", bytes(60000), by_zlib(9)),
    ], "7")
    w = b"tied"
    ok("aliases", [
        Tensor("m.owner", "uint8", (4,), w, position=5),
        Tensor("z.alias", of="m.owner", position=0),
        Tensor("a.alias", of="m.owner", position=3),
        Tensor("k.alone", "int16", (2,), b"\1\0\2\0", position=1),
        Tensor("q.owner", "float32", (600,), stepping("float32", 600), CHUNKED, 2, position=6),
        Tensor("b.alias", of="q.owner", position=2),
        Tensor("c.empty", "int8", (0, 4), b"", position=7),
        Tensor("0.alias-of-empty", of="c.empty", position=4),
        Tensor("r.quantized", "quantized", (64,), bytes(36), quant=(2, 32, 18), position=8),
        Tensor("n.alias", of="r.quantized", position=9),
        Tensor("same-bytes-no-tie", "uint8", (4,), w, position=10),
    ], "6 12 14", digests=True)
    pairs = [
        ("a.bool", "bool", True), ("a.bool.false", "bool", False),
        ("b.i64.max", "i64", 2**63 - 1), ("b.i64.min", "i64", -2**63), ("c.u64", "u64", 2**64 - 1),
        ("d.f64", "f64", 0x3ff8000000000000), ("d.f64.-0", "f64", 1 << 63),
        ("d.f64.nan", "f64", 0x7ff4dead0000beef), ("e.string", "string", "grüße\n\0\u2028🌍"),
        ("e.string.empty", "string", ""), ("f.bytes", "bytes", b"\xff\0\x80"),
        ("f.bytes.empty", "bytes", b""), ("g.bools", "bool[]", [True, False, True]),
        ("h.i64s", "i64[]", [-1, 0, 1]), ("i.u64s", "u64[]", [0, 2**63]),
        ("j.f64s", "f64[]", [0, 0x7ff0000000000000, 0xfff8000000000001]),
        ("k.strings", "string[]", ["", "ä", "zwei"]), ("l.bytes", "bytes[]", [b"", b"\0"]),
        ("m.none", "string[]", []), ("n" * 1024, "bool", True), ("ключ", "string", "значение"),
    ]
    ok("metadata-every-type", [meta(pairs), Tensor("a", "uint8", (), b"a")], "10")
    text = ('{"A":[],"a":{"b":{}},"e":[0.0,-0.0,1.0,0.0001,1e-05,1.5e-07,1e+16,'
            '1234567890123456.0,5e-324,1.7976931348623157e+308,0.1,NaN,Infinity,-Infinity],'
            '"i":[0,-1,9223372036854775807,-9223372036854775808,18446744073709551615],'
            '"s":"/\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\x7fé\u2028\U0001f30d","t":[true,false,null],'
            '"é":1,"\uffee":2,"\U0001f30d":3}')
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"),
                              ensure_ascii=False)
    ok("configuration-and-blobs", [
        blob("z/last", b""), conf(text), blob("a", bytes(range(256)) * 20), blob("../up", b"name")],
       "11", digests=True)
    ok("configuration-128-deep", [conf("[" * 128 + "]" * 128)], "11")
    ok("notes-and-unknown-ancillary", [
        Frame("nOTe", "eine Notiz, é".encode()), Frame("gENR", b"a fixture"),
        Frame("nOTe", b""), Tensor("a", "uint8", (3,), b"abc"), Frame("prIv", noise(70, 7)),
        Frame("nEWf", b"of a later minor", version=1), Tensor("b", "uint8", (3,), b"xyz"),
        Frame("xXXX", b""), meta([("late", "bool", True)]), Frame("nOTe", b"end")], "4 5 11")
    both = [("no-digests", False), ("digests", True)]
    for name, digests in both:
        ok(name, [meta([("k", "string", "v")]), conf('{"a":1}'), blob("b", b"blob"),
                  blob("a", b"another"),
                  Tensor("w", "float32", (300,), stepping("float32", 300), CHUNKED, 2),
                  Tensor("v", "uint8", (5,), b"hello"), Tensor("e", "int8", (0,), b""),
                  Tensor("t", of="w"), Tensor("s", "string", (2,), strings([b"a", b"bc"]))],
           "14", digests=digests)
    ok("canonically-equivalent-names", [
        Tensor("caf\u00e9", "uint8", (), b"1"), Tensor("cafe\u0301", "uint8", (), b"2"),
        Tensor("CAFE\u0301", "uint8", (), b"3"), Tensor(" ", "uint8", (), b"4"),
        Tensor("/etc/../x", "uint8", (), b"5"), Tensor("n" * 1024, "uint8", (), b"6"),
        Tensor("\ufeff", "uint8", (), b"7"), Tensor("\uffff", "uint8", (), b"8"),
        Tensor("\U00010000", "uint8", (), b"9"), Tensor("\u00a0", "uint8", (), b"0"),
        Tensor("a", "uint8", (), b"a"), Tensor("aa", "uint8", (), b"b")], "9")
    special = struct.pack("<8I", 0x80000000, 1, 0x80000001, 0x7fc00001, 0x7f800001, 0xffffffff,
                          0x7f800000, 0xff800000) * 16
    special64 = struct.pack("<6Q", 1 << 63, 1, 0x7ff0000000000001, 0xffffffffffffffff,
                            0x7ff8000000000abc, 0x8000000000000001) * 16
    special16 = struct.pack("<6H", 0x8000, 1, 0x7e01, 0x7c01, 0xffff, 0x8001) * 16
    ok("special-bits", [
        Tensor(f"{dtype}.{storage}.{filter}", dtype, (len(data) * 8 // bits_of(dtype),), data,
               storage, filter)
        for dtype, data in (("float32", special), ("float64", special64), ("float16", special16),
                            ("bfloat16", special16), ("complex64", special),
                            ("complex128", special64), ("float8_e5m2", bytes(range(256))))
        for storage, filter in ((RAW, 0), (CHUNKED, 0), (CHUNKED, 1), (CHUNKED, 2))
        if filter == 0 or dtype in ROTATES], "8")
    ok("future-minor", [Tensor("a", "uint8", (), b"a")], "4", minor=7)
    ok("unknown-optional-bit", [Tensor("a", "uint8", (), b"a")], "4", optional=1 << 63 | 2)
    ok("rank-32", [Tensor("a", "uint8", (1,) * 32, b"a"),
                   Tensor("huge-but-empty", "float32", ((1 << 48) - 1,) * 31 + (0,), b"")], "16")
    ok("written-out-of-order", [
        blob("b", b"2"), Tensor("z", "uint8", (), b"z"), conf("{}"), Tensor("a", "uint8", (), b"a"),
        blob("a", b"1"), meta([("k", "u64", 0)]), Tensor("m", "uint8", (), b"m")], "5 17",
       digests=True)
    ok("many-tensors", [Tensor(f"t{i:04}", "uint8", (), bytes([i % 256]))
                        for i in range(100)], "12")
    ok("long-names", [Tensor(f"t{i}" + "x" * 900, "uint8", (0,), b"") for i in range(24)]
       + [Tensor("of" + "y" * 900, of=f"t{0}" + "x" * 900)], "12")
    for name, digests, storage in ("raw", False, RAW), ("coded", True, CHUNKED):
        ok(f"exhaustive-{name}", [
            Frame("nOTe", b"n"), meta([("k", "f64", 0)]), conf("{}"), blob("b", b"b"),
            Tensor("a", "float32", (24,), stepping("float32", 24), storage, 2 * storage),
            Tensor("s", "string", (2,), strings([b"x", b""]), storage), Tensor("t", of="a")],
           "15", digests=digests)
    ok("container-in-a-blob", [blob("inner", FILES["ok-raw-float32.cairn"])], "11 13")
