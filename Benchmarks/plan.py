"""What is measured: who takes part in which operation, with which options."""
import os
from typing import Any

CORES = os.cpu_count() or 1


class Contestant:
    """One line of the tables. `worker` is the process that answers; `options` go with a command."""

    def __init__(self, key: str, title: str, worker: str, file: str | None = None, **options: Any) -> None:
        self.key, self.title, self.worker, self.options = key, title, worker, options
        # Whose file it loads: its own unless it only reads it in another way.
        self.file = file or key


SAVING = [
    Contestant("cairn", "Cairn, coded", "cairn", codec="auto"),
    Contestant("cairn-digests", "Cairn, coded, digests", "cairn", codec="auto", digests=True),
    Contestant("cairn-raw", "Cairn, raw", "cairn", codec="raw"),
    Contestant("cairn-raw-digests", "Cairn, raw, digests", "cairn", codec="raw", digests=True),
    Contestant("safetensors", "safetensors (NumPy)", "safetensors"),
    Contestant("torch", "torch.save", "torch"),
    Contestant("pickle", "pickle", "pickle"),
    Contestant("zipnn-1", "ZipNN, 1 thread", "zipnn", threads=1),
    Contestant("zipnn-2", "ZipNN, 2 threads", "zipnn", threads=2),
    Contestant("blosc2-zstd", "blosc2 shuffle + zstd 1", "blosc2", codec="zstd", level=1,
               threads=CORES),
    Contestant("blosc2-zlib", "blosc2 shuffle + zlib 5", "blosc2", codec="zlib", level=5,
               threads=CORES),
    Contestant("h5py", "HDF5 shuffle + gzip 4", "h5py"),
    Contestant("npz", "np.savez_compressed", "npz"),
]
LOADING = SAVING + [
    Contestant("cairn-raw-mapped", "Cairn, raw, mapped", "cairn", file="cairn-raw",
               access="mapped"),
]
# Of files that are not in the page cache. `pread` takes the uncompressed file into fresh memory, and nothing
# else: as fast as this disk can be read.
COLD = [
    Contestant("cairn", "Cairn, coded", "cairn", codec="auto"),
    Contestant("cairn-raw", "Cairn, raw", "cairn", codec="raw"),
    Contestant("safetensors", "safetensors (NumPy), mapped", "safetensors"),
    Contestant("pread", "pread, uncompressed", "pread", file="safetensors"),
]
# In memory, with one thread and with two.
CODING = [Contestant(f"threads-{count}", f"{count}", "cairn", codec="auto", threads=count)
          for count in (1, 2)]
COPYING = [
    Contestant("cairn", "Cairn deepCopy()", "cairn", op="deepcopy"),
    Contestant("memcpy-huge", "memcpy into fresh huge pages", "cairn", op="memcpy", pages="huge"),
    Contestant("memcpy-small", "memcpy into fresh 4-KiB pages", "cairn", op="memcpy",
               pages="small"),
    Contestant("memcpy-warm", "memcpy into warm memory", "cairn", op="memcpy", pages="warm"),
    Contestant("deepcopy", "copy.deepcopy of NumPy arrays", "deepcopy", op="copy"),
    Contestant("pickle", "pickle, dumps and loads", "pickle", op="copy"),
    Contestant("torch", "torch.save and torch.load in memory", "torch", op="copy"),
    Contestant("safetensors", "safetensors save and load in memory", "safetensors", op="copy"),
]
FIRST = [
    Contestant("cairn", "Cairn, coded", "cairn", file="cairn", op="first"),
    Contestant("cairn-raw-lazy", "Cairn, raw, mapped, checked later", "cairn", file="cairn-raw",
               op="first", access="mapped", lazy=True),
    Contestant("safetensors", "safetensors safe_open", "safetensors", op="first"),
]
CLONING = [Contestant("cairn", "Cairn cloned() and setWeights()", "cairn", op="clone")]

# Operation, who takes part, what is added to the command. The files that are loaded are those that
# "save, existing" leaves behind.
OPERATIONS: list[tuple[str, list[Contestant], dict[str, Any]]] = [
    ("save, new", SAVING, {"op": "save"}),
    ("save, existing", SAVING, {"op": "save"}),
    ("save, new, fsync", SAVING, {"op": "save", "sync": True}),
    ("save, existing, fsync", SAVING, {"op": "save", "sync": True}),
    ("load", LOADING, {"op": "load"}),
    ("load, cold", COLD, {"op": "load"}),
    ("encode", CODING, {"op": "encode"}),
    ("decode", CODING, {"op": "decode"}),
    ("copy", COPYING, {}),
    ("first tensor", FIRST, {}),
    ("clone", CLONING, {}),
]
# Only with this data set: the model is made of float32 matrices.
ONLY = {"clone": {"fp32"}}
# An operation that takes longer than this, in seconds, is run in no more rounds than SLOW_ROUNDS.
SLOW, SLOW_ROUNDS = 1.0, 3
# What takes less than this, in seconds, is done twice in a row, and the second time counts.
LONG = 0.5
# Saved to a new file without fsync only: what is so slow that the file system makes no difference,
# and what differs from another contestant by the digests alone.
NEW_ONLY = {"h5py", "npz", "cairn-digests", "cairn-raw-digests"}


def title(operation: str, key: str) -> str:
    return next(one.title for name, several, _ in OPERATIONS if name == operation
                for one in several if one.key == key)
