"""Whole processes, as a person meets them at a shell: the command beside `cp`, `cmp`, `sha256sum`, `zstd`,
and Python with safetensors and with ZipNN.

    commands.py [--data NAME ...] [--rounds N] [--folder PATH] [--only PART]

Writes results/commands.json and commands.md. Times are of the whole process, from its start to its end; the
contestants of a task come by turns. `make bench` runs it after `run.py`.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import data
import machine

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE / "results"
CAIRN = HERE.parent / ".build" / "release" / "cairn"

SAFETENSORS = ("import sys; from safetensors.numpy import load_file, save_file; "
               "save_file(load_file(sys.argv[1]), sys.argv[2])")
ZIPNN = ("import sys; sys.path.insert(0, sys.argv[4]); import peers; "
         "from safetensors.numpy import load_file; zipnn = peers.ZipNN(load_file(sys.argv[1])); "
         "options = dict(threads=int(sys.argv[3])); "
         "zipnn.save(sys.argv[2], options, zipnn.prepare(options))")


class Contestant:
    """A way to do a task: a command whose words may name the files of the run, in braces."""

    def __init__(self, title: str, *words: str, needs: str | None = None) -> None:
        self.title, self.words = title, words
        # A program that a machine may not have.
        self.needs = needs or words[0]

    def command(self, places: dict[str, str]) -> list[str]:
        return [word.format_map(places) for word in self.words]


def cairn(title: str, *words: str) -> Contestant:
    return Contestant(title, "{cairn}", *words, needs=str(CAIRN))


class Task:
    """What is done, and by whom."""

    def __init__(self, key: str, title: str, contestants: list[Contestant], bounds: dict[int, float] | None = None,
                 fresh: bool = True, rates: dict[int, float] | None = None) -> None:
        self.key, self.title, self.contestants = key, title, contestants
        # Index of a contestant -> at most so many times the first one's time.
        self.bounds = bounds or {}
        # Index of a contestant -> at least so many bytes of tensors a second.
        self.rates = rates or {}
        # Whether {out} is removed before, or is there, whole and on the disk.
        self.fresh = fresh


TASKS = [
    Task("new", "a new file, without fsync", [
        Contestant("cp", "cp", "{source}", "{out}"),
        cairn("cairn convert, no digests", "convert", "--no-sync", "--no-digests", "{source}", "{out}"),
        cairn("cairn convert", "convert", "--no-sync", "{source}", "{out}"),
        cairn("cairn convert, raw", "convert", "--no-sync", "--codec", "raw", "{source}", "{out}"),
        Contestant("zstd -T2 -1", "zstd", "-q", "-f", "-T2", "-1", "{source}", "-o", "{out}"),
        Contestant("Python, safetensors", sys.executable, "-c", SAFETENSORS, "{source}", "{out}"),
        Contestant("Python, ZipNN, 2 threads", sys.executable, "-c", ZIPNN, "{source}", "{out}", "2",
                   str(HERE)),
    ], bounds={1: 1.2, 2: 1.4}),
    Task("durable", "over an existing file, brought to disk", [
        Contestant("cp; sync -d", "sh", "-c", "cp {source} {out} && sync -d {out}"),
        cairn("cairn convert", "convert", "{source}", "{out}"),
        Contestant("zstd -T2 -1; sync -d", "sh", "-c",
                   "zstd -q -f -T2 -1 {source} -o {out} && sync -d {out}", needs="zstd"),
    ], bounds={1: 1.3}, fresh=False),
    Task("back", "back to safetensors, without fsync", [
        Contestant("cp", "cp", "{source}", "{out}"),
        cairn("cairn convert", "convert", "--no-sync", "{coded}", "{out}"),
        cairn("cairn convert, of a file without digests", "convert", "--no-sync", "{bare}", "{out}"),
        Contestant("zstd -d", "zstd", "-q", "-f", "-d", "{zstd}", "-o", "{out}"),
    ], bounds={1: 1.4, 2: 1.4}),
    Task("verify", "checking a file", [
        Contestant("sha256sum of the source", "sha256sum", "{source}"),
        cairn("cairn verify --deep", "verify", "--deep", "{coded}"),
        cairn("cairn verify --deep, no digests", "verify", "--deep", "{bare}"),
        cairn("cairn verify", "verify", "{coded}"),
        Contestant("zstd -t", "zstd", "-q", "-t", "{zstd}"),
    ], rates={1: 2.5e9}),
    Task("diff", "comparing two files", [
        Contestant("cmp of two copies", "cmp", "{source}", "{twin}"),
        cairn("cairn diff, source and container", "diff", "{source}", "{coded}"),
        cairn("cairn diff, two containers", "diff", "{coded}", "{bare}"),
        cairn("cairn diff, two copies of the source", "diff", "{source}", "{twin}"),
    ], rates={1: 3e9}),
    Task("read", "opening a file", [
        Contestant("true", "true"),
        cairn("cairn --version", "--version"),
        cairn("cairn info", "info", "{coded}"),
        Contestant("Python, safetensors: names", sys.executable, "-c",
                   "import sys; from safetensors import safe_open; "
                   "print(len(safe_open(sys.argv[1], 'np').keys()))", "{source}"),
    ]),
]


class Run:
    def __init__(self, folder: pathlib.Path, rounds: int) -> None:
        self.folder, self.rounds = folder, rounds
        self.failed: dict[str, str] = {}

    def places(self, name: str) -> dict[str, str]:
        """The files of a data set, made from it and on the disk."""
        source = data.path(name)
        places = {"cairn": str(CAIRN), "source": str(self.folder / f"{name}.safetensors"),
                  "out": str(self.folder / "out")}
        for key, suffix in (("twin", ".twin"), ("coded", ".cairn"), ("bare", ".bare.cairn"), ("zstd", ".zst")):
            places[key] = str(self.folder / (name + suffix))
        shutil.copyfile(source, places["source"])
        shutil.copyfile(source, places["twin"])
        subprocess.run([CAIRN, "convert", places["source"], places["coded"]], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([CAIRN, "convert", "--no-digests", places["source"], places["bare"]], check=True,
                       stdout=subprocess.DEVNULL)
        if shutil.which("zstd"):
            subprocess.run(["zstd", "-q", "-f", "-1", places["source"], "-o", places["zstd"]], check=True)
        os.sync()
        return places

    def measure(self, name: str, tasks: list[Task]) -> dict[str, list[list[float]]]:
        places = self.places(name)
        found: dict[str, list[list[float]]] = {task.key: [[] for _ in task.contestants] for task in tasks}
        for number in range(self.rounds + 1):
            print(f"\rcommands: {name}, round {number} of {self.rounds} ", end="", file=sys.stderr, flush=True)
            for task in tasks:
                ways = list(enumerate(task.contestants))
                turn = number % len(ways)
                for place, way in ways[turn:] + ways[:turn]:
                    seconds = self.timed(name, task, way, places)
                    if number > 0 and seconds is not None:
                        found[task.key][place].append(seconds)
        print(file=sys.stderr)
        for left in self.folder.iterdir():
            left.unlink()
        return found

    def timed(self, name: str, task: Task, way: Contestant, places: dict[str, str]) -> float | None:
        """The seconds of one process; None if it failed or cannot be had."""
        what = f"{way.title}, {task.title}, {name}"
        if what in self.failed:
            return None
        if not shutil.which(way.needs):
            self.failed[what] = f"there is no {way.needs}"
            return None
        # The command takes the format from the extension.
        suffix = ".safetensors" if task.key == "back" else ".cairn"
        own = places | {"out": places["out"] + suffix}
        out = pathlib.Path(own["out"])
        if task.fresh:
            out.unlink(missing_ok=True)
        elif not out.exists():
            subprocess.run([CAIRN, "convert", places["source"], out], check=True, stdout=subprocess.DEVNULL)
        command = way.command(own)
        start = time.perf_counter()
        ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        seconds = time.perf_counter() - start
        if ended.returncode != 0:
            self.failed[what] = f"status {ended.returncode}: {ended.stderr.decode(errors='replace')[-300:].strip()}"
            print(f"\ncommands: going on without {what}: {self.failed[what]}", file=sys.stderr)
            return None
        if task.fresh:
            # So that no process pays for writing back what another one left.
            out.unlink(missing_ok=True)
        elif out.exists():
            subprocess.run(["sync", str(out)], check=True)
        return seconds


def rows(results: dict[str, Any], name: str, task: Task) -> Iterator[tuple[str, float, float | None, float, str]]:
    """Title, median in ms, times the first one's, GB/s of tensors, the targets of it."""
    byte_count = results["bytes"][name]
    times = [statistics.median(each) if each else None for each in results["data"][name][task.key]]
    for place, way in enumerate(task.contestants):
        seconds = times[place]
        if seconds is None:
            continue
        ratio = seconds / times[0] if times[0] else None
        rate = byte_count / seconds
        wanted = ""
        if place in task.bounds and ratio is not None:
            wanted = f"{'reached' if ratio <= task.bounds[place] else 'not reached'}: at most {task.bounds[place]} x"
        if place in task.rates:
            wanted = (f"{'reached' if rate >= task.rates[place] else 'not reached'}: "
                      f"at least {task.rates[place] / 1e9} GB/s")
        yield way.title, 1_000 * seconds, ratio, rate / 1e9, wanted


