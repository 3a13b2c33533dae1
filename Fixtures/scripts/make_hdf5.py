"""Writes small HDF5 files with h5py and Keras to Fixtures/hdf5: what h5py reads in them, what Keras's
models predict, and files that must be refused. Dates are fixed; all else is as the libraries write it."""

import json
import zipfile

from common import folder, write_json
from expectations import described, write_expectations

import h5py
import keras
import ml_dtypes
import numpy as np

L = keras.layers
PLAIN = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
         "float16", "float32", "float64", "complex64", "complex128"]


def sample(dtype, shape=(2, 3)):
    count = int(np.prod(shape))
    if dtype == "bool":
        return (np.arange(count) % 3 == 0).reshape(shape)
    raw = np.arange(1, count * np.dtype(dtype).itemsize + 1, dtype=np.uint64).astype(np.uint8)
    return raw.view(dtype).reshape(shape)


def types(file):
    for dtype in PLAIN:
        file[f"little/{dtype}"] = sample(dtype)
        if dtype != "bool":
            file[f"big/{dtype}"] = sample(dtype).astype(np.dtype(dtype).newbyteorder(">"))
    file["scalar"] = np.float32(2.5)
    file["empty"] = np.zeros((0, 3), np.int32)
    bfloat16 = file.create_dataset("bfloat16", data=sample("uint16").view(ml_dtypes.bfloat16))
    bfloat16.attrs["dtype"] = "bfloat16"
    file["shared"] = file["scalar"]
    file["texts"] = np.array(["a", "", "h\u00e9llo"], dtype=object)
    file["fixed_texts"] = np.array([b"ab", b"c"])


def chunks(file):
    data = (np.arange(37 * 21, dtype=np.int32) % 9).reshape(37, 21)
    everything = {"compression": "gzip", "shuffle": True, "fletcher32": True}
    file.create_dataset("all_filters", data=data, chunks=(8, 6), **everything)
    file.create_dataset("no_filter", data=data[:5, :6].astype("f8"), chunks=(2, 5))
    file.create_dataset("sum_of_odd_bytes", data=data[0].astype("u1"), chunks=(7,), fletcher32=True)
    part = file.create_dataset("part", (11,), "f4", chunks=(3,), fillvalue=7.5)
    part[4:5] = 1
    file.create_dataset("nothing", (4,), "i2", fillvalue=9)
    file.create_dataset("one_chunk", data=data[:9, :4], chunks=(9, 4), compression="gzip")
    file.create_dataset("compact", data=sample("int16"), dtype="i2")


def latest(file):
    """Every index of chunks that later libraries have."""
    data = np.arange(77, dtype=np.int16).reshape(11, 7)
    everything = {"compression": "gzip", "shuffle": True, "fletcher32": True}
    for name, most in [("fixed", (11, 9)), ("extensible", (11, None)), ("records", (None, None))]:
        for label, options in [("plain", {}), ("filtered", everything)]:
            file.create_dataset(f"{name}/{label}", data=data, maxshape=most, chunks=(4, 3), **options)
    file.create_dataset("single", data=data, chunks=(11, 7), **everything)
    file.create_dataset("long", data=np.arange(300, dtype=np.int32), maxshape=(None,), chunks=(2,))
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((4, 3))
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    made = h5py.h5d.create(file.id, b"sequence", h5py.h5t.STD_I16LE,
                           h5py.h5s.create_simple((11, 7), (12, 9)), properties)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, data)
    file["type"] = np.dtype("f4")
    file.create_dataset("of_named_type", data=[1.5, 2], dtype=file["type"])


def groups(file):
    for order, count in [(False, 30), (True, 30), (True, 5)]:
        group = file.create_group(f"{'created' if order else 'named'}_{count}", track_order=order)
        for number in reversed(range(count)):
            group[f"n{number}"] = np.int16(number)
    many = file.create_group("attributes", track_order=True)
    for number in range(20):
        many.attrs[f"a{number}"] = number
    many["x"] = np.int8(1)


