"""Keras in float64, with JAX."""

from contextlib import contextmanager

import jax
from keras.src.backend.common import dtypes


@contextmanager
def computed():
    """Keras computing in float64 throughout.

    Unless its backend is TensorFlow, it makes float32 of the float64 that its promotion of types
    comes to, also within layers that were asked for float64: tanh, means, and what builds on them. Its
    rule for TensorFlow is put in place of that one.
    """
    rules = dtypes.BIT64_TO_BIT32_DTYPE
    before = rules["float64"]
    rules["float64"] = "float64"
    try:
        with jax.enable_x64(True):
            yield
    finally:
        rules["float64"] = before
