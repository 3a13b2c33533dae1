"""What the scripts for other ecosystems' formats share: an account of the tensors that the format's
own library reads, which the tests hold against what Cairn reads."""

from common import write_json

import numpy as np


def described(name, array, alias_of=None):
    """One tensor: its elements row-major and little-endian, in hexadecimal."""
    array = np.asarray(array)
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    entry = {
        "name": name,
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "hex": np.ascontiguousarray(little).tobytes().hex(),
    }
    if alias_of is not None:
        entry["alias_of"] = alias_of
    return entry


def write_expectations(out, library, files):
    """`files`: name of the file -> {"tensors": [...], …}."""
    write_json(out / "expected.json", {"library": library, "files": files})
    print(f"{out.name}: {len(files)} files")
