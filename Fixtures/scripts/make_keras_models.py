"""Whole functional models of Keras, what goes in and what comes out, for Fixtures/keras/models."""

import json
import os

from common import folder, write_json, write_safetensors  # first: it sets up the environment

import keras
import numpy as np
from keras import layers, ops

SEED = 20241108


def residual_cnn():
    image = keras.Input((12, 10, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="stem")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Activation("relu", name="relu")(x)
    for block in range(2):
        y = layers.Conv2D(8, 3, padding="same", activation="relu", name=f"a{block}")(x)
        y = layers.Conv2D(8, 3, padding="same", name=f"b{block}")(y)
        x = layers.Add(name=f"add{block}")([x, y])
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(image, layers.Dense(4, activation="softmax", name="class")(x), name="residual_cnn")


def separable_cnn():
    image = keras.Input((12, 12, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(image)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="pad")(x)
    x = layers.Conv2D(6, 3, strides=2, name="stem")(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    x = layers.ReLU(6.0, name="relu6")(x)
    x = layers.SeparableConv2D(8, 3, padding="same", activation="relu", name="separable")(x)
    x = layers.GlobalMaxPooling2D(keepdims=True, name="max")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(image, layers.Dense(3, name="out")(x), name="separable_cnn")


def sequence():
    tokens = keras.Input((7,), dtype="int32", name="tokens")
    x = layers.Embedding(11, 6, mask_zero=True, name="embedding")(tokens)
    x = layers.Bidirectional(layers.GRU(5, return_sequences=True, name="gru"), name="both")(x)
    x = layers.LSTM(4, name="lstm")(x)
    return keras.Model(tokens, layers.Dense(1, activation="sigmoid", name="out")(x), name="sequence")


def transformer():
    tokens = keras.Input((6,), dtype="int32", name="tokens")
    x = layers.Embedding(9, 8, name="embedding")(tokens)
    y = layers.LayerNormalization(epsilon=1e-6, name="norm1")(x)
    y = layers.MultiHeadAttention(2, 4, name="attention")(y, y, use_causal_mask=True)
    x = layers.Add(name="add1")([x, y])
    y = layers.LayerNormalization(epsilon=1e-6, name="norm2")(x)
    y = layers.Dense(16, activation="gelu", name="up")(y)
    y = layers.Dense(8, name="down")(y)
    x = layers.Add(name="add2")([x, y])
    return keras.Model(tokens, layers.Dense(9, name="logits")(x), name="transformer")


def shared_encoder():
    left = keras.Input((5, 3), name="left")
    right = keras.Input((5, 3), name="right")
    encoder = layers.LSTM(4, name="encoder")
    a, b = encoder(left), encoder(right)
    together = layers.Concatenate(name="both")([a, b, layers.Multiply(name="product")([a, b])])
    same = layers.Dense(1, activation="sigmoid", name="same")(together)
    score = layers.Dot(-1, normalize=True, name="score")([a, b])
    return keras.Model({"right": right, "left": left}, [same, score], name="shared_encoder")


def nested():
    point = keras.Input((4,), name="inner_in")
    inner = keras.Model(point, layers.Dense(4, activation="tanh", name="inner_dense")(point), name="inner")
    stack = keras.Sequential([layers.Dense(4, name="first"), layers.LeakyReLU(name="leaky")], name="stack")
    x = keras.Input((4,), name="x")
    y = inner(x)
    y = inner(y)
    y = stack(y)
    return keras.Model(x, layers.Dense(2, name="out")(layers.Add(name="add")([x, y])), name="nested")


def operations():
    x = keras.Input((4, 3), name="x")
    y = keras.Input((4, 3), name="y")
    z = x * 2.0 + y / 3.0 - 1.0
    z = ops.matmul(z, ops.transpose(y, (0, 2, 1)))
    z = ops.softmax(z / np.sqrt(3.0).item(), axis=-1)
    m = ops.mean(z, axis=1, keepdims=True) + ops.exp(-abs(x))[:, :, :1]
    r = ops.reshape(ops.concatenate([m, ops.sqrt(ops.square(m) + 1.0)], axis=-1), (-1, 20))
    out = layers.Dense(3, name="dense")(r) ** 2
    low = ops.max(ops.expand_dims(z, 1), axis=(2, 3)) - ops.sum(y[:, 1], axis=-1, keepdims=True)
    return keras.Model([x, y], [out, ops.squeeze(low, axis=1), 1.0 - x[:, -1, :]], name="operations")


def inputs(model, random):
    values = []
    for tensor in model.inputs:
        shape = (5, *tensor.shape[1:])
        if tensor.dtype == "int32":
            value = random.integers(1, 9, shape).astype(np.int32)
            if model.name == "sequence":
                value[:, 4:] = 0
        else:
            value = random.normal(0.0, 1.0, shape).astype(np.float32)
        values.append(value)
    return values


def summary(model, **options):
    os.environ["COLUMNS"] = "120"  # the lines are cut to the terminal
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line), **options)
    return "\n".join(lines)


def set_weights(model, random):
    """Gives a model weights of an ordinary size; a variance is positive."""
    values = []
    for weight in model.weights:
        value = random.normal(0.0, 0.4, weight.shape)
        if weight.name == "moving_variance":
            value = random.uniform(0.05, 3.0, weight.shape)
        values.append(value.astype(weight.dtype))
    model.set_weights(values)


def main():
    random = np.random.default_rng(SEED)
    tensors, rows = {}, []
    for make in [residual_cnn, separable_cnn, sequence, transformer, shared_encoder, nested, operations]:
        keras.backend.clear_session()
        model = make()
        set_weights(model, random)
        given = inputs(model, random)
        call = given if len(given) > 1 else given[0]
        if isinstance(model.input, dict):
            call = {tensor.name: value for tensor, value in zip(model.inputs, given)}
        result = model(call)
        result = result if isinstance(result, (list, tuple)) else [result]
        row = {
            "name": model.name, "config": json.loads(model.to_json()),
            "paths": [weight.path for weight in model.weights],
            "summaries": [summary(model, line_length=108),
                          summary(model, line_length=100, expand_nested=True, show_trainable=True)],
            "weights": [], "inputs": [], "outputs": [],
        }  # fmt: skip
        for key, list_ in [
            ("weights", [weight.numpy() for weight in model.weights]), ("inputs", given), ("outputs", [ops.convert_to_numpy(r) for r in result])
        ]:
            for index, value in enumerate(list_):
                name = f"{model.name}/{key}.{index}"
                tensors[name] = value
                row[key].append(name)
        rows.append(row)
    out = folder("keras/models")
    write_json(out / "models.json", rows)
    write_safetensors(
        out / "models.safetensors", tensors, {"format": "keras", "keras_version": keras.__version__}
    )
    print(f"keras/models: {len(rows)} models")


if __name__ == "__main__":
    main()
