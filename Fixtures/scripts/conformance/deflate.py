"""zlib streams of every kind: by hand, bit by bit, and by what zlib can be asked for."""
import struct
import zlib
from collections.abc import Callable, Sequence


class BitWriter:
    """DEFLATE by hand: bits from the lowest up, Huffman codes from their highest bit down."""

    def __init__(self) -> None:
        self.value, self.count = 0, 0

    def bits(self, value: int, count: int) -> None:
        self.value |= value << self.count
        self.count += count

    def huffman(self, code: int, count: int) -> None:
        self.bits(int(f"{code:0{count}b}"[::-1], 2), count)

    def align(self) -> None:
        self.count = (self.count + 7) // 8 * 8

    def written(self) -> bytes:
        return self.value.to_bytes((self.count + 7) // 8, "little")

    def stored(self, data: bytes, final: int = 0) -> None:
        self.bits(final, 1)
        self.bits(0, 2)
        self.align()
        self.bits(len(data) | (len(data) ^ 0xffff) << 16, 32)
        self.bits(int.from_bytes(data, "little"), 8 * len(data))

    def literal(self, byte: int) -> None:  # of the fixed code
        self.huffman(0x30 + byte, 8) if byte < 144 else self.huffman(0x190 + byte - 144, 9)

    def fixed(self, literals: bytes | list[int], repeats: int = 0, final: int = 0) -> None:
        """Literals, then `repeats` times the last byte 258 times (length 258, distance 1)."""
        self.bits(final, 1)
        self.bits(1, 2)
        for byte in literals:
            self.literal(byte)
        for _ in range(repeats):
            self.huffman(0xc0 + 285 - 280, 8)
            self.huffman(0, 5)
        self.huffman(0, 7)

    def dynamic(self, data: bytes, final: int = 0) -> None:
        """Literals only, of two byte values a and b, and no distance code at all."""
        a, b = sorted(set(data))
        self.bits(final, 1)
        self.bits(2, 2)
        self.bits(0, 5)       # HLIT: 257 literal and length codes
        self.bits(0, 5)       # HDIST: one distance code, of no bits: none is used
        self.bits(14, 4)      # HCLEN: 18 code length codes
        # Lengths: 0 and 1 and 2 and 18 (11 to 138 zeros) have two bits each.
        order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1]
        for symbol in order:
            self.bits(2 if symbol in (0, 1, 2, 18) else 0, 3)
        code = {0: 0, 1: 1, 2: 2, 18: 3}

        def zeros(n: int) -> None:
            while n >= 11:
                run = min(n, 138)
                self.huffman(code[18], 2)
                self.bits(run - 11, 7)
                n -= run
            for _ in range(n):
                self.huffman(code[0], 2)

        zeros(a)
        self.huffman(code[1], 2)     # a has one bit,
        zeros(b - a - 1)
        self.huffman(code[2], 2)     # b and the end of the block have two
        zeros(256 - b - 1)
        self.huffman(code[2], 2)
        zeros(1)
        for byte in data:
            self.huffman(0, 1) if byte == a else self.huffman(2, 2)
        self.huffman(3, 2)


def zlib_stream(raw: bytes, data: bytes, cmf: int = 0x78) -> bytes:
    head = cmf << 8
    return struct.pack(">H", head + -head % 31) + raw + struct.pack(">I", zlib.adler32(data))


def by_hand(*blocks: tuple[str, int], cmf: int = 0x78) -> Callable[[bytes], bytes]:
    """A coder that writes given blocks: ("stored" | "fixed" | "dynamic", end) up to each end."""
    def coder(data: bytes) -> bytes:
        w, at = BitWriter(), 0
        for i, (kind, end) in enumerate(blocks):
            getattr(w, kind)(data[at:end], final=int(i == len(blocks) - 1))
            at = end
        assert at == len(data)
        return zlib_stream(w.written(), data, cmf)
    return coder


def by_zlib(level: int = 9, wbits: int = 15, strategy: int = zlib.Z_DEFAULT_STRATEGY,
            flush: Sequence[tuple[int, int]] = ()) -> Callable[[bytes], bytes]:
    def coder(data: bytes) -> bytes:
        z, out, at = zlib.compressobj(level, zlib.DEFLATED, wbits, 8, strategy), b"", 0
        for end, mode in flush:
            out += z.compress(data[at:end]) + z.flush(mode)
            at = end
        return out + z.compress(data[at:]) + z.flush()
    return coder


def stored_then_zeros(split: int) -> Callable[[bytes], bytes]:
    """One stored block, which may have 65,535 bytes, and a coded one of zeros."""
    def coder(data: bytes) -> bytes:
        w, rest = BitWriter(), len(data) - split - 1
        w.stored(data[:split])
        w.fixed(data[split:split + 1 + rest % 258], rest // 258, final=1)
        return zlib_stream(w.written(), data)
    return coder


def noise_then_level_9(split: int) -> Callable[[bytes], bytes]:
    """zlib level 0 for the first bytes, level 9 for the rest, in one stream."""
    def coder(data: bytes) -> bytes:
        a, b = zlib.compressobj(0, zlib.DEFLATED, -15), zlib.compressobj(9, zlib.DEFLATED, -15)
        raw = a.compress(data[:split]) + a.flush(zlib.Z_FULL_FLUSH)
        return zlib_stream(raw + b.compress(data[split:]) + b.flush(), data)
    return coder


def fixed_run(repeats: int) -> bytes:
    w = BitWriter()
    w.fixed([5], repeats, final=1)
    return w.written()


def far_back() -> bytes:
    """A fixed block whose first length and distance points before the first byte."""
    w = BitWriter()
    w.bits(1, 1)
    w.bits(1, 2)
    w.literal(7)
    w.huffman(1, 7)   # length 3
    w.huffman(3, 5)   # distance 4
    w.huffman(0, 7)
    return w.written() + bytes(20)
