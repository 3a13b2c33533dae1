#!/usr/bin/env python3
"""Keras -> Cairn -> Keras: the same model, the same bits, the same predictions.

    test_round_trip.py --cairn PATH

Each model of Fixtures/keras/models and the digit classifier: its config.json and a safetensors file
under Keras's variable paths go to one .cairn file, through copy and clone, and back to a config.json
and a safetensors file, of which Keras makes a model again. Then `model.predict` must give the bits that
it gave before, and `cairn predict` the same within what float32 justifies.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "numpy")

import keras
import numpy as np
import numpy.typing as npt
import safetensors.numpy

Array = npt.NDArray[Any]

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Fixtures")
options = argparse.Namespace(cairn=None)
measured: dict[str, Any] = {}


def cairn(*arguments: str) -> str:
    done = subprocess.run([options.cairn, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"cairn {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def read(*path: str) -> Any:
    with open(os.path.join(FIXTURES, *path)) as file:
        return json.load(file)


def golden_models() -> Iterator[tuple[str, Any, list[Array]]]:
    """Name, model with its weights, and what goes in, for each golden model."""
    tensors = safetensors.numpy.load_file(os.path.join(FIXTURES, "keras/models/models.safetensors"))
    for row in read("keras/models/models.json"):
        keras.backend.clear_session()
        model = keras.models.model_from_json(json.dumps(row["config"]))
        model.set_weights([tensors[name] for name in row["weights"]])
        yield row["name"], model, [tensors[name] for name in row["inputs"]]
    keras.backend.clear_session()
    model = keras.models.model_from_json(json.dumps(read("digits/model.json")))
    weights = safetensors.numpy.load_file(os.path.join(FIXTURES, "digits/weights.safetensors"))
    by_path(model, weights)
    images = safetensors.numpy.load_file(os.path.join(FIXTURES, "digits/images.safetensors"))
    yield "digits", model, [images["images"]]


def by_path(model: Any, weights: dict[str, Array]) -> None:
    """Sets the weights by name: a name of Cairn's begins with the models around the layer."""
    values = []
    for weight in model.weights:
        found = [name for name in weights
                 if name == weight.path or name.endswith("/" + weight.path)]
        shortest = min(found, key=len)
        values.append(weights[shortest])
    assert len({id(value) for value in values}) == len(values)
    model.set_weights(values)


def given(model: Any, arrays: list[Array]) -> Any:
    """The arrays as the model takes them."""
    if not isinstance(model, keras.Sequential) and isinstance(model.input, dict):
        return {tensor.name: array for tensor, array in zip(model.inputs, arrays)}
    return arrays if len(arrays) > 1 else arrays[0]


def predict(model: Any, arrays: list[Array]) -> list[Any]:
    result = model.predict(given(model, arrays), verbose=0)
    return list(result) if isinstance(result, (list, tuple)) else [result]


class RoundTrip(unittest.TestCase):
    def test_every_golden_model(self) -> None:
        count = 0
        for name, model, arrays in golden_models():
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                self.round_trip(name, model, arrays, folder)
            count += 1
        self.assertEqual(count, 8)

    def round_trip(self, name: str, model: Any, arrays: list[Array], folder: str) -> None:
        def path(file: str) -> str:
            return os.path.join(folder, file)

        before = predict(model, arrays)
        with open(path("config.json"), "w") as file:
            file.write(model.to_json())
        weights = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
        self.assertEqual(len(weights), len(model.weights))
        safetensors.numpy.save_file(weights, path("weights.safetensors"))

        cairn("convert", "--config", path("config.json"), path("weights.safetensors"), path("m.cairn"))
        cairn("verify", "--deep", path("m.cairn"))
        cairn("copy", path("m.cairn"), path("copy.cairn"))
        cairn("clone", path("copy.cairn"), path("clone.cairn"))
        self.against_cairn(name, model, arrays, before, path)
        for made in ["m", "copy", "clone"]:
            cairn("convert", "--write-config", path("back.json"), path(f"{made}.cairn"),
                  path("back.safetensors"))
            with open(path("back.json")) as file:
                text = file.read()
            self.assertEqual(json.loads(text), json.loads(model.to_json()))
            keras.backend.clear_session()
            again = keras.models.model_from_json(text)
            by_path(again, safetensors.numpy.load_file(path("back.safetensors")))
            after = predict(again, arrays)
            self.assertEqual(len(before), len(after))
            for x, y in zip(before, after):
                self.assertEqual((x.dtype, x.shape, x.tobytes()), (y.dtype, y.shape, y.tobytes()))
            for x, y in zip(model.get_weights(), again.get_weights()):
                self.assertEqual(x.tobytes(), y.tobytes())

    def against_cairn(self, name: str, model: Any, arrays: list[Array], expected: list[Any],
                      path: Callable[[str], str]) -> None:
        arguments = ["predict", path("m.cairn"), "--output", path("out.npz")]
        for tensor, array in zip(model.inputs, arrays):
            np.save(path(f"{tensor.name}.npy"), array)
            arguments += ["--input", f"{tensor.name}={path(tensor.name)}.npy"]
        cairn(*arguments)
        found = np.load(path("out.npz"))
        outputs = [found[key] for key in found.files]
        self.assertEqual([x.shape for x in outputs], [y.shape for y in expected])
        for x, y in zip(outputs, expected):
            error = float(np.abs(x.astype(np.float64) - y).max() / max(np.abs(y).max(), 1e-30))
            measured[name] = max(error, measured.get(name, 0.0))
            self.assertLessEqual(error, 2e-5)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cairn", required=True)
    parser.parse_known_args(namespace=options)
    options.cairn = os.path.abspath(options.cairn)
    result = unittest.TextTestRunner(verbosity=2).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    for name, error in measured.items():
        print(f"{name:16} largest distance of `cairn predict` from Keras {error:.1e}")
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
