"""Rows of layers whose dtype policy is float64: every class that computes, and what goes with it.

Inputs are doubles that no float32 holds, so that a layer which rounds through float32 is found out.
"""

import numpy as np
from keras import layers

from . import elementwise
from .rows import Masked, Row, grid, normal

F64 = {"dtype": "float64"}
FIRST = {"data_format": "channels_first"}
MASK = np.array([[True, True, False, True, False], [False, True, True, True, True]])


def wide(value, random):
    """The value, and for floats some more digits; zeros, which masks are made of, stay."""
    if isinstance(value, Masked):
        return Masked(wide(value.value, random), value.mask)
    if isinstance(value, (list, tuple)):
        return type(value)(wide(x, random) for x in value)
    if isinstance(value, np.ndarray) and value.dtype == np.float32:
        more = random.uniform(-1e-4, 1e-4, value.shape)
        return np.where(value == 0, 0.0, value.astype(np.float64) + more)
    return value


def every(random, cls, shape, variants, *arguments):
    yield from grid(random, cls, shape, [{**F64, **options} for options in variants], *arguments)


def rows(random):
    for family in [spatial, shapes, plain, merged, normalized, attentive, recurrent]:
        for row in family(random):
            row.args, row.kwargs = wide(row.args, random), {
                key: wide(value, random) for key, value in row.kwargs.items()
            }
            yield row
    # Autocast: what comes in as float32 is widened, and nothing more.
    yield Row("Dense/dtype=float64,float32 goes in", layers.Dense(5, name="layer", **F64),
              (normal(random, 3, 4),))
    yield Row("Dense/dtype=float32,float64 goes in", layers.Dense(5, name="layer"),
              (normal(random, 3, 4).astype(np.float64) / 3,))


def spatial(random):
    yield from every(random, layers.Conv1D, (2, 9, 4), [
        {"padding": "causal", "activation": "tanh"}, {"groups": 2, "strides": 2},
    ], 6, 3)
    yield from every(random, layers.Conv2D, (2, 7, 6, 4), [
        {"padding": "same", "strides": 2}, {"dilation_rate": 2, "activation": "gelu"},
        {**FIRST, "groups": 2, "_shape": (2, 4, 7, 6)},
    ], 8, 3)
    yield from every(random, layers.Conv2D, (2, 7, 6, 4), [{"kernel_size": 1}], 5)
    yield from every(random, layers.Conv3D, (1, 5, 4, 6, 2), [{"padding": "same"}], 4, (2, 3, 3))
    yield from every(random, layers.DepthwiseConv1D, (2, 8, 3), [{"depth_multiplier": 2}], 3)
    yield from every(random, layers.DepthwiseConv2D, (2, 6, 7, 3), [
        {"padding": "same"}, {"depth_multiplier": 2, "strides": 2},
    ], 3)
    yield from every(random, layers.SeparableConv1D, (2, 8, 3), [{"padding": "same"}], 5, 3)
    yield from every(random, layers.SeparableConv2D, (2, 6, 7, 3), [{"activation": "tanh"}], 5, 3)
    yield from every(random, layers.Conv1DTranspose, (2, 5, 3), [{"strides": 2}], 4, 3)
    yield from every(random, layers.Conv2DTranspose, (2, 4, 5, 3), [
        {"strides": 2, "padding": "same"},
    ], 4, 3)
    yield from every(random, layers.Conv3DTranspose, (1, 3, 4, 2, 2), [{"strides": 2}], 3, (2, 3, 2))
    for kind in ["Max", "Average"]:
        for rank, shape in [(1, (2, 9, 3)), (2, (2, 7, 6, 3)), (3, (1, 5, 4, 6, 2))]:
            yield from every(random, getattr(layers, f"{kind}Pooling{rank}D"), shape, [
                {"pool_size": 2, "padding": "same"},
            ])
            yield from every(random, getattr(layers, f"Global{kind}Pooling{rank}D"), shape, [{}])
    yield Row("GlobalAveragePooling1D/masked,dtype=float64",
              layers.GlobalAveragePooling1D(name="layer", **F64),
              (Masked(normal(random, 2, 5, 2), MASK),))


