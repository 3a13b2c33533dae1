#!/usr/bin/env python3
"""Holds Cairn's HDF5 against h5py.

    test_hdf5.py --cairn PATH

Reading: every index of chunks that the library has (h5py with libver earliest and latest) by filters, shapes
and element types, and groups and attributes of every kind of storage; each must be equal to the bit. Writing:
360 random sets of names, which h5py must read whole, or Cairn must refuse.
"""
import argparse
import itertools
import os
import random
import subprocess
import sys
import tempfile
from typing import Any

import h5py
import ml_dtypes  # noqa: F401  registers bfloat16
import numpy as np
import numpy.typing as npt
import safetensors.numpy

Array = npt.NDArray[Any]

FILTERS: dict[str, dict[str, Any]] = {
    "none": {}, "gzip": {"compression": "gzip"}, "shuffle": {"compression": "gzip", "shuffle": True},
    "sum": {"fletcher32": True},
    "all": {"compression": "gzip", "shuffle": True, "fletcher32": True},
}
# Shape, what it may grow to, chunks: what decides which index the library takes.
SHAPES: dict[str, tuple[tuple[int, ...], tuple[int | None, ...], tuple[int, ...]]] = {
    "single": ((5, 7), (5, 7), (5, 7)),
    "fixed": ((23, 17), (23, 17), (5, 4)),
    "fixed_larger": ((23, 17), (40, 30), (5, 4)),
    "fixed_paged": ((3000,), (3000,), (2,)),
    "extensible": ((23, 17), (None, 17), (5, 4)),
    "extensible_second": ((9, 23), (9, None), (4, 5)),
    "extensible_larger": ((9, 23), (20, None), (4, 5)),
    "extensible_long": ((9000,), (None,), (3,)),
    "extensible_paged": ((140000,), (None,), (2,)),
    "records": ((23, 17), (None, None), (5, 4)),
    "records_deep": ((90, 90), (None, None), (1, 2)),
    "three": ((7, 6, 5), (7, None, 5), (2, 4, 3)),
    "records_three": ((7, 6, 5), (None, None, 5), (2, 4, 3)),
    "scalar_rows": ((1,), (None,), (1,)),
}
TYPES = ["<f4", ">f4", "<f8", "<i2", ">u8", "?", "<c8", "<f2", "i1"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def values(shape: tuple[int, ...], dtype: str, seed: int) -> Array:
    count = int(np.prod(shape))
    raw = np.random.default_rng(seed).integers(0, 255, count * np.dtype(dtype).itemsize, dtype="u1")
    if dtype == "?":
        return np.asarray(raw % 2 == 0).reshape(shape)
    viewed: Array = raw.view(dtype).reshape(shape)
    return viewed


def write_matrix(path: str, libver: str) -> None:
    with h5py.File(path, "w", libver=libver) as file:
        for number, (name, (shape, most, chunks)) in enumerate(SHAPES.items()):
            for filters, options in FILTERS.items():
                types = TYPES if name in ("fixed", "extensible", "records", "single") else TYPES[:1]
                for dtype in types:
                    data = values(shape, dtype, number)
                    label = f"{name}/{filters}/{dtype.replace('<', 'le_').replace('>', 'be_')}"
                    file.create_dataset(
                        label.replace("?", "bool"), data=data, maxshape=most, chunks=chunks, **options)
            # Some chunks are never written, and are the fill value.
            part = file.create_dataset(
                f"{name}/part", shape, "f4", maxshape=most, chunks=chunks, fillvalue=2.5)
            part[..., :2] = 7
            file.create_dataset(f"{name}/nothing", shape, "i4", maxshape=most, chunks=chunks)
        # Chunks one after the other: allocated early, without filters.
        space = h5py.h5s.create_simple((9, 10), (12, 14))
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4, 3))
        plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        made = h5py.h5d.create(file.id, b"implicit", h5py.h5t.IEEE_F32LE, space, plist)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, values((9, 10), "<f4", 77))
        # Chunks at the edge without filters.
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4, 3))
        plist.set_deflate(4)
        if hasattr(plist, "set_chunk_opts"):
            plist.set_chunk_opts(h5py.h5d.CHUNK_DONT_FILTER_PARTIAL_CHUNKS)
        made = h5py.h5d.create(file.id, b"edges", h5py.h5t.IEEE_F32LE,
                               h5py.h5s.create_simple((9, 10)), plist)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, values((9, 10), "<f4", 78))
        for order, count in itertools.product([False, True], [3, 30, 400]):
            group = file.create_group(f"links_{order}_{count}", track_order=order)
            for number in range(count):
                group[f"n{number}"] = np.int16(number)
        for count in (3, 30, 400):
            group = file.create_group(f"attributes_{count}", track_order=True)
            group["x"] = np.float32(1)
            for number in range(count):
                group.attrs[f"a{number}"] = np.int64(number)
        if libver == "latest":
            file["links_True_30"].attrs["large"] = "x" * 100_000
        file["type"] = np.dtype("<f4")
        named = file.create_dataset("of_named_type", (3,), dtype=file["type"])
        named[...] = [1, 2, 3]
        # What is no tensor hides nothing.
        file["odd/compound"] = np.zeros(3, [("a", "f4"), ("b", "i8")])
        file["odd/enum"] = np.zeros(3, h5py.enum_dtype({"RED": 0, "BLUE": 1}))
        file["odd/opaque"] = np.zeros(3, "V5")
        file["odd/null"] = h5py.Empty("f4")
        file.create_dataset("odd/reference", data=[file.ref], dtype=h5py.ref_dtype)
        file["odd/soft"] = h5py.SoftLink("/edges")
        file["odd/external"] = h5py.ExternalLink("elsewhere.h5", "/x")
        file["odd/again"] = file["links_False_3"]


