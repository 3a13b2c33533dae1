#!/usr/bin/env python3
"""Tries hostile files on the cairn command, and says what it did to itself.

    run.py .build/release/cairn [--count 20000] [--first N] [--seed S] [--family PART] [--keep DIR]
           [--commands 3] [--jobs 1] [--seconds 1] [--megabytes 100] [--refused-every 2] [--margin 128]

Each file is tried with some of the commands that read it; every second one with an address space little
larger than an idle command takes (`ulimit -v`), where memory may be refused but nothing may abort; some with
few descriptors. A command fails by a signal, by an exit status other than 0, 1 and 2, by
more processor time or memory than allowed, or by not ending. Time is processor time: the machine may be
busy."""
import argparse
import concurrent.futures
import os
import pickle
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from draw import Case
from generate import ALL, following, make, write

# Where the next case of the same family lies, for what takes two files.
OTHER = "other"

# What a command may take while it waits for a busy machine, in seconds.
PATIENCE = 60


class Made:
    """A case that lies in its folder: what is left of it here."""

    def __init__(self, name: str, case: Case) -> None:
        self.name, self.size = name, case.size
        self.opened, self.config, self.inputs = case.opened, case.config, case.inputs


def commands(case: Made, folder: Path) -> list[tuple[str, list[str]]]:
    """All that fits a case: pairs of a name and the arguments."""
    source = str(folder / case.opened)
    out = str(folder / "out")
    config = ["--config", str(folder / case.config)] if case.config else []
    fits = [("info", ["info", source]), ("info --json", ["info", "--json", source]),
            ("verify", ["verify", "--deep", source]),
            ("to cairn", ["convert", "--lossy", source, out + ".cairn"]),
            ("to safetensors", ["convert", "--lossy", source, out + ".safetensors"]),
            ("to npz", ["convert", "--lossy", source, out + ".npz"]),
            ("to gguf", ["convert", "--lossy", source, out + ".gguf"]),
            ("to h5", ["convert", "--lossy", source, out + ".h5"]),
            ("to shards", ["convert", "--lossy", source, out + ".safetensors.index.json"]),
            ("to tensorflow", ["convert", "--lossy", source, out + ".index"]),
            ("diff", ["diff", source, source]), ("diff --json", ["diff", "--json", source, source]),
            ("diff other", ["diff", source, str(folder / OTHER / case.opened)]),
            ("verify --json", ["verify", "--json", source]), ("copy", ["copy", source, out + ".cairn"]),
            ("edit", ["edit", "--lossy", "--rename", "re:^(.)=>x$1", source, out + ".cairn"])]
    if source.endswith((".keras", ".h5", ".json")) or config:
        fits += [("to keras", ["convert", "--lossy", *config, source, out + ".keras"]),
                 ("clone", ["clone", *config, source, out + ".cairn"])]
        if case.inputs:
            fits += [("predict", ["predict", *config, source, "--input", str(folder / case.inputs),
                                  "--output", out + ".npy"])] * 3
    if source.endswith(".cairn"):
        fits += [("clone", ["clone", source, out + ".cairn"]),
                 ("salvage", ["salvage", source, out + ".cairn"])]
    return fits


class Limits:
    def __init__(self, memory: int | None = None, descriptors: int | None = None) -> None:
        self.memory, self.descriptors = memory, descriptors

    def apply(self) -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Ends what computes for ever, whatever the machine does meanwhile.
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        if self.memory:
            resource.setrlimit(resource.RLIMIT_AS, (self.memory, self.memory))
        if self.descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))


class Outcome:
    def __init__(self, status: int, seconds: float, megabytes: float, error: tuple[int, str], hung: bool) -> None:
        self.seconds, self.megabytes, self.error, self.hung = seconds, megabytes, error, hung
        self.status = os.waitstatus_to_exitcode(status)


def execute(arguments: list[str], limits: Limits) -> Outcome:
    """Runs a command; its own processor time and memory, as the system counts them."""
    with tempfile.TemporaryFile() as error:
        environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=error, stdin=subprocess.DEVNULL,
                                   env=environment, preexec_fn=limits.apply)  # noqa: PLW1509 - takes no lock
        hung = threading.Event()

        def stop() -> None:
            hung.set()
            process.kill()

        timer = threading.Timer(PATIENCE, stop)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = status
        size = error.seek(0, 2)
        error.seek(max(0, size - 300))
        return Outcome(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024,
                       (size, error.read().decode(errors="replace")), hung.is_set())


