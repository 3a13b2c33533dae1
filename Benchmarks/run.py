"""Cairn and its peers on the same data in the same run, interleaved; medians.

    run.py [--data NAME …] [--rounds N] [--folder PATH] [--publish]

Writes Benchmarks/results/latest.json and latest.md; with --publish also Benchmarks/RESULTS.md and
Documentation/benchmarks.svg.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
from typing import Any

import data
import machine
import plan
import report
import targets
from chart import chart
from peers import PEERS
from processes import BENCH, Processes

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE / "results"


class Run:
    def __init__(self, folder: pathlib.Path, rounds: int) -> None:
        self.folder, self.rounds = folder, rounds
        self.processes = Processes()
        # data set -> operation -> contestant -> {"seconds": […], "peak": […], "bytes": n, …}
        self.results: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
        self.failed: dict[str, str] = {}

    def peers(self) -> dict[str, str | None]:
        """The versions of the peers that are there."""
        versions = {}
        for name in PEERS:
            answer = self.processes[name].ask(op="version")
            package = PEERS[name].package
            if package:
                versions[package] = answer.get("version")
        return versions

    def measure(self, name: str) -> dict[str, Any]:
        """All operations on one data set."""
        file = data.path(name)
        facts = {"title": data.SETS[name][0], "sha256": data.sha256(file)}
        for worker in ["cairn", *PEERS]:
            answer = self.processes[worker].ask(op="data", path=str(file))
            if "error" in answer:
                self.fail(worker, answer["error"])
            else:
                facts |= answer
        self.results[name] = {}
        for number in range(self.rounds + 1):
            print(f"\rbenchmarks: {name}, round {number} of {self.rounds} ", end="",
                  file=sys.stderr, flush=True)
            for operation, contestants, options in plan.OPERATIONS:
                if name not in plan.ONLY.get(operation, {name}):
                    continue
                # Nobody comes always first, or always behind the same one.
                turn = number % len(contestants)
                for contestant in contestants[turn:] + contestants[:turn]:
                    self.step(name, number, operation, contestant, options)
        print(file=sys.stderr)
        for left in self.folder.iterdir():
            left.unlink()
        return facts

    def step(self, name: str, number: int, operation: str, contestant: plan.Contestant,
             options: dict[str, Any]) -> None:
        """One operation of one contestant. Round 0 warms up and checks; it isn't counted."""
        if {contestant.worker, self.failure(contestant, operation, name)} & self.failed.keys():
            return
        if contestant.key in plan.NEW_ONLY and operation.startswith("save, new, fsync"):
            return
        # Once, for the file that is loaded.
        if (contestant.key in plan.NEW_ONLY and operation.startswith("save, existing")
                and (number > 0 or operation != "save, existing")):
            return
        found = self.results[name].setdefault(operation, {}).setdefault(
            contestant.key, {"seconds": [], "peak": []})
        if number > plan.SLOW_ROUNDS and min(found["seconds"]) > plan.SLOW:
            return
        path = self.place(operation, contestant)
        command = {"path": str(path)} | options | contestant.options | {"check": number == 0}
        # Twice if it is short, the second counts: README.md says why.
        for _ in range(1 if number == 0 else 2):
            if operation.startswith("save, new"):
                path.unlink(missing_ok=True)
            elif operation.endswith("cold"):
                self.cool(path)
            answer = self.processes[contestant.worker].ask(**command)
            self.after(operation, path)
            if answer.get("seconds", plan.LONG) >= plan.LONG:
                break
        if "error" in answer or not answer.get("same", True):
            self.fail(self.failure(contestant, operation, name),
                      answer.get("error", "what came back is not what was given"))
            del self.results[name][operation][contestant.key]
            return
        self.note(found, answer, number)

    def note(self, found: dict[str, Any], answer: dict[str, Any], number: int) -> None:
        """Keeps what was measured; of round 0 only what doesn't vary."""
        for key in ("seconds", "peak", "set", "block"):
            if number > 0 and key in answer:
                found.setdefault(key, []).append(answer[key])
        for key in ("bytes", "mapped"):
            if key in answer:
                found[key] = answer[key]

    def place(self, operation: str, contestant: plan.Contestant) -> pathlib.Path:
        kind = "new" if operation.startswith("save, new") else "existing"
        return self.folder / f"{kind}-{contestant.file}"

    @staticmethod
    def after(operation: str, path: pathlib.Path) -> None:
        """Leaves the disk idle: a new file vanishes, an existing one is on disk for the next."""
        if operation.startswith("save, new"):
            path.unlink(missing_ok=True)
        elif operation.startswith("save") and path.exists():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    @staticmethod
    def cool(path: pathlib.Path) -> None:
        """Takes a file out of the page cache."""
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)

    @staticmethod
    def failure(contestant: plan.Contestant, operation: str, name: str) -> str:
        return f"{contestant.title}, {operation}, {name}"

    def fail(self, what: str, why: str) -> None:
        print(f"\nbenchmarks: going on without {what}: {why}", file=sys.stderr)
        self.failed[what] = why


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", nargs="+", choices=data.SETS, default=list(data.SETS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=pathlib.Path, default=data.CACHE,
                        help="where files are written (default: %(default)s)")
    parser.add_argument("--publish", action="store_true")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("at least one round is needed")
    if options.publish and set(options.data) != set(data.SETS):
        parser.error("what is published has all data sets")
    if not os.path.exists(BENCH):
        sys.exit(f"benchmarks: {BENCH} is not built; 'make bench' does")
    # An interrupted run too removes its files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A folder of this run's own.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="work.", dir=options.folder))
    run = Run(folder, options.rounds)
    try:
        results: dict[str, Any] = {
            "machine": machine.describe(folder), "versions": machine.versions(run.peers()),
            "rounds": options.rounds, "data": {}}
        for name in options.data:
            results["data"][name] = run.measure(name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        run.processes.close()
    results |= {"results": run.results, "failed": run.failed}
    results["targets"] = targets.judge(results)
    write(results, options.publish)
    for target in results["targets"]:
        print(targets.line(target))


def write(results: dict[str, Any], publish: bool) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(results, indent=1) + "\n")
    large = RESULTS / "large.json"
    text = report.markdown(results, json.loads(large.read_text()) if large.exists() else None)
    (RESULTS / "latest.md").write_text(text)
    (RESULTS / "latest.svg").write_text(chart(results))
    if publish:
        shutil.copy(RESULTS / "latest.md", HERE / "RESULTS.md")
        shutil.copy(RESULTS / "latest.svg", data.ROOT / "Documentation" / "benchmarks.svg")


if __name__ == "__main__":
    main()
