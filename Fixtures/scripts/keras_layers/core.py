import numpy as np
from keras import layers

from .rows import Masked, Row, grid, normal


def rows(random):
    yield from grid(random, layers.Dense, (3, 4), [
        {}, {"activation": "hard_sigmoid"}, {"use_bias": False}, {"activation": "mish"},
        {"_shape": (2, 3, 4)}, {"dtype": "mixed_float16"}, {"dtype": "bfloat16"},
        {"kernel_initializer": "he_normal", "bias_initializer": "ones"},
        {"kernel_regularizer": "l1", "bias_constraint": "non_neg"}, {"trainable": False},
    ], 5)
    mask = np.array([[True, True, False], [True, False, False]])
    yield Row("Dense/mask is passed on", layers.Dense(2, name="layer"),
              (Masked(normal(random, 2, 3, 4), mask),))
    for name, options, shape in [
        ("dense", {"equation": "ab,bc->ac", "output_shape": 5, "bias_axes": "c"}, (3, 4)),
        ("heads", {"equation": "abc,cde->abde", "output_shape": (None, 2, 5),
                   "bias_axes": "de"}, (2, 3, 4)),
        ("heads back", {"equation": "abcd,cde->abe", "output_shape": (None, 6),
                        "bias_axes": "e"}, (2, 3, 2, 4)),
        ("ellipsis", {"equation": "...x,xy->...y", "output_shape": 6, "bias_axes": "y"},
         (2, 3, 4)),
        ("no bias", {"equation": "abc,cd->abd", "output_shape": (None, 5),
                     "activation": "relu"}, (2, 3, 4)),
        ("steps", {"equation": "abc,bd->adc", "output_shape": (6, 4), "bias_axes": "d"},
         (2, 3, 4)),
    ]:
        yield Row(f"EinsumDense/{name}", layers.EinsumDense(name="layer", **options),
                  (normal(random, *shape),))
    tokens = np.array([[1, 2, 0], [6, 0, 3]], dtype=np.int32)
    yield Row("Embedding/default", layers.Embedding(7, 4, name="layer"), (tokens,))
    yield Row("Embedding/mask_zero", layers.Embedding(7, 4, mask_zero=True, name="layer"), (tokens,))
    yield Row("Embedding/floats", layers.Embedding(7, 3, name="layer"),
              (tokens.astype(np.float32),))
    yield Row("Embedding/mixed", layers.Embedding(7, 3, dtype="mixed_bfloat16", name="layer"),
              (tokens,))
    steps = normal(random, 3, 4, 2)
    steps[0, 2:] = 0
    steps[1, 1:] = 0
    yield Row("Masking/default", layers.Masking(name="layer"), (steps,))
    steps = np.where(steps == 0, np.float32(-1), steps)
    yield Row("Masking/value", layers.Masking(mask_value=-1.0, name="layer"), (steps,))
    yield from grid(random, layers.Rescaling, (2, 3, 4), [
        {"scale": 0.5}, {"scale": 1 / 255, "offset": -1.0}, {"scale": [1.0, 2.0, 3.0, 4.0]},
    ])
    yield Row("Rescaling/integers", layers.Rescaling(1 / 127.5, offset=-1, name="layer"),
              (random.integers(0, 255, (2, 3)).astype(np.uint8),))
