#!/usr/bin/env python3
"""Cuts the golden files into the inputs that each fuzzer begins with.

    Fuzz/Scripts/make_seeds.py FOLDER

writes FOLDER/open, FOLDER/index, … anew. The inputs' forms stand at the head of each fuzzer's source.
"""

import hashlib
import json
import pathlib
import shutil
import sys
import zipfile
from collections.abc import Iterator

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Fixtures"
# Fuzz/Sources/Fuzzers/Targets/Metadata.swift and Chunk.swift: their lists, in their order.
PAYLOADS = ["META", "CONF", "BLOB", "nOTe", "gENR"]
KINDS = {6: (0, 1), 7: (1, 2), 8: (2, 4), 9: (3, 8), 10: (4, 2), 11: (5, 2), 12: (6, 4),
         13: (7, 8), 14: (8, 8), 15: (9, 16)}
BYTES = (0, 1)
# Harness/Planes.swift's list of layouts, by element type and filter, with the bytes of a component.
COMPONENTS = {7: 2, 8: 4, 9: 8, 10: 2, 11: 2, 12: 4, 13: 8, 14: 4, 15: 8}
LAYOUTS = {(dtype, filter_): ((4 if filter_ == 1 else 7) + (2, 4, 8).index(size), size)
           for dtype, size in COMPONENTS.items() for filter_ in (1, 2)}


def number(data: bytes, offset: int, width: int) -> int:
    return int.from_bytes(data[offset:offset + width], "little")


def frames(data: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Type, header and payload of each frame, as far as they can be followed."""
    offset = 64
    while offset + 64 <= len(data):
        header = data[offset:offset + 64]
        stored = number(header, 8, 8)
        if header[:4] == b"\x89CRN" or offset + 64 + stored > len(data):
            return
        yield header[:4].decode("latin-1"), header, data[offset + 64:offset + 64 + stored]
        offset += 64 + stored + (-stored & 63)


class Seeds:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def add(self, target: str, data: bytes) -> None:
        folder = self.folder / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    def container(self, data: bytes) -> None:
        for target in ("open", "index", "salvage"):
            self.add(target, data)
        dtype, filter_ = 6, 0
        for kind, header, payload in frames(data):
            if kind in PAYLOADS:
                self.add("metadata", bytes([PAYLOADS.index(kind)]) + payload)
            if kind == "CONF":
                self.add("model", payload)
                self.add("predict", payload)
            if kind == "TNSR" and len(payload) >= 40:
                dtype, filter_ = number(payload, 0, 2), payload[3]
            if kind == "CHNK":
                code, size = KINDS.get(dtype, BYTES)
                elements = number(header, 16, 8) // size
                if elements < 2 ** 32:
                    self.add("chunk", bytes([code, filter_ % 3]) + elements.to_bytes(4, "little")
                             + payload)
                layout, width = LAYOUTS.get((dtype, filter_), (0, 1))
                elements = number(header, 16, 8) // width
                if elements < 2 ** 24:
                    self.add("inflate", bytes([layout]) + elements.to_bytes(3, "little") + payload)


def foreign(seeds: Seeds) -> None:
    """Files of other ecosystems' formats, small ones."""
    for target, home, endings in (("numpy", "numpy", (".npy", ".npz")), ("gguf", "gguf", (".gguf",)),
                                  ("pytorch", "torch", (".pt", ".pth", ".bin")),
                                  ("pytorch", "torch_matrix", (".pt",)),
                                  ("pytorch", "sharded", (".bin",)), ("onnx", "onnx", (".onnx",))):
        for path in sorted((FIXTURES / home).rglob("*")):
            if path.suffix in endings and path.stat().st_size <= 8_192:
                seeds.add(target, path.read_bytes())
    for path in sorted((FIXTURES).glob("torch*/*.pt")):
        if zipfile.is_zipfile(path):
            archive = zipfile.ZipFile(path)
            for name in archive.namelist():
                if name.endswith("/data.pkl"):
                    try:
                        seeds.add("pickle", archive.read(name))
                    except zipfile.BadZipFile:
                        # An archive that was saved without checksums.
                        continue
    for path in sorted((FIXTURES / "tensorflow").glob("*.index")):
        data = path.with_name(path.stem + ".data-00000-of-00001")
        index = path.read_bytes()
        content = data.read_bytes() if data.exists() else b""
        seeds.add("tensorflow", len(index).to_bytes(4, "little") + index + content)
    for path in sorted((FIXTURES / "sharded").rglob("*.index.json")):
        seeds.add("shards", path.read_bytes())
    # Fuzz/Sources/Fuzzers/Targets/Shards.swift: the names of its shards and of the tensors in them.
    seeds.add("shards", json.dumps({"weight_map": {"a": "one.safetensors", "b": "one.safetensors",
                                                   "c.w": "two.safetensors"},
                                    "metadata": {"total_size": 1, "x": [1.5]}}).encode())


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    seeds = Seeds(folder)
    for path in sorted(FIXTURES.rglob("*.cairn")):
        seeds.container(path.read_bytes())
    for path in sorted(FIXTURES.glob("hdf5/*.*")):
        # Those that Keras makes are too large to be changed with much use.
        if path.suffix != ".json" and path.stat().st_size <= 32768:
            seeds.add("hdf5", path.read_bytes())
    for path in sorted(FIXTURES.rglob("*.safetensors")):
        if path.stat().st_size <= 16_384:
            seeds.add("safetensors", path.read_bytes())
    foreign(seeds)
    # Every layout with every kind of plane: Fuzz/Sources/Fuzzers/Harness/Planes.swift.
    for layout in range(10):
        for kind in range(8):
            for length, limit in ((300, 2), (20_000, 8), (140_000, 26)):
                script = bytes([kind]) + length.to_bytes(3, "little") + bytes([kind, 1, 0x77])
                seeds.add("encode", bytes([layout, limit]) + script * 2)
    for case in json.loads((FIXTURES / "keras" / "stacks" / "models.json").read_text()):
        seeds.add("model", json.dumps(case["config"]).encode())
        seeds.add("predict", json.dumps(case["config"]).encode())
    seeds.add("model", (FIXTURES / "digits" / "model.json").read_bytes())
    for target in sorted(folder.iterdir()):
        print(f"{target.name}: {len(list(target.iterdir()))} seeds")


if __name__ == "__main__":
    main()
