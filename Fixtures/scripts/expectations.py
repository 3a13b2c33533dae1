"""What the scripts for other ecosystems' formats share: an account of the tensors that the format's
own library reads, which the tests hold against what Cairn reads."""

from pathlib import Path
from typing import Any

from common import write_json

import numpy as np
import numpy.typing as npt


def described(name: str, array: npt.ArrayLike, alias_of: str | None = None) -> dict[str, Any]:
    """One tensor: its elements row-major and little-endian, in hexadecimal."""
    array = np.asarray(array)
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    entry: dict[str, Any] = {
        "name": name,
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "hex": np.ascontiguousarray(little).tobytes().hex(),
    }
    if alias_of is not None:
        entry["alias_of"] = alias_of
    return entry


def write_expectations(out: Path, library: str, files: dict[str, Any]) -> None:
    """`files`: name of the file -> {"tensors": [...], …}."""
    write_json(out / "expected.json", {"library": library, "files": files})
    print(f"{out.name}: {len(files)} files")
