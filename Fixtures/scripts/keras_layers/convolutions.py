from keras import layers

from .rows import grid

FIRST = {"data_format": "channels_first"}


def rows(random):
    yield from grid(random, layers.Conv1D, (2, 9, 4), [
        {}, {"padding": "same"}, {"padding": "causal"}, {"padding": "causal", "dilation_rate": 3},
        {"strides": 2}, {"strides": 2, "padding": "same"}, {"strides": 3, "padding": "same"},
        {"strides": 2, "padding": "causal"}, {"dilation_rate": 2},
        {"dilation_rate": 2, "padding": "same"}, {"groups": 2}, {"use_bias": False},
        {"activation": "relu"}, {**FIRST, "_shape": (2, 4, 9)},
        {**FIRST, "padding": "same", "strides": 2, "_shape": (2, 4, 9)},
        {"groups": 2, **FIRST, "_shape": (2, 4, 9)},
        {"kernel_regularizer": "l2", "kernel_constraint": "max_norm"},
    ], 6, 3)
    yield from grid(random, layers.Conv2D, (2, 7, 6, 4), [
        {}, {"padding": "same"}, {"strides": 2}, {"strides": (2, 1), "padding": "same"},
        {"strides": 2, "padding": "same"}, {"strides": 3, "padding": "same"},
        {"dilation_rate": 2}, {"dilation_rate": (1, 2), "padding": "same"}, {"groups": 2},
        {"groups": 4, "padding": "same"}, {"use_bias": False}, {"activation": "gelu"},
        {**FIRST, "_shape": (2, 4, 7, 6)},
        {**FIRST, "padding": "same", "strides": 2, "_shape": (2, 4, 7, 6)},
        {**FIRST, "groups": 2, "_shape": (2, 4, 7, 6)},
        {"dtype": "mixed_bfloat16"}, {"dtype": "float16"},
    ], 8, 3)
    yield from grid(random, layers.Conv2D, (2, 7, 6, 4), [
        {"kernel_size": 1}, {"kernel_size": 2, "padding": "same"}, {"kernel_size": (1, 4)},
        {"kernel_size": 1, "strides": 2},
        {"kernel_size": (4, 3), "padding": "same", "strides": (1, 2)},
    ], 5)
    yield from grid(random, layers.Conv3D, (1, 5, 4, 6, 2), [
        {}, {"padding": "same"}, {"strides": (1, 2, 2), "padding": "same"},
        {"dilation_rate": (1, 1, 2)}, {"groups": 2}, {**FIRST, "_shape": (1, 2, 5, 4, 6)},
    ], 4, (2, 3, 3))
    yield from grid(random, layers.DepthwiseConv1D, (2, 8, 3), [
        {}, {"depth_multiplier": 2}, {"padding": "same", "strides": 2},
        {**FIRST, "_shape": (2, 3, 8)}, {"dilation_rate": 2, "padding": "same"},
    ], 3)
    yield from grid(random, layers.DepthwiseConv2D, (2, 6, 7, 3), [
        {}, {"depth_multiplier": 2}, {"padding": "same"}, {"padding": "same", "strides": 2},
        {"depth_multiplier": 3, "padding": "same", "use_bias": False}, {"dilation_rate": 2},
        {"activation": "relu6"}, {**FIRST, "_shape": (2, 3, 6, 7)},
    ], 3)
    yield from grid(random, layers.SeparableConv1D, (2, 8, 3), [
        {}, {"padding": "same", "strides": 2}, {"depth_multiplier": 2, "use_bias": False},
        {**FIRST, "_shape": (2, 3, 8)},
    ], 5, 3)
    yield from grid(random, layers.SeparableConv2D, (2, 6, 7, 3), [
        {}, {"padding": "same"}, {"padding": "same", "strides": 2},
        {"depth_multiplier": 2, "activation": "tanh"}, {"dilation_rate": 2, "padding": "same"},
        {**FIRST, "_shape": (2, 3, 6, 7)},
    ], 5, 3)
    yield from grid(random, layers.Conv1DTranspose, (2, 5, 3), [
        {}, {"strides": 2}, {"strides": 2, "padding": "same"}, {"padding": "same"},
        {"strides": 3, "padding": "same"}, {"strides": 4}, {"dilation_rate": 2},
        {"strides": 2, "padding": "same", "output_padding": 1},
        {"strides": 2, "output_padding": 0}, {**FIRST, "strides": 2, "_shape": (2, 3, 5)},
        {"use_bias": False, "activation": "relu"},
    ], 4, 3)
    yield from grid(random, layers.Conv2DTranspose, (2, 4, 5, 3), [
        {}, {"strides": 2}, {"strides": 2, "padding": "same"}, {"padding": "same"},
        {"strides": (1, 3), "padding": "same"}, {"dilation_rate": 2},
        {"strides": 2, "padding": "same", "output_padding": (1, 0)},
        {**FIRST, "strides": 2, "padding": "same", "_shape": (2, 3, 4, 5)},
    ], 4, 3)
    yield from grid(random, layers.Conv2DTranspose, (2, 4, 5, 3), [
        {"kernel_size": 2, "strides": 2}, {"kernel_size": 4, "strides": 2, "padding": "same"},
        {"kernel_size": (1, 2), "strides": 3},
    ], 4)
    yield from grid(random, layers.Conv3DTranspose, (1, 3, 4, 2, 2), [
        {}, {"strides": 2, "padding": "same"},
    ], 3, (2, 3, 2))
