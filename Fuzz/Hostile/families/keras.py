"""Models of Keras: configurations that ask for much in few words."""
from typing import Any

from draw import Case, Draw

from .numpy_files import header, npy
from .safetensors import file as safetensors
from .wire import archive, dumped


def layer(kind: str, name: str, inbound: list[Any] | None = None, module: str = "keras.layers",
          **config: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"module": module, "class_name": kind, "config": {"name": name, **config}, "registered_name": None}
    if inbound is not None:
        made["name"] = name
        made["inbound_nodes"] = inbound
    return made


def tensor(shape: list[int | None], of: str, node: int = 0, index: int = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__",
            "config": {"shape": shape, "dtype": "float32", "keras_history": [of, node, index]}}


def node(*arguments: Any, **named: Any) -> dict[str, Any]:
    return {"args": list(arguments), "kwargs": named}


def sequential(shape: list[Any], layers: list[dict[str, Any]]) -> dict[str, Any]:
    return {"module": "keras", "class_name": "Sequential", "registered_name": None, "config": {
        "name": "s", "trainable": True, "layers":
            [layer("InputLayer", "in", batch_shape=[None, *shape], dtype="float32")] + layers}}


def functional(layers: list[dict[str, Any]], inputs: list[Any], outputs: list[Any], name: str = "f") -> dict[str, Any]:
    return {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional",
            "config": {"name": name, "trainable": True, "layers": layers, "input_layers": inputs,
                       "output_layers": outputs}}


def size(r: Draw) -> Any:
    return r.one([0, 0, 1, 2, 3, 1000, 2**20, 2**31, 2**40, 2**53, 2**63 - 1, -1, 1.5, None])


def sizes(r: Draw, count: int = 2) -> list[Any]:
    return [size(r) for _ in range(count)]


def one_layer(r: Draw, name: str) -> dict[str, Any]:
    kinds = [
        ("Dense", {"units": size(r)}), ("Embedding", {"input_dim": size(r), "output_dim": size(r)}),
        ("RepeatVector", {"n": size(r)}), ("UpSampling1D", {"size": size(r)}), ("UpSampling2D", {"size": sizes(r)}),
        ("UpSampling3D", {"size": sizes(r, 3)}), ("ZeroPadding1D", {"padding": sizes(r)}),
        ("ZeroPadding2D", {"padding": [sizes(r), sizes(r)]}), ("Cropping1D", {"cropping": sizes(r)}),
        ("Cropping2D", {"cropping": [sizes(r), sizes(r)]}), ("Reshape", {"target_shape": sizes(r, r.small(5))}),
        ("Permute", {"dims": r.shuffled([1, 2, 3])}), ("Flatten", {}), ("MaxPooling2D", {"pool_size": sizes(r), "strides": sizes(r)}),
        ("Conv1D", {"filters": size(r), "kernel_size": [size(r)], "strides": [size(r)], "dilation_rate": [size(r)], "groups": size(r)}),
        ("Conv2D", {"filters": size(r), "kernel_size": sizes(r), "strides": sizes(r)}),
        ("Conv2DTranspose", {"filters": size(r), "kernel_size": sizes(r), "strides": sizes(r)}),
        ("LSTM", {"units": size(r)}), ("GRU", {"units": size(r)}), ("BatchNormalization", {"axis": size(r)}),
        ("LayerNormalization", {"axis": r.one([size(r), sizes(r)])}), ("MultiHeadAttention", {"num_heads": size(r), "key_dim": size(r)}),
        ("Softmax", {"axis": size(r)}), ("Rescaling", {"scale": r.one([1e308, "nan", size(r)]), "offset": 0.0}),
        ("Resizing", {"height": size(r), "width": size(r)}), ("CategoryEncoding", {"num_tokens": size(r)}),
        ("Discretization", {"bin_boundaries": [0.0] * r.count(6, 100_000)}), ("Normalization", {"axis": size(r)}),
        ("StringLookup", {"vocabulary": ["a"] * r.count(6, 100_000)}), ("Activation", {"activation": r.name()}),
        ("Lambda", {"function": r.name()}), (r.name(), {}), ("GroupNormalization", {"groups": size(r)}),
    ]
    kind, config = r.one(kinds)
    return layer(kind, name, **config)


