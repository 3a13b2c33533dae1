"""safetensors: a length, a header in JSON, the tensors."""
from typing import Any

from draw import Case, Draw

from .wire import nested, quoted, text, u64

DTYPES = ["U8", "BOOL", "F32", "F64", "I64", "BF16", "F8_E4M3", "F4", "F6_E2M3", "C64", "X9", ""]


def file(header: str | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    content = text(header)
    return u64(len(content) if length is None else length) + content + data


def entry(name: str, dtype: str, shape: list[int], start: int, end: int) -> str:
    dims = ",".join(map(str, shape))
    return f'{quoted(name)}:{{"dtype":"{dtype}","shape":[{dims}],"data_offsets":[{start},{end}]}}'


def case(r: Draw, *arguments: Any, **options: Any) -> Case:
    return Case({"x.safetensors": r.damaged(file(*arguments, **options))})


def many_empty(r: Draw) -> Case:
    count = r.count(62)
    return case(r, "{" + ",".join(entry(n, "U8", [0], 0, 0) for n in r.names(count)) + "}")


def sharing(r: Draw) -> Case:
    """All of one range, or overlapping ones."""
    data = r.data(r.bytes // 2)
    count, shift = r.count(200), r.one([0, 1])
    return case(r, "{" + ",".join(
        entry(n, "U8", [len(data) - shift * (i % 9)], 0, len(data) - shift * (i % 9))
        for i, n in enumerate(r.names(count))) + "}", data)


def plain(r: Draw) -> Case:
    entries, at = [], 0
    count = r.count(120)
    for n in r.names(count):
        size = r.small(16) * 4
        entries.append(entry(n, "F32", [size // 4], at, at + size))
        at += size
    return case(r, "{" + ",".join(entries) + "}", r.data(at))


def shapes(r: Draw) -> Case:
    entries = [entry(n, r.one(DTYPES), r.dims(), r.one([0, r.number()]), r.number())
               for n in r.names(r.small(8))]
    return case(r, "{" + ",".join(entries) + "}", r.data(64))


def long_shape(r: Draw) -> Case:
    count = r.count(2)
    dims = f"{r.one([0, 1, 2])}," * count + "0"
    return case(r, f'{{"a":{{"dtype":"U8","shape":[{dims}],"data_offsets":[0,0]}}}}')


def metadata(r: Draw) -> Case:
    value = r.one(['""', '"x"', "[]", "{}", "null", "1e999", '"\\u0000"', '"\\ud800"'])
    names = (quoted(n) for n in r.names(r.count(12)))
    return case(r, '{"__metadata__":{' + ",".join(f"{n}:{value}" for n in names) + "}}")


def metadata_backwards(r: Draw) -> Case:
    count = r.count(14)
    return case(r, '{"__metadata__":{' + ",".join(f'"{count - i:07x}":""' for i in range(count)) + "}}")


def deep(r: Draw) -> Case:
    opening, closing = r.one([("[", "]"), ('{"a":', "}")])
    depth = r.count(len(opening) + 1)
    core = nested(opening, closing if r.chance(0.5) else "", depth)
    return case(r, r.one([core, b'{"__metadata__":' + core + b"}", b'{"a":{"dtype":' + core + b"}}"]))


def long_texts(r: Draw) -> Case:
    filler = r.one(["a", "\\n", "\\u0301", "e\u0301", "\\\\", "\\ud83d\\ude00"])
    long = filler * r.count(len(filler.encode()))
    return case(r, r.one([f'{{"{long}":{{"dtype":"U8","shape":[],"data_offsets":[0,1]}}}}',
                          f'{{"__metadata__":{{"{long}":"{long[:9]}"}}}}',
                          f'{{"__metadata__":{{"k":"{long}"}}}}',
                          f'{{"a":{{"dtype":"{long}","shape":[],"data_offsets":[0,1]}}}}']), b"\1")


def numbers(r: Draw) -> Case:
    digits = r.one(["0", "9", "1"]) * r.count(1)
    number = r.one([digits, "1." + digits, "1e" + digits[:9], "-" + digits, "0." + digits + "e" + digits[:5]])
    return case(r, f'{{"a":{{"dtype":"U8","shape":[{number}],"data_offsets":[0,1]}}}}', b"\1")


def keys_in_entry(r: Draw) -> Case:
    keys = ",".join(f'"{i:x}":0' for i in range(r.count(9)))
    return case(r, f'{{"a":{{"dtype":"U8","shape":[],"data_offsets":[0,1],{keys}}}}}', b"\1")


def bools(r: Draw) -> Case:
    data = r.data(r.bytes)
    return case(r, "{" + entry("a", "BOOL", [len(data)], 0, len(data)) + "}", data)


def lengths(r: Draw) -> Case:
    return case(r, "{" + " " * r.count() + "}", length=r.one([r.number(), None]))


FAMILIES = {f.__name__: f for f in [
    many_empty, sharing, plain, shapes, long_shape, metadata, metadata_backwards, deep, long_texts, numbers,
    keys_in_entry, bools, lengths]}
