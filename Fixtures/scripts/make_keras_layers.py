"""Calls Keras's layers with many options and writes what comes out to Fixtures/keras/layers.

One JSON and one safetensors file a class. A row is a layer's configuration as Keras writes it once
the layer is built, its weights, what it is called with, and what comes out.
"""

import json
from contextlib import nullcontext

from common import folder, write_json, write_safetensors  # first: it sets up the environment

import keras
import numpy as np

import float64
from keras_layers import (
    attention,
    convolutions,
    core,
    doubles,
    elementwise,
    merging,
    normalization,
    pooling,
    recurrent,
    reshaping,
)
from keras_layers.rows import Masked, Row

FAMILIES = [
    convolutions, pooling, reshaping, merging, elementwise, core, normalization, attention,
    recurrent, doubles,
]  # fmt: skip


def fill_weights(layer, random):
    """Values of an ordinary size; a variance is positive, a count an integer."""
    values = []
    for weight in layer.weights:
        if weight.name == "count":
            value = np.array(7)
        elif "variance" in weight.name:
            value = random.uniform(0.05, 3.0, weight.shape)
        else:
            value = random.normal(0.0, 0.5, weight.shape)
        values.append(value.astype(keras.ops.convert_to_numpy(weight).dtype))
    layer.set_weights(values)
    if hasattr(layer, "finalize_state"):
        layer.finalize_state()  # Normalization computes with copies


def flatten(value):
    if isinstance(value, (list, tuple)):
        return [x for element in value for x in flatten(element)]
    return [value]


class Writer:
    def __init__(self):
        self.tensors = {}
        self.rows = []

    def tensor(self, key, value):
        assert key not in self.tensors, key
        array = np.asarray(value)
        if array.dtype == np.bool_:
            array = array.astype(np.bool_)
        elif array.dtype.name == "bfloat16":
            array = array.astype(np.float32)
        self.tensors[key] = array
        return key

    def argument(self, value, key):
        if isinstance(value, (list, tuple)) and any(
            isinstance(x, (np.ndarray, Masked, list)) for x in value
        ):
            return [self.argument(x, f"{key}.{i}") for i, x in enumerate(value)]
        if isinstance(value, Masked):
            return {
                "tensor": self.tensor(key, value.value),
                "mask": self.tensor(f"{key}.mask", value.mask),
            }
        if isinstance(value, np.ndarray):
            return {"tensor": self.tensor(key, value)}
        return {"value": value}

    def add(self, row, random):
        def symbolic(value):
            if isinstance(value, Masked):
                value = value.value
            if isinstance(value, np.ndarray):
                batch = None if value.ndim and not row.fixed_batch else value.shape[0]
                return keras.KerasTensor((batch, *value.shape[1:]), dtype=value.dtype.name)
            if isinstance(value, (list, tuple)):
                return [symbolic(x) for x in value]
            return value

        def actual(value):
            if isinstance(value, Masked):
                tensor = keras.ops.convert_to_tensor(value.value)
                keras.src.backend.set_keras_mask(tensor, keras.ops.convert_to_tensor(value.mask))
                return tensor
            if isinstance(value, np.ndarray):
                return keras.ops.convert_to_tensor(value)
            if isinstance(value, (list, tuple)):
                return [actual(x) for x in value]
            return value

        layer = row.layer
        layer(*[symbolic(x) for x in row.args], **{k: symbolic(v) for k, v in row.kwargs.items()})
        fill_weights(layer, random)
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
        result = None
        for _ in range(row.calls):
            result = layer(
                *[actual(x) for x in row.args], **{k: actual(v) for k, v in row.kwargs.items()}
            )
        if row.asks_scores and "return_attention_scores" not in row.kwargs:
            scores = {k: actual(v) for k, v in row.kwargs.items()} | {"return_attention_scores": True}
            same = layer(*[actual(x) for x in row.args], **scores)[0]
            assert np.abs(result - same).max() < 1e-6, row.name
            result = same
        outputs = []
        for index, output in enumerate(flatten(result)):
            entry = {
                "tensor": self.tensor(f"{row.name}/output.{index}", keras.ops.convert_to_numpy(output)),
                "dtype": keras.src.backend.standardize_dtype(output.dtype),
            }
            assert np.isfinite(keras.ops.convert_to_numpy(output).astype(np.float32)).all(), row.name
            mask = getattr(output, "_keras_mask", None)
            # The scores of attention carry the mask they were made with, in the shape of its use.
            if mask is not None and (index == 0 or "return_attention_scores" not in row.kwargs):
                entry["mask"] = self.tensor(
                    f"{row.name}/output.{index}.mask", keras.ops.convert_to_numpy(mask)
                )
            outputs.append(entry)
        weights = []
        for index, weight in enumerate(layer.weights):
            weights.append(
                {
                    "path": weight.path,
                    "trainable": bool(weight.trainable),
                    "dtype": keras.src.backend.standardize_dtype(weight.dtype),
                    "tensor": self.tensor(f"{row.name}/weight.{index}", keras.ops.convert_to_numpy(weight)),
                }
            )
        self.rows.append(
            {
                "name": row.name,
                "layer": config,
                "weights": weights,
                "args": [self.argument(x, f"{row.name}/arg.{i}") for i, x in enumerate(row.args)],
                "kwargs": {
                    k: self.argument(v, f"{row.name}/{k}") for k, v in row.kwargs.items()
                },
                "calls": row.calls,
                "outputs": outputs,
            }
        )


def main():
    writers = {}
    names = set()
    for number, family in enumerate(FAMILIES):
        random = np.random.default_rng(20241107 + number)
        with float64.computed() if family is doubles else nullcontext():
            for row in family.rows(random):
                assert isinstance(row, Row) and row.name not in names, row.name
                names.add(row.name)
                keras.backend.clear_session()
                writers.setdefault(type(row.layer).__name__, Writer()).add(row, random)
    out = folder("keras/layers")
    for old in out.iterdir():
        old.unlink()
    write_json(out / "index.json", sorted(writers))
    for name, writer in sorted(writers.items()):
        write_json(out / f"{name}.json", writer.rows)
        write_safetensors(
            out / f"{name}.safetensors", writer.tensors,
            {"format": "keras", "keras_version": keras.__version__},
        )
    print(f"keras/layers: {len(names)} rows, {len(writers)} classes")


main()
