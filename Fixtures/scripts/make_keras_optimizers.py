"""Takes several steps with each of Keras's optimizers and writes what they leave behind to
Fixtures/keras/optimizers; and what Keras's learning-rate schedules give.

Gradients are given, not computed: the same for all cases of a type.
"""

import json
from contextlib import nullcontext

from common import folder, write_json, write_safetensors  # first: it sets up the environment

import jax
import keras
import numpy as np
from keras import constraints as c
from keras import layers as l
from keras import optimizers as o
from keras.optimizers import schedules as s

import float64

STEPS = 9
# The steps after which the weights are kept.
AFTER = [1, 4, STEPS]
ADAM = {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-5}
EMA = {"use_ema": True, "ema_momentum": 0.9}

CASES = {
    "sgd": lambda: o.SGD(),
    "sgd_momentum": lambda: o.SGD(0.05, momentum=0.9),
    "sgd_nesterov": lambda: o.SGD(0.05, momentum=0.9, nesterov=True),
    "sgd_weight_decay": lambda: o.SGD(0.05, momentum=0.5, weight_decay=0.01),
    "sgd_clipnorm": lambda: o.SGD(0.05, clipnorm=0.5),
    "sgd_clipvalue": lambda: o.SGD(0.05, clipvalue=0.25),
    "sgd_global_clipnorm": lambda: o.SGD(0.05, global_clipnorm=0.75),
    "sgd_ema": lambda: o.SGD(0.05, **EMA),
    "sgd_ema_overwrite": lambda: o.SGD(0.05, ema_overwrite_frequency=4, **EMA),
    "sgd_loss_scale": lambda: o.SGD(0.05, loss_scale_factor=128.0),
    "sgd_accumulation": lambda: o.SGD(0.05, momentum=0.9, gradient_accumulation_steps=4),
    "rmsprop": lambda: o.RMSprop(),
    "rmsprop_momentum": lambda: o.RMSprop(0.01, rho=0.8, momentum=0.7, epsilon=1e-5),
    "rmsprop_centered": lambda: o.RMSprop(0.01, centered=True),
    "rmsprop_centered_momentum": lambda: o.RMSprop(0.01, momentum=0.3, centered=True),
    "rmsprop_weight_decay": lambda: o.RMSprop(0.01, weight_decay=0.02),
    "adam": lambda: o.Adam(),
    "adam_options": lambda: o.Adam(0.02, **ADAM),
    "adam_amsgrad": lambda: o.Adam(0.02, amsgrad=True),
    "adam_clipnorm": lambda: o.Adam(0.02, clipnorm=0.5),
    "adam_ema_overwrite": lambda: o.Adam(0.02, ema_overwrite_frequency=3, **EMA),
    "adam_accumulation": lambda: o.Adam(0.02, gradient_accumulation_steps=3),
    "adam_accumulation_ema": lambda: o.Adam(
        0.02, gradient_accumulation_steps=2, ema_overwrite_frequency=2, **EMA
    ),
    "adam_schedule": lambda: o.Adam(s.ExponentialDecay(0.02, 3, 0.7)),
    "adam_schedule_accumulation": lambda: o.Adam(
        s.PolynomialDecay(0.02, 8), gradient_accumulation_steps=2
    ),
    "adamw": lambda: o.AdamW(),
    "adamw_options": lambda: o.AdamW(0.02, weight_decay=0.1, amsgrad=True, **ADAM),
    "adamw_schedule": lambda: o.AdamW(s.CosineDecay(0.02, 6, warmup_target=0.05, warmup_steps=3)),
    "adagrad": lambda: o.Adagrad(),
    "adagrad_options": lambda: o.Adagrad(0.1, initial_accumulator_value=0.5, epsilon=1e-3),
    "adagrad_accumulation": lambda: o.Adagrad(0.1, gradient_accumulation_steps=2),
    "adadelta": lambda: o.Adadelta(),
    "adadelta_options": lambda: o.Adadelta(1.0, rho=0.8, epsilon=1e-4),
    "adadelta_global_clipnorm": lambda: o.Adadelta(1.0, global_clipnorm=0.5),
    "adamax": lambda: o.Adamax(),
    "adamax_options": lambda: o.Adamax(0.02, **ADAM),
    "adamax_weight_decay": lambda: o.Adamax(0.02, weight_decay=0.05),
    "nadam": lambda: o.Nadam(),
    "nadam_options": lambda: o.Nadam(0.02, **ADAM),
    "nadam_accumulation": lambda: o.Nadam(0.02, gradient_accumulation_steps=2),
    "nadam_clipvalue": lambda: o.Nadam(0.02, clipvalue=0.3),
    "lion": lambda: o.Lion(),
    "lion_options": lambda: o.Lion(0.01, beta_1=0.8, beta_2=0.95),
    "lion_weight_decay": lambda: o.Lion(0.01, weight_decay=0.1),
    "lion_ema": lambda: o.Lion(0.01, **EMA),
}  # fmt: skip

