"""GGUF: metadata and tensors behind one magic."""
from typing import Any

from draw import Case, Draw

from .wire import text, u32, u64

SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def string(v: str | bytes) -> bytes:
    data = text(v)
    return u64(len(data)) + data


def pair(key: str, kind: int, value: bytes) -> bytes:
    return string(key) + u32(kind) + value


def tensor(name: str, dims: list[int], kind: int, offset: int) -> bytes:
    return string(name) + u32(len(dims)) + b"".join(map(u64, dims)) + u32(kind) + u64(offset)


def file(pairs: list[bytes], tensors: list[bytes], data: bytes = b"", version: int = 3,
         counts: tuple[int, int] | None = None) -> bytes:
    t, p = counts or (len(tensors), len(pairs))
    head = b"GGUF" + u32(version) + u64(t) + u64(p) + b"".join(pairs) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + data


def case(r: Draw, *arguments: Any, **options: Any) -> Case:
    return Case({"x.gguf": r.damaged(file(*arguments, **options))})


def scalar_array(r: Draw) -> Case:
    kind = r.one(list(SCALARS))
    count = r.count(SCALARS[kind])
    body = (b"\1" if kind == 7 else r.one([b"\0", b"\1", b"\xff"])) * (count * SCALARS[kind])
    return case(r, [pair("a", 9, u32(kind) + u64(r.one([count, count, r.number()])) + body)], [])


def string_array(r: Draw) -> Case:
    item = r.one([b"", b"", b"x", b"\xff", "é".encode(), b"a" * 40])
    count = r.count(8 + len(item))
    return case(r, [pair("a", 9, u32(8) + u64(count) + string(item) * count)], [])


def nested_arrays(r: Draw) -> Case:
    if r.chance(0.5):
        return case(r, [pair("a", 9, (u32(9) + u64(1)) * r.count(12) + u32(0) + u64(0))], [])
    count = r.count(12)
    return case(r, [pair("a", 9, u32(9) + u64(count) + (u32(r.one([0, 8, 9, 10])) + u64(0)) * count)], [])


def many_tensors(r: Draw) -> Case:
    dims = r.one([[0], [], [1], [0, 2**60]])
    kind = r.one([0, 99, 2, 30])
    return case(r, [], [tensor(n, dims, kind, 0) for n in r.names(r.count(40))], bytes(32))


def many_keys(r: Draw) -> Case:
    kind = r.one([0, 7, 12, 8])
    value = string("") if kind == 8 else b"\1" * SCALARS[kind]
    return case(r, [pair(n, kind, value) for n in r.names(r.count(22))], [])


def odd_tensors(r: Draw) -> Case:
    return case(r, [pair("general.alignment", 4, u32(r.number()))] if r.chance(0.4) else [],
                [tensor(n, r.dims()[:1000], r.one([0, 1, 2, 8, 12, 16, 23, 34, 39, 99]), r.number())
                 for n in r.names(1 + r.small(6))], r.data(256))


def blocks(r: Draw) -> Case:
    """Quantised blocks, many tensors on the same ones."""
    size = r.bytes // 2
    kind, bytes_each, elements = r.one([(2, 18, 32), (8, 34, 32), (12, 144, 256), (16, 66, 256), (29, 56, 256)])
    count = max(1, size // bytes_each)
    return case(r, [], [tensor(n, [count * elements], kind, 0) for n in r.names(r.one([1, 3, r.count(100)]))],
                r.data(count * bytes_each))


def long_names(r: Draw) -> Case:
    long = r.name() * r.count(8)
    return case(r, [pair(long[:r.bytes // 2], 7, b"\1")], [tensor(long[:r.bytes // 2], [1], 0, 0)], bytes(32))


def rank(r: Draw) -> Case:
    return case(r, [], [tensor("a", [r.one([0, 1, 2])] * r.count(8), 0, 0)])


def counts(r: Draw) -> Case:
    return case(r, [], [], version=r.one([1, 2, 3, 4, 2**31]), counts=(r.number(), r.number()))


def general(r: Draw) -> Case:
    """Keys that a reader gives a meaning to, of the wrong kind or with strange values."""
    keys = ["general.architecture", "general.alignment", "general.quantization_version", "split.no",
            "split.count", "split.tensors.count", "general.name", "general.file_type"]
    pairs = [pair(k, kind, value) for k in r.shuffled(keys)[:r.small(8)]
             for kind, value in [r.one([(4, u32(r.number())), (8, string(r.name())), (10, u64(r.number())),
                                        (9, u32(8) + u64(1) + string("x"))])]]
    return case(r, pairs, [tensor("a", [1], 0, 0)], bytes(32))


FAMILIES = {f.__name__: f for f in [
    scalar_array, string_array, nested_arrays, many_tensors, many_keys, odd_tensors, blocks, long_names, rank,
    counts, general]}
