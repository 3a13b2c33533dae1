#!/usr/bin/env python3
"""Files that Keras writes on its TensorFlow back end, and what it computes with them.

    make_keras_tensorflow.py [FOLDER]

Writes `.keras` files and expected.safetensors: of each model what goes in (`name/in0`) and what comes out
(`name/out0`). Needs the packages of Tests/Keras/requirements-models.txt and safetensors.
"""
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import safetensors.numpy
from keras import layers, ops

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "keras", "tensorflow")
rng = np.random.default_rng(11)


def masked(kind):
    a, b = keras.Input((4,), dtype="int32"), keras.Input((4,), dtype="int32")
    x = layers.Embedding(5, 2, mask_zero=True)(a)
    y = layers.Embedding(5, 2, mask_zero=True)(b)
    return keras.Model([a, b], layers.GlobalAveragePooling1D()(kind()([x, y])))


def normalization():
    layer = layers.Normalization()
    layer.adapt(rng.normal(size=(9, 3)).astype("float32"))
    return keras.Sequential([keras.Input((3,)), layer])


def translation():
    a, b = keras.Input((3, 2)), keras.Input((4,))
    return keras.Model([a, b], layers.GRU(4)(a, initial_state=b))


def attention():
    a, b = keras.Input((3, 4)), keras.Input((5, 4))
    return keras.Model([a, b], layers.MultiHeadAttention(1, 2)(a, b))


def nested():
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(2, dtype="mixed_float16")])
    a = keras.Input((3,))
    x = layers.Dense(3, dtype="mixed_float16")(a)
    b = keras.Input((3,))
    function = keras.Model(b, layers.Dense(2, dtype="mixed_float16")(b), name="function")
    return keras.Model(a, ops.cast(layers.Add()([inner(a), function(x)]), "float32"))


def constants():
    a = keras.Input((3,))
    x = a * np.array([1, 2, 3], "float32") + ops.arange(3, dtype="float32")
    return keras.Model(a, ops.norm(x[:, None, ::-1], ord=float("inf"), axis=-1))


def activations():
    return keras.Sequential([keras.Input((3,)), layers.Dense(3, activation=layers.LeakyReLU(0.1)),
                             layers.Dense(2, activation="hard_sigmoid"), layers.Identity()])


def compiled():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)], name="m")
    model.compile(optimizer="adam", loss="mse")
    return model


def cells():
    a = keras.Input((4, 2))
    return keras.Model(a, layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)])(a))


def pictures():
    a = keras.Input((5, 5, 1))
    x = layers.RandomFlip()(layers.Resizing(4, 6)(a))
    return keras.Model(a, layers.CenterCrop(2, 3)(x))


def films():
    a = keras.Input((2, 4, 4, 1))
    return keras.Model(a, layers.ConvLSTM2D(1, 2)(a))


def whole():
    a = keras.Input((3,), dtype="int32")
    b = keras.Input((3,), dtype="bool")
    return keras.Model([a, b], [
        ops.cumsum(b, axis=-1), ops.where(b, a, 0.5), ops.normalize(a, order=1), a // 2, ops.mean(a, axis=-1),
        layers.Dense(1)(a), ops.equal(a, 1)])


MODELS = {
    "multiply": lambda: masked(layers.Multiply), "maximum": lambda: masked(layers.Maximum),
    "minimum": lambda: masked(layers.Minimum), "normalization": normalization, "translation": translation,
    "attention": attention, "nested": nested, "constants": constants, "activations": activations,
    "compiled": compiled, "cells": cells, "pictures": pictures, "films": films, "whole": whole,
}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    expected = {}
    for name, make in MODELS.items():
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)
        model = make()
        for weight in model.weights:
            if "float" in str(weight.dtype) and "normalization" not in weight.path:
                weight.assign(rng.normal(size=tuple(weight.shape)) * 0.5)
        arrays = []
        for index, tensor in enumerate(model.inputs):
            shape = [2, *tensor.shape[1:]]
            array = (rng.integers(0, 4, shape).astype("int32") if "int" in tensor.dtype
                     else rng.integers(0, 2, shape).astype(bool) if tensor.dtype == "bool"
                     else rng.normal(size=shape).astype("float32"))
            expected[f"{name}/in{index}"] = array
            arrays.append(array)
        results = keras.tree.flatten(model.predict(arrays if len(arrays) > 1 else arrays[0], verbose=0))
        for index, result in enumerate(results):
            expected[f"{name}/out{index}"] = np.asarray(result)
        model.save(os.path.join(FOLDER, f"{name}.keras"))
    safetensors.numpy.save_file(expected, os.path.join(FOLDER, "expected.safetensors"))


if __name__ == "__main__":
    main()
