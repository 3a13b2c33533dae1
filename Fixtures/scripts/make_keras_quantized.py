#!/usr/bin/env python3
"""Models of Keras whose weights are kept in few bits (`quantize`), or were tuned with LoRA, and what Keras computes with
them.

    make_keras_quantized.py [FOLDER]

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
    os.path.dirname(os.path.abspath(__file__)), "..", "keras", "quantized")
rng = np.random.default_rng(23)


def words(policy=None):
    return keras.Sequential([
        keras.Input((4,), dtype="int32"), layers.Embedding(8, 5, dtype=policy if isinstance(policy, str) else None),
        layers.EinsumDense("abc,cde->abde", (4, 3, 2), bias_axes="de", activation="relu", dtype=policy),
        layers.Reshape((24,)), layers.Dense(3, activation="tanh", dtype=policy),
        layers.Activation("linear", dtype="float32")])


def einsums():
    a = keras.Input((2, 3, 4))
    x = layers.EinsumDense("abcd,de->abce", (2, 3, 5))(a)
    x = layers.EinsumDense("abcd,ecb->aed", (3, 5))(x)
    return keras.Model(a, layers.EinsumDense("abc,cb->ac", 5)(x))


def long():
    return keras.Sequential([keras.Input((1200,)), layers.Dense(2)])


def attention():
    a = keras.Input((3, 4))
    return keras.Model(a, layers.MultiHeadAttention(2, 2)(a, a))


def quantized(make, mode, **options):
    model = make()
    if options:
        config = getattr(keras.quantizers, f"{mode.capitalize()}QuantizationConfig")(**options)
        model.quantize(config=config)
    else:
        model.quantize(mode)
    return model


def scaled(model):
    for weight in model.weights:
        if weight.name in ("inputs_scale", "kernel_scale"):
            weight.assign(0.37)
    return model


def lora(mode=None):
    model = words()
    if mode:
        model.quantize(mode)
    for layer in model.layers:
        if hasattr(layer, "enable_lora"):
            layer.enable_lora(2)
            for name in ("lora_embeddings_b", "lora_kernel_b"):
                if hasattr(layer, name):
                    weight = getattr(layer, name)
                    weight.assign(rng.normal(size=weight.shape) * 0.1)
    return model


INTS = lambda: rng.integers(0, 8, (2, 4)).astype("int32")
MODELS = {
    "int8": (lambda: quantized(words, "int8"), INTS),
    "int8_mixed": (lambda: quantized(lambda: words("mixed_bfloat16"), "int8"), INTS),
    "int8_einsums": (lambda: quantized(einsums, "int8"), lambda: rng.normal(size=(2, 2, 3, 4))),
    "int8_long": (lambda: quantized(long, "int8"), lambda: rng.normal(size=(2, 1200))),
    "int8_weights_only": (lambda: quantized(words, "int8", activation_quantizer=None), INTS),
    "int4": (lambda: quantized(words, "int4"), INTS),
    "int4_blocks": (lambda: quantized(words, "int4", block_size=2), INTS),
    "int4_columns": (lambda: quantized(words, "int4", block_size=-1), INTS),
    "int4_einsums": (lambda: quantized(einsums, "int4", block_size=4), lambda: rng.normal(size=(2, 2, 3, 4))),
    "float8": (lambda: scaled(words(keras.dtype_policies.QuantizedFloat8DTypePolicy(
        "float8", "float32", amax_history_length=4))), INTS),
    "lora": (lora, INTS),
    "lora_int8": (lambda: lora("int8"), INTS),
}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name, (make, draw) in MODELS.items():
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)
        array = draw()
        if array.dtype == float:
            array = array.astype("float32")
        path = os.path.join(FOLDER, f"{name}.keras")
        make().save(path)
        # As it is read: LoRA is merged on saving, and rounded anew.
        result = keras.models.load_model(path).predict(array, verbose=0)
        np.save(os.path.join(FOLDER, f"{name}.in0.npy"), array)
        np.save(os.path.join(FOLDER, f"{name}.out0.npy"), result)


if __name__ == "__main__":
    main()
