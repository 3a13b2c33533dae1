#!/usr/bin/env python3
"""Models of Keras of layers that few models have: adaptive pooling, embeddings that go back, recurrent layers that
keep their states.

    make_keras_further.py [FOLDER]

Writes files in the form of make_keras_vocabularies.py. Needs the packages of Tests/Keras/requirements-models.txt.
"""
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from keras import layers

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "keras", "further")
rng = np.random.default_rng(31)


def single(layer, shape, **options):
    given = keras.Input(batch_shape=(2, *shape), **options)
    return keras.Model(given, layer(given))


def reversible(tied):
    given = keras.Input(batch_shape=(2, 3), dtype="int32")
    layer = layers.ReversibleEmbedding(5, 4, tie_weights=tied, logit_soft_cap=None if tied else 2.5)
    return keras.Model(given, layer(layer(given), reverse=True))


MODELS = {
    "adaptive_average": lambda: single(layers.AdaptiveAveragePooling2D((3, 4)), (7, 5, 2)),
    "adaptive_max": lambda: single(layers.AdaptiveMaxPooling1D(4, data_format="channels_first"), (2, 3)),
    "adaptive_average_3d": lambda: single(layers.AdaptiveAveragePooling3D(2), (3, 4, 5, 1)),
    "random_crop": lambda: single(layers.RandomCrop(4, 4), (4, 6, 1)),
    "reversible": lambda: reversible(True),
    "reversible_untied": lambda: reversible(False),
    "stateful_lstm": lambda: single(layers.LSTM(2, stateful=True), (3, 2)),
    "stateful_films": lambda: single(layers.ConvLSTM1D(2, 2, stateful=True), (3, 4, 1)),
    "stateful_cells": lambda: single(layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)], stateful=True), (3, 2)),
    "stateful_both": lambda: single(layers.Bidirectional(layers.GRU(2, stateful=True)), (3, 2)),
}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name, make in MODELS.items():
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)
        model = make()
        for weight in model.weights:
            weight.assign(rng.normal(size=tuple(weight.shape)) * 0.5)
        shape = tuple(model.inputs[0].shape)
        array = (rng.integers(0, 4, shape).astype("int32") if "int" in model.inputs[0].dtype
                 else rng.normal(size=shape).astype("float32"))
        np.save(os.path.join(FOLDER, f"{name}.in0.npy"), array)
        np.save(os.path.join(FOLDER, f"{name}.out0.npy"), model.predict(array, verbose=0))
        model.save(os.path.join(FOLDER, f"{name}.keras"))


if __name__ == "__main__":
    main()
