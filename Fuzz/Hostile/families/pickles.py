"""PyTorch's archives and streams: programs of pickle opcodes."""
import struct
from collections.abc import Sequence

from draw import Case, Draw

from .wire import archive, text, u32, u64

MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
VERSION = b"\x80\x02M\xe9\x03."
SYSTEM = b"\x80\x02}."


def unicode(v: str) -> bytes:
    data = text(v)
    return b"X" + u32(len(data)) + data


def name(module: str, attribute: str) -> bytes:
    return b"c" + text(module) + b"\n" + text(attribute) + b"\n"


def integer(v: int) -> bytes:
    if 0 <= v < 256:
        return b"K" + bytes([v])
    if -2**31 <= v < 2**31:
        return b"J" + struct.pack("<i", v)
    data = v.to_bytes(9, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def storage(key: str = "0", count: int = 4, kind: str = "FloatStorage") -> bytes:
    return (b"(" + unicode("storage") + name("torch", kind) + unicode(key) + unicode("cpu") + integer(count)
            + b"tQ")


def tensor(source: bytes, offset: int = 0, dims: Sequence[int] = (2, 2), strides: Sequence[int] = (2, 1)) -> bytes:
    return (name("torch._utils", "_rebuild_tensor_v2") + b"(" + source + integer(offset)
            + b"(" + b"".join(map(integer, dims)) + b"t(" + b"".join(map(integer, strides)) + b"t\x89"
            + name("collections", "OrderedDict") + b")RtR")


def case(r: Draw, program: bytes, storages: Sequence[tuple[str, bytes]] = (("0", bytes(16)),),
         damaged: float = 0.1) -> Case:
    program = b"\x80" + bytes([r.one([2, 2, 3, 4, 5])]) + program + b"."
    program = r.damaged(program, damaged)
    kind = r.one(["zip", "zip", "deflated", "stream"])
    if kind == "stream":
        keys = b"\x80\x02](" + b"".join(unicode(k) for k, _ in storages) + b"e."
        return Case({"x.pt": MAGIC + VERSION + SYSTEM + program + keys
                     + b"".join(u64(len(d) // 4) + d for _, d in storages)})
    return Case({"x.pt": archive([("x/data.pkl", program), ("x/byteorder", b"little"), ("x/version", b"3\n")]
                                 + [(f"x/data/{k}", d) for k, d in storages], kind == "deflated")})


def filled(r: Draw, piece: bytes) -> bytes:
    return piece * r.count(len(piece))


def nested(r: Draw) -> Case:
    piece, core = r.one([(b"(", b""), (b"\x85", b"N"), (b"](", b""), (b"}K\0", b"N"), (b"\x8f(", b""),
                         (b"\x86", b"N"), (b"l(", b"("), (b"\x85]a", b"]")])
    count = r.count(len(piece) * 2)
    if piece == b"](":
        return case(r, piece * count + b"e" * count)
    if piece == b"}K\0":
        return case(r, piece * count + core + b"s" * count)
    if piece == b"(":
        return case(r, piece * count + b"t" * count)
    if piece == b"\x8f(":
        return case(r, piece * count + b"\x90" * count)
    return case(r, core + piece * (2 * count))


def opcodes(r: Draw) -> Case:
    """One opcode, or two, without end; nearly all of them."""
    all_of = bytes(range(256))
    piece = bytes(r.one(all_of) for _ in range(r.one([1, 2, 3])))
    start = r.one([b"", b"N", b"]", b"}", b"(", b"](", b"}(", b"K\1", unicode("a"), b"]q\0", name("a", "b") + b")"])
    return case(r, start + filled(r, piece), damaged=0)


def legal_runs(r: Draw) -> Case:
    piece = r.one([b"N0", b"](e", b"]N", b"}", b")", b"]", b"K\1", b"N2", b"2", b"]\x94", b"N\x94", b"X\0\0\0\0", b"(t",
                   b"(l", b"(d", b"\x8f", b"N\x85", b"NN\x86", b"NNN\x87", b"(1", b"G\0\0\0\0\0\0\0\0", b"\x8a\0",
                   b"I1\n", b"F1\n", b"L1L\n", b"S''\n", b"V\n", b"B\0\0\0\0", b"C\0", b"U\0", b"\x8c\0", b"\x95" + bytes(8),
                   b"\x80\2", b"ca\nb\n", b"ca\nb\n)R", b"ca\nb\n)\x81", b"(ia\nb\n", b"(ca\nb\no", b"ca\nb\n)}\x92",
                   b"ca\nb\n)R}b", b"ccollections\nOrderedDict\n)R", b"ctorch\nSize\n)R"])
    return case(r, r.one([b"(", b"](", b"]"]) + filled(r, piece) + r.one([b"", b"t", b"l", b"e"]), damaged=0.05)


def laughs(r: Draw) -> Case:
    """Containers that hold the last one twice, or many times."""
    levels, times = r.one([(15, 2), (21, 2), (30, 2), (64, 2), (9, 10), (200, 3)])
    kind = r.one(["list", "tuple", "dict"])
    program = {"list": b"]", "tuple": b")", "dict": b"}"}[kind]
    if r.chance(0.5):
        program = tensor(storage())
    for _ in range(levels):
        if kind == "dict":
            program += b"q\0" + b"0}(" + b"".join(integer(i) + b"h\0" for i in range(times)) + b"u"
        else:
            program += b"q\0" + b"0(" + b"h\0" * times + (b"l" if kind == "list" else b"t")
    return case(r, program)


def cycles(r: Draw) -> Case:
    body = r.one([b"]q\0h\0a", b"]q\0(h\0h\0h\0e", b"}q\0K\0h\0s", b"}q\0h\0b", b"]q\0(]q\1h\0ah\1e",
                  name("a", "B") + b")Rq\0h\0b", name("a", "B") + b")\x81q\0}K\0h\0sb", tensor(storage()) + b"q\0}K\0h\0sb",
                  b"\x8fq\0(h\0\x90"])
    return case(r, b"(" + body + filled(r, b"h\0") + b"t")


def long_names(r: Draw) -> Case:
    size = r.bytes // 4
    parts = unicode("a" * size) + b"q\0" + b"0" + unicode("b" * size) + b"q\1" + b"0"
    piece = r.one([b"h\0h\1\x930", b"h\0h\1\x93", b"h\0h\1\x93)R", b"h\0h\1\x93)\x81}b"])
    return case(r, parts + b"(" + piece * r.count(2 * len(piece)) + b"t")


def long_keys(r: Draw) -> Case:
    size = r.bytes // 3
    recalled = (b"(" + unicode("storage") + name("torch", "FloatStorage") + unicode("k" * size) + unicode("cpu")
                + integer(1) + b"tq\0Q")
    return case(r, b"(" + recalled + b"h\0Q" * r.count(9) + b"t", [("k" * 60, bytes(4))])


def storages(r: Draw) -> Case:
    count = r.count(70)
    pieces = [storage(k, r.one([0, 1, r.number() >> 2]), r.one(["FloatStorage", "BoolStorage", "ByteStorage", "XStorage"]))
              for k in r.names(count)]
    return case(r, b"(" + b"".join(pieces) + b"t")


def views(r: Draw) -> Case:
    """Tensors of one storage: expanded, overlapping, far out of it, in any number."""
    size = min(r.bytes // 2, 1 << 20) // 4
    pieces = []
    head = storage("0", size) + b"q\0" + b"0"
    for i in range(r.count(200, 8000)):
        kind = r.one(["same", "shifted", "expanded", "zero", "odd"])
        if kind == "same":
            offset, dims, strides = 0, [size], [1]
        elif kind == "shifted":
            offset, dims, strides = i % size if size else 0, [max(0, size - i - 1)], [1]
        elif kind == "expanded":
            offset, dims, strides = 0, [r.one([2, 1000, 2**20, 2**40]), min(size, 100)], [0, 1]
        elif kind == "zero":
            offset, dims, strides = r.number() >> 1, [0, r.number() >> 16], [r.number() >> 1, 1]
        else:
            dims = [d >> 1 for d in r.dims()[:70]]
            offset, strides = r.small(4), [r.one([0, 1, 2, 2**62]) for _ in dims]
        pieces.append(integer(i) + tensor(b"h\0", offset, dims, strides))
    return case(r, head + b"}(" + b"".join(pieces) + b"u", [("0", bytes(size * 4))])


def one_view(r: Draw) -> Case:
    """The same kind of view, again and again, by the memo."""
    size = min(r.bytes // 2, 1 << 19)
    rank = r.one([1, 2, 8, 20])
    side = max(1, int(size ** (1 / rank)))
    dims = [side] * rank
    strides = r.shuffled([side**i for i in range(rank)])
    body = tensor(b"h\0", 0, dims, strides)
    return case(r, storage("0", size // 4) + b"q\0" + b"0" + b"(" + body * min(r.count(2 * len(body)), 20000) + b"t",
                [("0", bytes(size // 4 * 4))])


def texts(r: Draw) -> Case:
    kind = r.one([b"V", b"S", b"I", b"L", b"F", b"P"])
    line = r.one([b"\\u0041", b"\\", b"a", b"9", b"\\U0001F4A5", b"\\x41", b"\xed\xa0\x80", b"'"])
    line = line * r.count(len(line))
    quote = b"'" if kind == b"S" else b""
    return case(r, kind + quote + line + quote + b"\n")


def big_integers(r: Draw) -> Case:
    if r.chance(0.5):
        size = r.bytes
        return case(r, b"\x8b" + u32(size) + r.one([b"\xff", b"\x7f", b"\1"]) * size)
    piece = b"\x8a\xff" + b"\x7f" * 255
    return case(r, b"(" + piece * r.count(len(piece)) + b"t")


def lengths(r: Draw) -> Case:
    opcode = r.one([b"X", b"B", b"T", b"\x8b", b"\x8d", b"\x8e", b"\x96", b"r", b"j", b"\x95"])
    return case(r, opcode + (u32(r.number()) if opcode in b"XBT\x8brj" else u64(r.number())) + r.noise(20))


def memo(r: Draw) -> Case:
    places = b"".join(b"r" + u32(r.one([i * 7, r.number()])) for i in range(r.count(5)))
    return case(r, b"N" + places)


def dictionary(r: Draw) -> Case:
    names = [unicode(n) for n in r.names(r.count(12))]
    value = r.one([b"N", b"K\1", b"h\0", b"K\2", b"]", b"}"])
    return case(r, tensor(storage()) + b"q\0" + b"0}(" + b"".join(n + value for n in names) + b"u")


def deflated(r: Draw) -> Case:
    """A small archive of a pickle of hundreds of megabytes."""
    piece = r.one([b"N", b"]", b"(", b")", b"K\1", b"X\0\0\0\0", b"2", b"]a", b"N0", b"\x85"])
    size = min(r.bytes * 500, 60_000_000)
    program = b"\x80\2N" + piece * (size // len(piece)) + b"."
    return Case({"x.pt": archive([("x/data.pkl", program), ("x/data/0", bytes(16))])})


def size_appends(r: Draw) -> Case:
    head = name("torch", "Size") + b"((" + integer(1) * r.count(4) + b"ttR" if r.chance(0.5) else b"]"
    return case(r, head + b"q\0" + r.one([b"h\0N" + b"a0", b"Na", b"(NNe", b"h\0h\0a0"]) * r.count(4))


def objects(r: Draw) -> Case:
    """Foreign objects in one another, with states."""
    depth = r.count(30, 100_000)
    start = name("argparse", "Namespace") + b")\x81}K\0"
    if r.chance(0.5):
        return case(r, start * depth + b"N" + b"sb" * depth)
    modules = name("torch.nn", "Module") + b")\x81}(" + unicode("_modules") + b"}" + unicode(r.name()[:100])
    depth = min(depth, r.count(len(modules) + 4))
    return case(r, modules * depth + b"N" + b"sub" * depth)


def members(r: Draw) -> Case:
    names = [n for n in r.names(r.count(130))]
    return Case({"x.pt": archive([("x/data.pkl", b"\x80\2" + tensor(storage()) + b"."), ("x/data/0", bytes(16))]
                                 + [(f"x/data/{n}", b"") for n in names], False)})


FAMILIES = {f.__name__: f for f in [
    nested, opcodes, legal_runs, laughs, cycles, long_names, long_keys, storages, views, one_view, texts, big_integers,
    lengths, memo, dictionary, deflated, size_appends, objects, members]}
