#!/usr/bin/env python3
"""Decodes every zlib stream of containers with three decoders that must agree.

    test_decoders.py --cairn PATH [--weights FILE.safetensors]

Containers: what the command writes of real weights and of Fixtures/ with several chunk sizes, and
the conformance suite's valid files, whose streams zlib or nobody's encoder made. Streams are found
by walking over the frames (FORMAT.md, section 5), decoded by Python's zlib, zlib-ng and ISA-L, and
joined into tensors, whose SHA-256 must be the one that cairn_reader.py finds by itself.
"""
import argparse
import hashlib
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import isal.isal_zlib
import zlib_ng.zlib_ng

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
READER = os.path.join(HERE, "..", "Conformance", "cairn_reader.py")
DECODERS: dict[str, Any] = {"zlib": zlib, "zlib-ng": zlib_ng.zlib_ng, "ISA-L": isal.isal_zlib}
# Name, component size, filter, (stored bytes, logical length)s.
Chunked = tuple[str, int, int, list[tuple[bytes, int]]]
COMPONENT = {3: 2, 4: 4, 5: 8, 7: 2, 8: 4, 9: 8, 10: 2, 11: 2, 12: 4, 13: 8, 14: 4, 15: 8}


def decoded(module: Any, stream: bytes, logical: int) -> bytes:
    """What a stream gives; it must end where its bytes do."""
    decoder = module.decompressobj()
    data: bytes = decoder.decompress(stream) + decoder.flush()
    if not decoder.eof or decoder.unused_data or len(data) != logical:
        raise ValueError(f"{len(data)} bytes instead of {logical}, end {decoder.eof}, "
                         f"{len(decoder.unused_data)} bytes behind it")
    return data


def joined(planes: bytes, k: int, rotated: bool) -> bytes:
    """Components of k bytes from their planes; rotated right by one bit."""
    if k == 1:
        return planes
    n, out = len(planes) // k, bytearray(len(planes))
    for j in range(k):
        out[j::k] = planes[j * n:(j + 1) * n]
    if not rotated:
        return bytes(out)
    ones = int.from_bytes((b"\1" + bytes(k - 1)) * n, "little")
    whole = int.from_bytes(out, "little")
    signs = whole & ones
    return (((whole ^ signs) >> 1) | signs << 8 * k - 1).to_bytes(len(out), "little")


def chunked(data: bytes) -> Iterator[Chunked]:
    """Of each chunked tensor: name, component size, filter, (stored bytes, logical length)s."""
    at = 64
    tensor: Chunked | None = None
    while data[at:at + 8] != b"\x89CRNEND\n":
        kind, stored, logical = struct.unpack_from("<4s4xQQ", data, at)
        payload = data[at + 64:at + 64 + stored]
        if kind == b"TNSR":
            code, storage, filter, rank = struct.unpack_from("<HBBB", payload)
            if tensor:
                yield tensor
            name = payload[40 + 8 * rank:].decode()
            tensor = (name, COMPONENT.get(code, 1), filter, []) if storage == 1 else None
        elif kind == b"CHNK":
            assert tensor, "a chunk without a tensor"
            tensor[3].append((payload, logical))
        at += 64 + math.ceil(stored / 64) * 64
    if tensor:
        yield tensor


def compare(path: str) -> tuple[str, Counter[str], list[str]]:
    """(name of the container, what was counted, what is wrong)"""
    with open(path, "rb") as file:
        data = file.read()
    run = subprocess.run([sys.executable, READER, path], capture_output=True, text=True, check=False)
    if run.returncode:
        return path, Counter(), [f"cairn_reader.py: {run.stderr}"]
    known = {t["name"]: t for t in json.loads(run.stdout)["tensors"]}
    counts = Counter(containers=1)
    problems: list[str] = []
    for name, k, filter, chunks in chunked(data):
        whole = hashlib.sha256()
        for number, (stored, logical) in enumerate(chunks):
            plain = stored
            if len(stored) < logical:
                counts.update(streams=1, bytes=logical)
                results = {}
                for label, module in DECODERS.items():
                    try:
                        results[label] = decoded(module, stored, logical)
                    except Exception as error:  # noqa: BLE001 - each library has errors of its own
                        problems.append(f"{name}, chunk {number}, {label}: {error}")
                if len(set(results.values())) > 1:
                    problems.append(f"{name}, chunk {number}: the decoders differ")
                plain = joined(results.get("zlib", b""), k if filter else 1, filter == 2)
            whole.update(plain)
        counts["tensors"] += 1
        if whole.hexdigest() != known[name]["sha256"]:
            problems.append(f"{name} is not what cairn_reader.py reads")
    return path, counts, problems


def written(cairn: str, folder: str, weights: str | None) -> Iterator[str]:
    """Containers that the command writes: real weights and small files, in chunks of many sizes."""
    fixtures = os.path.join(ROOT, "Fixtures")
    sources = [os.path.join(fixtures, place, name) for place in ("safetensors", "digits", "tensors")
               for name in sorted(os.listdir(os.path.join(fixtures, place)))
               if name.endswith(".safetensors")]
    suite = os.path.join(fixtures, "conformance")
    sources += [os.path.join(suite, name) for name in sorted(os.listdir(suite))
                if name.startswith(("ok-coded", "ok-raw", "ok-chunk", "ok-special"))]
    plans = [(source, chunk) for source in sources for chunk in ("64K", "1M")]
    plans += [(weights, chunk) for chunk in ("64K", "256K", "1M", "16M")] if weights else []
    for number, (source, chunk) in enumerate(plans):
        target = os.path.join(folder, f"{number}-{os.path.basename(source)}-{chunk}.cairn")
        run = subprocess.run([cairn, "convert", "--no-sync", "--chunk", chunk, source, target],
                             capture_output=True, text=True, check=False)
        if run.returncode == 0:
            yield target
        elif 'not read: "",' not in run.stderr:  # safetensors allows empty names and keys
            raise SystemExit(f"decoders: {source}: {run.stderr}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cairn", required=True)
    parser.add_argument("--weights")
    options = parser.parse_args()
    suite = os.path.join(ROOT, "Fixtures", "conformance")
    with tempfile.TemporaryDirectory() as folder:
        ours = list(written(options.cairn, folder, options.weights))
        others = [os.path.join(suite, n) for n in sorted(os.listdir(suite)) if n.startswith("ok-")]
        failures = 0
        for label, paths in ("written by Cairn", ours), ("of the conformance suite", others):
            total: Counter[str] = Counter()
            with ProcessPoolExecutor(os.cpu_count()) as pool:
                for path, counts, problems in pool.map(compare, paths):
                    total += counts
                    failures += len(problems)
                    for problem in problems:
                        print(f"FAILED {os.path.basename(path)}: {problem}")
            print(f"{label}: {total['containers']} containers, {total['streams']} streams, "
                  f"{total['bytes']} bytes, the same from {', '.join(DECODERS)}")
    if not options.weights:
        print("decoders: real weights SKIPPED, they cannot be downloaded")
    print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
