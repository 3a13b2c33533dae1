#!/usr/bin/env python3
"""Every operation in every element type: what `cairn predict` gives, of which type, against Keras on TensorFlow.

    test_operations.py --cairn PATH [--only NAME,…]

A model of each operation for each type that goes in; those that Keras itself cannot run are left out.
"""
import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from keras import ops

TYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
UNARY = """abs absolute negative square sqrt exp expm1 log log1p log2 log10 sin cos tan sinh cosh tanh arcsin
arccos arctan arcsinh arctanh sign floor ceil round trunc reciprocal isnan isinf isfinite logical_not relu relu6
sigmoid softplus silu erf rsqrt nan_to_num zeros_like ones_like deg2rad rad2deg cbrt exp2 sum mean prod max min var
std any all count_nonzero argmax argmin median cumsum cumprod sort argsort flip transpose ravel ptp softmax
log_softmax gelu selu leaky_relu hard_sigmoid normalize logsumexp""".split()
BINARY = """add subtract multiply divide true_divide floor_divide mod power maximum minimum equal not_equal greater
greater_equal less less_equal logical_and logical_or logical_xor arctan2 hypot fmod logaddexp divide_no_nan matmul
bitwise_and bitwise_or bitwise_xor heaviside fmax fmin outer""".split()
MORE: dict[str, Callable[[Any], Any]] = {
    "where": lambda x: ops.where(ops.cast(x, "bool"), x, 2), "where_float": lambda x: ops.where(x > 0, 1.5, x),
    "clip": lambda x: ops.clip(x, 0, 1), "sum_axis": lambda x: ops.sum(x, axis=-1, keepdims=True),
    "mean_axis": lambda x: ops.mean(x, axis=0), "norm": lambda x: ops.norm(x, axis=-1),
    "norm_inf": lambda x: ops.norm(x, ord=float("inf"), axis=-1), "norm_one": lambda x: ops.norm(x, ord=1, axis=-1),
    "norm_low": lambda x: ops.norm(x, ord=float("-inf"), axis=-1), "norm_zero": lambda x: ops.norm(x, ord=0, axis=-1),
    "norm_matrix": lambda x: ops.norm(x, ord=float("inf")), "norm_columns": lambda x: ops.norm(x, ord=1, axis=(0, 1)),
    "norm_three": lambda x: ops.norm(x, ord=3, axis=-1), "normalize_three": lambda x: ops.normalize(x, order=3),
    "cumsum_axis": lambda x: ops.cumsum(x, axis=1), "cumprod_axis": lambda x: ops.cumprod(x, axis=1),
    "add_one": lambda x: x + 1, "add_half": lambda x: x + 0.5, "times_list": lambda x: x * np.array([1, 2, 3], "int32"),
    "half_of": lambda x: x / 2, "whole_half": lambda x: x // 2, "rest": lambda x: x % 2, "cube": lambda x: x ** 3,
    "equal_tenth": lambda x: ops.equal(x, 0.1), "concatenate": lambda x: ops.concatenate([x, ops.cast(x, "int32")], axis=0),
    "stack": lambda x: ops.stack([x, ops.cast(x, "float16")]), "diff": lambda x: ops.diff(x, axis=-1),
    "one_hot": lambda x: ops.one_hot(ops.cast(x, "int32"), 3), "take": lambda x: ops.take(x, [0, -1], axis=1),
    "top_k": lambda x: ops.top_k(x, 2)[0], "tile": lambda x: ops.tile(x, [2, 1]), "repeat": lambda x: ops.repeat(x, 2, axis=1),
    "pad": lambda x: ops.pad(x, [[0, 1], [1, 0]]), "roll": lambda x: ops.roll(x, 1), "tril": lambda x: ops.tril(x),
    "cast_int": lambda x: ops.cast(x, "int32"), "cast_bool": lambda x: ops.cast(x, "bool"), "average": lambda x: ops.average(x, axis=1),
    "moments": lambda x: ops.moments(ops.cast(x, "float32"), axes=[1])[1], "einsum": lambda x: ops.einsum("ab,cb->ac", x, x),
    "quantile": lambda x: ops.quantile(x, 0.3, axis=-1), "isclose": lambda x: ops.isclose(x, 1), "dot": lambda x: ops.dot(x, ops.transpose(x)),
    "tensordot": lambda x: ops.tensordot(x, x, axes=[[1], [1]]), "inner": lambda x: ops.inner(x, x), "full_like": lambda x: ops.full_like(x, 2),
    "append": lambda x: ops.append(x, x, axis=0), "reverse": lambda x: x[::-1, None, 1:], "unstack": lambda x: ops.unstack(x, axis=1)[1],
    "array_split": lambda x: ops.array_split(x, 2, axis=1)[0], "layer_add": lambda x: keras.layers.Add()([x, x]),
    "layer_multiply": lambda x: keras.layers.Multiply()([x, x]), "layer_average": lambda x: keras.layers.Average()([x, x]),
    "layer_maximum": lambda x: keras.layers.Maximum()([x, x]), "layer_dense": lambda x: keras.layers.Dense(2)(x),
    "layer_flatten": lambda x: keras.layers.Flatten()(x), "layer_reshape": lambda x: keras.layers.Reshape((3, 1))(x),
    "layer_concatenate": lambda x: keras.layers.Concatenate()([x, x]), "layer_repeat": lambda x: keras.layers.RepeatVector(2)(x),
    "layer_norm": lambda x: keras.layers.LayerNormalization()(x), "layer_rescaling": lambda x: keras.layers.Rescaling(0.5)(x),
}


