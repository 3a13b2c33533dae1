"""Hostile files, by format. Each family is a function that draws one case."""
from collections.abc import Callable

from draw import Case, Draw

from . import containers, gguf, hdf5, keras, numpy_files, onnx, pickles, safetensors, shards, tensorflow

MODULES = [containers, safetensors, shards, numpy_files, pickles, gguf, onnx, tensorflow, hdf5, keras]


def families() -> list[tuple[str, Callable[[Draw], Case]]]:
    """All of them, as (name, function), in an order that does not change."""
    return [(f"{module.__name__.rsplit('.', 1)[-1]}.{name}", function)
            for module in MODULES for name, function in module.FAMILIES.items()]
