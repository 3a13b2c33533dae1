#!/usr/bin/env python3
"""Models of Keras that take texts: lookups, vectorization, hashing; and what Keras computes with them.

    make_keras_vocabularies.py [FOLDER]

Writes `.keras` files with, for each, `<name>.in<i>.npy` and `<name>.out<i>.npy`, texts as NumPy's `U` or `S`. Needs the
packages of Tests/Keras/requirements-models.txt.
"""
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "keras", "vocabularies")
SENTENCES = np.array([["The cat, the HAT."], ["a  b\tc\n"], [""], ["Ünder the tree; cat!"]])
WORDS = np.array([["a", "b"], ["", "zz"], ["c", "a"]])
# Of every length that FarmHash treats in its own way.
LENGTHS = np.array([["x" * n + "é" for n in (0, 1, 3, 5)], ["yz" * n for n in (4, 7, 9, 16)],
                    ["abc" * n for n in (12, 21, 22, 43)], ["", "q" * 63, "q" * 64, "q" * 129]])
BYTES = np.array([[b"a\xff"], [b"\xe2\x82a"], [b"\xed\xa0\x80"], [b"caf\xc3\xa9"]])
NUMBERS = np.array([[1, 2, 9], [-4, 2, 7]])


def single(layer, shape, dtype="string"):
    given = keras.Input(shape, dtype=dtype)
    return keras.Model(given, layer(given))


def adapted(layer, data):
    layer.adapt(data)
    return layer


def classifier():
    given = keras.Input((1,), dtype="string", name="text")
    places = adapted(layers.TextVectorization(output_sequence_length=5), SENTENCES)(given)
    x = layers.Embedding(16, 3, mask_zero=True)(places)
    return keras.Model(given, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))


def nested():
    inner = single(adapted(layers.StringLookup(), WORDS), (2,))
    given = keras.Input((2,), dtype="string")
    return keras.Model(given, layers.StringLookup(
        vocabulary=["q", "r"], invert=True)(layers.Identity()(inner(given))))


def crossing(mode):
    a, b = keras.Input((1,), dtype="string"), keras.Input((1,), dtype="int32")
    return keras.Model([a, b], layers.HashedCrossing(11, output_mode=mode)([a, b]))


MODELS = {
    "classifier": (classifier, [SENTENCES]),
    "bigrams": (lambda: single(adapted(layers.TextVectorization(ngrams=2), SENTENCES), (1,)), [SENTENCES]),
    "pairs": (lambda: single(layers.TextVectorization(
        ngrams=(2,), vocabulary=["a b", "b", "a"], split=None, standardize=None), (2,)), [WORDS]),
    "counts": (lambda: single(adapted(layers.TextVectorization(
        output_mode="count", standardize="lower"), SENTENCES), (1,)), [SENTENCES]),
    "weighed": (lambda: single(adapted(layers.TextVectorization(
        output_mode="tf_idf", max_tokens=6), SENTENCES), (1,)), [SENTENCES]),
    "characters": (lambda: single(adapted(layers.TextVectorization(
        split="character", standardize="strip_punctuation", output_mode="multi_hot"), BYTES), (1,)), [BYTES]),
    "given": (lambda: single(layers.TextVectorization(
        vocabulary=["cat", "the"], output_mode="tf_idf", idf_weights=[0.5, 2.0]), (1,)), [SENTENCES]),
    "lookup": (lambda: single(adapted(layers.StringLookup(mask_token="", num_oov_indices=3), WORDS), (2,)), [WORDS]),
    "one_hot": (lambda: single(layers.StringLookup(vocabulary=["a", "c"], output_mode="one_hot"), (2,)), [WORDS]),
    "salted": (lambda: single(layers.StringLookup(
        vocabulary=["a"], num_oov_indices=97, salt=[7, 9]), (4,)), [LENGTHS]),
    "lookup_weighed": (lambda: single(adapted(layers.StringLookup(output_mode="tf_idf"), WORDS[::2]), (2,)), [WORDS]),
    "nested": (nested, [WORDS]),
    "integers": (lambda: single(adapted(layers.IntegerLookup(
        num_oov_indices=5, mask_token=0), NUMBERS), (3,), "int64"), [NUMBERS * 3]),
    "integers_hashed": (lambda: single(layers.IntegerLookup(
        vocabulary=[2, 7], num_oov_indices=6, oov_method="farmhash", output_mode="count"), (3,), "int64"), [NUMBERS]),
    "hashing": (lambda: single(layers.Hashing(1 << 30), (4,)), [LENGTHS]),
    "hashing_salted": (lambda: single(layers.Hashing(1 << 30, salt=133), (4,)), [LENGTHS]),
    "hashing_masked": (lambda: single(layers.Hashing(5, mask_value="a", output_mode="count"), (2,)), [WORDS]),
    "hashing_floats": (lambda: single(layers.Hashing(7, mask_value=2, dtype="int32"), (3,), "float32"),
                       [NUMBERS.astype("float32") * 1.5]),
    "crossing": (lambda: crossing("int"), [WORDS[:, :1], NUMBERS.reshape(6, 1)[:3].astype("int32")]),
    "crossing_one_hot": (lambda: crossing("one_hot"), [WORDS[:, 1:], NUMBERS.reshape(6, 1)[3:].astype("int32")]),
}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name, (make, arrays) in MODELS.items():
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)
        model = make()
        given = [tf.constant(array) for array in arrays]
        result = model.predict(given if len(given) > 1 else given[0], verbose=0)
        if result.dtype == object:
            result = np.array([text.decode() for text in result.flat]).reshape(result.shape)
        for index, array in enumerate(arrays):
            np.save(os.path.join(FOLDER, f"{name}.in{index}.npy"), array)
        np.save(os.path.join(FOLDER, f"{name}.out0.npy"), result)
        model.save(os.path.join(FOLDER, f"{name}.keras"))


if __name__ == "__main__":
    main()
