#!/usr/bin/env python3
"""Holds what the command writes against the formats' own Python libraries.

    test_written.py --cairn PATH

Checkpoints that the libraries wrote go through a container and back into their own format, where the
libraries must read the same: tensors, names, order and metadata, and the same bytes where the format leaves
no choice. Prints a line for each; exit 1 at the first that differs.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import gguf
import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy
import tensorflow as tf
import torch
from huggingface_hub import save_torch_state_dict

FLOATS = np.linspace(-3, 3, 1_000, dtype=np.float32)


class Command:
    def __init__(self, path: str, folder: str) -> None:
        self.path, self.folder = path, folder

    def __call__(self, *arguments: str) -> None:
        done = subprocess.run([self.path, *arguments], cwd=self.folder, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            sys.exit(f"written: cairn {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")

    def place(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def bytes(self, name: str) -> bytes:
        with open(self.place(name), "rb") as file:
            return file.read()

    def there_and_back(self, source: str, target: str, *options: str) -> None:
        """Through a container, and compared with where it came from."""
        self("convert", source, "there.cairn")
        self("verify", "--deep", "there.cairn")
        self("convert", *options, "there.cairn", target)
        self("diff", source, target)


def same(one: object, other: object, what: str) -> None:
    if one != other:
        sys.exit(f"written: {what} differs")


def described(array: Any) -> tuple[str, tuple[int, ...], Any]:
    array = np.asarray(array)
    data = array.tolist() if array.dtype == object else array.tobytes()
    return str(array.dtype), array.shape, data


def check_safetensors(cairn: Command) -> None:
    tensors = {f"layer.{i}.{kind}": FLOATS[i:i + 60].reshape(6, 10).astype(kind)
               for i in range(40) for kind in ("f2", "f4", "f8", "i1", "i8", "u2", "?")}
    tensors["layer.bfloat16"] = FLOATS.astype(ml_dtypes.bfloat16)
    safetensors.numpy.save_file(tensors, cairn.place("a.safetensors"), metadata={"format": "pt"})
    cairn.there_and_back("a.safetensors", "b.safetensors")
    same(cairn.bytes("b.safetensors"), cairn.bytes("a.safetensors"), "a canonical safetensors file")


def entry(shape: str = "[4]", offsets: str = "[0,4]") -> str:
    return '{"dtype":"U8","shape":' + shape + ',"data_offsets":' + offsets + "}"


# What the format's page forbids, each in a header of its own over four bytes of data.
FORBIDDEN = {
    "a key twice": '{"a":' + entry("[2]", "[0,2]") + ',"a":' + entry("[2]", "[2,4]") + "}",
    "a key twice in the metadata": '{"__metadata__":{"k":"1","k":"2"},"a":' + entry() + "}",
    "white space in front": ' {"a":' + entry() + "}",
    "a number in the metadata": '{"__metadata__":{"k":1},"a":' + entry() + "}",
    "a hole": '{"a":' + entry("[2]", "[2,4]") + "}",
    "bytes that no tensor has": '{"a":' + entry("[3]", "[0,3]") + "}",
    "two that overlap": '{"a":' + entry("[3]", "[0,3]") + ',"b":' + entry("[3]", "[1,4]") + "}",
    "an end beyond the data": '{"a":' + entry("[5]", "[0,5]") + "}",
    "no JSON": '{"a":' + entry(),
}
# Listed, and left out only by those who say so.
UNREAD = {
    "NUL in a name": '{"a\\u0000b":' + entry() + "}",
    "an unknown type": '{"a":' + entry().replace("U8", "U9") + "}",
}


def check_what_safetensors_forbids(cairn: Command) -> None:
    passed = []

    def status(*arguments: str) -> int:
        return subprocess.run([cairn.path, *arguments], cwd=cairn.folder, capture_output=True, check=False).returncode

    for what, header in (FORBIDDEN | UNREAD).items():
        data = len(header.encode()).to_bytes(8, "little") + header.encode() + b"1234"
        with open(cairn.place("x.safetensors"), "wb") as file:
            file.write(data)
        unread = what in UNREAD
        same(status("verify", "x.safetensors"), 0 if unread else 1, f"the exit status of a file with {what}")
        same(status("convert", "x.safetensors", "x.npz"), 2, f"the exit status of converting a file with {what}")
        try:
            safetensors.deserialize(data)
            passed.append(what)
        except safetensors.SafetensorError:
            pass
    print("written: all refused; the format's own reader takes: " + ", ".join(passed))


def check_shards(cairn: Command) -> None:
    state = {f"block.{i}.weight": torch.from_numpy(FLOATS[i:i + 100].copy()) for i in range(30)}
    for folder, tensors in (("hub", state), ("one", {"only": state["block.0.weight"]})):
        os.mkdir(cairn.place(folder))
        os.mkdir(cairn.place(folder + "-back"))
        save_torch_state_dict(tensors, cairn.place(folder), max_shard_size=1_000)
        index = "model.safetensors.index.json"
        if not os.path.exists(cairn.place(f"{folder}/{index}")):
            # A single file needs no index, and has none from the library.
            cairn.there_and_back(f"{folder}/model.safetensors", f"{folder}-back/{index}")
            found = json.loads(cairn.bytes(f"{folder}-back/{index}"))["weight_map"]
            same(found, {"only": "model-00001-of-00001.safetensors"}, "the index of one shard")
            continue
        cairn.there_and_back(f"{folder}/{index}", f"{folder}-back/{index}", "--shard-size", "1000")
        names = sorted(os.listdir(cairn.place(folder)))
        same(sorted(os.listdir(cairn.place(folder + "-back"))), names, "the names of shards")
        for name in names:
            same(cairn.bytes(f"{folder}-back/{name}"), cairn.bytes(f"{folder}/{name}"), name)


def check_numpy(cairn: Command) -> None:
    arrays = {f"scope/array_{i}": np.asfortranarray(FLOATS[:60].reshape(6, 10)).astype(kind)
              for i, kind in enumerate(("<f2", "<f4", ">f8", "<i8", ">u4", "<c16", "?"))}
    arrays["texts"] = np.array([["one", "zwei é"], ["", "\U0001f4a1"]])
    arrays["bytes"] = np.array([b"\xff\xfe", b"", b"three"])
    np.savez(cairn.place("a.npz"), **arrays)  # type: ignore[arg-type]
    np.savez_compressed(cairn.place("b.npz"), **arrays)  # type: ignore[arg-type]
    for name in ("a.npz", "b.npz"):
        cairn.there_and_back(name, "c.npz", "--codec", "raw" if name == "a.npz" else "auto")
        with np.load(cairn.place("c.npz")) as read:
            same(list(read.files), list(arrays), "the order of arrays")
            for key, array in arrays.items():
                little = array.astype(array.dtype.newbyteorder("<"))
                same(described(read[key]), described(little), key)


class Model(tf.Module):  # type: ignore[misc]
    def __init__(self, value: int) -> None:
        self.kernel = tf.Variable(value * tf.reshape(FLOATS[:6], [2, 3]))
        self.steps = [tf.Variable(np.int64(7 * value))]
        self.name_of_it = tf.Variable("text" if value else "")


def check_tensorflow(cairn: Command) -> None:
    tf.train.Checkpoint(model=Model(1)).write(cairn.place("objects"))
    cairn.there_and_back("objects.index", "objects-back.index")
    fresh = Model(0)
    tf.train.Checkpoint(model=fresh).read(cairn.place("objects-back")).assert_consumed()
    for one, other in zip(fresh.variables, Model(1).variables):
        same(described(one.numpy()), described(other.numpy()), one.name)

    tf.saved_model.save(Model(1), cairn.place("saved"))
    before = described(tf.saved_model.load(cairn.place("saved")).kernel.numpy())
    cairn.there_and_back("saved", "variables.index")
    for name in ("variables.index", "variables.data-00000-of-00001"):
        os.replace(cairn.place(name), cairn.place(f"saved/variables/{name}"))
    same(described(tf.saved_model.load(cairn.place("saved")).kernel.numpy()), before, "a SavedModel")

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        kernel = tf.compat.v1.get_variable("scope/kernel", initializer=FLOATS[:6].reshape(2, 3))
        parts = tf.compat.v1.get_variable("parts", shape=[30, 3],
                                          partitioner=tf.compat.v1.fixed_size_partitioner(4))
        session.run(tf.compat.v1.global_variables_initializer())
        values = session.run([kernel, parts.as_tensor()])
        saver = tf.compat.v1.train.Saver()
        saver.save(session, cairn.place("names"), write_meta_graph=False)
        cairn.there_and_back("names.index", "names-back.index")
        session.run(tf.compat.v1.global_variables_initializer())
        saver.restore(session, cairn.place("names-back"))
        for one, other in zip(session.run([kernel, parts.as_tensor()]), values):
            same(described(one), described(other), "a variable by name")


def check_many_keys(cairn: Command) -> None:
    """An index of many blocks, from a source of another format, with texts of all lengths."""
    names = [f"{i:05}/{'x' * 700}/{i % 7}" for i in range(1_500)]
    safetensors.numpy.save_file({n: np.array([i], np.int32) for i, n in enumerate(names)},
                                cairn.place("many.safetensors"))
    cairn("convert", "many.safetensors", "many.index")
    reader = tf.train.load_checkpoint(cairn.place("many"))
    same(sorted(reader.get_variable_to_shape_map()), names, "the keys of a large index")
    for i, name in enumerate(names):
        same(reader.get_tensor(name).tolist(), [i], name)

    texts = np.array([b"", b"x", b"y" * 127, b"z" * 128, b"w" * 100_000], dtype=object)
    tf.raw_ops.SaveV2(prefix=cairn.place("texts"), tensor_names=["t"], shape_and_slices=[""],
                      tensors=[tf.constant(texts)])
    cairn.there_and_back("texts.index", "texts-back.index")
    same(cairn.bytes("texts-back.data-00000-of-00001"), cairn.bytes("texts.data-00000-of-00001"),
         "texts")
    same(cairn.bytes("texts-back.index"), cairn.bytes("texts.index"), "the index of texts")


def gguf_fields(path: str) -> tuple[list[Any], list[Any]]:
    """Every key-value in order, with its types and what is in it, and every tensor."""
    reader = gguf.GGUFReader(path)
    fields = [(name, field.types, field.contents()) for name, field in reader.fields.items()
              if not name.startswith("GGUF.")]
    return fields, [(t.name, t.tensor_type, t.shape.tolist(), t.data.tobytes()) for t in reader.tensors]


def check_gguf(cairn: Command) -> None:
    """Types and order of key-values, alignment, blocks as they are; tensors of other formats."""
    kinds = gguf.GGUFValueType
    for alignment in (32, 64):
        writer = gguf.GGUFWriter(cairn.place("a.gguf"), "test")
        if alignment != 32:
            writer.add_custom_alignment(alignment)
        # Neither the order of the names nor the types are those that a writer would choose.
        for kind in (kinds.UINT8, kinds.INT8, kinds.UINT16, kinds.INT16, kinds.UINT32, kinds.INT32, kinds.UINT64,
                     kinds.INT64, kinds.FLOAT32, kinds.FLOAT64):
            writer.add_key_value(f"z.{kind.name}", 1, kind)
            writer.add_key_value(f"a.{kind.name}", [1, 2, 3], kinds.ARRAY, kind)
        writer.add_string("a.text", "é 日本")
        writer.add_array("tokenizer.ggml.tokens", [f"token {i}" for i in range(5_000)])
        random = np.random.default_rng(1)
        for dtype in ("f4", "f2", "f8", "i1", "i2", "i4", "i8"):
            writer.add_tensor(f"plain.{dtype}", FLOATS[:60].reshape(6, 10).astype(dtype))
        for kind, (elements, size) in gguf.GGML_QUANT_SIZES.items():
            if elements > 1:
                data = random.integers(0, 256, (3, 512 // elements * size), dtype=np.uint8)
                writer.add_tensor(f"blocks.{kind.name}", data, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        cairn.there_and_back("a.gguf", "b.gguf")
        same(cairn.bytes("b.gguf"), cairn.bytes("a.gguf"), "a GGUF file")
        same(gguf_fields(cairn.place("b.gguf")), gguf_fields(cairn.place("a.gguf")), "what gguf reads")

    tensors = {"b.weight": FLOATS.reshape(10, 100), "a.weight": FLOATS.astype(np.float16)}
    safetensors.numpy.save_file(tensors, cairn.place("s.safetensors"), metadata={"general.architecture": "test"})
    cairn("convert", "s.safetensors", "s.gguf")
    read = {t.name: t.data for t in gguf.GGUFReader(cairn.place("s.gguf")).tensors}
    same({n: described(a) for n, a in read.items()}, {n: described(a) for n, a in tensors.items()},
         "a GGUF file of safetensors' tensors")


def check_dequantizing(cairn: Command) -> None:
    """Random blocks of every type for which the package has arithmetic: the same bits, NaN or not."""
    random = np.random.default_rng(2)
    writer = gguf.GGUFWriter(cairn.place("q.gguf"), "test")
    for kind, (elements, size) in gguf.GGML_QUANT_SIZES.items():
        try:
            gguf.quants.dequantize(np.zeros((1, 256 // elements * size), np.uint8), kind)
        except NotImplementedError:
            continue
        if elements > 1:
            data = random.integers(0, 256, (64, 512 // elements * size), dtype=np.uint8)
            writer.add_tensor(kind.name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    cairn("convert", "--dequantize", "--lossy", "q.gguf", "q.npz")
    floats = np.load(cairn.place("q.npz"))
    with np.errstate(all="ignore"):
        for tensor in gguf.GGUFReader(cairn.place("q.gguf")).tensors:
            expected = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            found = floats[tensor.name]
            # Which of two NaNs an operation hands on is the processor's matter.
            both = np.isnan(expected) & np.isnan(found)
            same(np.where(both, 0, found.view(np.uint32)).tolist(),
                 np.where(both, 0, expected.view(np.uint32)).tolist(), tensor.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cairn", required=True, help="the built command")
    options = parser.parse_args()
    for check in (check_safetensors, check_what_safetensors_forbids, check_shards, check_numpy,
                  check_tensorflow, check_many_keys, check_gguf, check_dequantizing):
        with tempfile.TemporaryDirectory(prefix="cairn written ") as folder:
            check(Command(os.path.abspath(options.cairn), folder))
        print(f"written: {check.__name__[6:].replace('_', ' ')} passed")


if __name__ == "__main__":
    main()
