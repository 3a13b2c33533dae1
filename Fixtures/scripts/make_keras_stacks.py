"""Small stacks of Keras's layers on chosen inputs, and what comes out, for Fixtures/keras/stacks.

Every case is a Sequential with an InputLayer, so that one loader reads them all. Beside Keras's
float32 output stands a reference: the same formulas in NumPy float64, from the same float32 inputs
and weights.
"""

import json
import math

from common import folder, write_json, write_safetensors  # first: it sets up the environment

import keras
import numpy as np
from keras import layers

SEED = 20240602
FLOAT32_TINY = float(np.finfo(np.float32).tiny)
ACTIVATIONS = [
    "relu", "sigmoid", "tanh", "softmax", "gelu", "elu", "selu", "silu", "softplus", "linear",
]  # fmt: skip
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946

EXTREMES = np.array(
    [
        [0.0, -0.0, 1e-8, -1e-8, 1.0, -1.0],
        [20.0, -20.0, 100.0, -100.0, 1e4, -1e4],
        [0.5, -0.5, 2.0, -2.0, 5.0, -5.0],
        [1e-4, -1e-4, 0.1, -0.1, 10.0, -10.0],
        [88.0, -88.0, 50.0, -50.0, 3.0, -3.0],
        [1e4, 1e4 - 1.0, 0.0, 1e4, -1e4, 20.0],
        [-100.0, -100.0, -100.0, -100.0, -100.0, -100.0],
    ],
    dtype=np.float32,
)


# The float64 reference.


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0 / (1.0 + e), e / (1.0 + e))


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


REFERENCE_ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0.0),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softmax": softmax,
    "gelu": lambda x: 0.5 * x * np.vectorize(math.erfc)(-x / math.sqrt(2.0)),
    "elu": elu,
    "selu": lambda x: SELU_SCALE
    * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0.0))),
    "silu": lambda x: x * sigmoid(x),
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "linear": lambda x: x,
}


def reference(layer, x):
    if isinstance(layer, keras.Sequential):
        for inner in layer.layers:
            x = reference(inner, x)
        return x
    if isinstance(layer, layers.Dense):
        y = x @ layer.kernel.numpy().astype(np.float64)
        if layer.bias is not None:
            y = y + layer.bias.numpy().astype(np.float64)
        return REFERENCE_ACTIVATIONS[layer.activation.__name__](y)
    if isinstance(layer, layers.Activation):
        return REFERENCE_ACTIVATIONS[layer.activation.__name__](x)
    if isinstance(layer, layers.Flatten):
        if layer.data_format == "channels_first" and x.ndim > 1:
            x = np.moveaxis(x, 1, -1)
        return x.reshape(len(x), -1)
    if isinstance(layer, layers.Dropout):
        return x
    if isinstance(layer, layers.BatchNormalization):
        shape = [1] * x.ndim
        shape[layer.axis] = x.shape[layer.axis]

        def vector(variable):
            return variable.numpy().astype(np.float64).reshape(shape)

        y = (x - vector(layer.moving_mean)) / np.sqrt(
            vector(layer.moving_variance) + layer.epsilon
        )
        if layer.scale:
            y = y * vector(layer.gamma)
        if layer.center:
            y = y + vector(layer.beta)
        return y
    raise TypeError(layer)


# The cases.


def fill_weights(model, random):
    """Values of an ordinary size; a variance is positive."""
    values = []
    for weight in model.weights:
        value = random.normal(0.0, 0.5, weight.shape)
        if weight.name == "moving_variance":
            value = random.uniform(0.05, 3.0, weight.shape)
        elif weight.name == "gamma":
            value = random.uniform(-2.0, 2.0, weight.shape)
        values.append(value.astype(np.float32))
    model.set_weights(values)


def random_rows(random, *shape):
    return random.normal(0.0, 1.0, shape).astype(np.float32)