def markdown(results: dict[str, Any]) -> str:
    about = results["machine"]
    text = (f"# Whole processes\n\nMade by `make bench`; medians of {results['rounds']} rounds, contestants interleaved, on "
            f"{about['cpu']}, {about['cores']} cores, {about['kernel']}, files on {about['file system']}.\n")
    for name in results["data"]:
        text += f"\n## {name}, {results['bytes'][name]:,} bytes of tensors\n"
        for task in TASKS:
            if task.key not in results["data"][name]:
                continue
            text += f"\n{task.title}:\n\n| | ms | times | GB/s | |\n| --- | ---: | ---: | ---: | --- |\n"
            for title, time_taken, ratio, rate, wanted in rows(results, name, task):
                beside = "–" if ratio is None else f"{ratio:.2f}"
                text += f"| {title} | {time_taken:.1f} | {beside} | {rate:.2f} | {wanted} |\n"
    for what, why in results["failed"].items():
        text += f"\nLeft out: {what} ({why}).\n"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", nargs="+", choices=data.SETS, default=["fp32", "bf16"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="+", choices=[task.key for task in TASKS])
    parser.add_argument("--folder", type=pathlib.Path, default=data.CACHE,
                        help="where files are written (default: %(default)s)")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("at least one round is needed")
    if not CAIRN.exists():
        sys.exit(f"commands: {CAIRN} is not built; 'make bench' does")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="work.", dir=options.folder))
    run = Run(folder, options.rounds)
    tasks = [task for task in TASKS if not options.only or task.key in options.only]
    results: dict[str, Any] = {"machine": machine.describe(folder), "rounds": options.rounds, "data": {}, "bytes": {}}
    try:
        for name in options.data:
            results["bytes"][name] = data.byte_count(name)
            results["data"][name] = run.measure(name, tasks)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results["failed"] = run.failed
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "commands.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "commands.md").write_text(markdown(results))
    print(markdown(results))


if __name__ == "__main__":
    main()
