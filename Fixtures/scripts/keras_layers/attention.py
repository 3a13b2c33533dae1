from keras import layers

from .rows import Masked, Row, normal, spelled


def lower(random, *shape):
    """A mask in which no row is all false."""
    mask = random.uniform(size=shape) < 0.6
    mask[..., 0] = True
    return mask


def rows(random):
    query, value, key = normal(random, 2, 3, 4), normal(random, 2, 5, 4), normal(random, 2, 5, 4)
    heads = layers.MultiHeadAttention
    for options, args, kwargs in [
        ({}, (query, query), {}),
        ({}, (query, value), {}),
        ({}, (query, value, key), {}),
        ({}, (query, value), {"key": key}),
        ({}, (query, query), {"use_causal_mask": True}),
        ({}, (query, value), {"attention_mask": lower(random, 2, 3, 5)}),
        ({}, (query, query), {"use_causal_mask": True, "attention_mask": lower(random, 2, 3, 3)}),
        ({}, (query, value), {"return_attention_scores": True}),
        ({}, (query, query), {"return_attention_scores": True, "use_causal_mask": True}),
        ({}, (Masked(query, lower(random, 2, 3)), Masked(value, lower(random, 2, 5))), {}),
        ({"use_bias": False}, (query, value), {}),
        ({"value_dim": 5, "dropout": 0.1}, (query, value), {}),
        ({"output_shape": 6}, (query, value), {}),
        ({"dropout": 0.2}, (query, value), {}),
        ({"use_gate": True}, (query, value), {}),
        ({"sliding_window": 2}, (query, query), {}),
        ({"attention_axes": (1, 2)}, (normal(random, 2, 2, 3, 4), normal(random, 2, 3, 2, 4)), {}),
        ({"attention_axes": 2}, (normal(random, 2, 2, 3, 4), normal(random, 2, 2, 3, 4)), {}),
    ]:
        shapes = ",".join("x".join(map(str, getattr(x, "value", x).shape)) for x in args)
        masks = "masked," if isinstance(args[0], Masked) else ""
        name = f"MultiHeadAttention/{spelled(options)},{masks}{shapes},{'+'.join(kwargs)}"
        yield Row(name, heads(2, 3, name="layer", **options), args, kwargs)
    grouped = layers.GroupQueryAttention
    for options, args, kwargs in [
        ({}, (query, query), {}),
        ({}, (query, value), {}),
        ({}, (query, query), {"use_causal_mask": True}),
        ({}, (query, value), {"attention_mask": lower(random, 2, 3, 5)}),
        ({}, (query, value), {"return_attention_scores": True}),
        ({"use_bias": False}, (query, value, key), {}),
        ({"use_gate": True, "sliding_window": 2}, (query, query), {}),
    ]:
        name = f"GroupedQueryAttention/{spelled(options)},{len(args)},{args[1].shape[1]},{'+'.join(kwargs)}"
        yield Row(name, grouped(3, 4, 2, name="layer", **options), args, kwargs)
    for options, args, kwargs in [
        ({}, [query, value], {}),
        ({}, [query, value, key], {}),
        ({"use_scale": True}, [query, value], {}),
        ({"score_mode": "concat"}, [query, value], {}),
        ({"score_mode": "concat", "use_scale": True}, [query, value], {}),
        ({}, [query, query], {"use_causal_mask": True}),
        ({}, [query, value], {"return_attention_scores": True}),
        ({"dropout": 0.1, "seed": 5}, [query, value], {}),
    ]:
        name = f"Attention/{spelled(options)},{len(args)},{args[1].shape[1]},{'+'.join(kwargs)}"
        yield Row(name, layers.Attention(name="layer", **options), (args,), kwargs)
    masked = [Masked(query, lower(random, 2, 3)), Masked(value, lower(random, 2, 5))]
    yield Row("Attention/masks", layers.Attention(name="layer"), (masked,))
    masked = [Masked(query, lower(random, 2, 3)), Masked(query, lower(random, 2, 3))]
    yield Row("Attention/masks,causal", layers.Attention(name="layer"), (masked,),
              {"use_causal_mask": True})
