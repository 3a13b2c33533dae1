"""The state of an optimizer after a short training: Adam on an embedding and a small network.

The network learns the next byte of a text from the trigrams before it. Trigrams are hashed into the
rows of an embedding, and rows that no batch has touched keep moments of exactly zero, as in every
real training. Seeded; the last bits may depend on the machine's matrix products.
"""
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SEED = 20240607
ROWS, WIDTH, HIDDEN, CONTEXT, SYMBOLS = 32_768, 128, 1_024, 3, 256
STEPS, BATCH = 150, 256
RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def optimizer_state(text: bytes) -> dict[str, Array]:
    """Both moments of every parameter, as PyTorch names them, and the number of steps."""
    random = np.random.default_rng(SEED)
    symbols = np.frombuffer(text, np.uint8).astype(np.uint64)
    trigrams = (symbols[:-2] * 65_599 ^ symbols[1:-1] * 257 ^ symbols[2:]) * 2_654_435_761
    rows = (trigrams % 2**32 // (2**32 // ROWS)).astype(np.int64)
    parameters = {
        "embedding.weight": normal(random, 1, (ROWS, WIDTH)),
        "hidden.0.weight": normal(random, (CONTEXT * WIDTH) ** -0.5, (CONTEXT * WIDTH, HIDDEN)),
        "hidden.0.bias": np.zeros(HIDDEN, np.float32),
        "hidden.1.weight": normal(random, HIDDEN**-0.5, (HIDDEN, HIDDEN)),
        "hidden.1.bias": np.zeros(HIDDEN, np.float32),
        "output.weight": normal(random, HIDDEN**-0.5, (HIDDEN, SYMBOLS)),
        "output.bias": np.zeros(SYMBOLS, np.float32),
    }
    first = {name: np.zeros_like(value) for name, value in parameters.items()}
    second = {name: np.zeros_like(value) for name, value in parameters.items()}
    for step in range(1, STEPS + 1):
        places = random.integers(0, len(rows) - CONTEXT, BATCH)
        context = rows[places[:, None] + np.arange(CONTEXT)]
        gradients = backward(parameters, context, symbols[places + CONTEXT + 1].astype(np.int64))
        for name, gradient in gradients.items():
            first[name] += (1 - BETA1) * (gradient - first[name])
            second[name] += (1 - BETA2) * (gradient * gradient - second[name])
            mean = first[name] / np.float32(1 - BETA1**step)
            spread = np.sqrt(second[name] / np.float32(1 - BETA2**step))
            parameters[name] -= np.float32(RATE) * mean / (spread + np.float32(EPSILON))
    state: dict[str, Array] = {}
    for name in parameters:
        state[f"state.{name}.exp_avg"] = first[name]
        state[f"state.{name}.exp_avg_sq"] = second[name]
        state[f"state.{name}.step"] = np.array(STEPS, np.int64)
    return state


def normal(random: np.random.Generator, scale: float, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    return (scale * random.standard_normal(shape)).astype(np.float32)


def backward(parameters: dict[str, Array], context: Array, targets: Array) -> dict[str, Array]:
    """The gradients of the mean cross-entropy."""
    embedded = parameters["embedding.weight"][context].reshape(BATCH, -1)
    hidden = np.maximum(embedded @ parameters["hidden.0.weight"] + parameters["hidden.0.bias"], 0)
    deeper = np.maximum(hidden @ parameters["hidden.1.weight"] + parameters["hidden.1.bias"], 0)
    logits = deeper @ parameters["output.weight"] + parameters["output.bias"]
    odds = np.exp(logits - logits.max(1, keepdims=True))
    error = odds / odds.sum(1, keepdims=True)
    error[np.arange(BATCH), targets] -= 1
    error /= np.float32(BATCH)
    at_deeper = (error @ parameters["output.weight"].T) * (deeper > 0)
    at_hidden = (at_deeper @ parameters["hidden.1.weight"].T) * (hidden > 0)
    at_embedded = at_hidden @ parameters["hidden.0.weight"].T
    embedding = np.zeros((ROWS, WIDTH), np.float32)
    np.add.at(embedding, context.reshape(-1), at_embedded.reshape(-1, WIDTH))
    return {
        "embedding.weight": embedding,
        "hidden.0.weight": embedded.T @ at_hidden, "hidden.0.bias": at_hidden.sum(0),
        "hidden.1.weight": hidden.T @ at_deeper, "hidden.1.bias": at_deeper.sum(0),
        "output.weight": deeper.T @ error, "output.bias": error.sum(0),
    }
