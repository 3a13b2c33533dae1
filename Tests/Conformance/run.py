#!/usr/bin/env python3
"""Runs readers over the golden containers and compares what they say with the manifest.

    run.py [--reader 'COMMAND'] [--outcome-only] [--exhaustive] [FILE or FOLDER]...

Without --reader: cairn_reader.py must read every valid file right and refuse at least as many
invalid ones as REFUSED says; cairn_checker.py must refuse them all, each for the right reason and
at the right place, and with --shallow notice without decoding what can be noticed so.

COMMAND FILE prints the JSON that cairn_reader.py prints and exits 0, or prints "code at offset ..."
on standard error and exits 1. Of an invalid file the code and the offset must be among those in the
manifest; --outcome-only looks at the exit status alone.

--exhaustive: both Python programs must refuse every single-bit flip and every truncation of two
small files. Further files are just read.
"""
import argparse
import functools
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
CONTAINERS = os.path.join(HERE, "..", "..", "Fixtures", "conformance")
READER, CHECKER = ([sys.executable, os.path.join(HERE, name)]
                   for name in ("cairn_reader.py", "cairn_checker.py"))
SHALLOW = [*CHECKER, "--shallow"]
REFUSED = 349  # invalid files that cairn_reader.py refuses; it does not count how deep JSON nests
EXHAUSTIVE = "ok-exhaustive-raw.cairn", "ok-exhaustive-coded.cairn"

sys.path.insert(0, HERE)
import cairn_checker
import cairn_reader


def run(command, path):
    if command is SHALLOW:  # within this process: hundreds of starts of Python take long
        with open(path, "rb") as file:
            data = file.read()
        try:
            return 0, json.dumps(cairn_checker.Container(data).report(True)).encode(), ""
        except cairn_checker.Invalid as error:
            return 1, b"", str(error)
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


def judge(job, outcome_only):
    """(name, command, None or what is wrong)"""
    name, path, command, entry = job
    shallow = command is SHALLOW
    if entry is None or shallow and entry.get("needs_decoding"):
        return name, command, accepted(command, path, None)
    if entry["expect"] == "accept":
        want = without_hashes(entry["content"]) if shallow else entry["content"]
        return name, command, accepted(command, path, want)
    if command is not READER:
        return name, command, refused(command, path, entry, outcome_only)
    status, _, message = run(command, path)
    if status not in (0, 1) or len(message.splitlines()) != status:
        return name, command, f"exit {status} with {message!r:.300}"
    return name, command, None if status else "accepted"


def is_refused(module, data):
    invalid = cairn_reader.INVALID if module is cairn_reader else cairn_checker.Invalid
    try:
        module.Container(data).report()
    except invalid:
        return True
    return False


def exhaustive(job):
    """Which damaged versions of a file a Python program accepts: an eighth of all."""
    program, name, part = job
    module = sys.modules[program]
    with open(os.path.join(CONTAINERS, name), "rb") as file:
        good = file.read()
    assert len(good) <= 4096 and not is_refused(module, good), (program, name)
    bad = [f"{program} accepts {name} with bit {8 * byte + part} flipped"
           for byte in range(len(good)) if not is_refused(
               module, good[:byte] + bytes([good[byte] ^ 1 << part]) + good[byte + 1:])]
    bad += [f"{program} accepts {name} cut to {n} bytes"
            for n in range(part, len(good), 8) if not is_refused(module, good[:n])]
    return len(good) + len(range(part, len(good), 8)), bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reader")
    parser.add_argument("--outcome-only", action="store_true")
    parser.add_argument("--exhaustive", action="store_true")
    parser.add_argument("paths", nargs="*")
    options = parser.parse_args()
    commands = [shlex.split(options.reader)] if options.reader else [READER, CHECKER, SHALLOW]
    with open(os.path.join(CONTAINERS, "manifest.json"), encoding="utf-8") as file:
        files = json.load(file)["files"]
    jobs = [(name, os.path.join(CONTAINERS, name), command, entry)
            for name, entry in sorted(files.items()) for command in commands]
    unlisted = {n for n in os.listdir(CONTAINERS) if n.endswith(".cairn")} - set(files)
    for path in options.paths:
        found = [path]
        if os.path.isdir(path):
            found = sorted(os.path.join(folder, name) for folder, _, names in os.walk(path)
                           for name in names if name.endswith(".cairn"))
        jobs += [(p, p, command, None) for p in found for command in commands[:2]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(functools.partial(judge, outcome_only=options.outcome_only), jobs))
    invalid = [name for name, entry in files.items() if entry["expect"] == "refuse"]
    print(f"{len(files) - len(invalid)} valid and {len(invalid)} invalid containers, "
          f"{len(options.paths)} further paths")
    passed, failures = 0, [f"{name} is not in the manifest" for name in sorted(unlisted)]
    if not options.reader:
        let_by = [name for name, command, problem in results
                  if command is READER and problem == "accepted"]
        results = [r for r in results if r[1] is not READER or r[2] != "accepted"]
        print(f"cairn_reader.py refuses {len(invalid) - len(let_by)} of the invalid ones, "
              f"not {', '.join(let_by) or 'none'}")
        if len(invalid) - len(let_by) < REFUSED:
            failures.append(f"cairn_reader.py should refuse at least {REFUSED}")
        with tempfile.TemporaryDirectory() as folder:  # what cannot be read is not an invalid file
            for command in commands:
                status = run([*command], os.path.join(folder, "missing.cairn"))[0]
                wrong = None if status == 2 else f"exit {status} instead of 2"
                results.append(("a missing file", command, wrong))
    for name, command, problem in results:
        passed += problem is None
        if problem:
            failures.append(f"{name} ({os.path.basename(' '.join(command))}): {problem}")
    if options.exhaustive:
        damages = [(program, name, part) for program in ("cairn_reader", "cairn_checker")
                   for name in EXHAUSTIVE for part in range(8)]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            tried, bad = zip(*pool.map(exhaustive, damages))
        bad = [problem for part in bad for problem in part]
        print(f"{sum(tried)} damaged versions of two files, {len(bad)} accepted")
        passed, failures = passed + sum(tried) - len(bad), failures + bad
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