def configuration(r: Draw) -> dict[str, Any]:
    """A small configuration with an extreme number, or of extreme depth."""
    return r.one([stacked, stacked, chain, nested, doubled, operations, many_inputs, dags])(r)


def stacked(r: Draw) -> dict[str, Any]:
    shape = r.one([[4], [4, 4], [4, 4, 3], [0], [2**40], [0, 2**40], sizes(r), []])
    return sequential(shape, [one_layer(r, f"l{i}") for i in range(1 + r.small(3))])


def chain(r: Draw) -> dict[str, Any]:
    count = r.count(110, 15_000)
    return sequential([4], [layer("Activation", f"l{i:x}", activation="relu") for i in range(count)])


def nested(r: Draw) -> dict[str, Any]:
    inner = layer("Flatten", "x")
    for i in range(min(r.count(300), 3000)):
        inner = sequential([4], [inner])
        inner["config"]["name"] = f"s{i}"
        if i > 300 and r.chance(0.01):
            break
    return inner


def doubled(r: Draw) -> dict[str, Any]:
    """Each model calls the next one twice: 2 ** depth calls."""
    depth = r.one([5, 10, 20, 30, 60])
    model = functional([layer("InputLayer", "i", [], batch_shape=[None, 4]),
                        layer("Activation", "a", [node(tensor([None, 4], "i"))], activation="relu")],
                       [["i", 0, 0]], [["a", 0, 0]], "m0")
    for level in range(1, depth):
        inner = dict(model, name=f"m{level - 1}",
                     inbound_nodes=[node(tensor([None, 4], "i")), node(tensor([None, 4], f"m{level - 1}"))])
        model = functional([layer("InputLayer", "i", [], batch_shape=[None, 4]), inner],
                           [["i", 0, 0]], [[f"m{level - 1}", 1, 0]], f"m{level}")
    return model


def operations(r: Draw) -> dict[str, Any]:
    """Operations whose arguments make tensors, or many of them, from nothing."""
    shape = r.one([[None, 4], [None, 0], [None, 2**40], [None, 0, 2**40], [None, 4, 4]])
    name, arguments = r.one([
        ("Tile", {"repeats": sizes(r)}), ("Repeat", {"repeats": size(r), "axis": size(r)}), ("BroadcastTo", {"shape": sizes(r)}),
        ("Pad", {"pad_width": [sizes(r), sizes(r)], "mode": "constant"}), ("Unstack", {"num": None, "axis": 1}),
        ("Split", {"indices_or_sections": size(r), "axis": 1}), ("GetItem", {}), ("Reshape", {"newshape": sizes(r)}),
        ("ExpandDims", {"axis": size(r)}), ("Transpose", {"axes": sizes(r)}), ("Roll", {"shift": size(r), "axis": size(r)}),
        ("Arange", {}), ("Linspace", {"num": size(r)}), ("OneHot", {"num_classes": size(r)}), ("Diff", {"n": size(r)}),
        ("Vander", {}), ("Tri", {}), ("Kron", {}), ("Outer", {}), ("Einsum", {"subscripts": "ab,cd->abcd"}), ("Meshgrid", {}),
        ("Zeros", {"shape": sizes(r)}), ("Full", {"shape": sizes(r)}), ("Image.Resize", {"size": sizes(r)}),
    ])
    module = "keras.src.ops.core" if name in ("Unstack",) else "keras.src.ops.numpy"
    x = tensor(shape, "i")
    arguments_of = [x] if name not in ("Kron", "Outer", "Einsum") else [x, x]
    if name == "GetItem":
        key = r.one([size(r), {"class_name": "__slice__", "config": {"start": size(r), "stop": size(r), "step": size(r)}}])
        arguments_of.append(key)
    if name in ("Tile", "BroadcastTo", "Reshape", "Pad", "Repeat"):
        key = next(iter(arguments))
        arguments_of.append(arguments[key])
    operation = layer(name, "o", [node(*arguments_of)], module, **arguments)
    return functional([layer("InputLayer", "i", [], batch_shape=shape), operation], [["i", 0, 0]],
                      [["o", 0, r.one([0, 0, 2**40])]])


