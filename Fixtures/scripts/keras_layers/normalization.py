from keras import layers

from .rows import grid


def rows(random):
    yield from grid(random, layers.BatchNormalization, (2, 3, 4), [
        {}, {"axis": 1}, {"center": False}, {"scale": False}, {"epsilon": 0.1, "momentum": 0.5},
        {"_shape": (2, 5, 3, 4)}, {"dtype": "mixed_float16"},
    ])
    yield from grid(random, layers.LayerNormalization, (2, 3, 4), [
        {}, {"axis": 1}, {"axis": (1, 2)}, {"axis": [2, 1]}, {"center": False}, {"scale": False},
        {"epsilon": 1e-6}, {"center": False, "scale": False},
    ])
    yield from grid(random, layers.RMSNormalization, (2, 3, 4), [
        {}, {"axis": (1, 2)}, {"epsilon": 0.01},
    ])
    yield from grid(random, layers.GroupNormalization, (2, 3, 5, 8), [
        {"groups": 2}, {"groups": 8}, {"groups": -1}, {"groups": 1}, {"groups": 4, "scale": False},
        {"groups": 4, "center": False, "epsilon": 0.1},
        {"groups": 2, "axis": 1, "_shape": (2, 4, 3, 5)}, {"groups": 2, "_shape": (2, 4)},
    ])
    yield from grid(random, layers.UnitNormalization, (2, 3, 4), [
        {}, {"axis": 1}, {"axis": (1, 2)},
    ])
    yield from grid(random, layers.Normalization, (2, 3, 4), [
        {}, {"axis": 1}, {"axis": (1, 2)}, {"axis": None}, {"invert": True},
        {"mean": 0.5, "variance": 4.0}, {"mean": [0.0, 1.0, 2.0, 3.0], "variance": [1.0, 2.0, 3.0, 4.0]},
    ])
