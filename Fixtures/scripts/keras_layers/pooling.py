from keras import layers

from .rows import Masked, Row, grid, normal

FIRST = {"data_format": "channels_first"}


def rows(random):
    for cls in [layers.MaxPooling1D, layers.AveragePooling1D]:
        yield from grid(random, cls, (2, 9, 3), [
            {"pool_size": 2}, {"pool_size": 3, "strides": 1}, {"pool_size": 3, "padding": "same"},
            {"pool_size": 2, "strides": 3, "padding": "same"}, {**FIRST, "pool_size": 2, "_shape": (2, 3, 9)},
        ])
    for cls in [layers.MaxPooling2D, layers.AveragePooling2D]:
        yield from grid(random, cls, (2, 7, 6, 3), [
            {"pool_size": 2}, {"pool_size": 3, "strides": 2}, {"pool_size": 3, "strides": 2, "padding": "same"},
            {"pool_size": (2, 3), "padding": "same"}, {"pool_size": 3, "strides": 1, "padding": "same"},
            {**FIRST, "pool_size": 2, "_shape": (2, 3, 7, 6)},
            {**FIRST, "padding": "same", "pool_size": 3, "_shape": (2, 3, 7, 6)},
        ])
    for cls in [layers.MaxPooling3D, layers.AveragePooling3D]:
        yield from grid(random, cls, (1, 5, 4, 6, 2), [
            {"pool_size": 2}, {"pool_size": (2, 3, 2), "strides": 2, "padding": "same"},
            {**FIRST, "pool_size": 2, "_shape": (1, 2, 5, 4, 6)},
        ])
    for rank in [1, 2, 3]:
        shape = (2, 5, 4, 3)[: rank + 1] + (3,)
        first = (2, 3) + shape[1:-1]
        for kind in ["Max", "Average"]:
            cls = getattr(layers, f"Global{kind}Pooling{rank}D")
            yield from grid(random, cls, shape, [
                {}, {"keepdims": True}, {**FIRST, "_shape": first},
                {**FIRST, "keepdims": True, "_shape": first},
            ])
    mask = random.uniform(size=(3, 5)) < 0.6
    mask[:, 0] = True
    for options in [{}, {"keepdims": True}]:
        layer = layers.GlobalAveragePooling1D(name="layer", **options)
        name = f"GlobalAveragePooling1D/masked,{options}"
        yield Row(name, layer, (Masked(normal(random, 3, 5, 2), mask),))
