"""What the fixture scripts share: folders, and writers whose bytes depend on content only."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Before Keras and JAX are imported: the CPU, one thread, so that sums are taken in one order.
os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.dont_write_bytecode = True

import numpy as np
import numpy.typing as npt
import safetensors.numpy

FIXTURES = Path(__file__).resolve().parent.parent


def folder(name: str) -> Path:
    path = FIXTURES / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_json(path: Path, value: Any) -> None:
    """One line a value where it is short: readable in a diff, and not three times the size."""
    path.write_text(_pretty(value, 0) + "\n", encoding="utf-8")


def _pretty(value: Any, indent: int) -> str:
    flat = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if len(flat) + indent <= 96 or not isinstance(value, (dict, list)) or not value:
        return flat
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        body = [
            f"{pad}{json.dumps(k, ensure_ascii=False)}: {_pretty(v, indent + 1)}"
            for k, v in value.items()
        ]
        return "{\n" + ",\n".join(body) + "\n" + " " * indent + "}"
    body = [pad + _pretty(v, indent + 1) for v in value]
    return "[\n" + ",\n".join(body) + "\n" + " " * indent + "]"


def safetensors_bytes(tensors: Mapping[str, npt.ArrayLike], metadata: dict[str, str] | None = None) -> bytes:
    """The Python library's bytes, with the metadata's keys sorted.

    The library keeps metadata in a hash map and writes it in another order each time.
    """
    contiguous = {k: np.array(v, order="C") for k, v in tensors.items()}
    return sort_metadata(safetensors.numpy.save(contiguous, metadata=metadata))


def sort_metadata(data: bytes) -> bytes:
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    if "__metadata__" not in header:
        return data
    assert _header_text(header) == data[8 : 8 + length]
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = _header_text(header)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def _header_text(header: dict[str, Any]) -> bytes:
    """As the library writes it."""
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    return text + b" " * (-len(text) % 8)


def write_safetensors(path: Path, tensors: Mapping[str, npt.ArrayLike], metadata: dict[str, str] | None = None) -> None:
    path.write_bytes(safetensors_bytes(tensors, metadata))
