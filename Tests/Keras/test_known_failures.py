#!/usr/bin/env python3
"""What Keras does in the cases of Tests/CairnTests/KnownFailureTests.swift: the notes there are these.

A test that fails here says that Keras has changed, and that a note must be changed.
"""
import copy
import os
import sys
import tempfile
import unittest
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "numpy")

import keras
import numpy as np
from keras import layers


def stack(names: list[str], width: int = 3) -> Any:
    return keras.Sequential(
        [keras.Input((width,))] + [layers.Dense(width, name=name) for name in names], name="m")


class KnownFailures(unittest.TestCase):
    def setUp(self) -> None:
        keras.backend.clear_session()

    def test_a_layer_shared_by_an_inner_and_an_outer_model(self) -> None:
        head = layers.Dense(3, name="head")
        point = keras.Input((3,), name="point")
        inner = keras.Model(point, head(point), name="inner")
        x = keras.Input((3,), name="x")
        model = keras.Model(x, head(inner(x)), name="outer")
        self.assertEqual(len(model.weights), 2)
        with self.assertRaises(Exception):  # noqa: B017 - Keras promises no type of it
            copy.deepcopy(model)
        self.assertEqual(len(keras.models.clone_model(model).weights), 4)

    def test_a_variable_tied_across_two_layers(self) -> None:
        model = stack(["a", "b"])
        a, b = model.layers
        b._tracker.unlock()
        b._kernel = a._kernel
        self.assertIs(b._kernel, a._kernel)
        clone = keras.models.clone_model(model)
        self.assertIsNot(clone.layers[0]._kernel, clone.layers[1]._kernel)

    def test_a_failed_set_weights(self) -> None:
        model = stack(["a", "b"])
        before = model.get_weights()
        weights = [x + 1 for x in before]
        weights[3] = np.zeros(4, np.float32)
        with self.assertRaises(ValueError):
            model.set_weights(weights)
        changed = [not np.array_equal(x, y) for x, y in zip(before, model.get_weights())]
        self.assertEqual(changed, [True, True, True, False])

    def test_types_are_cast(self) -> None:
        model = stack(["a"])
        model.set_weights([x.astype(np.float64) + 1e-12 for x in model.get_weights()])
        self.assertEqual({str(x.dtype) for x in model.get_weights()}, {"float32"})

    def test_two_layers_of_one_shape_load_crosswise(self) -> None:
        source, target = stack(["b", "a"]), stack(["a", "b"])
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "w.weights.h5")
            source.save_weights(path)
            target.load_weights(path)
        self.assertTrue(np.array_equal(target.layers[0].kernel, source.layers[0].kernel))
        self.assertEqual(target.layers[0].name, "a")
        self.assertEqual(source.layers[0].name, "b")

    def test_flags_seeds_and_metrics(self) -> None:
        x = keras.Input((3,), name="x")
        dropped = layers.Dropout(0.5, name="drop")(layers.Dense(3, name="hidden")(x))
        model = keras.Model(x, layers.Dense(1, name="out")(dropped), name="m")
        model.trainable = False
        clone = keras.models.clone_model(model)
        self.assertTrue(clone.trainable)

        def state(model: Any) -> Any:
            return np.array(model.get_layer("drop").seed_generator.state)

        self.assertFalse(np.array_equal(state(model), state(clone)))

    def test_slots_of_one_optimizer_load_into_another(self) -> None:
        first, second = stack(["a"]), stack(["a"])
        for model, optimizer in [(first, keras.optimizers.Adam()), (second, keras.optimizers.AdamW())]:
            model.compile(optimizer=optimizer, loss="mse")
            optimizer.build(model.trainable_variables)
        slots = [np.full(x.shape, 3, x.dtype) for x in first.optimizer.variables]
        store = {str(index): slot for index, slot in enumerate(slots)}
        second.optimizer.load_own_variables(store)
        self.assertTrue(all((np.asarray(x) == 3).all() for x in second.optimizer.variables))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
