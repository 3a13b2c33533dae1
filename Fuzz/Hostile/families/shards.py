"""Sets of safetensors files under one index."""
from collections.abc import Iterable

from draw import Case, Draw

from .safetensors import entry, file
from .wire import dumped, nested, quoted

INDEX = "model.safetensors.index.json"
EMPTY = file("{" + entry("w", "U8", [0], 0, 0) + "}")


def index(pairs: Iterable[tuple[str, str]], more: str = "") -> bytes:
    return ('{"metadata":{"total_size":0},' + more + '"weight_map":{'
            + ",".join(f"{quoted(k)}:{quoted(v)}" for k, v in pairs) + "}}").encode(errors="surrogatepass")


def one_shard(r: Draw) -> Case:
    names = list(r.names(r.count(14)))
    return Case({INDEX: r.damaged(index((n, "m.safetensors") for n in names)), "m.safetensors": EMPTY})


def missing_shards(r: Draw) -> Case:
    return Case({INDEX: index((n, f"{i:x}.safetensors") for i, n in enumerate(r.names(r.count(30)))),
                 "0.safetensors": EMPTY})


def odd_places(r: Draw) -> Case:
    places = [r.name() for _ in range(r.count(40, 200))]
    return Case({INDEX: index((f"{i:x}", place) for i, place in enumerate(places)), "m.safetensors": EMPTY})


def real(r: Draw) -> Case:
    count = r.count(400, 200)
    files = {}
    names = [n for n in r.names(count)]
    for i, n in enumerate(names):
        files[f"{i:x}.safetensors"] = file("{" + entry(n, "F32", [1], 0, 4) + "}", b"\0\0\0\0")
    return Case({INDEX: index((n, f"{i:x}.safetensors") for i, n in enumerate(names)), **files})


def long_place(r: Draw) -> Case:
    return Case({INDEX: index([("w", r.one(["a", "é", "../", "./", "\u0301"]) * r.count(2))])})


def deep(r: Draw) -> Case:
    opening, closing = r.one([("[", "]"), ('{"a":', "}")])
    core = nested(opening, closing, r.count(len(opening) + 1))
    return Case({INDEX: r.one([core, b'{"weight_map":' + core + b"}", b'{"metadata":' + core
                               + b',"weight_map":{}}'])})


def metadata(r: Draw) -> Case:
    keys = ",".join(f'"{i:x}":{r.one(["[]", "0", "{}"])}' for i in range(r.count(12)))
    return Case({INDEX: ('{"metadata":{' + keys + '},"weight_map":{"w":"m.safetensors"}}').encode(),
                 "m.safetensors": EMPTY})


def unnamed(r: Draw) -> Case:
    """A shard with many tensors that the index does not name."""
    header = "{" + ",".join(entry(n, "U8", [0], 0, 0) for n in r.names(r.count(62))) + "}"
    return Case({INDEX: index([("0", "m.safetensors")]), "m.safetensors": file(header)})


def odd_json(r: Draw) -> Case:
    return Case({INDEX: dumped(r.one([[], {}, {"weight_map": []}, {"weight_map": {"a": 1}}, None, "x",
                                      {"weight_map": {"a": {"b": "c"}}}]))})


FAMILIES = {f.__name__: f for f in [
    one_shard, missing_shards, odd_places, real, long_place, deep, metadata, unnamed, odd_json]}
