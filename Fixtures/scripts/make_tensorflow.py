"""Writes small checkpoints with TensorFlow to Fixtures/tensorflow, object-based and name-based, and what
TensorFlow reads in them."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
from common import folder
from expectations import described, write_expectations

import cramjam
import crc32c
import numpy as np
import tensorflow as tf

DTYPES = ["float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "int64", "bool",
          "bfloat16", "uint16", "complex128", "float16", "uint32", "uint64"]


def sample(dtype, *shape):
    count = int(np.prod(shape))
    if dtype == "bool":
        return (np.arange(count) % 3 == 0).reshape(shape)
    kind = tf.as_dtype(dtype).as_numpy_dtype
    raw = np.arange(1, count * np.dtype(kind).itemsize + 1, dtype=np.uint64).astype(np.uint8)
    return raw.view(kind).reshape(shape)


def entry(name, value):
    if isinstance(value, bytes) or getattr(value, "dtype", None) == object:
        array = np.asarray(value, dtype=object)
        parts = [bytes(v) for v in array.reshape(-1)]
        ends = np.cumsum([len(p) for p in parts]).astype("<u8").tobytes()
        return {"name": name, "dtype": "string", "shape": list(array.shape),
                "hex": (ends + b"".join(parts)).hex()}
    return described(name, value)


def read(prefix):
    reader = tf.train.load_checkpoint(str(prefix))
    names = sorted(reader.get_variable_to_shape_map(), key=lambda n: n.encode())
    return {"tensors": [entry(name, reader.get_tensor(name)) for name in names]}


def raw(prefix, names, slices, tensors):
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=names, shape_and_slices=slices,
                      tensors=tensors)


def varint(data, place):
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def as_varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def with_snappy(data):
    """The same index with its one block of entries compressed, which TensorFlow reads and seldom writes."""
    def block(content, kind):
        crc = crc32c.crc32c(content + bytes([kind]))
        masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        return content + bytes([kind]) + masked.to_bytes(4, "little")

    footer = data[-48:]
    place = 0
    handles = []
    for _ in range(4):
        value, place = varint(footer, place)
        handles.append(value)
    index = data[handles[2] : handles[2] + handles[3]]
    shared, place = varint(index, 0)
    unshared, place = varint(index, place)
    _, place = varint(index, place)
    key, place = index[place : place + unshared], place + unshared
    offset, place = varint(index, place)
    size, place = varint(index, place)
    # One block: the entry's value ends where the restart points begin.
    assert shared == offset == 0 and len(index) - place == 8
    blocks = block(bytes(cramjam.snappy.compress_raw(data[:size])), 1)
    value = as_varint(0) + as_varint(len(blocks) - 5)
    entry = as_varint(0) + as_varint(len(key)) + as_varint(len(value)) + key + value
    index = block(entry + (0).to_bytes(4, "little") + (1).to_bytes(4, "little"), 0)
    meta = block(data[handles[0] : handles[0] + handles[1]], 0)
    places = [len(blocks), handles[1], len(blocks) + len(meta), len(index) - 5]
    footer = b"".join(map(as_varint, places)).ljust(40, b"\0") + footer[-8:]
    return blocks + meta + index + footer


def main():
    out = folder("tensorflow")
    for old in out.iterdir():
        if old.is_file():
            old.unlink()
    files = {}
    raw(out / "every_dtype", DTYPES, [""] * len(DTYPES),
        [tf.constant(sample(d, 2, 3)) for d in DTYPES])
    raw(out / "names", ["scope/dense/kernel", "scope/dense/bias", "scalar", "empty", "texts", "é"],
        [""] * 6, [tf.constant(sample("float32", 3, 2)), tf.constant(sample("float32", 2)),
                   tf.constant(2.5), tf.zeros([3, 0]), tf.constant([b"one", b"", "zwei é"]),
                   tf.constant([b"x" * 300])])
    # Many keys in one block, so that they share prefixes and the index has restart points.
    many = [f"layer_{i}/kernel" for i in range(100)]
    raw(out / "many", many, [""] * 100, [tf.constant([float(i)]) for i in range(100)])
    rows, columns = sample("float32", 200, 3), sample("int16", 2, 6)
    raw(out / "partitioned", ["rows", "rows", "columns", "columns", "columns", "rows"],
        ["200 3 0,70:0,3", "200 3 70,65:0,3", "2 6 0,2:0,1", "2 6 0,2:1,2", "2 6 0,2:3,3",
         "200 3 135,65:0,3"],
        [tf.constant(t) for t in (rows[:70], rows[70:135], columns[:, :1], columns[:, 1:3],
                                  columns[:, 3:], rows[135:])])
    # Keys ascending, so that the data lie in the order of the index.
    raw(out / "sorted", ["a/kernel", "a/ratio", "a/texts", "b", "b/empty"], [""] * 5,
        [tf.constant(sample("float32", 3, 2)), tf.constant(2.5), tf.constant([b"one", b"", b"zwei"]),
         tf.constant(sample("int64", 2)), tf.zeros([0])])
    for i in range(2):
        raw(out / f"part{i}", [f"tensor{i}"], [""], [tf.constant(sample("float32", i + 2))])
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(out / "part0"), str(out / "part1")],
        destination_prefix=str(out / "two_files"))

    (out / "snappy.index").write_bytes(with_snappy((out / "many.index").read_bytes()))
    data = (out / "many.data-00000-of-00001").read_bytes()
    (out / "snappy.data-00000-of-00001").write_bytes(data)

    class Model(tf.Module):
        def __init__(self):
            self.kernel = tf.Variable(sample("float32", 2, 2))
            self.steps = [tf.Variable(np.int64(7))]

    tf.train.Checkpoint(model=Model(), best=tf.Variable(0.5)).write(str(out / "objects"))
    for index in sorted(out.glob("*.index")):
        files[index.name] = read(str(index)[: -len(".index")])
    write_expectations(out, f"tensorflow {tf.__version__}, numpy {np.__version__}", files)


main()
