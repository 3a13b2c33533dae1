#!/usr/bin/env python3
"""Generated models through the command: predict, `.cairn`, clone, and back to Keras.

    test_models.py --cairn PATH --models FOLDER [--most-refused 0.03] [--load]

FOLDER is what `generate_models.py` made. Of each model `cairn predict` must give what Keras gave, of the
same shapes and types; its `.cairn` and the clone of that too; and, with --load, Keras must load the `.keras`
file that comes back, with the same bits in each weight and the same predictions. A refusal is an error
message with exit status 2; they are listed by reason, and there may be few.
"""
import argparse
import collections
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

TOLERANCES = {"float32": 2e-5, "float64": 1e-5, "float16": 6e-3, "bfloat16": 5e-2}


# JAX has no types of 64 bits unless it is asked to; Cairn computes in those of Keras on TensorFlow.
WIDER = {"float32": "float64", "int32": "int64", "uint32": "uint64"}


class Refused(Exception):
    pass


class Wrong(Exception):
    pass


def run(command: str, *arguments: str) -> None:
    done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode == 2 and done.stderr.startswith("cairn: "):
        reason = re.sub(r"/\S*/", "", done.stderr.strip())
        raise Refused(f"{arguments[0]}: {reason}")
    if done.returncode != 0:
        raise Wrong(f"{arguments[0]}: exit {done.returncode}: {done.stderr.strip()[-300:]}")


def outputs(path: str) -> list[Array]:
    with np.load(path) as file:
        return [file[name] for name in file.files]


def compare(found: list[Array], expected: list[Array], types: list[str], row: dict[str, Any], what: str) -> None:
    policy = row["policy"]
    if len(found) != len(expected):
        raise Wrong(f"{what}: {len(found)} outputs, not {len(expected)}")
    for mine, keras, dtype in zip(found, expected, types):
        if mine.dtype.kind == "V" or (dtype == "bfloat16" and mine.dtype.itemsize == 2):
            bits = np.ascontiguousarray(mine).view("uint16").astype("uint32") << 16
            mine = bits.view("float32").reshape(mine.shape)
        elif str(mine.dtype) != dtype and not (row["backend"] == "jax" and str(mine.dtype) == WIDER.get(dtype)):
            raise Wrong(f"{what}: {mine.dtype}, not {dtype}")
        if mine.shape != keras.shape:
            raise Wrong(f"{what}: {mine.shape}, not {keras.shape}")
        x, y = mine.astype("float64"), keras.astype("float64")
        if x.size == 0:
            continue
        kind = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}.get(policy, dtype)
        tolerance = TOLERANCES.get(kind, TOLERANCES.get(policy, 0 if dtype != "float32" else 2e-5))
        distance = float(np.abs(x - y).max() / max(np.abs(y).max(), 1e-30))
        if not distance <= tolerance:
            raise Wrong(f"{what}: {distance:.1e} away from Keras ({dtype})")


def check(cairn: str, folder: str, row: dict[str, Any], scratch: str, loads: bool) -> None:
    path = os.path.join(folder, row["name"])
    with np.load(path + ".out.npz") as archive:
        expected = [archive[name] for name in sorted(archive.files)]
    inputs = []
    for index in range(row["inputs"]):
        inputs += ["--input", f"{path}.in{index}.npy"]

    def predict(model: str, what: str) -> None:
        out = os.path.join(scratch, "out.npz")
        run(cairn, "predict", model, *inputs, "--output", out)
        compare(outputs(out), expected, row["types"], row, what)

    def file(name: str) -> str:
        return os.path.join(scratch, name)

    run(cairn, "info", path + ".keras")
    predict(path + ".keras", "predict")
    run(cairn, "convert", path + ".keras", file("m.cairn"))
    predict(file("m.cairn"), ".cairn")
    run(cairn, "clone", file("m.cairn"), file("c.cairn"))
    predict(file("c.cairn"), "clone")
    run(cairn, "convert", file("m.cairn"), file("back.keras"))
    predict(file("back.keras"), "back")
    run(cairn, "convert", "--lossy", file("c.cairn"), file("clone.keras"))
    predict(file("clone.keras"), "clone back")
    if loads:
        for name in ["back.keras", "clone.keras"]:
            load(path, file(name), row, expected, name)


def load(path: str, back: str, row: dict[str, Any], expected: list[Array], what: str) -> None:
    import keras

    keras.backend.clear_session()
    original, again = keras.saving.load_model(path + ".keras"), keras.saving.load_model(back)
    mine, own = again.get_weights(), original.get_weights()
    if len(mine) != len(own) or any(x.tobytes() != y.tobytes() for x, y in zip(mine, own)):
        raise Wrong(f"{what}: Keras loads other weights")
    arrays = [np.load(f"{path}.in{index}.npy") for index in range(row["inputs"])]
    result = again.predict(arrays if len(arrays) > 1 else arrays[0], verbose=0)
    result = [np.asarray(x, dtype="float32") if "bfloat16" in str(x.dtype) else x
              for x in keras.tree.flatten(result)]
    types = ["float32" if "bfloat16" == t else t for t in row["types"]]
    compare(result, expected, types, row, f"{what} in Keras")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cairn", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--most-refused", type=float, default=0.03)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--only")
    options = parser.parse_args()
    rows = []
    for index in sorted(glob.glob(os.path.join(options.models, "models-*.json"))):
        with open(index) as file:
            rows += json.load(file)
    if options.only:
        rows = [row for row in rows if row["name"] in options.only.split(",")]
    refused: collections.Counter[str] = collections.Counter()
    wrong = []
    for row in rows:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                check(os.path.abspath(options.cairn), options.models, row, scratch, options.load)
            except Refused as error:
                refused[f"{error}"] += 1
                print(f"refused {row['name']} {row['family']}: {str(error)[:300]}")
            except Wrong as error:
                wrong.append(row["name"])
                print(f"WRONG   {row['name']} {row['family']} {row['policy']} {row['backend']}: {error}")
    print(f"{len(rows)} models: {len(rows) - len(wrong) - sum(refused.values())} agree, "
          f"{len(wrong)} wrong, {sum(refused.values())} refused")
    for reason, count in refused.most_common():
        print(f"  {count:3} {reason[:160]}")
    bad = wrong or sum(refused.values()) > options.most_refused * len(rows)
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