def shapes(random):
    yield from every(random, layers.UpSampling2D, (2, 3, 4, 2), [
        {"interpolation": kind, "size": (3, 2)}
        for kind in ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]
    ])
    yield from every(random, layers.UpSampling1D, (2, 4, 3), [{}])
    yield from every(random, layers.UpSampling3D, (1, 2, 3, 2, 2), [{}])
    yield from every(random, layers.ZeroPadding1D, (2, 4, 3), [{}])
    yield from every(random, layers.ZeroPadding2D, (2, 4, 3, 2), [{}])
    yield from every(random, layers.ZeroPadding3D, (1, 2, 3, 2, 2), [{}])
    yield from every(random, layers.Cropping1D, (2, 6, 3), [{}])
    yield from every(random, layers.Cropping2D, (2, 6, 5, 2), [{"cropping": 1}])
    yield from every(random, layers.Cropping3D, (1, 5, 4, 6, 2), [{}])
    yield from every(random, layers.Reshape, (2, 6, 4), [{"target_shape": (3, -1)}])
    yield from every(random, layers.Flatten, (2, 3, 4, 2), [{**FIRST}])
    yield from every(random, layers.Permute, (2, 3, 4, 5), [{"dims": (3, 1, 2)}])
    yield from every(random, layers.RepeatVector, (2, 3), [{"n": 4}])


def plain(random):
    yield from every(random, layers.Dense, (3, 4), [
        {"activation": "sigmoid"}, {"use_bias": False}, {"_shape": (2, 3, 4)},
    ], 5)
    yield from every(random, layers.EinsumDense, (2, 3, 4), [
        {"equation": "abc,cde->abde", "output_shape": (None, 2, 5), "bias_axes": "de"},
    ])
    tokens = np.array([[1, 2, 0], [6, 0, 3]], dtype=np.int32)
    yield Row("Embedding/dtype=float64,mask_zero",
              layers.Embedding(7, 4, mask_zero=True, name="layer", **F64), (tokens,))
    steps = normal(random, 3, 4, 2)
    steps[0, 2:] = 0
    steps[1, 1:] = 0
    yield Row("Masking/dtype=float64", layers.Masking(name="layer", **F64), (steps,))
    yield from every(random, layers.Rescaling, (2, 3, 4), [
        {"scale": 1 / 255, "offset": -0.1}, {"scale": [0.1, 0.2, 0.3, 0.4]},
    ])
    yield Row("Rescaling/dtype=float64,integers",
              layers.Rescaling(1 / 127.5, offset=-1, name="layer", **F64),
              (random.integers(0, 255, (2, 3)).astype(np.uint8),))
    for name in elementwise.ACTIVATIONS:
        yield Row(f"Activation/dtype=float64,{name}", layers.Activation(name, name="layer", **F64),
                  (elementwise.VALUES,))
    for cls, options in [
        (layers.ReLU, {"max_value": 6.0, "negative_slope": 0.1, "threshold": 0.3}),
        (layers.LeakyReLU, {}), (layers.ELU, {"alpha": 0.3}), (layers.Softmax, {"axis": 0}),
    ]:
        for row in every(random, cls, (3, 8), [options]):
            row.args = (elementwise.VALUES,)
            yield row
    yield from every(random, layers.Softmax, (2, 3, 4), [{"axis": (1, 2)}])
    yield Row("Softmax/mask,dtype=float64", layers.Softmax(name="layer", **F64),
              (normal(random, 2, 5),), {"mask": MASK})
    yield from every(random, layers.PReLU, (2, 4, 3), [{"shared_axes": [1]}])
    yield from every(random, layers.ActivityRegularization, (2, 3), [{"l1": 0.1}])
    yield from every(random, layers.GaussianNoise, (2, 3), [{"stddev": 0.5}])
    yield from every(random, layers.GaussianDropout, (2, 3), [{"rate": 0.5}])
    yield from every(random, layers.AlphaDropout, (2, 3), [{"rate": 0.5}])
    yield from every(random, layers.Dropout, (2, 3), [{"rate": 0.5}])
    yield from every(random, layers.SpatialDropout1D, (2, 3, 4), [{"rate": 0.5}])
    yield from every(random, layers.SpatialDropout2D, (2, 3, 4, 2), [{"rate": 0.5}])
    yield from every(random, layers.SpatialDropout3D, (2, 3, 4, 2, 2), [{"rate": 0.5}])


def merged(random):
    for cls in [layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum,
                layers.Minimum]:
        yield Row(f"{cls.__name__}/dtype=float64,ranks", cls(name="layer", **F64),
                  ([normal(random, 2, 3, 4), normal(random, 2, 4)],))
    both = [Masked(normal(random, 2, 5, 3), MASK), Masked(normal(random, 2, 5, 3), ~MASK)]
    yield Row("Add/masks,dtype=float64", layers.Add(name="layer", **F64), (both,))
    yield Row("Concatenate/masks,dtype=float64", layers.Concatenate(name="layer", **F64), (both,))
    for options, shapes in [
        ({"axes": (1, 2)}, [(2, 3, 4), (2, 5, 3)]),
        ({"axes": (2, 2), "normalize": True}, [(2, 3, 4), (2, 5, 4)]),
    ]:
        yield Row(f"Dot/dtype=float64,{options}", layers.Dot(name="layer", **F64, **options),
                  ([normal(random, *s) for s in shapes],))


