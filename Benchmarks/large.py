"""Many tensors, and a file larger than memory would allow if it were all held.

    large.py [--count N] [--bytes N] [--folder PATH]

The defaults are small; `make bench-large` runs the sizes of the targets: 1,000,000 tensors and
20 GB, for which the disk must have room. Files are removed when done. Writes
Benchmarks/results/large.json, which the next report includes.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile
from typing import Any

import data
import machine
import targets
from processes import BENCH, Process

RESULTS = pathlib.Path(__file__).resolve().parent / "results"
LOOK_UPS = 7
FEW = 10_000
# How many times what a look-up allocates with FEW tensors it may with many: pages of the index on
# the way to a name grow with the number's logarithm.
GROWTH = 4
# What writing and verifying may hold, whatever the file's size.
WORKING_SET = 512 << 20


class Large:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.rows: list[dict[str, Any]] = []
        self.process = Process("cairn")

    def ask(self, what: str, **command: Any) -> dict[str, Any]:
        answer = self.process.ask(**command)
        if "error" in answer or not answer.get("same", True):
            sys.exit(f"benchmarks: {what}: {answer.get('error', 'not what was written')}")
        return answer

    def row(self, what: str, **command: Any) -> dict[str, Any]:
        print(f"benchmarks: {what}", file=sys.stderr)
        answer = self.ask(what, **command)
        self.rows.append({"what": what} | answer)
        return answer

    def many(self, count: int) -> dict[str, Any]:
        """Writes `count` small tensors, opens the file and takes one; the median of some."""
        path = str(self.folder / "many")
        self.row(f"save {count:,} tensors of 16 bytes", op="many", count=count, codec="raw",
                 path=path)
        if count <= FEW:
            self.row(f"load {count:,} tensors", op="load", path=path)
        what = f"open, mapped, and take one of {count:,} tensors"
        found = [self.ask(what, op="lookup", path=path, access="mapped", number=number)
                 for number in [count * step // LOOK_UPS for step in range(LOOK_UPS)]]
        row = {"what": what, "seconds": statistics.median(one["seconds"] for one in found),
               "allocated": max(one["allocated"] for one in found)}
        self.rows.append(row)
        os.unlink(path)
        return row

    def big(self, count: int) -> int:
        """Writes and verifies a file of `count` bytes of real weights, coded."""
        path = str(self.folder / "large")
        self.ask("data", op="data", path=str(data.path("fp32")))
        size = f"{count / 1e9:g} GB"
        answers = [
            self.row(f"write {size} of float32 weights, coded", op="large", bytes=count, path=path),
            self.row(f"verify {size}", op="verify", path=path),
            self.row(f"verify {size}, deep", op="verify", path=path, deep=True)]
        os.unlink(path)
        peak: int = max(answer.get("peak", 0) for answer in answers)
        return peak


def judge(row: dict[str, Any], few: dict[str, Any], peak: int, options: argparse.Namespace) -> list[targets.Target]:
    allocated = row["allocated"] if row["allocated"] >= 0 else None
    return [
        targets.at_most(6, f"{options.count:,} tensors: opened, one looked up and read, mapped",
                        targets.milliseconds(row["seconds"]), 5, "ms"),
        targets.at_most(6, f"{options.count:,} tensors: allocated for that, beside {GROWTH} times "
                        f"that of {FEW:,}", allocated, GROWTH * few["allocated"], "bytes"),
        targets.at_most("large", f"{options.bytes / 1e9:g} GB written and verified: memory",
                        peak / 2**20, WORKING_SET / 2**20, "MiB")]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=10**9)
    parser.add_argument("--folder", type=pathlib.Path, default=data.CACHE)
    options = parser.parse_args()
    if not os.path.exists(BENCH):
        sys.exit(f"benchmarks: {BENCH} is not built; 'make bench-large' does")
    options.folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(options.folder).free
    if free < options.bytes * 5 // 4:
        sys.exit(f"benchmarks: {options.bytes:,} bytes would not fit well: {free:,} are free in "
                 f"{options.folder}; choose --bytes or --folder")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="large.", dir=options.folder))
    large = Large(folder)
    try:
        results: dict[str, Any] = {"machine": machine.describe(folder), "versions": machine.versions({})}
        few, row = large.many(FEW), large.many(options.count)
        peak = large.big(options.bytes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        large.process.close()
    results |= {"rows": large.rows, "targets": judge(row, few, peak, options)}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "large.json").write_text(json.dumps(results, indent=1) + "\n")
    for one in large.rows:
        figures = {key: value for key, value in one.items() if key != "what"}
        print(f"{one['what']}: {json.dumps(figures)}")
    for target in results["targets"]:
        print(targets.line(target))


if __name__ == "__main__":
    main()