def attributes(file):
    file["x"] = sample("float32")
    file["x"].attrs["unit"] = "m"
    values = {"text": "h\u00e9", "texts": ["x", "", "yy"], "fixed": np.bytes_(b"ab"),
              "signed": np.int16(-5), "unsigned": np.uint64(2**64 - 1), "float": 1.5,
              "float32": np.float32(0.1), "bool": True, "bools": np.array([True, False]),
              "floats": np.array([1.5, -2]), "none": np.array([]), "bytes": np.void(b"\x00\x01"),
              "big": np.array([1, 2], ">i4"), "square": np.zeros((2, 2)), "a" * 100: 1}
    for key, value in values.items():
        file.attrs[key] = value


def models():
    keras.utils.set_random_seed(7)
    sequence = keras.Input((6, 3), name="sequence")
    x = L.Conv1D(4, 3, padding="same", activation="relu", name="conv")(sequence)
    x = L.BatchNormalization(name="norm")(x)
    x = L.Bidirectional(L.LSTM(2, return_sequences=True), name="both")(x)
    x = L.MultiHeadAttention(2, 2, name="attend")(x, x)
    x = L.LayerNormalization()(x)
    inner = keras.Sequential([L.Input((6, 4)), L.Dense(5, activation="tanh"), L.Dense(4)], name="inner")
    x = inner(x)
    shared = L.Dense(4, name="shared")
    x = L.Add()([shared(x), shared(x)])
    x = L.GRU(3, name="last")(x)
    outputs = L.Dense(2, activation="softmax", name="answer")(x)
    model = keras.Model(sequence, outputs, name="mixed")
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    for number, weight in enumerate(model.weights):
        generator = np.random.default_rng(number)
        weight.assign(generator.uniform(0.1, 0.6, weight.shape).astype("float32"))
    return model


def fixed(path):
    """The archive without the day on which it was made."""
    with zipfile.ZipFile(path) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    about = json.loads(parts["metadata.json"])
    parts["metadata.json"] = json.dumps({**about, "date_saved": "2001-01-01@00:00:00"}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data)


def expected(file):
    """The datasets in the order in which Cairn has them: by groups, as created if that is kept."""
    entries, owners = [], {}

    def walk(group, prefix):
        tracked = group.id.get_create_plist().get_link_creation_order() & h5py.h5p.CRT_ORDER_TRACKED
        index = h5py.h5.INDEX_CRT_ORDER if tracked else h5py.h5.INDEX_NAME
        names = []
        group.id.links.iterate(lambda n: names.append(n.decode()), idx_type=index)
        for name in names:
            item = group[name]
            if isinstance(item, h5py.Group):
                walk(item, prefix + name + "/")
            if not isinstance(item, h5py.Dataset):
                continue
            value = item[()]
            if item.dtype.kind == "O" or item.dtype.kind == "S":
                parts = [v if isinstance(v, bytes) else v.encode() for v in np.ravel(value)]
                ends = np.cumsum([len(p) for p in parts]).astype("<u8").tobytes()
                entry = {"name": prefix + name, "dtype": "string", "shape": list(item.shape),
                         "hex": (ends + b"".join(parts)).hex()}
            else:
                if item.dtype == "V2":
                    value = value.view(ml_dtypes.bfloat16)
                entry = described(prefix + name, value)
            identity = h5py.h5o.get_info(item.id).addr
            if identity in owners:
                entry["alias_of"] = owners[identity]
            owners.setdefault(identity, prefix + name)
            entries.append(entry)

    walk(file, "")
    return {"tensors": entries}


