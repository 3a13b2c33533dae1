#!/usr/bin/env python3
"""Real transformer weights through the command, held against the format's own Python library.

    test_real_weights.py --cairn PATH --weights FILE.safetensors

Nothing is lost on the way to a container and back, the container is as small as promised, does not
depend on the number of threads, and costs little memory. What was measured is printed at the end.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from typing import Any

import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

HERE = os.path.dirname(os.path.abspath(__file__))
READER = os.path.join(HERE, "..", "Conformance", "cairn_reader.py")
# A little above what this test prints as measured.
LARGEST_FP32, LARGEST_BF16, LARGEST_MEMORY = 0.825, 0.670, 64 << 20

options = argparse.Namespace(cairn=None, weights=None)
measured: list[tuple[str, str]] = []


def measure(what: str, value: str) -> None:
    measured.append((what, value))


def cairn(*arguments: str, status: int = 0) -> str:
    """Runs the command; its output."""
    done = subprocess.run([options.cairn, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != status:
        raise AssertionError(f"cairn {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def contents(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def header(path: str) -> dict[str, Any]:
    with open(path, "rb") as file:
        found: dict[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return found


def tensors(path: str) -> dict[str, tuple[str, list[int], bytes]]:
    """What Python's safetensors reads: name -> dtype, shape, bytes."""
    return {name: (tensor["dtype"], tensor["shape"], bytes(tensor["data"]))
            for name, tensor in safetensors.deserialize(contents(path))}


def largest_anonymous(*arguments: str) -> tuple[int, int]:
    """Runs the command and samples the anonymous memory that it holds: its largest, in bytes."""
    process = subprocess.Popen([options.cairn, *arguments], stdout=subprocess.DEVNULL)
    largest = samples = 0
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as status:
                for line in status:
                    if line.startswith("RssAnon:"):
                        largest, samples = max(largest, int(line.split()[1]) << 10), samples + 1
        except (FileNotFoundError, ProcessLookupError):
            break
        time.sleep(0.001)
    if process.wait() != 0:
        raise AssertionError(f"cairn {' '.join(arguments)}: exit {process.returncode}")
    return largest, samples


