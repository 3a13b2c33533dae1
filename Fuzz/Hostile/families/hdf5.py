"""HDF5, from the specification: a superblock of version 0 and object headers of version 1, which have no
checksums; and golden files with single fields replaced."""
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from draw import Case, Draw

from .wire import archive, dumped, text, u8, u16, u32, u64

# The kind of a message of an object header, and its content.
Message = tuple[int, bytes]

UNDEFINED = 2**64 - 1
GOLDENS = Path(__file__).resolve().parents[3] / "Fixtures" / "hdf5"
FLOAT = bytes([0x11, 0x20, 0x1F, 0]) + u32(4) + u16(0) + u16(32) + bytes([23, 8, 0, 23]) + u32(127)


def integer(size: int) -> bytes:
    return bytes([0x10, 0x08, 0, 0]) + u32(size) + u16(0) + u16(min(size * 8, 65535))


def fixed_text(size: int) -> bytes:
    return bytes([0x13, 0, 0, 0]) + u32(size)


def variable_text() -> bytes:
    return bytes([0x19, 1, 0, 0]) + u32(16) + integer(1)


class File:
    """Objects, one behind the other."""

    def __init__(self) -> None:
        self.data = bytearray(96)

    def put(self, content: bytes) -> int:
        at = len(self.data)
        self.data += content + bytes(-len(content) % 8)
        return at

    def header(self, messages: Sequence[Message]) -> int:
        body = b"".join(u16(kind) + u16(len(content) + (-len(content) % 8)) + bytes(4) + content
                        + bytes(-len(content) % 8) for kind, content in messages)
        return self.put(u8(1) + u8(0) + u16(len(messages)) + u32(1) + u32(len(body)) + bytes(4) + body)

    def group(self, links: Iterable[tuple[str | bytes, int]], more: Iterable[Message] = ()) -> int:
        info: Message = (2, u8(0) + u8(0) + u64(UNDEFINED) + u64(UNDEFINED))
        pieces = [info, *more]
        for name, address in links:
            data = text(name)[:60_000]
            pieces.append((6, u8(1) + u8(1) + u16(len(data)) + data + u64(address)))
        return self.header(pieces)

    def finished(self, root: int, size: int | None = None) -> bytes:
        end = len(self.data) if size is None else size
        head = (b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + u16(4) + u16(16) + u32(0)
                + u64(0) + u64(UNDEFINED) + u64(end) + u64(UNDEFINED)
                + u64(0) + u64(root) + u32(0) + u32(0) + bytes(16))
        self.data[:96] = head
        return bytes(self.data)


def space(dims: list[int]) -> bytes:
    dims = dims[:255]
    return u8(1) + u8(len(dims)) + u8(0) + bytes(5) + b"".join(map(u64, dims))


def contiguous(at: int, size: int) -> bytes:
    return u8(3) + u8(1) + u64(at) + u64(size)


def compact(data: bytes) -> bytes:
    return u8(3) + u8(0) + u16(len(data)) + data


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 8)


def attribute(name: bytes, kind: bytes, dims: list[int], data: bytes) -> Message:
    name = name[:1000] + b"\0"
    where = space(dims)
    return 0x0C, (u8(1) + u8(0) + u16(len(name)) + u16(len(kind)) + u16(len(where))
                  + padded(name) + padded(kind) + padded(where) + data)


def named(r: Draw, count: int) -> list[str]:
    return [(n.replace("/", "_").replace("\0", "_") or "_") for n in r.names(count)]


def case(r: Draw, data: bytes) -> Case:
    return Case({"x.h5": r.damaged(data)})


