#!/usr/bin/env python3
"""Runs readers over the conformance suite and compares what they say with its manifest.

    run.py [--exhaustive] [--large] [FILE or FOLDER]...
    run.py --reader 'COMMAND' [--levels accept,diagnose] [--large] [FILE or FOLDER]...
    run.py --salvager 'COMMAND'

Without --reader the two Python programs are judged: cairn_reader.py at level accept,
cairn_checker.py at levels accept and diagnose, and with --shallow on what needs no decoding; and the
page itself: specification.py holds FORMAT.md against the manifest and whatever cites it.
COMMAND gets a file's path as its last argument; README.md says what it prints. Levels:

    accept    every ok-* file is read right, every other one is refused (exit 0 and 1)
    diagnose  of a bad-* or future-* file also the code and the offset are right
    salvage   of a salvage-* file just what can be saved is saved, and what is lost is named

--large adds files that are made at run time, because they are over 64 KB: limits, mostly.
--exhaustive: both Python programs must refuse every single-bit flip and every truncation of two
small files. Further files are just read.
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "..", "Fixtures")
SUITE = os.path.join(FIXTURES, "conformance")
EXHAUSTIVE = "ok-exhaustive-raw.cairn", "ok-exhaustive-coded.cairn"
# Exit status (None if it did not end), standard output, standard error.
Result = tuple[int | None, bytes, str]
# File, reader, level, kind, and what is wrong if something is.
Judged = tuple[str, str, str, str, str | None]
LEVELS = "accept", "diagnose", "salvage"

sys.path[:0] = [HERE, os.path.join(FIXTURES, "scripts")]
import cairn_checker
import cairn_reader
import specification
from cairn_checker_content import Invalid


class Reader:
    def __init__(self, name: str, command: list[str], levels: set[str], shallow: bool = False) -> None:
        self.name, self.command, self.levels, self.shallow = name, command, levels, shallow

    def run(self, path: str) -> Result:
        """(exit status, standard output, standard error)"""
        if self.shallow:  # within this process: hundreds of starts of Python take long
            with open(path, "rb") as file:
                data = file.read()
            try:
                return 0, json.dumps(cairn_checker.Container(data).report(True)).encode(), ""
            except Invalid as error:
                return 1, b"", str(error)
        try:
            done = subprocess.run([*self.command, path], capture_output=True, timeout=300, check=False)
        except subprocess.TimeoutExpired:
            return None, b"", "timed out"
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace").strip()


def python_readers() -> list[Reader]:
    def program(name: str) -> list[str]:
        return [sys.executable, os.path.join(HERE, name)]

    return [Reader("cairn_reader.py", program("cairn_reader.py"), {"accept"}),
            Reader("cairn_checker.py", program("cairn_checker.py"), {"accept", "diagnose"}),
            Reader("cairn_checker.py --shallow", [], {"accept", "diagnose"}, shallow=True)]


def without_hashes(content: dict[str, Any]) -> dict[str, Any]:
    return {**content, "tensors": [{**t, "sha256": None} for t in content["tensors"]]}


def accepted(result: Result, want: Any) -> str | None:
    """None, or what is wrong."""
    status, out, message = result
    if status != 0:
        return f"refused (exit {status}): {message}"
    try:
        got = json.loads(out)
    except ValueError as error:
        return f"does not print JSON: {error}"
    for key in want or {}:
        if key not in got or got[key] != want[key]:
            return f"{key}: {got.get(key)!r:.300}, not {want[key]!r:.300}"
    return None


def refused(result: Result) -> str | None:
    status, _, message = result
    if status != 1:
        return f"exit {status} instead of 1: {message:.300}"
    if not message or "\n" in message:
        return f"not one line of complaint but {message!r:.300}"
    return None


def diagnosed(result: Result, entry: Any) -> str | None:
    said = re.match(r"(\w+) at (\d+)", result[2])
    if not said:
        return f"no code and offset: {result[2]}"
    if said[1] not in entry["codes"]:
        return f"{result[2]}; the code should be {' or '.join(entry['codes'])}"
    if not any(a <= int(said[2]) <= b for a, b in entry["within"]):
        return f"{result[2]}; the offset should lie in {entry['within']}"
    return None


def losses(result: list[dict[str, Any]]) -> list[list[str]]:
    """What of a file's content is lost, as pairs of kind and name; regions do not count."""
    return sorted([one["kind"], one["name"] or ""] for one in result
                  if one["kind"] in ("tensor", "metadata", "configuration", "blob"))


def salvaged(result: Result, want: Any) -> str | None:
    status, out, message = result
    if status != 0:
        return f"exit {status}: {message:.300}"
    try:
        got = json.loads(out)
    except ValueError as error:
        return f"does not print JSON: {error}"
    content = got["content"]  # how what was recovered would be stored is nobody's business
    content["tensors"] = [{key: value for key, value in tensor.items() if key != "storage"}
                          for tensor in content["tensors"]]
    for key in want["content"]:
        if content.get(key) != want["content"][key]:
            return f"{key}: {content.get(key)!r:.300}, not {want['content'][key]!r:.300}"
    if losses(got["lost"]) != losses(want["lost"]):
        return f"lost: {losses(got['lost'])}, not {losses(want['lost'])}"
    return None