class RealWeights(unittest.TestCase):
    folder: str
    size: int
    bf16: str
    metadata: dict[str, str] | None

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.mkdtemp(prefix="cairn weights ")  # with a blank, on purpose
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.size = os.path.getsize(options.weights)
        cls.bf16 = cls.path("bf16.safetensors")
        with safetensors.safe_open(options.weights, framework="np") as file:
            cast = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            cls.metadata = file.metadata()
        # To the nearest, ties to even.
        cast = {name: tensor.astype(ml_dtypes.bfloat16) if tensor.dtype == np.float32 else tensor
                for name, tensor in cast.items()}
        safetensors.numpy.save_file(cast, cls.bf16, metadata=cls.metadata)

    @classmethod
    def path(cls, name: str) -> str:
        return os.path.join(cls.folder, name)

    def there_and_back(self, original: str, name: str) -> str:
        """Converts to a container and back; nothing may be different."""
        container, back = self.path(name + ".cairn"), self.path(name + "-back.safetensors")
        cairn("convert", original, container)
        cairn("verify", "--deep", container)
        cairn("convert", container, back)
        cairn("diff", original, container)
        cairn("diff", original, back)
        expected, found = tensors(original), tensors(back)
        self.assertEqual(expected.keys(), found.keys())
        for tensor in expected:
            self.assertTrue(expected[tensor] == found[tensor], tensor)
        # Also the order of the names, which the library does not tell.
        self.assertEqual(list(header(original).items()), list(header(back).items()))
        with safetensors.safe_open(original, framework="np") as one, \
                safetensors.safe_open(back, framework="np") as other:
            self.assertEqual(one.metadata(), other.metadata())
        return container

    def test_nothing_is_lost_there_and_back(self) -> None:
        self.there_and_back(options.weights, "fp32")
        self.there_and_back(self.bf16, "bf16")

    def test_the_container_is_small(self) -> None:
        for name, original, largest in (("fp32", options.weights, LARGEST_FP32),
                                        ("bf16", self.bf16, LARGEST_BF16)):
            container = self.path(f"small-{name}.cairn")
            cairn("convert", original, container)
            before, after = os.path.getsize(original), os.path.getsize(container)
            measure(f"size {name}", f"{before} -> {after} bytes, {after / before:.2%}"
                    f" (at most {largest:.1%})")
            self.assertLessEqual(after, largest * before, name)

    def test_threads_change_nothing(self) -> None:
        digests = []
        for threads in "1", "2", "2":
            container = self.path(f"threads-{threads}.cairn")
            cairn("convert", "--threads", threads, options.weights, container)
            digests.append(hashlib.sha256(contents(container)).hexdigest())
        self.assertEqual(len(set(digests)), 1, digests)

    @unittest.skipUnless(os.path.exists("/proc/self/status"), "memory is sampled from /proc")
    def test_memory_is_bounded(self) -> None:
        container, raw = self.path("memory.cairn"), self.path("memory-raw.cairn")
        back = self.path("memory.safetensors")
        # Beyond 16 threads each one more takes a chunk and its stream more.
        threads = ["--threads", str(min(16, os.cpu_count() or 1))]
        for what, arguments in (
                ("to a container", ["convert", *threads, options.weights, container]),
                ("to a raw container",
                 ["convert", *threads, "--codec", "raw", options.weights, raw]),
                ("back", ["convert", *threads, container, back]),
                ("back from raw", ["convert", *threads, raw, back]),
                ("verify --deep", ["verify", "--deep", container]),
                ("diff", ["diff", options.weights, container])):
            with self.subTest(what):
                largest, samples = largest_anonymous(*arguments)
                measure(f"memory {what}", f"{largest / 2**20:.1f} MiB at most in {samples} samples")
                self.assertGreater(samples, 3, "too few samples to say anything")
                self.assertLessEqual(largest, LARGEST_MEMORY)

    def test_rates(self) -> None:
        # Of no consequence for the outcome: machines differ.
        container, raw = self.path("rate.cairn"), self.path("rate-raw.cairn")
        back = self.path("rate.safetensors")
        for what, arguments in (
                ("to a container", ["convert", "--no-sync", options.weights, container]),
                ("to a raw container",
                 ["convert", "--no-sync", "--codec", "raw", options.weights, raw]),
                ("back", ["convert", "--no-sync", container, back]),
                ("verify", ["verify", container]),
                ("verify --deep", ["verify", "--deep", container]),
                ("diff", ["diff", options.weights, container])):
            best = float("inf")
            for _ in range(3):
                start = time.perf_counter()
                cairn(*arguments)
                best = min(best, time.perf_counter() - start)
            measure(f"rate {what}", f"{self.size / best / 1e6:.0f} MB/s of tensors")

    @unittest.skipUnless(os.path.exists(READER), "the independent reader is not there")
    def test_an_independent_reader_finds_the_same_tensors(self) -> None:
        for name, original in ("fp32", options.weights), ("bf16", self.bf16):
            container = self.path(f"read-{name}.cairn")
            cairn("convert", original, container)
            read = json.loads(subprocess.run(
                [sys.executable, READER, container], check=True, capture_output=True).stdout)
            expected = {tensor: hashlib.sha256(data).hexdigest()
                        for tensor, (_, _, data) in tensors(original).items()}
            self.assertEqual({t["name"]: t["sha256"] for t in read["tensors"]}, expected)
            self.assertEqual({t["name"]: list(t["shape"]) for t in read["tensors"]},
                             {t: shape for t, (_, shape, _) in tensors(original).items()})

    def test_unusual_tensors_too(self) -> None:
        random = np.random.default_rng(1)
        bits16 = np.arange(1 << 16, dtype=np.uint16)  # every NaN, subnormal and zero there is
        bits8 = np.arange(1 << 8, dtype=np.uint8)
        embedding = random.standard_normal((37, 11)).astype(np.float32)
        odd = {
            "f16": bits16.view(np.float16), "bf16": bits16.view(ml_dtypes.bfloat16),
            "f8_e4m3": bits8.view(ml_dtypes.float8_e4m3fn),
            "f8_e5m2": bits8.view(ml_dtypes.float8_e5m2),
            "i64": random.integers(-2**63, 2**63 - 1, (5, 7), endpoint=True),
            "bool": random.integers(0, 2, 1001).astype(bool), "u8": bits8.reshape(16, 16),
            "scalar": np.array(-0.0, dtype=np.float64), "empty": np.zeros((0, 3), np.float32),
            # safetensors has no ties: a tied pair is written twice.
            "embedding": embedding, "head": embedding.copy(),
            "nan payloads": (0x7F800000 | np.arange(1, 999, dtype=np.uint32)).view(np.float32),
            "Ünïcode/名前": np.zeros(3, np.int8),
        }
        original = self.path("odd.safetensors")
        safetensors.numpy.save_file(odd, original, metadata={"ключ": "value\nof lines"})
        container = self.there_and_back(original, "odd")
        described = json.loads(cairn("info", "--json", container))["tensors"]
        self.assertEqual({t["name"]: t["dtype"] for t in described},
                         {name: str(tensor.dtype) for name, tensor in odd.items()})
        self.assertEqual({t["name"]: tuple(t["shape"]) for t in described},
                         {name: tensor.shape for name, tensor in odd.items()})

    def test_differences_are_found(self) -> None:
        changed = self.path("changed.safetensors")
        data = bytearray(contents(options.weights))
        data[-1000] ^= 1
        with open(changed, "wb") as file:
            file.write(data)
        report = json.loads(cairn("diff", "--json", options.weights, changed, status=1))
        self.assertEqual(report["different"]["total"], 1)
        container = self.path("fp32-damaged.cairn")
        cairn("convert", options.weights, container)
        data = bytearray(contents(container))
        data[len(data) // 2] ^= 1
        with open(container, "wb") as file:
            file.write(data)
        cairn("verify", container, status=1)
        cairn("convert", container, changed, status=2)
        self.assertEqual(len(contents(changed)), self.size)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cairn", required=True, help="the built command")
    parser.add_argument("--weights", required=True, help="a safetensors file of float32 weights")
    rest = parser.parse_known_args(namespace=options)[1]
    options.cairn, options.weights = map(os.path.abspath, (options.cairn, options.weights))
    program = unittest.main(argv=[sys.argv[0], *rest], exit=False)
    for what, value in measured:
        print(f"real weights: {what:26}{value}")
    sys.exit(not program.result.wasSuccessful())
