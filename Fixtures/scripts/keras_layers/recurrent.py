import numpy as np
from keras import layers

from .rows import Masked, Row, grid, normal, spelled

MASK = np.array([[True, True, False, True, False], [False, True, True, True, True]])


def rows(random):
    shape = (2, 5, 3)
    for cls, states in [(layers.SimpleRNN, 1), (layers.LSTM, 2), (layers.GRU, 1)]:
        yield from grid(random, cls, shape, [
            {}, {"return_sequences": True}, {"return_sequences": True, "go_backwards": True},
            {"go_backwards": True}, {"return_state": True},
            {"return_sequences": True, "return_state": True}, {"use_bias": False},
            {"activation": "relu"}, {"dropout": 0.2, "recurrent_dropout": 0.1, "seed": 4},
            {"unroll": True, "return_sequences": True},
        ], 4)
        for options in [
            {}, {"return_sequences": True}, {"return_sequences": True, "zero_output_for_mask": True},
            {"go_backwards": True, "return_sequences": True}, {"return_state": True},
        ]:
            yield Row(f"{cls.__name__}/masked,{spelled(options)}", cls(4, name="layer", **options),
                      (Masked(normal(random, *shape), MASK),))
        initial = [normal(random, 2, 4) for _ in range(states)]
        yield Row(f"{cls.__name__}/initial_state", cls(4, name="layer"), (normal(random, *shape),),
                  {"initial_state": initial if states > 1 else initial[0]})
        yield Row(f"{cls.__name__}/stateful", cls(4, stateful=True, name="layer"),
                  (normal(random, *shape),), fixed_batch=True, calls=2)
    yield from grid(random, layers.LSTM, shape, [
        {"recurrent_activation": "hard_sigmoid"}, {"unit_forget_bias": False},
    ], 4)
    yield from grid(random, layers.GRU, shape, [
        {"reset_after": False}, {"reset_after": False, "use_bias": False},
        {"recurrent_activation": "hard_sigmoid", "activation": "softsign"},
    ], 4)
    for cls in [layers.LSTM, layers.GRU, layers.SimpleRNN]:
        for options in [{}, {"merge_mode": "sum"}, {"merge_mode": "mul"}]:
            for sequences in [False, True]:
                name = f"Bidirectional/{cls.__name__},{spelled(options)},return_sequences={sequences}"
                inner = cls(4, return_sequences=sequences, name="rnn")
                yield Row(name, layers.Bidirectional(inner, name="layer", **options),
                          (normal(random, *shape),))
    for options in [{"merge_mode": "ave"}, {"merge_mode": None}]:
        inner = layers.GRU(4, return_sequences=True, name="rnn")
        yield Row(f"Bidirectional/GRU,{spelled(options)}",
                  layers.Bidirectional(inner, name="layer", **options), (normal(random, *shape),))
    inner = layers.LSTM(4, return_sequences=True, return_state=True, name="rnn")
    yield Row("Bidirectional/return_state", layers.Bidirectional(inner, name="layer"),
              (normal(random, *shape),))
    inner = layers.LSTM(4, return_sequences=True, name="rnn")
    yield Row("Bidirectional/masked", layers.Bidirectional(inner, name="layer"),
              (Masked(normal(random, *shape), MASK),))
    inner = layers.GRU(4, name="rnn")
    other = layers.GRU(3, go_backwards=True, name="other")
    yield Row("Bidirectional/backward_layer",
              layers.Bidirectional(inner, backward_layer=other, name="layer"),
              (normal(random, *shape),))
    for inner, own in [
        (layers.Dense(4, activation="relu", name="inner"), shape),
        (layers.Conv2D(3, 2, name="inner"), (2, 3, 5, 4, 2)),
        (layers.BatchNormalization(name="inner"), shape),
        (layers.GlobalAveragePooling2D(name="inner"), (2, 3, 5, 4, 2)),
    ]:
        yield Row(f"TimeDistributed/{type(inner).__name__}",
                  layers.TimeDistributed(inner, name="layer"), (normal(random, *own),))
    yield Row("TimeDistributed/masked",
              layers.TimeDistributed(layers.Dense(4, name="inner"), name="layer"),
              (Masked(normal(random, *shape), MASK),))