def expected(path: str) -> tuple[dict[str, Array], set[str]]:
    found: dict[str, Array] = {}
    odd: set[str] = set()

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if name.startswith("odd/"):
            odd.add(name)
            return
        array = np.asarray(item[()])
        found[name] = array.astype(array.dtype.newbyteorder("<"))

    with h5py.File(path) as file:
        file.visititems(visit)
    return found, odd


def check_reading(cairn: str, libver: str, work: str) -> bool:
    path, out = os.path.join(work, f"{libver}.h5"), os.path.join(work, f"{libver}.npz")
    write_matrix(path, libver)
    arrays, _ = expected(path)
    listed = run(cairn, "info", "--json", path)
    if listed.returncode:
        sys.exit(f"hdf5: info: {listed.stderr}")
    text = listed.stdout
    missing = [name for name in ("odd/compound", "odd/enum", "odd/opaque", "odd/null",
                                 "odd/reference", "odd/soft", "odd/external")
               if name not in text]
    done = run(cairn, "convert", "--lossy", path, out)
    if done.returncode:
        sys.exit(f"hdf5: convert: {done.stderr}")
    wrong = []
    with np.load(out) as file:
        for name, array in arrays.items():
            if name not in file.files or file[name].dtype != array.dtype \
                    or file[name].shape != array.shape or file[name].tobytes() != array.tobytes():
                wrong.append(name)
        strange = [name for name in file.files if name not in arrays]
    print(f"{libver:10} {len(arrays):6} datasets, {len(wrong)} wrong, {len(strange)} too many, "
          f"{len(missing)} odd ones not named {wrong[:5]} {strange[:5]} {missing}")
    return not wrong and not strange and not missing


PARTS = ["a", "b", "a.b", "e\u0301", "\u00e9", "vars", "0", "layers", "..", " ", "x" * 300, "c", "d",
         "\u1100\u1161", "\uac00", "a\u0338", "A", "cairn_name", "\u200d", "\n", "\u0338e", "w"]
NO_PARTS = [".", "", "n\u0000"]


def check_names(cairn: str, work: str) -> bool:
    generator = random.Random(11)
    refused = read = 0
    for number in range(360):
        names = set()
        for _ in range(generator.randint(1, 7)):
            names.add("/".join(
                generator.choice(NO_PARTS if generator.random() < 0.01 else PARTS)
                for _ in range(generator.randint(1, 4))))
        names.discard("")
        tensors = {name: np.arange(place + 1, dtype="f4") for place, name in enumerate(sorted(names))}
        if not tensors:
            continue
        source, target = os.path.join(work, "n.safetensors"), os.path.join(work, "n.weights.h5")
        safetensors.numpy.save_file(tensors, source)
        if os.path.exists(target):
            os.remove(target)
        done = run(cairn, "convert", "--lossy", source, target)
        if done.returncode:
            if done.returncode < 0 or os.path.exists(target) or not done.stderr.strip():
                print(f"set {number}: {sorted(names)}: exit {done.returncode}: {done.stderr}")
                return False
            refused += 1
            continue
        # No tensor of Cairn's has a control character in its name: such ones are not read, and said to be lost.
        kept = {k: v.tolist() for k, v in tensors.items() if not any(ord(letter) < 32 for letter in k)}
        found = expected_names(target)
        if {k: v.tolist() for k, v in found.items()} != kept or (len(kept) < len(tensors)) != ("lost" in done.stderr):
            print(f"set {number}: {sorted(names)}: h5py reads {sorted(found)}; {done.stderr}")
            return False
        read += 1
    print(f"names      {read} sets read by h5py, {refused} refused")
    return read > 100 and refused > 20


def expected_names(path: str) -> dict[str, Array]:
    found: dict[str, Array] = {}
    with h5py.File(path) as file:
        def walk(group: Any, prefix: str) -> None:
            for name in group:
                item = group[name]
                if isinstance(item, h5py.Dataset):
                    found[prefix + name] = np.asarray(item[()])
                else:
                    walk(item, prefix + name + "/")
        walk(file, "")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cairn", required=True)
    options = parser.parse_args()
    cairn = os.path.abspath(options.cairn)
    right = True
    print(f"h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}")
    with tempfile.TemporaryDirectory(prefix="cairn hdf5 ") as work:
        for libver in ("earliest", "v110", "latest"):
            right &= check_reading(cairn, libver, work)
        right &= check_names(cairn, work)
    sys.exit(not right)


if __name__ == "__main__":
    main()
