#!/usr/bin/env python3
"""Holds `cairn predict` against Keras 2.15, model by model.

    test_keras2.py --cairn PATH --models FOLDER

FOLDER is what Fixtures/scripts/make_keras2.py --all made. A refusal by the right name is no error as long as
there are few; a number that differs always is. Exit 1 if anything differs, or more than three models are
refused.
"""
import argparse
import glob
import os
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt


def tolerance(name: str) -> float:
    # A step of bfloat16 is 2^-8 of the value.
    return 0.02 if "bfloat16" in name else 1e-4


def arrays(path: str) -> list[npt.NDArray[Any]]:
    """The outputs in the order of their names, which `cairn predict` gives in Keras's order."""
    with np.load(path) as file:
        return [file[name] for name in file.files]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cairn", required=True)
    parser.add_argument("--models", required=True)
    options = parser.parse_args()
    refused: dict[str, str] = {}
    different: list[str] = []
    agreed = 0
    models = sorted(glob.glob(os.path.join(options.models, "*.keras"))
                    + glob.glob(os.path.join(options.models, "*.h5")))
    with tempfile.TemporaryDirectory(prefix="cairn keras2 ") as work:
        for path in models:
            name = os.path.basename(path)
            stem = os.path.splitext(path)[0]
            inputs = sorted(glob.glob(stem + ".input*.npy"))
            expected = [np.load(file) for file in sorted(glob.glob(stem + ".output*.npy"))]
            out = os.path.join(work, "out.npz")
            listed = subprocess.run(
                [options.cairn, "predict", path, "--input", inputs[0], "--output", out]
                if len(inputs) == 1 else
                [options.cairn, "predict", path,
                 *(part for file in inputs for part in ("--input", file)), "--output", out],
                capture_output=True, text=True, check=False)
            if listed.returncode:
                refused[name] = listed.stderr.strip().splitlines()[0] if listed.stderr else "?"
                print(f"{name:32} refused: {refused[name][:160]}")
                continue
            found = arrays(out)
            distance = max(
                (float(np.abs(a.astype("f8") - b).max()) if a.shape == b.shape else np.inf
                 for a, b in zip(found, expected)), default=np.inf)
            if len(found) != len(expected) or not distance <= tolerance(name):
                different.append(name)
                print(f"{name:32} DIFFERENT: {distance:.3g}")
            else:
                agreed += 1
                print(f"{name:32} {distance:.2g}")
            # What Cairn makes of it in another form, Cairn computes the same from.
            again = os.path.join(work, "again.keras")
            made = subprocess.run([options.cairn, "convert", "--lossy", path, again],
                                  capture_output=True, text=True, check=False)
            if made.returncode:
                print(f"{name:32} not written as Keras 3: {made.stderr.strip().splitlines()[0][:140]}")
                continue
            rerun = subprocess.run(
                [options.cairn, "predict", again,
                 *(part for file in inputs for part in ("--input", file)), "--output", out],
                capture_output=True, text=True, check=False)
            if rerun.returncode or any(
                    not np.array_equal(a, b) for a, b in zip(arrays(out), found)):
                different.append(name)
                print(f"{name:32} DIFFERENT after conversion: {rerun.stderr[:200]}")
    print(f"keras2: {agreed} of {len(models)} agree with Keras 2.15, {len(refused)} refused, "
          f"{len(different)} different")
    sys.exit(bool(different) or len(refused) > 3 or agreed < 40)


if __name__ == "__main__":
    main()
