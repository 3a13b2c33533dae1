"""Streams, elements and digests: FORMAT.md, sections 10, 11 and 15."""
import struct
import zlib
from typing import Any

from .container import Container
from .deflate import by_hand, by_zlib, far_back, zlib_stream
from .suite import at_entry, at_tnsr, bad, base, flipped, items, patched
from .tensors import CHUNKED, RAW, Coder, Tensor


def streams() -> None:
    data = bytes(7 if i % 3 else 9 for i in range(300))

    def stream(name: str, coder: Coder, codes: str = "corruptChunk", level: str = "read", decode: bool = True,
               where: int = 64, data: bytes = data, **more: Any) -> None:
        d = Container([Tensor("a", "uint8", (len(data),), data, CHUNKED, coder=coder)])
        bad(f"stream-{name}", level, codes, "10", d, d.find("CHNK") + where, d.encoded(),
            [d.entries_at], decode, **more)

    z = zlib.compress
    stream("wrong-adler", lambda p: z(p)[:-1] + bytes([z(p)[-1] ^ 1]))
    stream("adler-of-other-bytes", lambda p: z(p)[:-4] + b"\0\0\0\1")
    stream("too-short", lambda p: z(p[:-1]))
    stream("too-long", lambda p: z(p + b"x"))
    stream("far-too-long", lambda p: z(p + bytes(20000)))
    stream("empty", lambda p: z(b""))
    stream("no-adler", lambda p: z(p)[:-4])
    stream("half-an-adler", lambda p: z(p)[:-2])
    stream("second-member", lambda p: z(p[:100]) + z(p[100:]))
    stream("second-empty-member", lambda p: z(p) + z(b""))
    stream("byte-behind", lambda p: z(p) + b"\0")
    stream("gzip", lambda p: by_zlib(9, 31)(p))
    stream("raw-deflate", lambda p: by_zlib(9, -15)(p))
    stream("header-check", lambda p: b"\x78\x9d" + z(p)[2:])
    stream("method-7", lambda p: b"\x77\x85"[:1] + bytes([31 - 0x7700 % 31]) + z(p)[2:])
    stream("window-2-16", lambda p: b"\x88" + bytes([31 - 0x8800 % 31]) + z(p)[2:])

    def dictionary(p: bytes) -> bytes:
        o = zlib.compressobj(9, zdict=b"\7\7\x09" * 20)
        return o.compress(p) + o.flush()

    stream("preset-dictionary", dictionary)
    stream("block-type-3", lambda p: z(p)[:2] + b"\7" + z(p)[3:])
    stream("not-final", lambda p: zlib_stream(by_zlib(9, -15, flush=[(300, zlib.Z_FULL_FLUSH)])(p)[:-2], p))
    stream("distance-too-far", lambda p: zlib_stream(far_back(), p))
    stream("stored-length-complement", lambda p: zlib_stream(b"\1\x2c\1\xd4\xfe"[:3] + b"\0\0" + p[:80], p))
    stream("nothing", lambda p: b"", "corruptChunk", decode=False, where=8, data=b"x" * 60)
    stream("expansion-beyond-1032", lambda p: z(p)[:40], "limitExceeded corruptChunk", decode=False,
           where=16, data=bytes(60000))
    stream("expansion-by-one", lambda p: z(p)[:40] , "limitExceeded corruptChunk",
           decode=False, where=16, data=bytes(1032 * 40 + 65))
    d = Container([Tensor("a", "uint8", (10,), b"0123456789", CHUNKED, force=1,
                          coder=lambda p: by_hand(("stored", 10))(p))])
    bad("stored-longer-than-logical", "read", "invalidIndex corruptChunk invalidFrame", "10", d,
        d.find("CHNK") + 8, d.encoded(), [d.entries_at])
    items("planes-cut-unlike-the-chunk", "read", "invalidIndex routesDisagree", "10",
          [Tensor("a", "uint8", (300,), data, CHUNKED, chunk_logical=299)],
          lambda d: d.find("CHNK") + 16, also=[at_entry])


def elements() -> None:
    for storage, label in ((RAW, "raw"), (CHUNKED, "chunked")):
        def element(name: str, dtype: str, shape: tuple[int, ...], data: bytes, storage: int = storage,
                    label: str = label) -> None:
            items(f"{name}-{label}", "deep", "invalidElement", "11",
                  [Tensor("a", dtype, shape, data, storage)],
                  lambda d: d.find("RAWD" if storage == RAW else "CHNK") + 64, decode=True,
                  also=[at_entry, at_tnsr])

        element("bool-2", "bool", (40,), b"\0\1" * 19 + b"\2\1")
        element("bool-255", "bool", (1,), b"\xff")
        element("unused-bits-4", "int4", (3,), b"\x21\x13")
        element("unused-bits-6-of-1", "float6_e2m3fn", (1,), b"\x41")
        element("unused-bits-6-of-2", "float6_e3m2fn", (2,), b"\x00\x10")
        element("unused-bits-6-of-3", "float6_e3m2fn", (3,), b"\x00\x10\x04")
        element("string-ends-descend", "string", (3,),
                struct.pack("<3Q", 2, 1, 3) + b"abc")
        element("string-last-end", "string", (2,), struct.pack("<2Q", 1, 2) + b"abc")
        element("string-end-beyond", "string", (2,), struct.pack("<2Q", 1, 1 << 63) + b"abc")


def digests() -> None:
    c = base()
    entry, end = c.entry("a"), c.commit_at
    g = base(digests=True)
    root = g.commit_at + 80
    bad("digest-root", "verify", "digestMismatch", "15", g, root,
        patched(g, root, bytes(32)))
    leaf = g.entry("b") + 96
    broken = flipped(g, leaf)
    bad("digest-leaf-root-not-repaired", "verify", "digestMismatch", "15", g, leaf, broken, [root])
    h = base(digests=True)
    h.tensor("b").leaf = lambda: bytes(range(32))  # type: ignore[method-assign]
    tweaked = bytearray(patched(g, leaf, bytes(range(32))))
    tweaked[root:root + 32] = h.root_digest()
    bad("digest-leaf-root-repaired", "deep", "digestMismatch", "15", g, leaf, g.repaired(tweaked),
        [g.find("CHNK")], decode=True)
    bad("digest-of-an-alias", "verify", "digestMismatch reservedNotZero", "7", g,
        g.entry("c") + 96, flipped(g, g.entry("c") + 96))
    bad("digest-without-flag", "verify", "digestMismatch reservedNotZero", "7", c,
        entry + 96, flipped(c, entry + 96))
    bad("digest-bit-without-flag", "open", "invalidCommitRecord routesDisagree", "4", c, 24,
        flipped(c, 24), [end])
