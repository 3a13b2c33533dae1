"""Models of one operation of keras.ops each, what goes in and what comes out, for
Fixtures/keras/operations."""

import json

from common import folder, write_safetensors  # first: it sets up the environment

import keras
import numpy as np
from keras import ops

SEED = 20250718
F, I, B = "float32", "int32", "bool"
M = [((3, 4), F)]
MM = [((3, 4), F), ((3, 4), F)]
BB = [((3, 4), B), ((3, 4), B)]
T = [((3, 2, 4), F)]


def positive(x):
    return ops.exp(x * 0.5)


def inside(x):
    return ops.tanh(x) * 0.9


UNARY = {
    "negative": ops.negative, "absolute": ops.absolute, "square": ops.square, "exp": ops.exp,
    "expm1": ops.expm1, "sin": ops.sin, "cos": ops.cos, "tan": ops.tan, "sinh": ops.sinh,
    "cosh": ops.cosh, "tanh": ops.tanh, "arcsinh": ops.arcsinh, "arctan": ops.arctan,
    "sign": ops.sign, "floor": ops.floor, "ceil": ops.ceil, "trunc": ops.trunc,
    "round": ops.round, "round_decimals": lambda x: ops.round(x, 1),
    "reciprocal": ops.reciprocal, "erf": ops.erf, "exp2": ops.exp2, "cbrt": ops.cbrt,
    "deg2rad": ops.deg2rad, "rad2deg": ops.rad2deg, "clip": lambda x: ops.clip(x, -0.5, 0.75),
    "sqrt": lambda x: ops.sqrt(positive(x)), "rsqrt": lambda x: ops.rsqrt(positive(x)),
    "log": lambda x: ops.log(positive(x)), "log1p": lambda x: ops.log1p(positive(x)),
    "log2": lambda x: ops.log2(positive(x)), "log10": lambda x: ops.log10(positive(x)),
    "arcsin": lambda x: ops.arcsin(inside(x)), "arccos": lambda x: ops.arccos(inside(x)),
    "arctanh": lambda x: ops.arctanh(inside(x)),
    "arccosh": lambda x: ops.arccosh(positive(x) + 1.0),
    "copy": ops.copy, "stop_gradient": ops.stop_gradient, "zeros_like": ops.zeros_like,
    "ones_like": ops.ones_like, "nan_to_num": lambda x: ops.nan_to_num(ops.log(x), nan=-1.0),
    "relu": ops.relu, "relu6": ops.relu6, "sigmoid": ops.sigmoid, "softplus": ops.softplus,
    "softsign": ops.softsign, "silu": ops.silu, "log_sigmoid": ops.log_sigmoid,
    "hard_sigmoid": ops.hard_sigmoid, "hard_silu": ops.hard_silu, "selu": ops.selu,
    "elu": lambda x: ops.elu(x, 0.5), "celu": lambda x: ops.celu(x, 0.5), "gelu": ops.gelu,
    "gelu_exact": lambda x: ops.gelu(x, approximate=False), "leaky_relu": ops.leaky_relu,
    "glu": ops.glu, "glu_axis": lambda x: ops.glu(ops.transpose(x, (0, 2, 1)), axis=1),
    "hard_tanh": ops.hard_tanh, "tanh_shrink": ops.tanh_shrink,
    "soft_shrink": lambda x: ops.soft_shrink(x, 0.3), "hard_shrink": lambda x: ops.hard_shrink(x, 0.3),
    "threshold": lambda x: ops.threshold(x, 0.2, -3.0), "squareplus": lambda x: ops.squareplus(x, 2),
    "sparse_plus": ops.sparse_plus, "sparse_sigmoid": ops.sparse_sigmoid,
    "sparsemax": ops.sparsemax, "softmax": ops.softmax, "softmax_axis": lambda x: ops.softmax(x, 1),
    "log_softmax": ops.log_softmax, "normalize": lambda x: ops.normalize(x),
    "normalize_order": lambda x: ops.normalize(x, axis=1, order=1),
}  # fmt: skip