def many_inputs(r: Draw) -> dict[str, Any]:
    count = r.count(200, 8000)
    layers = [layer("InputLayer", f"i{i:x}", [], batch_shape=[None, 1]) for i in range(count)]
    layers.append(layer(r.one(["Add", "Concatenate", "Multiply"]), "o", [node([tensor([None, 1], f"i{i:x}") for i in range(count)])]))
    return functional(layers, [[f"i{i:x}", 0, 0] for i in range(count)], [["o", 0, 0]])


def dags(r: Draw) -> dict[str, Any]:
    """Sums of the last sum with itself; or one layer called again and again."""
    count = r.count(500, 3000)
    layers = [layer("InputLayer", "i", [], batch_shape=[None, 4])]
    if r.chance(0.5):
        last = "i"
        for i in range(count):
            layers.append(layer("Add", f"a{i}", [node([tensor([None, 4], last)] * 2)]))
            last = f"a{i}"
        return functional(layers, [["i", 0, 0]], [[last, 0, 0]])
    layers.append(layer("Activation", "a", [node(tensor([None, 4], "i"))] + [
        node(tensor([None, 4], "a", i)) for i in range(count)], activation="relu"))
    return functional(layers, [["i", 0, 0]], [["a", count, 0]])


INPUT = npy(header("<f4", [1, 4]), bytes(16))


def with_config(r: Draw) -> Case:
    """A configuration beside safetensors."""
    return Case({"x.safetensors": safetensors("{}"), "c.json": r.damaged(dumped(configuration(r)), 0.05), "i.npy": INPUT},
                config="c.json", inputs="i.npy")


def archived(r: Draw) -> Case:
    from . import hdf5
    inner = hdf5.File()
    weights = inner.finished(inner.group([]))
    config = dumped(configuration(r))
    return Case({"x.keras": r.damaged(archive([
        ("metadata.json", dumped({"keras_version": r.one(["3.15.1", "3.0.5", "2.15.0", "", "9" * 100])})),
        ("config.json", r.damaged(config, 0.05)), ("model.weights.h5", weights)], r.chance(0.5)), 0.05), "i.npy": INPUT},
        inputs="i.npy")


def inflated(r: Draw) -> Case:
    """Members of an archive that deflate a thousandfold."""
    big = min(r.bytes * 900, 300_000_000)
    which = r.one(["config.json", "metadata.json", "model.weights.h5", "assets/a", "many"])
    members = {"metadata.json": dumped({"keras_version": "3.15.1"}), "config.json": dumped(stacked(r)),
               "model.weights.h5": b"\x89HDF\r\n\x1a\n"}
    pairs = []
    if which == "many":
        pairs = [(f"assets/{i}", bytes(big // 100)) for i in range(100)]
    else:
        filler = {"config.json": b" ", "metadata.json": b"["}.get(which, b"\0")
        members[which] = filler * big
    return Case({"x.keras": archive(list(members.items()) + pairs)})


def json_only(r: Draw) -> Case:
    kind = r.one(["deep", "wide", "keys"])
    core = {"deep": b'{"config":' * r.count(11), "wide": b"[" + b"{}," * r.count(3) + b"{}]",
            "keys": b"{" + b",".join(b'"%x":{}' % i for i in range(r.count(10))) + b"}"}[kind]
    core = r.one([core, b'{"class_name":"Functional","config":' + core + b"}",
                  b'{"module":"keras","class_name":"Sequential","config":{"layers":' + core + b"}}"])
    return Case({"x.safetensors": safetensors("{}"), "c.json": core, "i.npy": INPUT}, config="c.json", inputs="i.npy")


FAMILIES = {f.__name__: f for f in [with_config, with_config, archived, inflated, json_only]}
