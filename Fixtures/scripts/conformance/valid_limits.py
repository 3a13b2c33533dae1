"""At the limits, where a file of at most 64 KB can reach them: FORMAT.md, section 16."""
from .suite import ok
from .tensors import CHUNKED, Tensor


def limits() -> None:
    for rank in (31, 32):
        ok(f"rank-{rank}", [Tensor("a", "uint8", (1,) * rank, b"a")], "16")
    ok("rank-0", [Tensor("a", "uint8", (), b"a")], "9")
    top = (1 << 48) - 1
    ok("dimension-2-48-less-1", [Tensor("a", "uint8", (top, 0), b"")], "16")
    ok("dimension-0-first", [Tensor("a", "uint8", (0, top, top, top), b"")], "9 16")
    ok("dimension-0-last", [Tensor("a", "float64", (top,) * 31 + (0,), b"")], "9 16")
    ok("dimension-0-in-strings", [Tensor("a", "string", (top, 0, top), b"")], "9 11 16")
    ok("quantized-65536-bytes", [Tensor("a", "quantized", (1,), bytes(65536), CHUNKED,
                                        quant=(1, 1, 65536))], "11")
    ok("quantized-65536-elements", [Tensor("a", "quantized", (65536,), b"x", quant=(1, 65536, 1))],
       "11")
    full = 1 << 24
    ok("chunk-of-16-MiB", [Tensor("a", "uint8", (full,), bytes(full), CHUNKED)], "10 16", chunk=24)
