"""The data sets: real weights of every width, optimizer state, sparse and zero tensors.

Each is a safetensors file in .cache/benchmarks/data, made once:

    data.py [NAME ...]     makes those that are missing, and prints name, bytes and SHA-256
"""
import hashlib
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

import training
import whisper

Tensors = dict[str, npt.NDArray[Any]]

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "benchmarks"
FOLDER = CACHE / "data"
# What one makes of the same sources changes with this: files of another version are made anew.
VERSION = 1


def minilm_fp32() -> Tensors:
    path = subprocess.run([ROOT / "Scripts" / "fetch-minilm.sh"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()
    if not path:
        raise SystemExit("benchmarks: MiniLM's weights cannot be downloaded")
    tensors: Tensors = load_file(path)
    return tensors


def minilm_bf16() -> Tensors:
    """Every float32 tensor rounded to the nearest bfloat16, ties to even."""
    return {name: value.astype(ml_dtypes.bfloat16) if value.dtype == np.float32 else value
            for name, value in minilm_fp32().items()}


def minilm_int8() -> Tensors:
    """Matrices as int8, symmetric, a scale a row by its absolute maximum; the rest as it was."""
    quantized = {}
    for name, value in minilm_fp32().items():
        if value.dtype != np.float32 or value.ndim != 2:
            quantized[name] = value
            continue
        scale = np.abs(value).max(1, keepdims=True) / np.float32(127)
        scale[scale == 0] = 1
        quantized[name] = np.rint(value / scale).astype(np.int8)
        quantized[name + ".scale"] = scale
    return quantized


def minilm_sparse() -> Tensors:
    """Matrices without the nine tenths of their elements that are smallest: magnitude pruning."""
    pruned = {}
    for name, value in minilm_fp32().items():
        if value.dtype == np.float32 and value.ndim == 2:
            size = np.abs(value)
            value = np.where(size >= np.quantile(size, 0.9), value, np.float32(0))
        pruned[name] = value
    return pruned


def zeros() -> Tensors:
    return {f"zeros.{number}": np.zeros((2_048, 2_048), np.float32) for number in range(4)}


def whisper_fp16() -> Tensors:
    return whisper.tensors(whisper.fetch(CACHE))


def optimizer() -> Tensors:
    return training.optimizer_state(whisper.vocabulary(whisper.fetch(CACHE)))


# Name, what it is, how it is made.
SETS: dict[str, tuple[str, Callable[[], Tensors]]] = {
    "fp32": ("MiniLM's weights, float32 as published", minilm_fp32),
    "bf16": ("MiniLM's weights rounded to bfloat16", minilm_bf16),
    "fp16": ("Whisper tiny's weights, float16 as published", whisper_fp16),
    "int8": ("MiniLM's matrices in int8, a float32 scale a row", minilm_int8),
    "optimizer": ("Adam's two moments after a short training, float32", optimizer),
    "sparse": ("MiniLM's weights, float32, nine tenths pruned", minilm_sparse),
    "zeros": ("zeros, float32", zeros),
}


def path(name: str) -> pathlib.Path:
    """The file of a data set, made unless it is there."""
    file = FOLDER / f"{name}.v{VERSION}.safetensors"
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        print(f"benchmarks: making {file.relative_to(ROOT)}", file=sys.stderr)
        tensors = {key: np.asarray(value, order="C") for key, value in SETS[name][1]().items()}
        unfinished = file.with_suffix(".unfinished")
        save_file(tensors, unfinished)
        unfinished.rename(file)
    return file


def byte_count(name: str) -> int:
    """The bytes of a data set's tensors."""
    return sum(array.nbytes for array in load_file(path(name)).values())


def sha256(file: pathlib.Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


if __name__ == "__main__":
    for chosen in sys.argv[1:] or SETS:
        made = path(chosen)
        print(f"{chosen:10} {made.stat().st_size:>12,} {sha256(made)}  {SETS[chosen][0]}")