def idle_space(command: str) -> int:
    """The least address space that `--version` works in, to 4 MiB."""
    low, high = 0, 4096 << 20
    while high - low > 4 << 20:
        middle = (low + high) // 2
        if execute([command, "--version"], Limits(memory=middle)).status == 0:
            high = middle
        else:
            low = middle
    return high


def judged(outcome: Outcome, a: argparse.Namespace) -> str:
    what = []
    if outcome.hung:
        what.append("HANG")
    elif outcome.status < 0:
        what.append(signal.Signals(-outcome.status).name)
    elif outcome.status > 2:
        what.append(f"EXIT {outcome.status}")
    if outcome.seconds > a.seconds:
        what.append("SLOW")
    if outcome.megabytes > a.megabytes:
        what.append("MEMORY")
    if outcome.error[0] > 20_000:
        what.append("LONG ERROR")
    return " ".join(what)


def made(seed: str, number: int, family: str | None, folder: Path) -> Made:
    """Makes a case in a process of its own: the memory of whoever starts a command counts as the command's,
    and some cases take much to make."""
    there, here = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            name, case = make(seed, number, family)
            write(case, folder)
            with os.fdopen(here, "wb") as file:
                pickle.dump(Made(name, case), file)
            status = 0
        finally:
            os._exit(status)
    os.close(here)
    with os.fdopen(there, "rb") as file:
        content = file.read()
    if os.waitpid(child, 0)[1] != 0:
        raise RuntimeError(f"case {number} could not be made")
    found: Made = pickle.loads(content)
    return found


def tried(number: int, a: argparse.Namespace, scratch: str,
          space: int) -> tuple[list[str], tuple[float, float], str, int]:
    """Runs the commands of one case; lines about what failed, and the most it took."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    failures: list[str] = []
    most = (0.0, 0.0)
    runs = 0
    try:
        case = made(a.seed, number, a.family, folder)
        name = case.name
        fits = commands(case, folder)
        # Another part of the commands each time a family comes round.
        start = number // len(ALL)
        # A step that shares no factor with most numbers of commands, so all come in turn.
        chosen = [fits[(start + 3 * i) % len(fits)] for i in range(min(a.commands, len(fits)))]
        for i, (label, arguments) in enumerate(chosen):
            limits = Limits()
            turn = number + start + i
            if a.refused_every and turn % a.refused_every == 0:
                limits.memory = space + (a.margin << 20)
                label += " in little space"
            elif turn % 31 == 0:
                limits.descriptors = 8 - turn // 31 % 5
                label += " with few descriptors"
            if label.startswith("diff other"):
                other = made(a.seed, following(number, a.family), a.family, folder / OTHER)
                arguments = [*arguments[:-1], str(folder / OTHER / other.opened)]
            outcome = execute([a.command, *arguments], limits)
            runs += 1
            most = max(most[0], outcome.seconds), max(most[1], outcome.megabytes)
            what = judged(outcome, a)
            if what:
                last = outcome.error[1].strip().replace("\n", " | ")[-200:]
                failures.append(f"{what}: {number} {name} ({case.size} bytes), {label}: exit {outcome.status}, "
                                f"{outcome.seconds:.2f} s, {outcome.megabytes:.0f} MB: {last}")
            for left in folder.glob("out*"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        if failures and a.keep:
            made(a.seed, number, a.family, a.keep / f"{number:06}-{name}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return failures, most, name, runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("command")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", default="cairn")
    parser.add_argument("--family", help="only families with this in their names")
    parser.add_argument("--commands", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--refused-every", type=int, default=2)
    parser.add_argument("--margin", type=int, default=128,
                        help="MiB of address space above an idle command's where memory is refused")
    parser.add_argument("--keep", type=Path, help="where files that fail are kept")
    a = parser.parse_args()
    a.command = str(Path(a.command).resolve())
    began = time.time()
    space = idle_space(a.command)
    print(f"an idle command takes {space >> 20} MiB of address space", flush=True)
    failed, runs, seconds, megabytes = 0, 0, (0.0, ""), (0.0, "")
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ProcessPoolExecutor(a.jobs) as pool:
        numbers = range(a.first, a.first + a.count)
        for failures, most, name, count in pool.map(tried, numbers, *([each] * a.count for each in (a, scratch, space)),
                                             chunksize=4):
            runs += count
            seconds, megabytes = max(seconds, (most[0], name)), max(megabytes, (most[1], name))
            failed += len(failures)
            for line in failures:
                print(line, flush=True)
    print(f"{a.count} files, {runs} runs in {time.time() - began:.0f} s: {failed} failures; at most "
          f"{seconds[0]:.2f} s ({seconds[1]}), {megabytes[0]:.0f} MB ({megabytes[1]})")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
