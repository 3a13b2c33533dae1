#!/usr/bin/env python3
"""The architectures of keras.applications that build offline: `cairn predict` against Keras on TensorFlow.

    test_applications.py --cairn PATH [--only NAME,…]

Random weights with fixed seeds, one small picture each where the architecture allows it.
"""
import argparse
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np

# Name and side of the picture: the smallest that the architecture takes keeps the test short.
NAMES = {
    "ResNet50": 64, "ResNet50V2": 64, "ResNet101": 64, "VGG16": 64, "VGG19": 64, "InceptionV3": 96,
    "Xception": 96, "DenseNet121": 64, "DenseNet169": 64, "MobileNet": 64, "MobileNetV2": 64,
    "MobileNetV3Small": 64, "MobileNetV3Large": 64, "EfficientNetB0": 64, "EfficientNetV2B0": 64,
    "NASNetMobile": 224, "ConvNeXtTiny": 64, "InceptionResNetV2": 96,
}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cairn", required=True)
    parser.add_argument("--only")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(NAMES)
    bad = 0
    for name in names:
        keras.backend.clear_session()
        keras.utils.set_random_seed(7)
        side = NAMES[name]
        model = getattr(keras.applications, name)(
            weights=None, input_shape=(side, side, 3), classes=10, classifier_activation=None)
        rng = np.random.default_rng(3)
        for weight in model.weights:
            # Statistics that are not those of a fresh layer.
            if "moving" in weight.path:
                weight.assign(rng.uniform(0.5, 1.5, weight.shape) if "variance" in weight.path
                              else rng.normal(size=weight.shape) * 0.1)
        array = rng.uniform(0, 255, (1, side, side, 3)).astype("float32")
        expected = model.predict(array, verbose=0)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "m.keras")
            model.save(path)
            np.save(os.path.join(folder, "x.npy"), array)
            out = os.path.join(folder, "y.npy")
            done = subprocess.run([options.cairn, "predict", path, "--input", os.path.join(folder, "x.npy"),
                                   "--output", out], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                print(f"{name:20} refused: {done.stderr.strip()[-200:]}")
                bad += 1
                continue
            found = np.load(out)
        distance = float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-30))
        agrees = found.shape == expected.shape and distance <= 2e-4
        bad += not agrees
        print(f"{name:20} {len(model.layers):4} layers {model.count_params():10} parameters  {distance:.1e}"
              f"{'' if agrees else '  WRONG'}", flush=True)
    print(f"{len(names) - bad} of {len(names)} architectures agree")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