def refused(out):
    def write(name, body):
        with h5py.File(out / f"refused_{name}.h5", "w") as file:
            body(file)

    def virtual(file):
        layout = h5py.VirtualLayout((3,), "f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3,))
        file.create_virtual_dataset("x", layout)

    def cycle(file):
        group = file.create_group("a")
        group.create_group("b")["c"] = group

    write("external_link", lambda f: f.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/x")))
    write("soft_link", lambda f: f.__setitem__("x", h5py.SoftLink("/../../etc/passwd")))
    write("external_data", lambda f: f.create_dataset("x", (3,), "f4", external=[("/etc/passwd", 0, 12)]))
    write("virtual", virtual)
    write("cycle", cycle)
    write("compound", lambda f: f.create_dataset("x", data=np.zeros(2, [("a", "i4"), ("b", "f4")])))
    write("sequences", lambda f: f.create_dataset("x", (2,), h5py.vlen_dtype(np.int32)))
    write("references", lambda f: f.create_dataset("x", (2,), h5py.ref_dtype))
    write("opaque", lambda f: f.create_dataset("x", data=np.zeros(2, "V3")))
    write("lzf", lambda f: f.create_dataset("x", data=np.zeros(64), chunks=(8,), compression="lzf"))
    write("named_type", lambda f: (f.__setitem__("t", np.dtype("f4")),
                                   f.create_dataset("x", (2,), f["t"])))
    write("null", lambda f: f.create_dataset("x", data=h5py.Empty("f4")))
    write("shape_bomb", lambda f: f.create_dataset("x", (1 << 40,), "f4"))
    write("chunk_bomb", lambda f: f.create_dataset(
        "x", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024), compression="gzip"))


def odd_names(path):
    """What HDF5 allows and a tensor's name or metadata have no place for; texts with NULs within."""
    with h5py.File(path, "w") as file:
        file["ok"] = np.array([b"a\0b", b"\0\0x", b"y"], "S3")
        file["ok"].attrs["text"] = np.bytes_(b"c\0d")
        file["ok"].attrs["taken"] = 2
        file.attrs["ok@taken"] = 1
        file["a\tb"] = np.ones(1)
        file["n" * 1025] = np.ones(1)
        file.create_dataset(b"\xe9", data=np.ones(1))
        file["group/" + "m" * 1020] = np.ones(1)


def main():
    out = folder("hdf5")
    files = {}
    for name, body, version in [("types", types, "earliest"), ("chunks", chunks, "earliest"),
                                ("groups", groups, "earliest"), ("attributes", attributes, "earliest"),
                                ("latest", latest, "latest"),
                                ("types_v108", types, ("v108", "v108")),
                                ("groups_v110", groups, ("v110", "v110"))]:
        with h5py.File(out / f"{name}.h5", "w", libver=version) as file:
            body(file)
        with h5py.File(out / f"{name}.h5") as file:
            files[f"{name}.h5"] = expected(file)
    with h5py.File(out / "user_block.h5", "w", userblock_size=512) as file:
        file["x"] = np.arange(5)
    with h5py.File(out / "user_block.h5") as file:
        files["user_block.h5"] = expected(file)
    refused(out)
    odd_names(out / "odd_names.h5")
    model = models()
    model.save_weights(out / "mixed.weights.h5")
    model.save(out / "mixed.keras")
    fixed(out / "mixed.keras")
    model.save(out / "mixed.h5")
    with h5py.File(out / "mixed.weights.h5") as file:
        files["mixed.weights.h5"] = expected(file)
        files["mixed.keras"] = files["mixed.weights.h5"]
    keras.utils.set_random_seed(8)
    small = keras.Sequential([keras.Input((9,)), L.Dense(9), L.Dense(9), L.Dense(2)])
    small.save_weights(out / "whole.weights.h5")
    small.save_weights(out / "sharded.weights.json", max_shard_size=500 / 1024**3)
    inputs = np.linspace(-1, 1, 2 * 6 * 3, dtype="float32").reshape(2, 6, 3)
    write_json(out / "predictions.json", {
        "library": f"keras {keras.__version__}",
        "inputs": inputs.ravel().tolist(),
        "outputs": np.asarray(model.predict(inputs, verbose=0)).ravel().tolist()})
    write_expectations(out, f"h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}", files)


main()
