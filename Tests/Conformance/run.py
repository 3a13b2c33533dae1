#!/usr/bin/env python3
"""Runs a reader over the golden containers and compares what it says with their manifest.

    run.py [--reader 'COMMAND'] [--outcome-only] [--exhaustive] [FILE or FOLDER]...

COMMAND FILE prints the JSON of cairn_reader.py and exits 0, or prints "code at offset ..." on
standard error and exits 1. Of an invalid file the code and the offset must be among those in the
manifest; --outcome-only looks at the exit status alone. The Python reader is also run with
--shallow: it must notice without decoding what can be noticed so. --exhaustive: every single-bit
flip and every truncation of two small files must be refused. Further files are just read.
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
CONTAINERS = os.path.join(HERE, "..", "..", "Fixtures", "containers")
READER = [sys.executable, os.path.join(HERE, "cairn_reader.py")]


def run(command, path):
    try:
        done = subprocess.run([*command, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=120)
    except subprocess.TimeoutExpired:
        return None, b"", "timed out"
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace").strip()


def without_hashes(content):
    return {**content, "tensors": [{**t, "sha256": None} for t in content["tensors"]]}


def accepted(command, path, want):
    """None, or what is wrong."""
    status, out, message = run(command, path)
    if status != 0:
        return f"refused (exit {status}): {message}"
    try:
        got = json.loads(out)
    except ValueError as error:
        return f"does not print JSON: {error}"
    for key in want or {}:
        if key not in got or got[key] != want[key]:
            return f"{key}: {got.get(key)!r:.300}, not {want[key]!r:.300}"


def refused(command, path, entry, outcome_only):
    status, _, message = run(command, path)
    if status != 1:
        return f"exit {status} instead of 1: {message}"
    if outcome_only:
        return None
    said = re.match(r"(\w+) at (\d+)", message)
    if not said:
        return f"no code and offset: {message}"
    if said[1] not in entry["codes"]:
        return f"{message}; the code should be {' or '.join(entry['codes'])}"
    if not any(a <= int(said[2]) <= b for a, b in entry["within"]):
        return f"{message}; the offset should lie in {entry['within']}"


def judge(job):
    name, path, command, entry, options, shallow = job
    if entry is None:
        return name, accepted(command, path, None)
    if entry["expect"] == "accept":
        want = without_hashes(entry["content"]) if shallow else entry["content"]
        return name, accepted(command, path, want)
    if shallow and entry["needs_decoding"]:
        return name, accepted(command, path, None)
    return name, refused(command, path, entry, options.outcome_only)


def exhaustive(name):
    """(refused, accepted) of every damaged version of a file, within this process."""
    sys.path.insert(0, HERE)
    import cairn_reader
    with open(os.path.join(CONTAINERS, name), "rb") as file:
        good = file.read()
    assert len(good) <= 4096, (name, len(good))
    cairn_reader.Container(good).report(False)

    def is_refused(data):
        try:
            cairn_reader.Container(data).report(False)
        except cairn_reader.Invalid:
            return True
        return False

    bad = [f"{name}: bit {bit} flipped" for bit in range(8 * len(good)) if not is_refused(
        good[:bit // 8] + bytes([good[bit // 8] ^ 1 << bit % 8]) + good[bit // 8 + 1:])]
    bad += [f"{name}: cut to {n} bytes" for n in range(len(good)) if not is_refused(good[:n])]
    return 9 * len(good) - len(bad), bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reader")
    parser.add_argument("--outcome-only", action="store_true")
    parser.add_argument("--exhaustive", action="store_true")
    parser.add_argument("paths", nargs="*")
    options = parser.parse_args()
    command = shlex.split(options.reader) if options.reader else READER
    with open(os.path.join(CONTAINERS, "manifest.json"), encoding="utf-8") as file:
        files = json.load(file)["files"]
    jobs = []
    for name, entry in sorted(files.items()):
        path = os.path.join(CONTAINERS, name)
        jobs.append((name, path, command, entry, options, False))
        if not options.reader:
            jobs.append((f"{name} (shallow)", path, [*READER, "--shallow"], entry, options, True))
    unlisted = {n for n in os.listdir(CONTAINERS) if n.endswith(".cairn")} - set(files)
    for path in options.paths:
        found = [path]
        if os.path.isdir(path):
            found = sorted(os.path.join(folder, name) for folder, _, names in os.walk(path)
                           for name in names if name.endswith(".cairn"))
        jobs += [(p, p, command, None, options, False) for p in found]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(judge, jobs))
    results += [(name, "is not in the manifest") for name in sorted(unlisted)]
    passed = sum(problem is None for _, problem in results)
    failures = [f"{name}: {problem}" for name, problem in results if problem]
    kinds = {"accept": 0, "refuse": 0}
    for entry in files.values():
        kinds[entry["expect"]] += 1
    print(f"{kinds['accept']} valid and {kinds['refuse']} invalid containers, "
          f"{len(options.paths)} further paths")
    if not options.reader:
        with tempfile.TemporaryDirectory() as folder:  # what cannot be read is not an invalid file
            status = run(command, os.path.join(folder, "missing.cairn"))[0]
        passed += status == 2
        failures += [] if status == 2 else [f"a missing file: exit {status} instead of 2"]
    if options.exhaustive:
        for name in "ok-exhaustive-raw.cairn", "ok-exhaustive-coded.cairn":
            good, bad = exhaustive(name)
            print(f"{name}: {good} damaged versions refused, {len(bad)} accepted")
            passed, failures = passed + good, failures + bad
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
