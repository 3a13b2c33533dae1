import numpy as np
from keras import layers

from .rows import Masked, Row, grid, normal

FIRST = {"data_format": "channels_first"}


def rows(random):
    yield from grid(random, layers.ZeroPadding1D, (2, 4, 3), [
        {}, {"padding": 2}, {"padding": (0, 3)}, {**FIRST, "padding": (1, 2)},
    ])
    yield from grid(random, layers.ZeroPadding2D, (2, 4, 3, 2), [
        {}, {"padding": 2}, {"padding": (0, 3)}, {"padding": ((1, 0), (2, 3))},
        {**FIRST, "padding": ((1, 2), (0, 1))},
    ])
    yield from grid(random, layers.ZeroPadding3D, (1, 2, 3, 2, 2), [
        {}, {"padding": ((1, 0), (0, 2), (1, 1))}, {**FIRST, "padding": (1, 0, 2)},
    ])
    yield from grid(random, layers.Cropping1D, (2, 6, 3), [
        {}, {"cropping": 2}, {"cropping": (0, 3)},
    ])
    yield from grid(random, layers.Cropping2D, (2, 6, 5, 2), [
        {}, {"cropping": 1}, {"cropping": ((1, 0), (2, 1))}, {"cropping": (2, 1)},
        {**FIRST, "cropping": ((0, 1), (1, 0)), "_shape": (2, 2, 6, 5)},
    ])
    yield from grid(random, layers.Cropping3D, (1, 5, 4, 6, 2), [
        {}, {"cropping": ((1, 0), (0, 2), (3, 1))},
        {**FIRST, "cropping": 1, "_shape": (1, 2, 5, 4, 6)},
    ])
    yield from grid(random, layers.UpSampling1D, (2, 4, 3), [{}, {"size": 3}])
    yield from grid(random, layers.UpSampling2D, (2, 3, 4, 2), [
        {}, {"size": (2, 3)}, {"interpolation": "bilinear"},
        {"interpolation": "bilinear", "size": (3, 1)}, {"interpolation": "bilinear", "size": (4, 5)},
        {**FIRST}, {**FIRST, "interpolation": "bilinear"},
    ])
    # Numbers of their own, so that the rows that follow keep theirs.
    yield from grid(np.random.default_rng(7), layers.UpSampling2D, (2, 3, 4, 2), [
        {"interpolation": "bicubic"}, {"interpolation": "bicubic", "size": (3, 5)},
        {"interpolation": "lanczos3"}, {"interpolation": "lanczos3", "size": (4, 1)},
        {"interpolation": "lanczos5", "size": (2, 3)}, {**FIRST, "interpolation": "bicubic"},
    ])
    yield from grid(random, layers.UpSampling3D, (1, 2, 3, 2, 2), [
        {}, {"size": (1, 2, 3)}, {**FIRST},
    ])
    yield from grid(random, layers.Reshape, (2, 6, 4), [
        {"target_shape": (24,)}, {"target_shape": (3, -1)}, {"target_shape": (2, 3, 4)},
        {"target_shape": (-1,)},
    ])
    yield from grid(random, layers.Flatten, (2, 3, 4, 2), [{}, {**FIRST}])
    yield from grid(random, layers.Permute, (2, 3, 4, 5), [
        {"dims": (1, 2, 3)}, {"dims": (2, 1, 3)}, {"dims": (3, 1, 2)}, {"dims": (3, 2, 1)},
    ])
    yield from grid(random, layers.RepeatVector, (2, 3), [{"n": 1}, {"n": 4}])
    mask = random.uniform(size=(2, 3)) < 0.5
    yield Row("Reshape/mask is dropped", layers.Reshape((6,), name="layer"),
              (Masked(normal(random, 2, 3, 2), mask),))