BINARY = {
    "add": ops.add, "subtract": ops.subtract, "multiply": ops.multiply, "divide": ops.divide,
    "true_divide": ops.true_divide, "floor_divide": ops.floor_divide, "mod": ops.mod,
    "maximum": ops.maximum, "minimum": ops.minimum, "arctan2": ops.arctan2,
    "logaddexp": ops.logaddexp, "hypot": ops.hypot,
    "divide_no_nan": lambda x, y: ops.divide_no_nan(x, ops.relu(y)),
    "power": lambda x, y: ops.power(positive(x), y),
    "equal": lambda x, y: ops.equal(ops.sign(x), ops.sign(y)),
    "not_equal": lambda x, y: ops.not_equal(ops.sign(x), ops.sign(y)),
    "greater": ops.greater, "greater_equal": ops.greater_equal, "less": ops.less,
    "less_equal": ops.less_equal, "greater_number": lambda x, y: ops.greater(x, 0.1),
    "where": lambda x, y: ops.where(ops.greater(x, 0.0), x, y),
    "where_number": lambda x, y: ops.where(ops.less(x, y), x, 0.5),
    "where_broadcast": lambda x, y: ops.where(ops.greater(x[:, :1], 0.0), x, y),
    "isnan": lambda x, y: ops.isnan(ops.log(x)), "isfinite": lambda x, y: ops.isfinite(ops.log(x)),
    "isinf": lambda x, y: ops.isinf(ops.log(ops.relu(x))),
    "outer_product": lambda x, y: ops.einsum("bij,bik->bjk", x, y),
    "concatenate": lambda x, y: ops.concatenate([x, y], axis=1),
    "stack": lambda x, y: ops.stack([x, y], axis=1),
    "hstack": lambda x, y: ops.hstack([x, y]), "vstack": lambda x, y: ops.vstack([x, y]),
}  # fmt: skip

LOGICAL = {
    "logical_and": ops.logical_and, "logical_or": ops.logical_or, "logical_xor": ops.logical_xor,
    "logical_not": lambda x, y: ops.logical_not(x), "all": lambda x, y: ops.all(x, axis=-1),
    "any": lambda x, y: ops.any(x, axis=1, keepdims=True), "all_of_all": lambda x, y: ops.all(x),
    "cast_bool": lambda x, y: ops.cast(x, "float32"),
}  # fmt: skip

REDUCTIONS = {
    "sum": lambda x: ops.sum(x, axis=(1, 3)), "mean": lambda x: ops.mean(x, axis=-1, keepdims=True),
    "prod": lambda x: ops.prod(x, axis=1), "max": lambda x: ops.max(x, axis=2),
    "min": lambda x: ops.min(x), "amax": lambda x: ops.amax(x, axis=-1), "amin": lambda x: ops.amin(x, axis=1),
    "var": lambda x: ops.var(x, axis=(2, 3)), "std": lambda x: ops.std(x, axis=-1),
    "logsumexp": lambda x: ops.logsumexp(x, axis=-1),
    "logsumexp_keepdims": lambda x: ops.logsumexp(x, axis=(1, 2), keepdims=True),
    "norm": lambda x: ops.norm(x), "norm_axis": lambda x: ops.norm(x, axis=-1),
    "norm_1": lambda x: ops.norm(x, ord=1, axis=1),
    "norm_3": lambda x: ops.norm(x, ord=3, axis=-1, keepdims=True),
    "norm_fro": lambda x: ops.norm(x, ord="fro", axis=(1, 2)),
    "argmax": lambda x: ops.argmax(x, axis=-1), "argmax_flat": lambda x: ops.argmax(x),
    "argmin_keepdims": lambda x: ops.argmin(x, axis=1, keepdims=True),
    "count_nonzero": lambda x: ops.count_nonzero(ops.relu(x), axis=-1),
    "median": lambda x: ops.median(x, axis=-1), "ptp": lambda x: ops.ptp(x, axis=1),
    "moments": lambda x: list(ops.moments(x, axes=[-1])),
}  # fmt: skip

ORDER = {
    "sort": lambda x: ops.sort(x), "sort_axis": lambda x: ops.sort(x, axis=1),
    "argsort": lambda x: ops.argsort(x), "argsort_axis": lambda x: ops.argsort(x, axis=2),
    "top_k": lambda x: list(ops.top_k(x, 2)), "cumsum": lambda x: ops.cumsum(x, axis=1),
    "cumprod": lambda x: ops.cumprod(x, axis=-1),
    "flip": lambda x: ops.flip(x, axis=1), "flip_all": lambda x: ops.flip(x),
    "roll": lambda x: ops.roll(x, 2, axis=-1), "roll_axes": lambda x: ops.roll(x, (1, -1), axis=(1, 2)),
    "tile": lambda x: ops.tile(x, (1, 2, 1, 3)), "tile_more": lambda x: ops.tile(x, (2, 1, 1, 1, 2)),
    "repeat": lambda x: ops.repeat(x, 3, axis=2),
    "split": lambda x: ops.split(x, 2, axis=-1), "split_at": lambda x: ops.split(x, [1, 3], axis=3),
    "unstack": lambda x: ops.unstack(x, axis=2),
    "pad": lambda x: ops.pad(x, ((0, 0), (1, 0), (0, 2), (1, 1))),
    "pad_value": lambda x: ops.pad(x, ((0, 0), (1, 0), (0, 0), (2, 1)), constant_values=1.5),
    "pad_reflect": lambda x: ops.pad(x, ((0, 0), (2, 1), (0, 0), (1, 2)), mode="reflect"),
    "pad_symmetric": lambda x: ops.pad(x, ((0, 0), (2, 1), (0, 0), (1, 2)), mode="symmetric"),
    "moveaxis": lambda x: ops.moveaxis(x, 1, -1), "moveaxis_two": lambda x: ops.moveaxis(x, (1, 2), (3, 1)),
    "swapaxes": lambda x: ops.swapaxes(x, 1, 3), "transpose": lambda x: ops.transpose(x, (0, 3, 1, 2)),
    "ravel": lambda x: ops.ravel(x), "reshape": lambda x: ops.reshape(x, (-1, 4, 6)),
    "expand_dims": lambda x: ops.expand_dims(x, (1, -1)),
    "squeeze": lambda x: ops.squeeze(x[:, :1], axis=1),
    "broadcast_to": lambda x: ops.broadcast_to(x[:1, :, :1], (2, 3, 5, 4)),
    "get_item": lambda x: x[:, 1:, 0, ::2], "take": lambda x: ops.take(x, [2, 0, -1], axis=1),
    "take_one": lambda x: ops.take(x, 1, axis=-1),
    "tril": lambda x: ops.tril(x), "triu": lambda x: ops.triu(x, 1),
}  # fmt: skip