def alone(name: str) -> Callable[[Any], Any]:
    """Looked up when it is called: not every Keras has every operation."""
    return lambda x: getattr(ops, name)(x)


def with_itself(name: str, other: str | None = None) -> Callable[[Any], Any]:
    """An operation on a tensor and on the same one, of another type if one is given."""
    return lambda x: getattr(ops, name)(x, ops.cast(x, other) if other else x)


def rows() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    for name in UNARY:
        yield name, alone(name)
    for name in BINARY:
        yield name, with_itself(name)
        for other in ["int32", "float32", "float16"]:
            yield f"{name}_{other}", with_itself(name, other)
    yield from MORE.items()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cairn", required=True)
    parser.add_argument("--only")
    options = parser.parse_args()
    rng = np.random.default_rng(5)
    counts = {"same": 0, "wrong": 0, "refused": 0, "left out": 0}
    with tempfile.TemporaryDirectory() as folder:
        def path(name: str) -> str:
            return os.path.join(folder, name)

        for name, function in rows():
            if options.only and name not in options.only.split(","):
                continue
            for dtype in TYPES:
                keras.backend.clear_session()
                array = (rng.integers(0, 3, (3, 3)) if dtype in ("bool", "uint8") else
                         rng.integers(-2, 4, (3, 3)) if "int" in dtype else rng.normal(size=(3, 3)) * 2).astype(dtype)
                try:
                    inputs = keras.Input(batch_shape=(3, 3), dtype=dtype)
                    model = keras.Model(inputs, function(inputs))
                    expected = np.asarray(model(array, training=False))
                    model.save(path("m.keras"))
                except Exception:  # noqa: BLE001 - whatever Keras raises, it has no answer to compare with
                    counts["left out"] += 1
                    continue
                np.save(path("x.npy"), array)
                done = subprocess.run([options.cairn, "predict", path("m.keras"), "--input", path("x.npy"),
                                       "--output", path("y.npz")], capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    counts["refused"] += 1
                    print(f"refused {name} {dtype}: {done.stderr.strip()[-200:]}")
                    continue
                with np.load(path("y.npz")) as file:
                    found = file[file.files[0]]
                kind = str(expected.dtype)
                tolerance = {"float16": 4e-3, "float32": 1e-5, "float64": 1e-5}.get(kind, 0)
                x, y = found.astype("float64"), expected.astype("float64")
                same = str(found.dtype) == kind and found.shape == expected.shape and (
                    np.allclose(x, y, rtol=tolerance, atol=tolerance * max(1e-30, np.abs(y[np.isfinite(y)]).max(initial=0)), equal_nan=True))
                counts["same" if same else "wrong"] += 1
                if not same:
                    print(f"WRONG {name} {dtype}: {found.dtype} {found.ravel()[:4]}, Keras {kind} {expected.ravel()[:4]}")
    print(", ".join(f"{count} {what}" for what, count in counts.items()))
    return 1 if counts["wrong"] or not counts["same"] else 0


if __name__ == "__main__":
    sys.exit(main())
