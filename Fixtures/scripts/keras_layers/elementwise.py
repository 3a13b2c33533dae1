import numpy as np
from keras import layers

from .rows import Masked, Row, grid, normal

ACTIVATIONS = [
    "relu", "leaky_relu", "relu6", "softmax", "celu", "elu", "selu", "softplus", "softsign",
    "squareplus", "soft_shrink", "sparse_plus", "silu", "gelu", "glu", "tanh", "tanh_shrink",
    "sigmoid", "sparse_sigmoid", "exponential", "hard_sigmoid", "hard_silu", "hard_tanh",
    "hard_shrink", "linear", "mish", "log_softmax", "log_sigmoid", "sparsemax",
]  # fmt: skip
VALUES = np.array(
    [
        [0.0, -0.0, 1e-4, -1e-4, 1.0, -1.0, 0.5, -0.5],
        [20.0, -20.0, 3.0, -3.0, 6.0, -6.0, 2.9, -2.9],
        [0.25, -0.25, 0.9, -0.9, 5.0, -5.0, 0.51, -0.51],
    ],
    dtype=np.float32,
)


def rows(random):
    for name in ACTIVATIONS:
        yield Row(f"Activation/{name}", layers.Activation(name, name="layer"), (VALUES,))
    for cls, variants in [
        (layers.ReLU, [
            {}, {"max_value": 2.5}, {"negative_slope": 0.1}, {"threshold": 0.75},
            {"max_value": 6.0, "negative_slope": 0.25, "threshold": 1.0},
        ]),
        (layers.LeakyReLU, [{}, {"negative_slope": 0.0}, {"negative_slope": 0.05}]),
        (layers.ELU, [{}, {"alpha": 0.3}]),
        (layers.Softmax, [{}, {"axis": 0}]),
    ]:
        for row in grid(random, cls, (3, 8), variants):
            row.args = (VALUES,)
            yield row
    yield from grid(random, layers.Softmax, (2, 3, 4), [{"axis": 1}, {"axis": (1, 2)}])
    mask = random.uniform(size=(2, 4)) < 0.6
    mask[0] = False
    yield Row("Softmax/mask", layers.Softmax(name="layer"), (normal(random, 2, 4),),
              {"mask": mask})
    yield from grid(random, layers.PReLU, (2, 4, 3), [
        {}, {"shared_axes": [1]}, {"shared_axes": [1, 2]},
    ])
    yield from grid(random, layers.ActivityRegularization, (2, 3), [{}, {"l1": 0.1, "l2": 0.01}])
    yield from grid(random, layers.GaussianNoise, (2, 3), [{"stddev": 0.5}, {"stddev": 0.0}])
    yield from grid(random, layers.GaussianDropout, (2, 3), [{"rate": 0.5, "seed": 3}])
    yield from grid(random, layers.AlphaDropout, (2, 3), [{"rate": 0.5}])
    yield from grid(random, layers.Dropout, (2, 3), [{"rate": 0.5, "seed": 3}, {"rate": 0.0}])
    yield from grid(random, layers.SpatialDropout1D, (2, 3, 4), [{"rate": 0.5}])
    yield from grid(random, layers.SpatialDropout2D, (2, 3, 4, 2), [
        {"rate": 0.5, "seed": 5}, {"rate": 0.25, "data_format": "channels_first"},
    ])
    yield from grid(random, layers.SpatialDropout3D, (2, 3, 4, 2, 2), [{"rate": 0.5}])
    steps = Masked(normal(random, 2, 3, 4), np.array([[True, True, False], [True, False, False]]))
    for layer in [
        layers.ReLU(name="layer"), layers.Dropout(0.5, name="layer"),
        layers.Activation("tanh", name="layer"),
    ]:
        yield Row(f"{type(layer).__name__}/mask is passed on", layer, (steps,))