def dense_rows(random, width):
    """Ordinary rows, and rows with a single extreme element, so that nothing cancels."""
    rows = [random_rows(random, 4, width), np.zeros((1, width), np.float32)]
    for index, value in enumerate([-0.0, 1e-8, -1e-8, 20.0, -20.0, 100.0, -100.0, 1e4, -1e4]):
        row = np.zeros((1, width), np.float32)
        row[0, index % width] = value
        rows.append(row)
    return np.concatenate(rows)


def cases():
    random = np.random.default_rng(SEED)

    def sequential(name, shape, *stack):
        return keras.Sequential([layers.InputLayer(shape=shape, name="input"), *stack], name=name)

    yield (
        "input_layer",
        keras.Sequential(
            [
                layers.InputLayer(batch_shape=(3, 2, 2), name="input"),
                layers.Activation("linear", name="identity"),
            ],
            name="input_layer",
        ),
        random_rows(random, 3, 2, 2),
    )

    for activation in ACTIVATIONS:
        name = f"activation_{activation}"
        layer = layers.Activation(activation, name="activation")
        yield name, sequential(name, (6,), layer), EXTREMES
    name = "activation_softmax_rank3"
    yield (
        name,
        sequential(name, (2, 3), layers.Activation("softmax", name="activation")),
        np.concatenate([EXTREMES[:2].reshape(2, 2, 3), random_rows(random, 3, 2, 3)]),
    )

    for activation in ACTIVATIONS:
        name = f"dense_{activation}"
        layer = layers.Dense(5, activation=activation, name="dense")
        yield name, sequential(name, (4,), layer), dense_rows(random, 4)
    name = "dense_default_activation"
    yield name, sequential(name, (4,), layers.Dense(3, name="dense")), dense_rows(random, 4)
    name = "dense_without_bias"
    yield (
        name,
        sequential(name, (4,), layers.Dense(5, use_bias=False, name="dense")),
        dense_rows(random, 4),
    )
    name = "dense_rank3_input"
    yield (
        name,
        sequential(name, (3, 4), layers.Dense(2, activation="tanh", name="dense")),
        random_rows(random, 5, 3, 4),
    )

    counted = np.arange(2 * 4 * 3 * 2, dtype=np.float32).reshape(2, 4, 3, 2)
    for data_format in ["channels_last", "channels_first"]:
        name = f"flatten_{data_format}"
        layer = layers.Flatten(data_format=data_format, name="flatten")
        yield name, sequential(name, (4, 3, 2), layer), counted
    name = "flatten_rank2"
    yield name, sequential(name, (3,), layers.Flatten(name="flatten")), random_rows(random, 2, 3)

    name = "dropout"
    yield name, sequential(name, (6,), layers.Dropout(0.5, seed=7, name="dropout")), EXTREMES
    name = "dropout_rate_zero"
    yield name, sequential(name, (6,), layers.Dropout(0.0, name="dropout")), EXTREMES

    batch_normalizations = {
        "default": {},
        "without_center": {"center": False},
        "without_scale": {"scale": False},
        "without_center_and_scale": {"center": False, "scale": False},
        "epsilon": {"epsilon": 0.25},
        "frozen": {"trainable": False},
    }
    for variant, options in batch_normalizations.items():
        name = f"batch_normalization_{variant}"
        layer = layers.BatchNormalization(name="normalization", **options)
        yield name, sequential(name, (6,), layer), EXTREMES
    name = "batch_normalization_last_axis_rank3"
    yield (
        name,
        sequential(name, (3, 4), layers.BatchNormalization(name="normalization")),
        random_rows(random, 2, 3, 4),
    )
    name = "batch_normalization_axis_1_rank3"
    yield (
        name,
        sequential(name, (3, 4), layers.BatchNormalization(axis=1, name="normalization")),
        random_rows(random, 2, 3, 4),
    )

    name = "mlp"
    yield (
        name,
        sequential(
            name,
            (4, 3, 2),
            layers.Flatten(name="flatten"),
            layers.Dense(16, use_bias=False, name="hidden"),
            layers.BatchNormalization(name="normalization"),
            layers.Activation("relu", name="relu"),
            layers.Dropout(0.3, seed=11, name="dropout"),
            layers.Dense(8, activation="gelu", name="embedding"),
            layers.Dense(3, activation="softmax", name="output"),
        ),
        random_rows(random, 9, 4, 3, 2),
    )
    name = "frozen_in_the_middle"
    yield (
        name,
        sequential(
            name,
            (4,),
            layers.Dense(6, activation="selu", name="first"),
            layers.Dense(6, activation="elu", name="frozen", trainable=False),
            layers.BatchNormalization(name="normalization"),
            layers.Dense(2, name="last"),
        ),
        random_rows(random, 7, 4),
    )
    inner_built = keras.Sequential(
        [
            layers.InputLayer(shape=(5,), name="inner_input"),
            layers.Dense(4, activation="silu", name="inner_dense"),
            layers.BatchNormalization(name="inner_normalization"),
            layers.Dropout(0.5, seed=13, name="inner_dropout"),
        ],
        name="inner",
    )
    name = "nested"
    yield (
        name,
        sequential(
            name,
            (3,),
            layers.Dense(5, activation="tanh", name="before"),
            inner_built,
            layers.Dense(2, activation="sigmoid", name="after"),
        ),
        random_rows(random, 6, 3),
    )
    inner_unbuilt = keras.Sequential(
        [
            layers.Dense(4, activation="softplus", name="inner_dense"),
            layers.BatchNormalization(name="inner_normalization", trainable=False),
        ],
        name="inner",
    )
    name = "nested_without_inner_input"
    yield (
        name,
        sequential(
            name,
            (3,),
            layers.BatchNormalization(name="normalization"),
            inner_unbuilt,
            layers.Dense(2, name="after"),
        ),
        random_rows(random, 6, 3),
    )
    name = "nested_frozen"
    inner = keras.Sequential(
        [
            layers.InputLayer(shape=(3,), name="inner_input"),
            layers.Dense(4, name="inner_dense"),
            layers.BatchNormalization(name="inner_normalization"),
        ],
        name="inner",
    )
    inner.trainable = False
    yield (
        name,
        sequential(name, (3,), inner, layers.Dense(2, name="after")),
        random_rows(random, 6, 3),
    )