# One of each class in double precision.
DOUBLES = [
    "sgd_nesterov", "rmsprop_centered_momentum", "adam_amsgrad", "adamw", "adagrad", "adadelta",
    "adamax", "nadam", "lion",
]  # fmt: skip

# An optimizer, and constraints on the weights of the two layers.
CONSTRAINED = {
    "constrained_max_norm": (
        lambda: o.SGD(0.05, momentum=0.9),
        {"kernel_constraint": c.MaxNorm(0.8), "bias_constraint": c.NonNeg()},
        {"kernel_constraint": c.MaxNorm(0.5, axis=1)},
    ),
    "constrained_unit_norm": (
        lambda: o.Adam(0.02),
        {"kernel_constraint": c.UnitNorm(axis=1), "bias_constraint": c.UnitNorm()},
        {"kernel_constraint": c.UnitNorm(axis=[0, 1])},
    ),
    "constrained_min_max_norm": (
        lambda: o.RMSprop(0.01),
        {"kernel_constraint": c.MinMaxNorm(0.5, 1.0, rate=0.3), "bias_constraint": c.MinMaxNorm()},
        {"kernel_constraint": c.MinMaxNorm(2.0, 3.0, axis=-1)},
    ),
    "constrained_ema_overwrite": (
        lambda: o.Adam(0.02, ema_overwrite_frequency=3, **EMA),
        {"kernel_constraint": c.MaxNorm(0.8)}, {"kernel_constraint": c.NonNeg()},
    ),
    "constrained_accumulation": (
        lambda: o.SGD(0.05, gradient_accumulation_steps=4),
        {"kernel_constraint": c.UnitNorm()}, {"bias_constraint": c.NonNeg()},
    ),
}  # fmt: skip

# Around another optimizer; the loss scale doubles after two steps, and halves where a gradient is not
# finite.
SCALED = {
    "scaled_sgd": lambda: o.LossScaleOptimizer(
        o.SGD(0.05, momentum=0.9), initial_scale=8.0, dynamic_growth_steps=2
    ),
    "scaled_adam": lambda: o.LossScaleOptimizer(
        o.Adam(0.02, clipnorm=0.5, loss_scale_factor=64.0), initial_scale=0.5,
        dynamic_growth_steps=3, name="scaling",
    ),
    "scaled_schedule_ema": lambda: o.LossScaleOptimizer(
        o.RMSprop(s.ExponentialDecay(0.02, 3, 0.7), **EMA), initial_scale=16.0,
        dynamic_growth_steps=1,
    ),
}  # fmt: skip

