"""ONNX: protocol buffers in protocol buffers."""
from collections.abc import Sequence

from draw import Case, Draw

from .wire import message, number, text, varint


def tensor(name: str, dims: Sequence[int] = (), kind: int = 1, data: bytes = b"", more: bytes = b"") -> bytes:
    return (b"".join(number(1, d) for d in dims) + number(2, kind) + message(8, text(name)) + data + more)


def model(graph: bytes, more: bytes = b"") -> bytes:
    return number(1, 9) + message(7, graph) + more


def case(r: Draw, content: bytes, **others: bytes) -> Case:
    return Case({"x.onnx": r.damaged(content), **others})


def repeated(r: Draw, piece: bytes) -> bytes:
    return piece * r.count(len(piece))


def initializers(r: Draw) -> Case:
    kind, dims = r.one([1, 7, 8, 16, 25, 99]), r.one([[0], [], [0, 2**60]])
    return case(r, model(b"".join(message(5, tensor(n, dims, kind)) for n in r.names(r.count(14)))))


def unfinished(r: Draw) -> Case:
    """Initialisers that lack something."""
    pieces = [message(8, b"a"), number(2, 1) + number(1, 0), number(2, 1), b"", number(1, 0),
              number(14, 1) + number(2, 1), number(14, 1) + message(13, b"")]
    if r.chance(0.5):
        return case(r, model(repeated(r, message(5, r.one(pieces)))))
    return case(r, model(b"".join(message(5, message(8, text(n))) for n in r.names(r.count(9)))))


def subgraphs(r: Draw) -> Case:
    inner = b"".join(message(5, tensor(n, [0])) for n in r.names(r.count(20)))
    node = message(3, b"n" * r.one([1, 1000])) + message(5, message(1, b"g") + message(6, inner))
    return case(r, model(message(1, node)))


def attributes(r: Draw) -> Case:
    """Many tensors in the attributes of one node with a long name."""
    piece = message(5, message(1, b"g") + message(r.one([5, 10]), tensor("", [0])))
    return case(r, model(message(1, message(3, b"n" * r.one([1, 1000, r.bytes // 4]))
                                 + piece * r.count(2 * len(piece)))))


def empty_pieces(r: Draw) -> Case:
    where = r.one([1, 5, 11, 12, 13, 14, 15, 16, 4, 2])
    return case(r, model(repeated(r, message(where, b"")) if r.chance(0.5)
                         else message(1, repeated(r, message(r.one([1, 2, 5]), b"")))))


def empty_in_model(r: Draw) -> Case:
    field = r.one([8, 14, 20, 25, 20])
    content = r.one([b"", message(1, b""), message(2, b""), message(1, message(5, b""))])
    return case(r, model(b"", repeated(r, message(field, content))))


def properties(r: Draw) -> Case:
    value = r.one([b"", message(2, b"x")])
    return case(r, model(b"", b"".join(message(14, message(1, text(n)) + value)
                                       for n in r.names(r.count(12)))))


def dimensions(r: Draw) -> Case:
    count = r.count(2)
    if r.chance(0.5):
        return case(r, model(message(5, tensor("a") + number(1, r.one([0, 1, 2])) * count)))
    return case(r, model(message(5, tensor("a") + message(1, b"\1" * count))))


def shapes(r: Draw) -> Case:
    return case(r, model(b"".join(
        message(5, tensor(n, r.dims()[:2000], r.small(30), message(9, r.data(r.small(64)))))
        for n in r.names(1 + r.small(6)))))


def packed(r: Draw) -> Case:
    count = r.count(1)
    kind, field = r.one([(7, 7), (6, 5), (12, 11), (2, 5), (9, 5), (27, 5), (26, 5), (23, 5), (1, 4), (11, 10)])
    return case(r, model(message(5, tensor("a", [count], kind, message(field, b"\1" * count)))))


def unpacked(r: Draw) -> Case:
    count = r.count(2)
    return case(r, model(message(5, tensor("a", [count], 7, number(7, 1) * count))))


def texts(r: Draw) -> Case:
    count = r.count(2)
    return case(r, model(message(5, tensor("a", [count], 8, message(6, b"") * count))))


def narrow(r: Draw) -> Case:
    count = r.bytes
    kind, times = r.one([(25, 4), (26, 4), (21, 2), (22, 2), (23, 2)])
    return case(r, model(message(5, tensor("a", [count * times], kind, message(9, b"\1" * count)))))


def sparse(r: Draw) -> Case:
    if r.chance(0.5):
        return case(r, model(repeated(r, message(15, message(1, tensor("a", [0]))))))
    return case(r, model(message(15, message(1, tensor("a", [r.one([0, 1])])) + message(2, tensor("", r.dims()[:100], 7))
                                 + message(3, b"\1" * r.count()))))


def deep(r: Draw) -> Case:
    graph = b""
    for _ in range(r.one([31, 33, 100, min(3000, r.count(20))])):
        graph = message(1, message(5, message(r.one([6, 6, 11]), graph + r.one([b"", message(5, tensor("w", [0]))]))))
    return case(r, model(graph))


def constants(r: Draw) -> Case:
    field, piece = r.one([(8, None), (9, b""), (7, None), (8, b"\1")])
    value = message(field, b"\1" * r.count()) if piece is None else (
        message(9, b"") * r.count(2) if field == 9 else number(8, 1) * r.count(2))
    name = {7: b"value_floats", 8: b"value_ints", 9: b"value_strings"}[field]
    return case(r, model(message(1, message(4, b"Constant") + message(2, b"o")
                                 + message(5, message(1, name) + value))))


def constant_nodes(r: Draw) -> Case:
    return case(r, model(b"".join(
        message(1, message(4, b"Constant") + message(2, text(n)) + message(5, message(1, b"value_int") + number(3, 1)))
        for n in r.names(r.count(40)))))


def external(r: Draw) -> Case:
    location = r.one(["big.bin", "big.bin", r.name()])
    size = r.bytes // 2
    many = r.count(80)
    kind, times = r.one([(1, 0.25), (2, 1), (26, 4), (9, 1)])
    keys = message(13, message(1, b"location") + message(2, text(location)))
    if r.chance(0.3):
        keys += message(13, message(1, b"offset") + message(2, str(r.number()).encode()))
        keys += message(13, message(1, b"length") + message(2, str(r.number()).encode()))
    return case(r, model(b"".join(message(5, tensor(n, [int(size * times)], kind, more=keys + number(14, 1)))
                                  for n in r.names(many))), **{"big.bin": r.data(size)})


def functions(r: Draw) -> Case:
    body = message(7, message(4, b"Constant") + message(5, message(5, tensor("", [0]))))
    return case(r, model(b"", b"".join(message(25, message(1, text(n)) + body) for n in r.names(r.count(50)))))


def training(r: Draw) -> Case:
    body = r.one([message(1, message(5, tensor("w", [0]))), message(2, message(5, tensor("w", [0])))])
    return case(r, model(b"", repeated(r, message(20, body))))


def varints(r: Draw) -> Case:
    return case(r, model(message(5, repeated(r, b"\x80" * r.one([9, 10, 100]) + b"\1"))) + varint(2**64 - 1))


FAMILIES = {f.__name__: f for f in [
    initializers, unfinished, subgraphs, attributes, empty_pieces, empty_in_model, properties, dimensions, shapes,
    packed, unpacked, texts, narrow, sparse, deep, constants, constant_nodes, external, functions, training,
    varints]}