def distance(output, expected):
    """How far Keras's float32 is from the reference: the size of a tolerance that is fair."""
    error = np.abs(output.astype(np.float64) - expected)
    normal = np.abs(expected) >= FLOAT32_TINY
    relative = (error[normal] / np.abs(expected[normal])).max() if normal.any() else 0.0
    return {"absolute": float(error.max()), "relative": float(relative)}


def main():
    tensors = {}
    rows = []
    random = np.random.default_rng(SEED + 1)
    for name, model, inputs in cases():
        assert model.name == name
        fill_weights(model, random)
        output = model.predict(inputs, batch_size=len(inputs), verbose=0)
        assert output.dtype == np.float32 and np.isfinite(output).all(), name
        expected = reference(model, inputs.astype(np.float64))
        assert expected.shape == output.shape, name
        assert np.allclose(output, expected, rtol=2e-4, atol=1e-5), name

        row = {
            "name": name, "config": json.loads(model.to_json()),
            "paths": [weight.path for weight in model.weights],
            "trainable": [bool(weight.trainable) for weight in model.weights],
            "trainable_weights": [weight.path for weight in model.trainable_weights],
            "non_trainable_weights": [weight.path for weight in model.non_trainable_weights],
            "weights": [], "inputs": [], "outputs": [], "references": [],
            "keras_to_reference": distance(output, expected),
        }  # fmt: skip
        values = [weight.numpy() for weight in model.weights]
        for key, list_ in [
            ("weights", values), ("inputs", [inputs]), ("outputs", [output]), ("references", [expected])
        ]:
            for index, value in enumerate(list_):
                tensor = f"{name}/{key}.{index}"
                tensors[tensor] = value
                row[key].append(tensor)
        rows.append(row)

    out = folder("keras/stacks")
    write_json(out / "models.json", rows)
    write_safetensors(
        out / "models.safetensors", tensors, {"format": "keras", "keras_version": keras.__version__}
    )
    print(f"keras/stacks: {len(rows)} models, {len(tensors)} tensors")


main()
