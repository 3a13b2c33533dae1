"""What a row is."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Masked:
    """An input with a mask."""

    value: np.ndarray
    mask: np.ndarray


@dataclass
class Row:
    """A layer, and what it is called with."""

    name: str
    layer: object
    args: tuple
    kwargs: dict = field(default_factory=dict)
    fixed_batch: bool = False
    calls: int = 1
    # Whether the expected output is that of a call which asks for the scores of attention too: Keras
    # then computes in the layer's own type. Where it does not, softmax is in float32, in float64
    # layers too.
    asks_scores: bool = False


def normal(random, *shape):
    return random.normal(0.0, 1.0, shape).astype(np.float32)


def spelled(options):
    """The options as part of a row's name."""
    def text(value):
        return getattr(value, "__name__", None) or (
            "_".join(str(text(x)) for x in value) if isinstance(value, (list, tuple)) else str(value)
        )

    return ",".join(f"{k}={text(v)}" for k, v in options.items()) or "default"


def grid(random, cls, shape, variants, *arguments, **call):
    """A row for each set of options; `shape` is that of the input."""
    for options in variants:
        options = dict(options)
        own = options.pop("_shape", shape)
        values = list(arguments)
        name = f"{cls.__name__}/{spelled({k: v for k, v in options.items() if k != 'name'})}"
        if own != shape:
            name += f",input={'x'.join(map(str, own))}"
        yield Row(name, cls(*values, name="layer", **options), (normal(random, *own),), dict(call))