OTHERS = {
    "take_rows": ([((3, 4), F), ((5,), I)], lambda x, i: ops.take(x, i, axis=2)),
    "take_along_axis": ([((3, 4), F), ((3, 2), I)], lambda x, i: ops.take_along_axis(x, i, axis=2)),
    "one_hot": ([((5,), I)], lambda i: ops.one_hot(i, 4)),
    "one_hot_axis": ([((5,), I)], lambda i: ops.one_hot(i, 4, axis=1)),
    "matmul": ([((3, 4), F), ((4, 5), F)], ops.matmul),
    "cast": (M, lambda x: ops.cast(x * 3.0, "int32")),
    "cast_half": (M, lambda x: ops.cast(x, "float16")),
    "argmax_of_integers": ([((5,), I)], lambda i: ops.argmax(i, axis=-1)),
    "where_integers": ([((5,), I), ((5,), I)], lambda i, j: ops.where(ops.greater(i, j), i, j)),
}  # fmt: skip


# What Keras cannot compute with JAX, since a model's configuration has axes as lists.
NUMPY = {
    "norm_axis": lambda x: np.linalg.norm(x, axis=-1), "norm_1": lambda x: np.linalg.norm(x, 1, axis=1),
    "norm_3": lambda x: np.linalg.norm(x, 3, axis=-1, keepdims=True),
}  # fmt: skip


def rows():
    for table, given in [
        (UNARY, M), (BINARY, MM), (LOGICAL, BB), (REDUCTIONS, [((3, 2, 4), F)]), (ORDER, [((3, 2, 4), F)]),
    ]:  # fmt: skip
        for name, function in table.items():
            yield name, given, function
    for name, (given, function) in OTHERS.items():
        yield name, given, function


def values(shape, dtype, random):
    if dtype == B:
        return random.random(shape) < 0.6
    if dtype == I:
        return random.integers(0, 2 if len(shape) == 3 else 4, shape).astype(np.int32)
    # Neither ties nor signs of zero: NumPy and XLA order those as they please.
    return random.normal(0.0, 1.0, shape).astype(np.float32)


def main():
    random = np.random.default_rng(SEED)
    tensors, models = {}, []
    for name, given, function in rows():
        keras.backend.clear_session()
        inputs = [keras.Input(shape, dtype=dtype, name=f"in{k}") for k, (shape, dtype) in enumerate(given)]
        result = function(*inputs)
        model = keras.Model(inputs, result, name=name)
        fed = [values((2, *shape), dtype, random) for shape, dtype in given]
        out = NUMPY[name](*fed) if name in NUMPY else model(fed if len(fed) > 1 else fed[0])
        out = list(out) if isinstance(out, (list, tuple)) else [out]
        for index, value in enumerate(fed):
            tensors[f"{name}/input.{index}"] = value
        for index, value in enumerate(out):
            value = ops.convert_to_numpy(value)
            tensors[f"{name}/output.{index}"] = value
        models.append(
            {
                "name": name, "inputs": len(fed), "outputs": len(out),
                "shapes": [list(x.shape) for x in model.outputs], "config": json.loads(model.to_json()),
            }
        )  # fmt: skip
    out = folder("keras/operations")
    # One line a model: they are many, and alike.
    lines = [json.dumps(model, allow_nan=False) for model in models]
    (out / "models.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    write_safetensors(
        out / "tensors.safetensors", tensors,
        {"format": "keras", "keras_version": keras.__version__},
    )
    print(f"keras/operations: {len(models)} models")


if __name__ == "__main__":
    main()
