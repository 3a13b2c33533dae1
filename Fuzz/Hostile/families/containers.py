"""Containers, by the writer of the conformance suite (Fixtures/scripts/conformance)."""
import json
import struct
import sys
from pathlib import Path
from typing import Any

from draw import Case, Draw

from .wire import text

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "Fixtures" / "scripts"))
from conformance.container import Container
from conformance.frames import Frame, blob, conf, meta
from conformance.tensors import CHUNKED, RAW, Tensor, strings


def case(r: Draw, items: list[Any], damage: float = 0.15, **options: Any) -> Case:
    container = Container(items, **options)
    data = container.encoded()
    if r.chance(damage):
        damaged = bytearray(data)
        for _ in range(r.random.randint(1, 4)):
            at = r.random.randrange(64, len(damaged) - 8) if len(damaged) > 80 else 0
            width = r.one([1, 2, 4, 8])
            damaged[at:at + width] = (r.number() & (256**width - 1)).to_bytes(width, "little")
        data = bytes(damaged[:len(data)])
        if r.chance(0.8):
            data = container.repaired(data)
    return Case({"x.cairn": data})


def many(r: Draw) -> Case:
    """The writer's digests take time that grows with the square of the tensors."""
    names = sorted(set(r.names(r.count(420, 5000))))
    tensors = [Tensor(n[:1000] or "x", "uint8", (0,), b"") for n in names]
    return case(r, list({t.name: t for t in tensors}.values()), align=6, 
                digests=len(names) < 100 and r.chance(0.3))


def aliases(r: Draw) -> Case:
    data = r.data(r.bytes // 2)
    count = r.count(420, 4000)
    return case(r, [Tensor("a", "uint8", (len(data),), data)]
                + [Tensor(f"b{i:x}", of="a") for i in range(count)], 
                digests=count < 100 and r.chance(0.5))


def deflating(r: Draw) -> Case:
    """Chunks that deflate as far as the format allows."""
    size = min(r.bytes * 900, 20_000_000) // 4 * 4
    log = r.one([20, 22, 24])
    return case(r, [Tensor("a", "uint8", (size,), bytes(size), CHUNKED)], chunk=log, damage=0)


def notes(r: Draw) -> Case:
    return case(r, [Frame(r.one(["nOTe", "gENR", "xYZa"]), b"") for _ in range(r.count(64, 20_000))])


def metadata(r: Draw) -> Case:
    kind = r.one(["bool", "i64", "f64", "string", "bytes"])
    value = {"bool": 1, "i64": 0, "f64": 0, "string": "", "bytes": b""}[kind]
    if r.chance(0.3):
        count = r.count(8)
        return case(r, [meta([("k", kind + "[]", [value] * count)])])
    names = sorted({text(n)[:60_000] or b"k" for n in r.names(r.count(16))})
    return case(r, [meta([(n, kind, value) for n in names])])


def configuration(r: Draw) -> Case:
    kind = r.one(["deep", "wide", "text", "number", "object"])
    count = r.count(2)
    body = {"deep": "[" * count + "]" * count, "wide": "[" + "0," * count + "0]", "text": '"' + "é" * count + '"',
            "number": "9" * count, "object": "{" + ",".join(f'"{i:06x}":0' for i in range(r.count(11))) + "}"}[kind]
    return case(r, [conf(body)])


def model(r: Draw) -> Case:
    """A model of Keras that is all configuration, with extreme numbers."""
    from . import keras
    return case(r, [conf(json.dumps(keras.configuration(r), sort_keys=True, separators=(",", ":"),
                                    ensure_ascii=False))])


def blobs(r: Draw) -> Case:
    names = sorted({text(n)[:60_000] or b"b" for n in r.names(r.count(160, 4000))})
    return case(r, [blob(n, b"") for n in names])


def texts(r: Draw) -> Case:
    count = r.count(9)
    return case(r, [Tensor("s", "string", (count,), strings([b"x" * r.small(1)] * count), r.one([RAW, CHUNKED]))],
                chunk=20)


def shapes(r: Draw) -> Case:
    items = []
    for i in range(1 + r.small(4)):
        shape = [d & (2**64 - 1) for d in r.dims()[:200]]
        items.append(Tensor(f"{i}", r.one(["float32", "uint8", "bool", "int4", "float6_e2m3fn", "string"]), shape, b""))
    return case(r, items, damage=0.4)


def fields(r: Draw) -> Case:
    """Wrong numbers in the records, under checksums that are right."""
    wrong: dict[str, Any] = {r.one(["size", "owner_row", "owner_ordinal", "code", "chunk_logical"]): r.number() & 3}
    if "size" in wrong:
        wrong["size"] = r.number()
    try:
        return case(r, [Tensor("a", "uint8", (40,), bytes(40), r.one([RAW, CHUNKED]), **wrong)], damage=0.5)
    except struct.error:
        return case(r, [Tensor("a", "uint8", (40,), bytes(40))], damage=1)


FAMILIES = {f.__name__: f for f in [
    many, aliases, deflating, notes, metadata, configuration, model, blobs, texts, shapes, fields]}
