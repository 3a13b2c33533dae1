#!/usr/bin/env python3
"""Random models of Keras, with fixed seeds: what `test_models.py` takes through Cairn.

    generate_models.py FOLDER --count 400 [--first 0] [--list]

Each model is a `.keras` file, what goes in (`.in0.npy`, …) and what Keras makes of it (`.out.npz`). Which
model has which number depends on the number alone. The back end is that of KERAS_BACKEND; make the even
ones with TensorFlow and the odd ones with JAX by `--every 2 --first 0` and `--first 1`.
"""
import argparse
import json
import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from keras import layers, ops

POLICIES = ["float32"] * 7 + ["mixed_float16", "mixed_bfloat16", "float64"]
ACTIVATIONS = ["relu", "tanh", "sigmoid", "elu", "selu", "gelu", "silu", "softplus", "softsign",
               "hard_sigmoid", "leaky_relu", "relu6", "linear", "exponential", "mish", "log_softmax",
               "softmax", "hard_silu", "celu"]


class Builder:
    """One model: how it is drawn depends on the numbers of `rng` alone."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.policy = self.pick(POLICIES)

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def between(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def activation(self) -> Any:
        if self.chance(0.1):
            return self.pick([layers.LeakyReLU(0.1), layers.ReLU(max_value=2.0), layers.ELU(0.7)])
        return self.pick(ACTIVATIONS)

    # Vectors: (n, c).

    def vector_layer(self, x: Any) -> Any:
        width = x.shape[-1]
        kind = self.pick(["dense", "dense", "activation", "norm", "dropout", "reshape", "op", "merge",
                          "noise", "einsum", "prelu", "rescale", "embed_like"])
        if kind == "dense":
            return layers.Dense(self.between(1, 8), activation=self.activation(),
                                use_bias=self.chance(0.8))(x)
        if kind == "activation":
            return self.pick([
                lambda: layers.Activation(self.pick(ACTIVATIONS))(x), lambda: layers.ReLU()(x),
                lambda: layers.LeakyReLU()(x), lambda: layers.ELU()(x), lambda: layers.Softmax()(x)])()
        if kind == "norm":
            return self.pick([
                lambda: layers.BatchNormalization()(x), lambda: layers.LayerNormalization()(x),
                lambda: layers.UnitNormalization()(x), lambda: layers.RMSNormalization()(x),
                lambda: layers.GroupNormalization(groups=width)(x)])()
        if kind == "dropout":
            return self.pick([layers.Dropout(0.3), layers.GaussianDropout(0.2), layers.AlphaDropout(0.1)])(x)
        if kind == "noise":
            return self.pick([layers.GaussianNoise(0.3), layers.ActivityRegularization(0.1),
                              layers.Identity()])(x)
        if kind == "reshape":
            return layers.Flatten()(layers.Reshape((width, 1))(x))
        if kind == "einsum":
            return layers.EinsumDense("ab,bc->ac", output_shape=self.between(1, 6), bias_axes="c",
                                      activation=self.activation())(x)
        if kind == "prelu":
            return layers.PReLU(alpha_initializer="random_normal")(x)
        if kind == "rescale":
            return layers.Rescaling(0.5, offset=0.25)(x)
        if kind == "embed_like":
            return layers.Dense(4)(layers.RepeatVector(self.between(1, 3))(x))[:, -1]
        if kind == "merge":
            y = layers.Dense(width, activation=self.activation())(x)
            return self.merge([x, y])
        return self.operation(x)

    def merge(self, inputs: list[Any]) -> Any:
        kind = self.pick(["Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Subtract",
                          "operator"])
        if kind == "Subtract":
            return layers.Subtract()(inputs[:2])
        if kind == "operator":
            return self.pick([lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b,
                              lambda a, b: ops.maximum(a, b),
                              lambda a, b: ops.where(a > b, a, b)])(inputs[0], inputs[1])
        return getattr(layers, kind)()(inputs)

    def operation(self, x: Any) -> Any:
        width = x.shape[-1]
        constant = np.linspace(0.5, 1.5, width).astype("float32")
        choices = [
            lambda: x + 1, lambda: 2 * x, lambda: x / 3.0, lambda: 1 - x, lambda: -x, lambda: x ** 2,
            lambda: x * constant, lambda: x + ops.arange(width, dtype="float32"),
            lambda: ops.tanh(x), lambda: ops.exp(-ops.square(x)), lambda: ops.abs(x),
            lambda: ops.clip(x, -0.5, 0.5), lambda: ops.softmax(x, axis=-1), lambda: ops.relu(x),
            lambda: ops.concatenate([x, x * 2], axis=-1),
            lambda: ops.squeeze(ops.expand_dims(x, 1), 1), lambda: x[:, None][:, 0],
            lambda: x[:, ::-1], lambda: x[..., : max(1, width // 2)],
            lambda: ops.flip(x, axis=-1), lambda: ops.roll(x, 1, axis=-1),
            lambda: ops.stack([x, -x], axis=1)[:, 0],
            lambda: ops.sum(x, axis=-1, keepdims=True) + x,
            lambda: x - ops.mean(x, axis=-1, keepdims=True),
            lambda: ops.cumsum(x, axis=-1), lambda: ops.sort(x, axis=-1),
            lambda: ops.cast(ops.argsort(x, axis=-1), "float32"),
            lambda: ops.cast(x > 0, "float32") * x, lambda: ops.maximum(x, 0.1),
            lambda: ops.where(x > 0, x, 0.0), lambda: ops.log1p(ops.abs(x)),
            lambda: ops.norm(x, axis=-1, keepdims=True) + x,
            lambda: ops.norm(x, ord=float("inf"), axis=-1, keepdims=True) * x,
            lambda: ops.normalize(x, axis=-1), lambda: ops.matmul(x[:, None], x[:, :, None])[:, 0],
            lambda: ops.tile(x, [1, 2]), lambda: ops.repeat(x, 2, axis=1),
            lambda: ops.split(x, 1, axis=-1)[0], lambda: ops.unstack(x, axis=-1)[0][:, None] + x,
            lambda: ops.take(x, [0], axis=-1) + x, lambda: ops.pad(x, [[0, 0], [1, 0]]),
            lambda: ops.one_hot(ops.argmax(x, axis=-1), width) * x,
            lambda: ops.cast(ops.cast(x * 4, "int32") // 2, "float32"),
            lambda: ops.cast(ops.logical_and(x > -1, x < 1), "float32"),
            lambda: ops.logsumexp(x, axis=-1, keepdims=True) + x,
            lambda: ops.mean(x, axis=-1, keepdims=True) * ops.std(x, axis=-1, keepdims=True) + x,
            lambda: ops.einsum("ab,ac->abc", x, x)[:, 0], lambda: ops.transpose(x[:, None], (0, 2, 1))[..., 0],
            lambda: ops.nan_to_num(ops.sqrt(x)), lambda: ops.minimum(x, x * 0.5),
            lambda: ops.max(x, axis=-1, keepdims=True) - x, lambda: ops.sign(x) * ops.sqrt(ops.abs(x)),
            lambda: ops.floor(x * 3) / 3, lambda: ops.round(x * 3), lambda: ops.erf(x),
            lambda: ops.top_k(x, 1)[0] + x, lambda: ops.average(x, axis=-1)[:, None] + x,
        ]
        return self.pick(choices)()

    # Sequences: (n, t, c).

    def recurrent(self, units: int, **options: Any) -> Any:
        kind = self.pick([layers.LSTM, layers.GRU, layers.SimpleRNN])
        more = {}
        if kind is layers.GRU:
            more["reset_after"] = self.chance(0.7)
        if self.chance(0.2):
            more["go_backwards"] = True
        if self.chance(0.2):
            more["activation"] = self.pick(["relu", "sigmoid", "softsign"])
        return kind(units, **options, **more)

    def sequence_layer(self, x: Any) -> Any:
        width, steps = x.shape[-1], x.shape[1]
        kind = self.pick(["rnn", "bidirectional", "conv", "distributed", "norm", "attention", "self",
                          "activation", "dense", "op", "merge", "border", "dropout", "cells"])
        units = self.between(2, 5)
        if kind == "rnn":
            return self.recurrent(units, return_sequences=True)(x)
        if kind == "cells":
            cells = [self.pick([layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell])(units)
                     for _ in range(self.between(1, 2))]
            return layers.RNN(cells if len(cells) > 1 else cells[0], return_sequences=True)(x)
        if kind == "bidirectional":
            inner = self.pick([layers.LSTM, layers.GRU, layers.SimpleRNN])(units, return_sequences=True)
            return layers.Bidirectional(inner, merge_mode=self.pick(["concat", "sum", "mul", "ave"]))(x)
        if kind == "conv":
            if steps is not None and steps < 3:
                return layers.Dense(units)(x)
            return self.pick([
                lambda: layers.Conv1D(units, 3, padding="same", activation=self.activation())(x),
                lambda: layers.Conv1D(units, 2, padding="causal", dilation_rate=2)(x),
                lambda: layers.SeparableConv1D(units, 3, padding="same")(x),
                lambda: layers.DepthwiseConv1D(3, padding="same", depth_multiplier=2)(x)])()
        if kind == "distributed":
            return layers.TimeDistributed(layers.Dense(units, activation=self.activation()))(x)
        if kind == "dense":
            return layers.Dense(units, activation=self.activation())(x)
        if kind == "norm":
            return self.pick([layers.LayerNormalization(), layers.BatchNormalization(),
                              layers.UnitNormalization(), layers.RMSNormalization()])(x)
        if kind == "attention":
            return self.pick([
                lambda: layers.Attention(use_scale=self.chance(0.5))([x, x]),
                lambda: layers.AdditiveAttention()([x, x]),
                lambda: layers.Attention(score_mode="concat")([x, x])])()
        if kind == "self":
            causal = self.chance(0.3)
            return self.pick([
                lambda: layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=causal),
                lambda: layers.MultiHeadAttention(2, 3, value_dim=2, output_shape=4)(x, x),
                lambda: layers.GroupQueryAttention(3, 2, 1)(x, x, use_causal_mask=causal)])()
        if kind == "activation":
            return self.pick([layers.Activation(self.pick(ACTIVATIONS)), layers.ReLU(), layers.Softmax(),
                              layers.PReLU(shared_axes=[1])])(x)
        if kind == "dropout":
            return self.pick([layers.Dropout(0.2), layers.SpatialDropout1D(0.2), layers.Identity()])(x)
        if kind == "border":
            if steps is None or steps < 4:
                return x
            return self.pick([layers.ZeroPadding1D(1), layers.Cropping1D(1), layers.UpSampling1D(2),
                              layers.AveragePooling1D(2), layers.MaxPooling1D(2)])(x)
        if kind == "merge":
            return self.merge([x, layers.Dense(width)(x)])
        return self.pick([
            lambda: x + 0.5, lambda: x * 2, lambda: ops.tanh(x), lambda: x[:, ::-1],
            lambda: ops.flip(x, axis=1), lambda: ops.cumsum(x, axis=1), lambda: ops.softmax(x, axis=1),
            lambda: x - ops.mean(x, axis=1, keepdims=True), lambda: ops.transpose(ops.transpose(x, (0, 2, 1)), (0, 2, 1)),
            lambda: ops.matmul(x, ops.ones((width, 2))), lambda: ops.swapaxes(ops.swapaxes(x, 1, 2), 1, 2)])()

    def to_vector(self, x: Any) -> Any:
        kind = self.pick(["rnn", "pool", "max", "last", "bidirectional", "mean"])
        if kind == "rnn":
            return self.recurrent(self.between(2, 5))(x)
        if kind == "bidirectional":
            return layers.Bidirectional(layers.GRU(3))(x)
        if kind == "pool":
            return layers.GlobalAveragePooling1D()(x)
        if kind == "max":
            return layers.GlobalMaxPooling1D()(x)
        if kind == "mean":
            return ops.mean(x, axis=1)
        return x[:, -1]

    # Pictures: (n, h, w, c).

    def picture_layer(self, x: Any) -> Any:
        _, height, width, channels = x.shape
        kind = self.pick(["conv", "conv", "depthwise", "separable", "transpose", "pool", "norm", "border",
                          "activation", "up", "op", "merge", "image", "squeeze"])
        filters = self.between(2, 5)
        padding = self.pick(["same", "valid"]) if min(height, width) > 4 else "same"
        strides = self.pick([1, 1, 2])
        if kind == "conv":
            return layers.Conv2D(filters * channels, 3, strides=strides, padding=padding,
                                 groups=self.pick([1, channels]), activation=self.activation())(x)
        if kind == "depthwise":
            return layers.DepthwiseConv2D(3, padding=padding, depth_multiplier=self.between(1, 2))(x)
        if kind == "separable":
            return layers.SeparableConv2D(filters, 3, padding=padding)(x)
        if kind == "transpose":
            return layers.Conv2DTranspose(filters, 3, strides=strides, padding=padding)(x)
        if kind == "pool":
            if min(height, width) < 4:
                return x
            return self.pick([layers.MaxPooling2D, layers.AveragePooling2D])(2, padding=padding)(x)
        if kind == "norm":
            return self.pick([layers.BatchNormalization(), layers.LayerNormalization(),
                              layers.GroupNormalization(groups=1)])(x)
        if kind == "border":
            return self.pick([layers.ZeroPadding2D(1), layers.ZeroPadding2D(((1, 0), (0, 2)))])(x)
        if kind == "activation":
            return self.pick([layers.Activation(self.pick(ACTIVATIONS)), layers.ReLU(6.0),
                              layers.PReLU(shared_axes=[1, 2]), layers.SpatialDropout2D(0.1)])(x)
        if kind == "up":
            if max(height, width) > 12:
                return x
            return layers.UpSampling2D(2, interpolation=self.pick(["nearest", "bilinear"]))(x)
        if kind == "image":
            if min(height, width) < 4:
                return x
            return self.pick([
                layers.CenterCrop(3, 4), layers.Resizing(5, 6), layers.RandomFlip(), layers.RandomRotation(0.1),
                layers.Rescaling(1 / 2), layers.Resizing(4, 4, interpolation="nearest"),
                layers.RandomContrast(0.1), layers.RandomZoom(0.1)])(x)
        if kind == "squeeze":
            gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
            return layers.Multiply()([x, layers.Dense(channels, activation="sigmoid")(gate)])
        if kind == "merge":
            return self.merge([x, layers.Conv2D(channels, 1)(x)])
        return self.pick([
            lambda: x + 1, lambda: ops.relu(x), lambda: x[:, ::-1], lambda: ops.transpose(x, (0, 2, 1, 3)),
            lambda: x / 2, lambda: ops.pad(x, [[0, 0], [1, 1], [0, 0], [0, 0]], mode="reflect")])()

    # Models.

    def inputs(self, *tensors: Any) -> Any:
        arrays = []
        for tensor in tensors:
            shape = [3] + [4 if length is None else length for length in tensor.shape[1:]]
            if "int" in tensor.dtype:
                arrays.append(self.rng.integers(0, 7, shape).astype(tensor.dtype))
            else:
                arrays.append(self.rng.normal(size=shape).astype(tensor.dtype))
        return arrays

    def times(self, function: Callable[[Any], Any], x: Any, low: int, high: int) -> Any:
        for _ in range(self.between(low, high)):
            x = function(x)
        return x

    def vectors(self) -> Any:
        a = keras.Input((self.between(2, 6),))
        x = self.times(self.vector_layer, a, 2, 7)
        return [a], [x]

    def tokens(self) -> Any:
        steps = self.pick([4, 5, None])
        a = keras.Input((steps,), dtype=self.pick(["int32", "int64"]))
        x = layers.Embedding(8, self.between(2, 5), mask_zero=self.chance(0.7))(a)
        x = self.times(self.sequence_layer, x, 1, 4)
        if self.chance(0.6):
            x = self.times(self.vector_layer, self.to_vector(x), 0, 3)
        return [a], [x]

    def masked(self) -> Any:
        a = keras.Input((5, 3))
        x = layers.Masking(0.0)(a)
        x = self.times(self.sequence_layer, x, 1, 3)
        return [a], [self.to_vector(x)]

    def two_masks(self) -> Any:
        a, b = keras.Input((5,), dtype="int32"), keras.Input((5,), dtype="int32")
        width = self.between(2, 4)
        x = layers.Embedding(8, width, mask_zero=self.chance(0.8))(a)
        y = layers.Embedding(8, width, mask_zero=self.chance(0.8))(b)
        if self.chance(0.3):
            y = layers.Dense(width)(y)
        x = self.pick([layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum,
                       layers.Concatenate, layers.Subtract])()([x, y])
        return [a, b], [self.to_vector(x) if self.chance(0.7) else x]

    def sequences(self) -> Any:
        a = keras.Input((self.between(4, 7), self.between(2, 4)))
        x = self.times(self.sequence_layer, a, 1, 4)
        return [a], [self.to_vector(x) if self.chance(0.6) else x]

    def translation(self) -> Any:
        a, b = keras.Input((4, 3)), keras.Input((5, 3))
        kind = self.pick(["lstm", "gru", "attention"])
        if kind == "attention":
            x = layers.MultiHeadAttention(2, 4)(b, a)
            return [a, b], [layers.LayerNormalization()(x + b)]
        cell = layers.LSTM if kind == "lstm" else layers.GRU
        states = cell(4, return_state=True)(a)[1:]
        x = cell(4, return_sequences=True)(b, initial_state=states)
        return [a, b], [layers.Dense(3, activation="softmax")(x)]

    def pictures(self) -> Any:
        a = keras.Input((self.between(6, 9), self.between(6, 9), self.between(1, 3)))
        x = self.times(self.picture_layer, a, 2, 5)
        if self.chance(0.6):
            x = self.pick([layers.GlobalAveragePooling2D(), layers.GlobalMaxPooling2D(), layers.Flatten()])(x)
            x = self.times(self.vector_layer, x, 0, 2)
        return [a], [x]

    def films(self) -> Any:
        a = keras.Input((3, 5, 5, 2))
        x = self.pick([
            lambda: layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True)(a),
            lambda: layers.TimeDistributed(layers.Conv2D(2, 3))(a),
            lambda: layers.Conv3D(2, 2)(a), lambda: layers.ConvLSTM2D(2, 2)(a),
            lambda: layers.MaxPooling3D((1, 2, 2))(a), lambda: layers.Conv3DTranspose(2, 2)(a)])()
        return [a], [layers.Flatten()(x) if self.chance(0.5) else x]

    def nested(self) -> Any:
        width = self.between(2, 5)
        inner_input = keras.Input((width,))
        inner = keras.Model(
            inner_input, self.times(self.vector_layer, inner_input, 1, 3), name="inner")
        a = keras.Input((width,))
        x = layers.Dense(width, activation=self.activation())(a) if self.chance(0.5) else a
        x = inner(x)
        if self.chance(0.4):
            x = layers.Concatenate()([x, inner(layers.Dense(width)(a))])
        return [a], [self.times(self.vector_layer, x, 0, 3)]

    def shared(self) -> Any:
        a, b = keras.Input((4,)), keras.Input((4,))
        tower = keras.Sequential([layers.Dense(3, activation=self.activation()),
                                  layers.BatchNormalization()], name="tower")
        layer = self.pick([tower, layers.Dense(3)])
        x = self.merge([layer(a), layer(b)])
        return [a, b], [self.times(self.vector_layer, x, 0, 3)]

    def several(self) -> Any:
        a = keras.Input((4,), name="a")
        x = self.times(self.vector_layer, a, 1, 3)
        return [a], [layers.Dense(2, name="first")(x), layers.Dense(1, name="second")(x)]

    def integers(self) -> Any:
        a = keras.Input((4,), dtype=self.pick(["int32", "int64", "uint8", "bool"]))
        x = self.pick([
            lambda: layers.Dense(3)(ops.cast(a, "float32")), lambda: ops.cast(a, "int32") * 2 + 1,
            lambda: ops.sum(ops.cast(a, "int32"), axis=-1), lambda: ops.mean(a, axis=-1),
            lambda: ops.cumsum(a, axis=-1), lambda: ops.where(ops.cast(a, "bool"), 1.5, a),
            lambda: ops.maximum(ops.cast(a, "int32"), 2), lambda: ops.cast(a, "float32") / 2,
            lambda: ops.cast(a, "int32") // 2, lambda: ops.exp(ops.cast(a, "int32")),
            lambda: ops.cumprod(a, axis=-1), lambda: ops.sort(a, axis=-1), lambda: ops.equal(a, 1),
            lambda: ops.concatenate([ops.cast(a, "int32"), ops.cast(a, "int64")], axis=-1),
            lambda: layers.Flatten()(layers.Reshape((2, 2))(a))])()
        return [a], [x]

    def sequential(self) -> Any:
        rest = [layers.Dense(self.between(1, 6), activation=self.activation()) for _ in range(self.between(1, 3))]
        model = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.Dropout(0.1), *rest])
        return model

    FAMILIES: ClassVar = ["vectors", "vectors", "tokens", "tokens", "masked", "two_masks", "two_masks", "sequences",
                "sequences", "translation", "pictures", "pictures", "films", "nested", "nested", "shared",
                "several", "integers", "sequential"]

    def build(self) -> tuple[str, Any, list[Any]]:
        keras.config.set_dtype_policy(self.policy)
        family = self.pick(self.FAMILIES)
        drawn = getattr(self, family)()
        model = drawn if isinstance(drawn, keras.Model) else keras.Model(*drawn)
        for weight in model.weights:
            shape = tuple(weight.shape)
            if "seed" in weight.path or "int" in str(weight.dtype):
                continue
            values = self.rng.normal(size=shape) * 0.4
            if "variance" in weight.path:
                values = np.abs(values) + 0.5
            weight.assign(values.astype("float32"))
        if self.chance(0.2):
            model.compile(optimizer=self.pick(["adam", "sgd", "rmsprop"]), loss="mse")
        return family, model, self.inputs(*model.inputs)


def make(number: int, path: str, attempts: int = 20) -> tuple[str, str, list[Any], list[Any]]:
    """The model of a number, saved at a path: what Keras itself cannot build, save and load is drawn again."""
    for attempt in range(attempts):
        keras.backend.clear_session()
        builder = Builder(number * 1000 + attempt)
        try:
            family, model, arrays = builder.build()
            # What Keras makes of the file counts: some layers come back in another type (SpatialDropout).
            model.save(path)
            model = keras.models.load_model(path)
            outputs = keras.tree.flatten(
                model.predict(arrays if len(arrays) > 1 else arrays[0], verbose=0))
        except Exception:  # noqa: BLE001, S112 - whatever Keras raises, it cannot run this one
            continue
        finally:
            keras.config.set_dtype_policy("float32")
        if all(np.isfinite(np.asarray(x, dtype="float64")).all() for x in outputs):
            return family, builder.policy, arrays, outputs
    raise RuntimeError(f"nothing that Keras can run for number {number}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    rows = []
    for number in range(options.first, options.first + options.count * options.every, options.every):
        name = f"{number:04}"
        path = os.path.join(options.folder, name)
        family, policy, arrays, outputs = make(number, path + ".keras")
        for index, array in enumerate(arrays):
            np.save(f"{path}.in{index}.npy", array)
        np.savez(path + ".out.npz", **{  # type: ignore[arg-type]
            f"{index:03}": np.asarray(x, dtype="float32") if "bfloat16" in str(x.dtype) else x
            for index, x in enumerate(outputs)})
        rows.append({"name": name, "family": family, "policy": policy, "inputs": len(arrays),
                     "backend": keras.backend.backend(), "types": [str(x.dtype) for x in outputs]})
    with open(os.path.join(options.folder, f"models-{keras.backend.backend()}.json"), "w") as file:
        json.dump(rows, file, indent=0)


if __name__ == "__main__":
    main()