def shared_dataset(r: Draw) -> Case:
    """Many names of one dataset."""
    file, size = File(), r.bytes // 2
    data = file.put(r.data(size))
    dataset = file.header([(1, space([size // 4])), (3, FLOAT), (8, contiguous(data, size))])
    return case(r, file.finished(file.group([(n, dataset) for n in named(r, min(r.count(50), 10_000))])))


def many_datasets(r: Draw) -> Case:
    file = File()
    data = file.put(bytes(8))
    links = []
    for n in named(r, min(r.count(170), 8000)):
        links.append((n, file.header([(1, space(r.one([[0], [], [1], [0, 2**60]]))), (3, FLOAT),
                                      (8, contiguous(data, r.one([0, 4])))])))
    return case(r, file.finished(file.group(links)))


def same_data(r: Draw) -> Case:
    """Many datasets that say all of the file's data is theirs."""
    file, size = File(), r.bytes // 2
    data = file.put(bytes(size))
    links = [(n, file.header([(1, space([size // 4])), (3, FLOAT), (8, contiguous(data, size))]))
             for n in named(r, min(r.count(300), 4000))]
    return case(r, file.finished(file.group(links)))


def types(r: Draw) -> Case:
    file = File()
    wide = r.one([0, 1, 2**16, 2**24, 2**31, 2**32 - 1])
    kind = r.one([fixed_text(wide), integer(wide), variable_text(), FLOAT, FLOAT[:8], bytes(8), r.noise(16),
                  u8(0x16) + bytes(3) + u32(wide) + b"a\0" + bytes(6), u8(0x1A) + bytes(3) + u32(wide)])
    data = file.put(bytes(64))
    dataset = file.header([(1, space([d & UNDEFINED for d in r.dims()])), (3, kind),
                           (8, r.one([contiguous(data, r.number()), contiguous(UNDEFINED, r.number()),
                                      compact(bytes(r.small(64)))]))])
    return case(r, file.finished(file.group([("a", dataset)])))


def texts(r: Draw) -> Case:
    """Texts nowhere, or all in one place of a heap."""
    file = File()
    size = min(r.bytes // 2, 60_000)
    heap = file.put(b"GCOL" + u8(1) + bytes(3) + u64(16 + 16 + size + (-size % 8)) + u16(1) + u16(1) + bytes(4) + u64(size)
                    + b"t" * size)
    count = min(r.count(32), 60_000)
    element = r.one([u32(size) + u64(heap) + u32(1), u32(0) + u64(0) + u32(0), u32(r.number()) + u64(heap) + u32(1)])
    data = file.put(element * count)
    stated = r.one([count, count, r.number() >> 8])
    place = r.one([contiguous(data, 16 * count), contiguous(UNDEFINED, 16 * count)])
    dataset = file.header([(1, space([stated])), (3, variable_text()), (8, place)])
    return case(r, file.finished(file.group([("a", dataset)])))


def chunked(r: Draw) -> Case:
    """Chunks of a size that is nowhere, with filters."""
    file = File()
    side = r.one([1, 64, 2**16, 2**31, 2**32 - 1])
    dims = [d & (2**62 - 1) for d in r.dims()[:6]] or [4]
    tree = file.put(b"TREE" + u8(1) + u8(0) + u16(r.one([0, 1, 65535])) + u64(UNDEFINED) * 2
                    + u32(8) + u32(0) + u64(0) * (len(dims) + 1) + u64(96) + bytes(64))
    layout = u8(3) + u8(2) + u8(len(dims) + 1) + u64(r.one([tree, UNDEFINED, 0])) + u32(side) * len(dims) + u32(4)
    filters = (0x0B, u8(1) + u8(1) + bytes(6) + u16(r.one([1, 2, 3, 4, 32000])) + u16(0) + u16(1) + u16(1) + u32(6) + u32(0))
    messages = [(1, space(dims)), (3, FLOAT), (8, layout)] + ([filters] if r.chance(0.5) else [])
    return case(r, file.finished(file.group([("a", file.header(messages))])))


def groups(r: Draw) -> Case:
    """Groups in groups: a chain, a cycle, a web of 2 ** depth paths."""
    file, kind = File(), r.one(["chain", "cycle", "web", "wide"])
    last = file.group([])
    count = min(r.count(100), 20_000)
    if kind == "wide":
        return case(r, file.finished(file.group([(n, last) for n in named(r, min(r.count(60), 10_000))])))
    names = r.one(["a", "é" * 30, "x" * 200])
    for _ in range(count):
        last = file.group([(names, last)] + ([("b", last)] if kind == "web" else []))
    data = file.finished(last)
    if kind == "cycle":
        first = (96).to_bytes(8, "little")
        data = data.replace(u16(len(names.encode())) + names.encode() + first,
                            u16(len(names.encode())) + names.encode() + u64(last))
    return case(r, data)


def attributes(r: Draw) -> Case:
    file = File()
    kind = r.one([fixed_text(8), FLOAT, variable_text(), fixed_text(0), integer(8)])
    size = {fixed_text(8): 8, FLOAT: 4, integer(8): 8}.get(kind, 16)
    pieces = [attribute(n.encode(errors="surrogatepass"), kind, r.one([[], [1], [0], [r.number()]]), bytes(size))
              for n in named(r, min(r.count(100), 10_000))]
    if r.chance(0.3):
        pieces = [attribute(r.one([b"layer_names", b"model_config", b"keras_version", b"weight_names"]), fixed_text(1),
                            [min(r.bytes, 60_000)], b"x" * min(r.bytes, 60_000))]
    return case(r, file.finished(file.group([("a", file.group([]))], pieces)))


def continued(r: Draw) -> Case:
    """An object header whose continuation is itself, or another's."""
    file = File()
    target = r.one([96, 0, 2**40, UNDEFINED])
    pieces = [(0x10, u64(target) + u64(r.one([24, 64, 2**40])))] * min(r.count(24), 2000)
    return case(r, file.finished(file.header(pieces)))


def goldens(r: Draw) -> Case:
    """A golden file with a word replaced."""
    path = r.one(sorted(GOLDENS.glob("*.h5")))
    data = bytearray(path.read_bytes())
    for _ in range(1 + r.small(3)):
        width = r.one([1, 2, 4, 8])
        at = r.random.randrange(len(data))
        at = at // width * width if r.chance(0.7) else at
        data[at:at + width] = (r.number() & (256**width - 1)).to_bytes(width, "little")
    return Case({"x.h5": bytes(data)})


def in_keras(r: Draw) -> Case:
    """Any of the others as the weights of a .keras archive."""
    inner = r.one([shared_dataset, many_datasets, same_data, types, texts, chunked, groups, attributes])(r)
    from . import keras
    return Case({"x.keras": archive([("metadata.json", dumped({"keras_version": "3.15.1"})),
                                     ("config.json", dumped(keras.configuration(r))),
                                     ("model.weights.h5", inner.files[inner.opened])], r.chance(0.5))})


def sharded(r: Draw) -> Case:
    names = [f"m_{i:05}.weights.h5" for i in range(min(r.count(600), 60))]
    inner = File()
    file = inner.finished(inner.group([]))
    weights: dict[str, Any] = {n.replace("\0", "") or "w": r.one(names + [r.name()]) for n in r.names(min(r.count(60), 5000))}
    if r.chance(0.4):
        weights = {k: [v] for k, v in weights.items()}
    index = {"metadata": {"total_size": r.number()}, "weight_map": weights}
    return Case({"m.weights.json": dumped(index), **{n: file for n in names}})


FAMILIES = {f.__name__: f for f in [
    shared_dataset, many_datasets, same_data, types, texts, chunked, groups, attributes, continued, goldens, in_keras,
    sharded]}
