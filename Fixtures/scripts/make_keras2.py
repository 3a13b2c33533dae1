#!/usr/bin/env python3
"""Saves the models of Keras 2 with their inputs and what Keras 2 gives for them.

    make_keras2.py                 the small ones, to Fixtures/keras/older
    make_keras2.py --all FOLDER    all of them (Tests/Keras2)

Makes NAME.keras or NAME.h5, with --all both, and NAME.inputI.npy, NAME.outputI.npy (float32). Runs with
TensorFlow 2.15 (requirements-keras2.txt), whose Keras is the last 2. Dates are fixed; all else is as Keras
writes it.
"""
import argparse
import os
import sys
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np

from keras2_models import K2, keras, tf


def undate(path):
    """Gives an archive one date, within and without."""
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            if name == "metadata.json":
                content = b'{"keras_version": "2.15.0", "date_saved": "2026-01-01@00:00:00"}'
            archive.writestr(zipfile.ZipInfo(name), content)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", metavar="FOLDER")
    options = parser.parse_args()
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    folder = options.all or os.path.join(root, "keras", "older")
    if not tf.keras.layers.Dense.__module__.startswith("keras.src"):
        sys.exit(f"This is Keras of TensorFlow {tf.__version__}, not of 2.15.")
    os.makedirs(folder, exist_ok=True)
    for name, build, shapes, fixture, integers in K2:
        if not options.all and not fixture:
            continue
        keras.backend.clear_session()
        keras.utils.set_random_seed(7)
        model = build()
        random = np.random.default_rng(3)
        for weight in model.weights:
            # Variances must be positive.
            low = 0.1 if "variance" in weight.name else -0.6
            weight.assign(random.uniform(low, 0.6, weight.shape))
        inputs = []
        for shape in shapes:
            if integers:
                inputs.append(random.integers(0, integers, (2,) + shape).astype("float32"))
            else:
                inputs.append(random.uniform(-2, 2, (2,) + shape).astype("float32"))
        outputs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
        if not isinstance(outputs, list):
            outputs = [outputs]
        place = os.path.join(folder, name)
        for number, value in enumerate(inputs):
            np.save(f"{place}.input{number}.npy", value)
        for number, value in enumerate(outputs):
            np.save(f"{place}.output{number}.npy", np.asarray(value).astype("float32"))
        for end in (".keras", ".h5") if options.all else ("." + fixture,):
            try:
                model.save(place + end)
                if end == ".keras":
                    undate(place + end)
            except Exception as error:  # noqa: BLE001 - whatever Keras 2 raises is its answer
                print(f"{name}{end}: Keras 2 itself cannot save it: {type(error).__name__}: "
                      f"{str(error)[:100]}")
                if os.path.exists(place + end):
                    os.remove(place + end)


if __name__ == "__main__":
    main()