# Which weights a layer's constraints are for.
PLACES = [
    (lambda k: l.Dense(3, kernel_constraint=k), (2, 4)),
    (lambda k: l.Dense(3, bias_constraint=k), (2, 4)),
    (lambda k: l.Dense(3, use_bias=False, bias_constraint=k), (2, 4)),
    (lambda k: l.EinsumDense("ab,bc->ac", 3, bias_axes="c", kernel_constraint=k), (2, 4)),
    (lambda k: l.Conv2D(2, 2, kernel_constraint=k), (1, 4, 4, 2)),
    (lambda k: l.Conv1DTranspose(2, 2, bias_constraint=k), (1, 4, 2)),
    (lambda k: l.DepthwiseConv2D(2, depthwise_constraint=k), (1, 4, 4, 2)),
    (lambda k: l.SeparableConv2D(2, 2, depthwise_constraint=k), (1, 4, 4, 2)),
    (lambda k: l.SeparableConv1D(2, 2, pointwise_constraint=k, bias_constraint=k), (1, 4, 2)),
    (lambda k: l.Embedding(5, 3, embeddings_constraint=k), (2, 4)),
    (lambda k: l.BatchNormalization(gamma_constraint=k), (2, 4)),
    (lambda k: l.LayerNormalization(beta_constraint=k), (2, 4)),
    (lambda k: l.GroupNormalization(2, gamma_constraint=k, beta_constraint=k), (2, 4)),
    (lambda k: l.PReLU(alpha_constraint=k), (2, 4)),
    (lambda k: l.SimpleRNN(3, recurrent_constraint=k), (2, 4, 2)),
    (lambda k: l.LSTM(3, kernel_constraint=k, bias_constraint=k), (2, 4, 2)),
    (lambda k: l.GRU(3, recurrent_constraint=k), (2, 4, 2)),
    (lambda k: l.Bidirectional(l.GRU(3, kernel_constraint=k)), (2, 4, 2)),
    (lambda k: l.TimeDistributed(l.Dense(3, bias_constraint=k)), (2, 4, 2)),
    (lambda k: keras.Sequential([l.Dense(3), l.Dense(2, kernel_constraint=k)]), (2, 4)),
]
PAIRS = [
    (lambda k: l.MultiHeadAttention(2, 3, kernel_constraint=k), (2, 3, 4)),
    (lambda k: l.MultiHeadAttention(2, 3, bias_constraint=k), (2, 3, 4)),
    (lambda k: l.GroupQueryAttention(3, 4, 2, kernel_constraint=k), (2, 3, 4)),
]

SCHEDULES = {
    "exponential": s.ExponentialDecay(0.1, 7, 0.8),
    "exponential_staircase": s.ExponentialDecay(0.1, 7, 0.8, staircase=True),
    "piecewise": s.PiecewiseConstantDecay([5, 12, 30], [0.1, 0.05, 0.02, 0.001]),
    "piecewise_fractions": s.PiecewiseConstantDecay([4.5, 12.5], [0.1, 0.05, 0.02]),
    "piecewise_one": s.PiecewiseConstantDecay([9], [0.3, 0.2]),
    "polynomial": s.PolynomialDecay(0.1, 25),
    "polynomial_power": s.PolynomialDecay(0.1, 25, end_learning_rate=0.01, power=0.5),
    "polynomial_cycle": s.PolynomialDecay(0.1, 8, power=2.0, cycle=True),
    "inverse_time": s.InverseTimeDecay(0.1, 6, 0.5),
    "inverse_time_staircase": s.InverseTimeDecay(0.1, 6, 0.5, staircase=True),
    "cosine": s.CosineDecay(0.1, 30),
    "cosine_alpha": s.CosineDecay(0.1, 30, alpha=0.2),
    "cosine_warmup": s.CosineDecay(0.0, 30, alpha=0.1, warmup_target=0.2, warmup_steps=10),
    "cosine_restarts": s.CosineDecayRestarts(0.1, 9),
    "cosine_restarts_even": s.CosineDecayRestarts(0.1, 9, t_mul=1.0, m_mul=0.9),
    "cosine_restarts_options": s.CosineDecayRestarts(0.1, 5, t_mul=1.5, m_mul=0.8, alpha=0.05),
}
# Not the steps at which a restart falls to the rounding of a logarithm.
AT = [0, 1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 16, 19, 21, 25, 26, 30, 31, 34, 37, 50, 200, 1001]


def model(dtype, hidden=None, head=None):
    keras.backend.clear_session()
    layers = [
        keras.Input([3], dtype=dtype),
        keras.layers.Dense(5, name="hidden", dtype=dtype, **(hidden or {})),
        keras.layers.Dense(2, name="head", dtype=dtype, **(head or {})),
    ]
    return keras.Sequential(layers, name="net")


def numbers(dtype, tensors):
    """The weights that all cases begin with, and the gradients of each step."""
    random = np.random.default_rng(20250311)
    shapes = [v.shape for v in model(dtype).trainable_variables]
    weights = [random.normal(0, 1, shape).astype(dtype) for shape in shapes]
    steps = []
    for step in range(STEPS):
        # Small and large ones, some of them zero; all of one step.
        scale = [0.1, 1.0, 3.0, 0.0, 0.01][step % 5]
        values = [random.normal(0, 1, shape) * scale for shape in shapes]
        for value in values:
            value.flat[step % value.size] = 0
        steps.append([value.astype(dtype) for value in values])
    for index, weight in enumerate(weights):
        tensors[f"{dtype}/weight.{index}"] = weight
    for step, gradients in enumerate(steps):
        for index, gradient in enumerate(gradients):
            tensors[f"{dtype}/gradient.{step}.{index}"] = gradient
    return weights, steps


