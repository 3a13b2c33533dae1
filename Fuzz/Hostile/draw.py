"""What hostile files have in common: how many, how deep, how wide, under which names.

Everything is drawn from one seeded generator, so a case is its seed and its number."""
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

# No file, and no set of files that belong together, is larger.
MOST_BYTES = 2_000_000

# One name in four spellings of Unicode, one that joins what stands before it, and others that are legal
# in some places and dangerous in most.
NAMES = [
    "é", "e\u0301", "\u00c5", "A\u030a", "\u212b", "ｆ", "\ufb01", "\u1e9b\u0323", "한", "\u1112\u1161\u11ab",
    "\u0301", "a\u0301\u0327", "a\u0327\u0301", "", ".", "..", "/", "a/b", "a//b", "../x", "/etc/passwd",
    "a/../b", "a\\b", "con", "a\x00b", "\n", "\x1b[31m", "\u202e", "\ufeff", "\u200b", "💥" * 3, "ﷺ", "0",
    "weight", "layer.0.weight", "_CHECKPOINTABLE_OBJECT_GRAPH", "__metadata__", "a" * 255, "a" * 256,
    "a" * 4096, "a" * 65535, "a" * 65536,
]

# Sizes at which something turns: types, products, limits.
NUMBERS = [
    0, 1, 2, 3, 255, 256, 65535, 65536, 2**20, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**48 - 1,
    2**48, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1,
]


class Draw:
    """One case's choices."""

    def __init__(self, seed: str, number: int) -> None:
        self.random = random.Random(f"{seed}.{number}")
        # Most cases are small, so that many can be run; one in twelve has as many bytes as it may.
        kind = self.random.random()
        if kind < 0.08:
            self.bytes = MOST_BYTES - 20_000
        elif kind < 0.25:
            self.bytes = int(2 ** self.random.uniform(15, 20))
        else:
            self.bytes = int(2 ** self.random.uniform(5, 15))

    def one(self, choices: Sequence[T]) -> T:
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def count(self, each: int = 1, most: int | None = None) -> int:
        """As many pieces of `each` bytes as the case has room for."""
        count = max(1, self.bytes // max(1, each))
        return count if most is None else min(count, most)

    def number(self) -> int:
        return self.one(NUMBERS) if self.chance(0.8) else self.random.getrandbits(64)

    def small(self, most: int = 8) -> int:
        return self.random.randint(0, most)

    def name(self) -> str:
        return self.one(NAMES)

    def names(self, count: int) -> Iterator[str]:
        """Names without end: numbered ones, or one stem in changing normal forms."""
        kind = self.one(["hex", "hex", "stem", "forms", "same", "paths"])
        stem = self.name() if self.chance(0.3) else "n"
        if len(stem) > 64:
            stem = stem[: max(1, min(len(stem), self.bytes // max(1, count)))]
        for i in range(count):
            if kind == "hex":
                yield f"{i:x}"
            elif kind == "stem":
                yield f"{stem}{i:x}"
            elif kind == "forms":
                # The bits of the number, each as one of two spellings of one character.
                yield "".join("é" if i >> bit & 1 else "e\u0301" for bit in range(max(1, i.bit_length())))
            elif kind == "same":
                yield stem
            else:
                yield "/".join(f"{i:04x}")

    def dims(self) -> list[int]:
        kind = self.one(["plain", "plain", "zero", "huge", "many", "ones", "any"])
        if kind == "plain":
            return [self.random.randint(1, 4) for _ in range(self.small(4))]
        if kind == "zero":
            return self.shuffled([0] + [self.number() & (2**48 - 1) for _ in range(self.small(4))])
        if kind == "huge":
            return [self.number() for _ in range(1 + self.small(4))]
        if kind == "many":
            return [self.one([0, 1, 2, 2**31])] * self.one([8, 9, 16, 17, 32, 33, 64, 65, 1000])
        if kind == "ones":
            return [1] * self.small(32)
        return [self.number() for _ in range(self.small(3))]

    def shuffled(self, items: Iterable[T]) -> list[T]:
        mixed = list(items)
        self.random.shuffle(mixed)
        return mixed

    def noise(self, count: int) -> bytes:
        return self.random.randbytes(count)

    def data(self, count: int) -> bytes:
        """Bytes that deflate well, badly, or are no truth values."""
        kind = self.one(["zeros", "ones", "noise"])
        return bytes(count) if kind == "zeros" else b"\1" * count if kind == "ones" else self.noise(count)

    def damaged(self, data: bytes, share: float = 0.15) -> bytes:
        """Mostly as it was; sometimes cut, lengthened, or with bytes and words replaced."""
        if not data or not self.chance(share):
            return data
        changed = bytearray(data)
        kind = self.one(["cut", "append", "bytes", "word", "repeat"])
        at = self.random.randrange(len(changed))
        if kind == "cut":
            del changed[at:]
        elif kind == "append":
            changed += self.noise(self.one([1, 8, 100]))
        elif kind == "bytes":
            for _ in range(self.random.randint(1, 8)):
                changed[self.random.randrange(len(changed))] = self.random.getrandbits(8)
        elif kind == "word":
            width = self.one([2, 4, 8])
            changed[at:at + width] = (self.number() & (256**width - 1)).to_bytes(width, "little")
        else:
            changed[at:at] = bytes(changed[at:at + 64]) * self.random.randint(1, 100)
        return bytes(changed[:MOST_BYTES])


class Case:
    """Files by their names in the case's folder, what is opened, and what it may be tried with."""

    def __init__(self, files: dict[str, bytes], opened: str | None = None, config: str | None = None,
                 inputs: str | None = None) -> None:
        self.files = {name: data for name, data in files.items()}
        self.opened = opened if opened is not None else next(iter(files))
        self.config = config
        self.inputs = inputs

    @property
    def size(self) -> int:
        return sum(map(len, self.files.values()))
