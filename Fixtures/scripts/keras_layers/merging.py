from keras import layers

from .rows import Masked, Row, normal, spelled


def rows(random):
    plain = [layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum]
    for cls in plain + [layers.Subtract]:
        name = cls.__name__
        yield Row(f"{name}/two", cls(name="layer"), ([normal(random, 2, 3), normal(random, 2, 3)],))
        yield Row(f"{name}/broadcast", cls(name="layer"),
                  ([normal(random, 2, 3, 4), normal(random, 2, 1, 4)],))
        yield Row(f"{name}/ranks", cls(name="layer"),
                  ([normal(random, 2, 3, 4), normal(random, 2, 4)],))
        if cls in plain:
            yield Row(f"{name}/three", cls(name="layer"),
                      ([normal(random, 2, 3) for _ in range(3)],))
    masks = [random.uniform(size=(2, 4)) < 0.5 for _ in range(2)]
    values = [normal(random, 2, 4, 3) for _ in range(2)]
    both = [Masked(v, m) for v, m in zip(values, masks)]
    yield Row("Add/masks", layers.Add(name="layer"), (both,))
    yield Row("Add/one mask", layers.Add(name="layer"), ([both[0], values[1]],))
    for options, shapes in [
        ({}, [(2, 3), (2, 4)]),
        ({"axis": 1}, [(2, 3, 4), (2, 1, 4), (2, 2, 4)]),
        ({"axis": -2}, [(2, 3, 4), (2, 2, 4)]),
        ({"axis": -1}, [(2, 3, 2), (2, 3, 4)]),
    ]:
        yield Row(f"Concatenate/{spelled(options)},{len(shapes[0])}d",
                  layers.Concatenate(name="layer", **options),
                  ([normal(random, *s) for s in shapes],))
    yield Row("Concatenate/masks", layers.Concatenate(name="layer"), (both,))
    yield Row("Concatenate/masks,axis=1", layers.Concatenate(axis=1, name="layer"), (both,))
    yield Row("Concatenate/one mask,axis=1", layers.Concatenate(axis=1, name="layer"),
              ([both[0], values[1]],))
    for options, shapes in [
        ({"axes": 1}, [(2, 3), (2, 3)]),
        ({"axes": -1, "normalize": True}, [(2, 3), (2, 3)]),
        ({"axes": (1, 2)}, [(2, 3, 4), (2, 5, 3)]),
        ({"axes": (2, 1)}, [(2, 3, 4), (2, 4)]),
        ({"axes": 2}, [(2, 3, 4), (2, 5, 4)]),
        ({"axes": (2, 2), "normalize": True}, [(2, 3, 4), (2, 5, 4)]),
        ({"axes": (3, 1)}, [(2, 3, 2, 4), (2, 4, 5)]),
        ({"axes": (1, 2)}, [(2, 4, 3, 2), (2, 5, 4, 3)]),
    ]:
        yield Row(f"Dot/{spelled(options)},{shapes}", layers.Dot(name="layer", **options),
                  ([normal(random, *s) for s in shapes],))