def not_finite(steps, dtype, tensors):
    """The same gradients, but for an infinity in one step and a NaN in another."""
    steps = [[value.copy() for value in step] for step in steps]
    steps[3][1][0] = np.inf
    steps[6][0][1, 2] = np.nan
    for step, gradients in enumerate(steps):
        for index, gradient in enumerate(gradients):
            tensors[f"scaled_{dtype}/gradient.{step}.{index}"] = gradient
    return steps


def apply(optimizer, net, gradients):
    if not isinstance(optimizer, o.LossScaleOptimizer):
        optimizer.apply(gradients)
        return
    # With JAX it cannot be applied otherwise.
    weights, variables = optimizer.stateless_apply(
        [v.value for v in optimizer.variables], gradients, [v.value for v in net.trainable_variables]
    )
    for variable, value in zip(net.trainable_variables + optimizer.variables, weights + variables):
        variable.assign(value)


def keep(key, values, tensors):
    for index, value in enumerate(values):
        tensors[f"{key}.{index}"] = keras.ops.convert_to_numpy(value)


def run(name, make, dtype, weights, steps, tensors, *constraints):
    net = model(dtype, *constraints)
    net.set_weights(weights)
    optimizer = make()
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(optimizer)))
    optimizer.build(net.trainable_variables)
    for step, gradients in enumerate(steps):
        apply(optimizer, net, [keras.ops.convert_to_tensor(g) for g in gradients])
        if step + 1 in AFTER:
            keep(f"{name}/after.{step + 1}", net.trainable_variables, tensors)
    keep(f"{name}/variable", optimizer.variables, tensors)
    optimizer.finalize_variable_values(net.trainable_variables)
    keep(f"{name}/final", net.trainable_variables, tensors)
    names = [variable.name for variable in optimizer.variables]
    case = {"name": name, "dtype": dtype, "optimizer": config, "variables": names}
    return case | {"model": json.loads(net.to_json())} if constraints else case


def places():
    """Layers with constraints, and which of their trainable weights have one."""
    found = []
    for table, count in [(PLACES, 1), (PAIRS, 2)]:
        for make, shape in table:
            keras.backend.clear_session()
            layer = make(c.NonNeg())
            layer(*[keras.KerasTensor(shape)] * count)
            found.append(
                {
                    "layer": json.loads(json.dumps(keras.saving.serialize_keras_object(layer))),
                    "constrained": [w.constraint is not None for w in layer.trainable_weights],
                }
            )
    return found


def main():
    tensors = {}
    cases = []
    weights, steps = numbers("float32", tensors)
    for name, make in CASES.items():
        cases.append(run(name, make, "float32", weights, steps, tensors))
    with jax.enable_x64(True):
        weights, steps = numbers("float64", tensors)
        for name in DOUBLES:
            cases.append(run(f"{name}_float64", CASES[name], "float64", weights, steps, tensors))
    for dtype in ["float32", "float64"]:
        with float64.computed() if dtype == "float64" else nullcontext():
            # The numbers of that type are there already.
            weights, steps = numbers(dtype, {})
            for name, (make, *layers) in CONSTRAINED.items():
                name = name if dtype == "float32" else f"{name}_float64"
                cases.append(run(name, make, dtype, weights, steps, tensors, *layers))
            steps = not_finite(steps, dtype, tensors)
            for name, make in SCALED.items():
                if dtype == "float64" and "schedule" in name:
                    continue  # schedules are in single precision
                name = name if dtype == "float32" else f"{name}_float64"
                case = run(name, make, dtype, weights, steps, tensors)
                cases.append(case | {"gradients": f"scaled_{dtype}"})
    schedules = []
    for name, schedule in SCHEDULES.items():
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(schedule)))
        values = [float(schedule(np.int32(step))) for step in AT]
        schedules.append({"name": name, "schedule": config, "values": values})
    out = folder("keras/optimizers")
    write_json(out / "index.json", {"steps": STEPS, "after": AFTER, "cases": cases})
    write_json(out / "constraints.json", places())
    write_json(out / "schedules.json", {"steps": AT, "schedules": schedules})
    write_safetensors(
        out / "tensors.safetensors", tensors,
        {"format": "keras", "keras_version": keras.__version__},
    )
    print(f"keras/optimizers: {len(cases)} cases, {len(schedules)} schedules")


main()
