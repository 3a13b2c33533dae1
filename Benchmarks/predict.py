#!/usr/bin/env python3
"""Forward passes of five models: Cairn beside Keras on TensorFlow.

    predict.py [--only NAME,…] [--rounds 7] [--bench PATH]

The models are made here, with weights of fixed seeds: nothing is downloaded. Each is saved once as a .keras
file, which Cairn reads, and called with the same noise. `predict` is Keras's `model.predict` on one batch,
`function` is `model(x, training=False)` in a `tf.function`, without what `predict` does around it; both
after two calls that are not counted. The contestants take turns; figures are medians of seconds. The outputs
must agree within 1e-4 of the largest. The target is twice the time of `predict`.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

HERE = os.path.dirname(os.path.abspath(__file__))
TOLERANCE = 1e-4
TARGET = 2.0


def application(name: str) -> Any:
    return getattr(keras.applications, name)(weights=None, input_shape=(224, 224, 3))


def bidirectional() -> Any:
    tokens = keras.Input((100,), dtype="int32")
    x = layers.Embedding(20_000, 128)(tokens)
    x = layers.Bidirectional(layers.LSTM(64, return_sequences=True))(x)
    x = layers.Bidirectional(layers.LSTM(64))(x)
    return keras.Model(tokens, layers.Dense(1, activation="sigmoid")(x))


def transformer() -> Any:
    tokens = keras.Input((128,), dtype="int32")
    x = layers.Embedding(20_000, 256)(tokens)
    for _ in range(4):
        attended = layers.MultiHeadAttention(8, 32)(x, x)
        x = layers.LayerNormalization()(layers.Add()([x, attended]))
        inner = layers.Dense(256)(layers.Dense(1024, activation="gelu")(x))
        x = layers.LayerNormalization()(layers.Add()([x, inner]))
    return keras.Model(tokens, layers.Dense(10)(layers.GlobalAveragePooling1D()(x)))


# Name, what makes the model, and the examples in a batch.
MODELS: dict[str, tuple[Callable[[], Any], int]] = {
    "MobileNet": (lambda: application("MobileNet"), 8),
    "ResNet50": (lambda: application("ResNet50"), 8),
    "DenseNet121": (lambda: application("DenseNet121"), 8),
    "BiLSTM": (bidirectional, 32),
    "Transformer": (transformer, 8),
}


def made(name: str) -> tuple[Any, "np.ndarray[Any, Any]"]:
    """The model, its statistics those of a trained one, and noise to call it with."""
    make, batch = MODELS[name]
    keras.utils.set_random_seed(7)
    model = make()
    random = np.random.default_rng(3)
    for weight in model.weights:
        if "moving" in weight.path:
            weight.assign(random.uniform(0.5, 1.5, weight.shape) if "variance" in weight.path
                          else random.normal(size=weight.shape) * 0.1)
    shape = (batch, *model.inputs[0].shape[1:])
    if len(shape) == 2:
        return model, random.integers(0, 20_000, shape).astype("int32")
    return model, random.uniform(-1, 1, shape).astype("float32")


class Cairn:
    def __init__(self, path: str) -> None:
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)

    def ask(self, **command: object) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(command) + "\n")
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        if "error" in answer:
            sys.exit(f"predict: cairn-bench: {answer['error']}")
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def timed(body: Callable[[], object]) -> float:
    start = time.monotonic()
    body()
    return time.monotonic() - start


def measured(name: str, cairn: Cairn, rounds: int, folder: str) -> tuple[dict[str, float], float]:
    """Medians of seconds by contestant, and the outputs' distance over the largest output."""
    model, inputs = made(name)
    path, source, target = (os.path.join(folder, name + end) for end in (".keras", ".npy", "-out.npz"))
    model.save(path)
    np.save(source, inputs)
    function = tf.function(lambda x: model(x, training=False))
    tensor = tf.constant(inputs)
    ask = {"op": "predict", "model": path, "input": source}
    contestants: dict[str, Callable[[], float]] = {
        "predict": lambda: timed(lambda: model.predict(inputs, batch_size=len(inputs), verbose=0)),
        "function": lambda: timed(lambda: function(tensor).numpy()),
        "cairn": lambda: cairn.ask(**ask)["seconds"],
    }
    expected = model.predict(inputs, batch_size=len(inputs), verbose=0)
    function(tensor)
    cairn.ask(**ask, output=target)
    distance = np.abs(np.load(target)["output"] - expected).max() / max(np.abs(expected).max(), 1e-30)
    times: dict[str, list[float]] = {who: [] for who in contestants}
    order = list(contestants)
    for number in range(rounds + 1):
        for who in order:
            seconds = contestants[who]()
            if number > 0:
                times[who].append(seconds)
        order = order[1:] + order[:1]
    return {who: statistics.median(values) for who, values in times.items()}, float(distance)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", help="names of models, separated by commas")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bench", default=os.path.join(HERE, ".build", "release", "cairn-bench"))
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(MODELS)
    cairn = Cairn(options.bench)
    bad = 0
    print(f"{'model':14} {'batch':>5} {'predict':>9} {'function':>9} {'cairn':>9}  cairn/predict  distance")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            keras.backend.clear_session()
            seconds, distance = measured(name, cairn, options.rounds, folder)
            ratio = seconds["cairn"] / seconds["predict"]
            bad += distance > TOLERANCE
            print(f"{name:14} {MODELS[name][1]:5} {seconds['predict']:9.4f} {seconds['function']:9.4f} "
                  f"{seconds['cairn']:9.4f}  {ratio:6.2f} {'reached' if ratio <= TARGET else 'missed ':8}"
                  f" {distance:.1e}{' TOO FAR' if distance > TOLERANCE else ''}", flush=True)
    cairn.close()
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