def normalized(random):
    yield from every(random, layers.BatchNormalization, (2, 3, 4), [{}, {"axis": 1, "scale": False}])
    yield from every(random, layers.LayerNormalization, (2, 3, 4), [{}, {"axis": (1, 2)}])
    yield from every(random, layers.RMSNormalization, (2, 3, 4), [{}])
    yield from every(random, layers.GroupNormalization, (2, 3, 5, 8), [{"groups": 2}])
    yield from every(random, layers.UnitNormalization, (2, 3, 4), [{}])
    yield from every(random, layers.Normalization, (2, 3, 4), [
        {}, {"invert": True}, {"mean": 0.1, "variance": 0.7},
        {"mean": [0.1, 1.2, 2.3, 3.4], "variance": [1.1, 2.2, 3.3, 4.4]},
    ])


def attentive(random):
    query, value, key = normal(random, 2, 3, 4), normal(random, 2, 5, 4), normal(random, 2, 5, 4)
    seen = np.ones((2, 3, 5), bool)
    seen[0, 1, 2:] = seen[1, :, 4] = False
    for options, args, kwargs in [
        ({}, (query, value, key), {}),
        ({}, (query, query), {"use_causal_mask": True}),
        ({}, (query, value), {"attention_mask": seen}),
        ({"dropout": 0.2, "use_gate": True}, (query, value), {}),
        ({}, (query, value), {"return_attention_scores": True}),
        ({"attention_axes": (1, 2)}, (normal(random, 2, 2, 3, 4), normal(random, 2, 3, 2, 4)), {}),
    ]:
        text = f"dtype=float64,{options},{len(args)},{'+'.join(kwargs)}"
        yield Row(f"MultiHeadAttention/{text}",
                  layers.MultiHeadAttention(2, 3, name="layer", **F64, **options), args, kwargs,
                  asks_scores=True)
    for options, args, kwargs in [
        ({}, (query, value), {"attention_mask": seen}),
        ({"use_gate": True, "sliding_window": 2}, (query, query), {}),
        ({}, (query, value), {"return_attention_scores": True}),
    ]:
        text = f"dtype=float64,{options},{len(args)},{'+'.join(kwargs)}"
        yield Row(f"GroupedQueryAttention/{text}",
                  layers.GroupQueryAttention(3, 4, 2, name="layer", **F64, **options), args, kwargs,
                  asks_scores=True)
    masked = [Masked(query, seen[:, :, 2]), Masked(value, seen[:, 0])]
    for options, args in [
        ({}, [query, value, key]), ({"use_scale": True}, [query, value]),
        ({"score_mode": "concat", "use_scale": True}, [query, value]), ({}, masked),
    ]:
        name = f"Attention/dtype=float64,{options},{len(args)}{',masked' if args is masked else ''}"
        yield Row(name, layers.Attention(name="layer", **F64, **options), (args,))


def recurrent(random):
    shape = (2, 5, 3)
    for cls, states in [(layers.SimpleRNN, 1), (layers.LSTM, 2), (layers.GRU, 1)]:
        yield from every(random, cls, shape, [
            {}, {"return_sequences": True, "return_state": True, "go_backwards": True},
        ], 4)
        name = cls.__name__
        yield Row(f"{name}/masked,dtype=float64",
                  cls(4, return_sequences=True, name="layer", **F64),
                  (Masked(normal(random, *shape), MASK),))
        initial = [normal(random, 2, 4) for _ in range(states)]
        yield Row(f"{name}/initial_state,dtype=float64", cls(4, name="layer", **F64),
                  (normal(random, *shape),),
                  {"initial_state": initial if states > 1 else initial[0]})
        yield Row(f"{name}/stateful,dtype=float64", cls(4, stateful=True, name="layer", **F64),
                  (normal(random, *shape),), fixed_batch=True, calls=2)
    yield from every(random, layers.GRU, shape, [{"reset_after": False}], 4)
    for mode in ["concat", "sum", "mul", "ave"]:
        inner = layers.GRU(4, return_sequences=True, name="rnn", **F64)
        yield Row(f"Bidirectional/dtype=float64,{mode}",
                  layers.Bidirectional(inner, merge_mode=mode, name="layer", **F64),
                  (normal(random, *shape),))
    inner = layers.Dense(4, activation="tanh", name="inner", **F64)
    yield Row("TimeDistributed/dtype=float64", layers.TimeDistributed(inner, name="layer", **F64),
              (normal(random, *shape),))