def judge(name: str, path: str, reader: Reader, entry: Any) -> list[Judged]:
    """What was looked at, with what is wrong or None: (name, reader, level, kind, problem)"""
    kind = name.split("-")[0]
    if "salvage" in reader.levels:
        return [(name, reader.name, "salvage", kind, salvaged(reader.run(path), entry["salvage"]))]
    result = reader.run(path)
    if entry is None or reader.shallow and entry.get("needs_decoding"):
        return [(name, reader.name, "accept", "ok", accepted(result, None))]
    if entry["expect"] == "accept":
        want = without_hashes(entry["content"]) if reader.shallow else entry["content"]
        return [(name, reader.name, "accept", "ok", accepted(result, want))]
    problem = refused(result)
    found = [(name, reader.name, "accept", kind, problem)]
    if "diagnose" in reader.levels and "codes" in entry and not problem:
        found.append((name, reader.name, "diagnose", kind, diagnosed(result, entry)))
    return found


def is_refused(module: Any, data: bytes) -> bool:
    invalid = cairn_reader.INVALID if module is cairn_reader else Invalid
    try:
        module.Container(data).report()
    except invalid:
        return True
    return False


def exhaustive(job: tuple[str, str, int]) -> tuple[int, list[str]]:
    """Which damaged versions of a file a Python program accepts: an eighth of all."""
    program, name, part = job
    module = sys.modules[program]
    with open(os.path.join(SUITE, name), "rb") as file:
        good = file.read()
    assert len(good) <= 4096 and not is_refused(module, good), (program, name)
    bad = [f"{program} accepts {name} with bit {8 * byte + part} flipped"
           for byte in range(len(good)) if not is_refused(
               module, good[:byte] + bytes([good[byte] ^ 1 << part]) + good[byte + 1:])]
    bad += [f"{program} accepts {name} cut to {n} bytes"
            for n in range(part, len(good), 8) if not is_refused(module, good[:n])]
    return len(good) + len(range(part, len(good), 8)), bad


def large(readers: list[Reader]) -> Iterator[Judged]:
    """The files that are over 64 KB, one after the other, because some are over 256 MB."""
    from conformance.large import files
    with tempfile.TemporaryDirectory() as folder:
        for name, entry, data in files():
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(data)
            del data
            for reader in readers:
                if not reader.shallow:
                    yield from judge(name, path, reader, entry)
            os.remove(path)


def further(paths: list[str]) -> Iterator[str]:
    for path in paths:
        found = [path]
        if os.path.isdir(path):
            found = sorted(os.path.join(folder, name) for folder, _, names in os.walk(path)
                           for name in names if name.endswith(".cairn"))
        yield from found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--reader")
    parser.add_argument("--salvager")
    parser.add_argument("--levels", default="accept,diagnose")
    parser.add_argument("--exhaustive", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("paths", nargs="*")
    options = parser.parse_args()
    options.levels = set(options.levels.split(","))
    if options.levels - set(LEVELS):
        parser.error(f"the levels are {', '.join(LEVELS)}")
    return options


def chosen(options: argparse.Namespace) -> tuple[list[Reader], list[Reader]]:
    """The readers that are asked for, and who salvages."""
    if not options.reader and not options.salvager:
        return python_readers(), []

    def command(text: str) -> tuple[str, list[str]]:
        words = shlex.split(text)
        return os.path.basename(words[0]), words

    readers = options.reader and [Reader(*command(options.reader), options.levels - {"salvage"})]
    salvagers = options.salvager and [Reader(*command(options.salvager), {"salvage"})]
    return readers or [], salvagers or []


def main() -> int:
    options = arguments()
    readers, salvagers = chosen(options)
    with open(os.path.join(SUITE, "manifest.json"), encoding="utf-8") as file:
        files = json.load(file)["files"]
    jobs = [(name, os.path.join(SUITE, name), reader, entry)
            for name, entry in sorted(files.items())
            for reader in readers + (salvagers if "salvage" in entry else [])]
    jobs += [(path, path, reader, None) for path in further(options.paths)
             for reader in readers if not reader.shallow]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = [one for found in pool.map(lambda job: judge(*job), jobs) for one in found]
    failures = [f"{name} is not in the manifest" for name in sorted(
        {n for n in os.listdir(SUITE) if n.endswith(".cairn")} - set(files))]
    with tempfile.TemporaryDirectory() as folder:  # what cannot be read is not an invalid file
        for reader in readers:
            if not reader.shallow:
                status = reader.run(os.path.join(folder, "missing.cairn"))[0]
                wrong = None if status == 2 else f"exit {status} instead of 2"
                results.append(("a missing file", reader.name, "accept", "unreadable", wrong))
    if options.large:
        results += large(readers)
    tally = Counter((reader, level, kind) for _, reader, level, kind, problem in results
                    if not problem)
    for (who, level, kind), count in sorted(tally.items()):
        print(f"{who}, {level}: {count} {kind}")
    failures += [f"{name} ({reader}, {level}): {problem}"
                 for name, reader, level, _, problem in results if problem]
    passed = sum(tally.values())
    if not options.reader and not options.salvager:
        checks, problems = specification.problems()
        print(f"FORMAT.md: {checks} checks of codes, citations, links and test vectors")
        passed, failures = passed + checks - len(problems), failures + problems
    if options.exhaustive:
        damages = [(program, name, part) for program in ("cairn_reader", "cairn_checker")
                   for name in EXHAUSTIVE for part in range(8)]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            tried, found = zip(*pool.map(exhaustive, damages))
        bad = [problem for part in found for problem in part]
        print(f"{sum(tried)} damaged versions of two files, {len(bad)} accepted")
        passed, failures = passed + sum(tried) - len(bad), failures + bad
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
