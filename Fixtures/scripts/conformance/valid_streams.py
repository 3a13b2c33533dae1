"""Streams that every inflate must take: FORMAT.md, section 10, and RFC 1950 and RFC 1951."""
import zlib

from .deflate import by_hand, by_zlib, fixed_run, noise_then_level_9, zlib_stream
from .suite import ok
from .tensors import CHUNKED, Coder, Tensor, noise


def streams() -> None:
    far = noise(2000, 5) + bytes(29000) + noise(2000, 5)
    two = bytes(7 if (i * i) % 11 < 6 else 200 for i in range(4000))
    mixed = noise(1500, 6) + bytes(3000) + two[:1000]
    flushes = [(1000, zlib.Z_SYNC_FLUSH), (2000, zlib.Z_FULL_FLUSH), (3000, zlib.Z_BLOCK),
               (3500, zlib.Z_PARTIAL_FLUSH)]
    long = bytes(1 << 18)

    def stream(name: str, data: bytes, coder: Coder, chunk: int = 16) -> None:
        ok(f"stream-{name}", [Tensor("a", "uint8", (len(data),), data, CHUNKED, coder=coder)], "10",
           chunk=chunk)

    stream("fixed", two, by_zlib(strategy=zlib.Z_FIXED))
    stream("fixed-length-258", bytes([5] * (1 + 258 * 4)), lambda d: zlib_stream(fixed_run(4), d))
    stream("dynamic", two, by_zlib())
    stream("dynamic-no-distances", two, by_hand(("dynamic", 4000)))
    stream("huffman-only", two, by_zlib(strategy=zlib.Z_HUFFMAN_ONLY))
    stream("filtered", two, by_zlib(strategy=zlib.Z_FILTERED))
    stream("run-length", bytes(3000), by_zlib(strategy=zlib.Z_RLE))
    stream("level-0-and-9", mixed, noise_then_level_9(1500))
    stream("level-1", far, by_zlib(1))
    stream("distance-31000", far, by_zlib(9))
    stream("level-0-not-shorter", b"stored as it is", by_zlib(0))
    stream("flushes", two, by_zlib(flush=flushes))
    stream("three-kinds-of-block", two, by_hand(("stored", 100), ("fixed", 300), ("dynamic", 3900),
                                                ("stored", 4000)))
    stream("empty-blocks", two, by_hand(("stored", 0), ("fixed", 0), ("dynamic", 4000),
                                        ("stored", 4000), ("fixed", 4000)))
    for bits in range(8, 16):  # 8: zlib itself cannot make it, but a decoder must take it
        coder = by_zlib(9, bits) if bits > 8 else by_hand(("fixed", 4000), cmf=0x08)
        stream(f"window-{1 << bits}", two, coder)
    stream("ratio-near-1032", long, by_zlib(9), chunk=18)
