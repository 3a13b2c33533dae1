"""Operations and whole models in float64, for Fixtures/keras/float64: in the forms of keras/operations
and of keras/models."""

import json

from common import folder, write_json, write_safetensors  # first: it sets up the environment

import keras
import numpy as np
from keras import layers, ops

import float64
import make_keras_operations as single
from make_keras_models import set_weights

SEED = 20250801
F, I = "float64", "int32"
# The type makes no difference to these; or they give indices, which JAX makes wider together with floats.
SKIPPED = {"copy", "stop_gradient", "argmax", "argmax_flat", "argmin_keepdims"}


def cases():
    for table, given in [
        (single.UNARY, single.M), (single.BINARY, single.MM),
        (single.REDUCTIONS, [((3, 2, 4), "float32")]),
    ]:  # fmt: skip
        for name, function in table.items():
            if name not in SKIPPED:
                yield name, [(shape, F) for shape, _ in given], function
    matrices = [((3, 4), F), ((4, 5), F)]
    yield "matmul", matrices, ops.matmul
    yield "matmul_of_both_types", [((3, 4), F), ((4, 5), "float32")], ops.matmul
    yield "add_of_both_types", [((3, 4), "float32"), ((3, 4), F)], ops.add
    yield "cumsum", [((3, 4), F)], lambda x: ops.cumsum(x, axis=1)
    yield "sort", [((3, 4), F)], ops.sort
    yield "take_rows", [((3, 4), F), ((5,), I)], lambda x, i: ops.take(x, i, axis=1)
    yield "number", [((3, 4), F)], lambda x: x * 0.1 + 1 / 3
    yield "cast", [((3, 4), "float32")], lambda x: ops.exp(ops.cast(x, F))


def operations(random, tensors):
    rows = []
    for name, given, function in cases():
        name = f"{name}_float64"
        keras.backend.clear_session()
        inputs = [keras.Input(shape, dtype=dtype, name=f"in{k}") for k, (shape, dtype) in enumerate(given)]
        model = keras.Model(inputs, function(*inputs), name=name)
        fed = []
        for shape, dtype in given:
            value = random.integers(0, 3, (2, *shape)) if dtype == I else random.normal(0.0, 1.0, (2, *shape))
            fed.append(value.astype(dtype))
        plain = name.removesuffix("_float64")
        if plain in single.NUMPY:
            out = single.NUMPY[plain](*fed)
        else:
            out = model(fed if len(fed) > 1 else fed[0])
        out = list(out) if isinstance(out, (list, tuple)) else [out]
        for index, value in enumerate(fed):
            tensors[f"{name}/input.{index}"] = value
        for index, value in enumerate(out):
            tensors[f"{name}/output.{index}"] = np.asarray(value)
        rows.append(
            {
                "name": name, "inputs": len(fed), "outputs": len(out),
                "shapes": [list(x.shape) for x in model.outputs], "config": json.loads(model.to_json()),
            }
        )  # fmt: skip
    return rows


def whole():
    """Every layer in float64."""
    keras.config.set_dtype_policy("float64")
    image = keras.Input((8, 6, 3), name="image", dtype="float64")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation="silu", name="depthwise")(x)
    x = layers.Add(name="residual")([x, y])
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = layers.Reshape((4, 12), name="rows")(x)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True, name="gru"), name="both")(x)
    y = layers.LayerNormalization(name="layer_norm")(x)
    y = layers.MultiHeadAttention(2, 3, dropout=0.1, name="attention")(y, y)
    x = layers.LSTM(5, name="lstm")(x + y * 0.1)
    return keras.Model(image, layers.Dense(4, activation="softmax", name="class")(x), name="whole")


def mixed():
    """Layers of both types, each of which brings what it takes into its own."""
    keras.config.set_dtype_policy("float32")
    x = keras.Input((5, 4), name="x")
    y = layers.Dense(6, activation="tanh", name="narrow")(x)
    y = layers.Dense(6, activation="gelu", dtype="float64", name="wide")(y)
    z = layers.LayerNormalization(dtype="float64", name="norm")(y)
    z = ops.softmax(z / 3.0, axis=1)
    low = layers.Dense(3, name="narrow_again")(z)
    both = ops.add(ops.sum(z, axis=-1, keepdims=True), low)
    high = layers.SimpleRNN(3, dtype="float64", name="wide_again")(both)
    return keras.Model(x, [low, high, both], name="mixed")


def models(random, tensors):
    rows = []
    for make in [whole, mixed]:
        keras.backend.clear_session()
        model = make()
        set_weights(model, random)
        given = [random.normal(0.0, 1.0, (5, *x.shape[1:])).astype(x.dtype) for x in model.inputs]
        result = model(given[0])
        result = result if isinstance(result, (list, tuple)) else [result]
        row = {
            "name": model.name, "config": json.loads(model.to_json()),
            "paths": [weight.path for weight in model.weights], "weights": [], "inputs": [],
            "outputs": [],
        }  # fmt: skip
        for key, list_ in [("weights", [weight.numpy() for weight in model.weights]), ("inputs", given), ("outputs", map(np.asarray, result))]:
            for index, value in enumerate(list_):
                name = f"{model.name}/{key}.{index}"
                tensors[name] = value
                row[key].append(name)
        rows.append(row)
    keras.config.set_dtype_policy("float32")
    return rows


def main():
    random = np.random.default_rng(SEED)
    tensors = {}
    with float64.computed():
        small = operations(random, tensors)
        large = models(random, tensors)
    out = folder("keras/float64")
    lines = [json.dumps(model, allow_nan=False) for model in small]
    (out / "operations.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    write_json(out / "models.json", large)
    write_safetensors(
        out / "tensors.safetensors", tensors,
        {"format": "keras", "keras_version": keras.__version__},
    )
    print(f"keras/float64: {len(small)} operations, {len(large)} models")


main()
