#!/usr/bin/env python3
"""Files that Keras writes on its JAX back end as it is by default, and what Keras on TensorFlow computes with them.

    make_keras_jax.py [FOLDER]

JAX has no types of 64 bits unless it is asked for them, so a model in float64 has weights in float32 there.
Writes `.keras` files and expected.safetensors: of each model what goes in (`name/in0`) and what comes out
(`name/out0`). Needs the packages of Tests/Keras/requirements-models.txt and safetensors.
"""
import os
import subprocess
import sys

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "keras", "jax")
PART = "CAIRN_FIXTURE_PART"
if PART not in os.environ:
    for backend in ["jax", "tensorflow"]:
        subprocess.run([sys.executable, __file__, FOLDER], check=True, env={
            **os.environ, PART: backend, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1"})
    sys.exit(0)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(13)


def in_float64():
    keras.config.set_dtype_policy("float64")
    return keras.Sequential([
        keras.Input((3,)), layers.Dense(4, activation="tanh"), layers.BatchNormalization(), layers.Dense(2)])


def tower():
    """A stack in half precision, called twice from a model whose inputs are float32."""
    first, second = keras.Input((4,)), keras.Input((4,))
    keras.config.set_dtype_policy("mixed_bfloat16")
    shared = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu")], name="tower")
    return keras.Model([first, second], layers.Subtract()([shared(first), shared(second)]))


def weightless():
    inner_in = keras.Input((3,))
    inner = keras.Model(inner_in, layers.GaussianDropout(0.3)(inner_in * 2))
    outer_in = keras.Input((3,))
    return keras.Model(outer_in, inner(outer_in) + 1)


MODELS = {"float64": in_float64, "tower": tower, "weightless": weightless}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    if os.environ[PART] == "jax":
        for name, make in MODELS.items():
            keras.backend.clear_session()
            keras.utils.set_random_seed(5)
            model = make()
            keras.config.set_dtype_policy("float32")
            for weight in model.weights:
                if "seed" not in weight.path:
                    weight.assign(np.abs(rng.normal(size=tuple(weight.shape))) * 0.5)
            model.save(os.path.join(FOLDER, f"{name}.keras"))
        return
    import safetensors.numpy
    expected = {}
    for name in MODELS:
        model = keras.models.load_model(os.path.join(FOLDER, f"{name}.keras"))
        arrays = []
        for index, tensor in enumerate(model.inputs):
            array = rng.normal(size=[2, *tensor.shape[1:]]).astype("float32")
            expected[f"{name}/in{index}"] = array
            arrays.append(array)
        result = np.asarray(model.predict(arrays if len(arrays) > 1 else arrays[0], verbose=0))
        expected[f"{name}/out0"] = result.astype("float32") if "bfloat16" in str(result.dtype) else result
    safetensors.numpy.save_file(expected, os.path.join(FOLDER, "expected.safetensors"))


if __name__ == "__main__":
    main()
