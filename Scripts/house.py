#!/usr/bin/env python3
"""The house on one sheet: what uses what, read from the Swift sources as text.

    house.py [SOURCES] [--json | --check]

Prints for each target its files, lines and public declarations; which targets it imports; pairs of folders
within a target that use each other; cycles of files; the largest files. Types are found by their
declarations at the start of a line and their uses by name, so a use can be missed or misplaced: open the
file before you believe a row.

--check prints only what breaks the rules: a storey imports what is below it (STOREYS, from below); no two
folders of a target use each other; no cycle has more than 8 files.
"""
import collections
import itertools
import json
import os
import pathlib
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

# From below. The systems' and kernels' targets in C stand under all.
STOREYS = ["CairnSystem", "CairnJSON", "CairnTensors", "CairnCheckpoints", "CairnCodec", "CairnContainer",
           "CairnForeign", "CairnEditing", "CairnComparison", "CairnModels", "CairnModelFiles", "Cairn",
           "CairnTerminal", "CairnDemo", "CairnCommand"]
MOST_IN_A_CYCLE = 8
# Targets whose folders in folders are held apart too: each structure of foreign files stands for itself.
DEEP = {"CairnForeign"}

DECLARATION = re.compile(
    r"^(?:@\w+(?:\([^)]*\))?\s+)*((?:(?:public|package|internal|fileprivate|private|final|indirect|nonisolated|open)\s+)*)"
    r"(struct|class|enum|protocol|typealias|actor)\s+(\w+)", re.MULTILINE)
PUBLIC = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:public|open)\s+(?!import\b|extension\b|=)", re.MULTILINE)
IMPORT = re.compile(r"^(?:@\w+ +)*(?:public |package |internal )?import +(?:(?:struct|class|enum|func|protocol|typealias|let|var) +)?(\w+)", re.MULTILINE)


def without_texts(source: str) -> str:
    source = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    source = re.sub(r'"""(.*?)"""', '""', source, flags=re.DOTALL)
    source = re.sub(r"//.*", "", source)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', source)


def cycles(edges: dict[str, set[str]], nodes: Iterable[str]) -> list[list[str]]:
    """Strongly connected components of more than one node (Tarjan, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    on: set[str] = set()
    stack: list[str] = []
    found: list[list[str]] = []
    count = itertools.count()
    for root in nodes:
        if root in index:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(edges[root]))]
        index[root] = low[root] = next(count)
        stack.append(root)
        on.add(root)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = next(count)
                    stack.append(other)
                    on.add(other)
                    work.append((other, iter(edges[other])))
                    break
                if other in on:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = []
                    while True:
                        part.append(stack.pop())
                        on.discard(part[-1])
                        if part[-1] == node:
                            break
                    if len(part) > 1:
                        found.append(sorted(part))
    return sorted(found, key=len, reverse=True)


def faults(sheet: dict[str, Any]) -> list[str]:
    """What of a sheet breaks the rules."""
    wrong: list[str] = []
    for name, facts in sheet["targets"].items():
        if name not in STOREYS:
            wrong.append(f"{name} is none of the storeys that this script lists")
            continue
        above = [i for i in facts["imports"] if i in STOREYS and STOREYS.index(i) > STOREYS.index(name)]
        if above:
            wrong.append(f"{name} imports what is above it: {', '.join(above)}")
        for a, b, there, back in sheet["mutual"]:
            if a.split(os.sep)[0] == name:
                wrong.append(f"{a} ({there} uses) and {b} ({back}) use each other")
        for part in sheet["cycles"]:
            if part[0].split(os.sep)[0] == name and len(part) > MOST_IN_A_CYCLE:
                names = ", ".join(os.path.basename(p) for p in part)
                wrong.append(f"{len(part)} files of {name} lead back to each other: {names}")
    return wrong


def target(path: str) -> str:
    return path.split(os.sep)[0]


def room(path: str) -> str:
    """The folder of a file, or the target's front."""
    if path.count(os.sep) <= 1:
        return target(path) + "/."
    return os.sep.join(path.split(os.sep)[:-1 if target(path) in DEEP else 2])


def main() -> None:
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    root = arguments[0] if arguments else "Sources"
    texts: dict[str, str] = {}
    lines: dict[str, int] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".swift"):
                path = os.path.relpath(os.path.join(folder, name), root)
                raw = pathlib.Path(folder, name).read_text(encoding="utf-8")
                texts[path], lines[path] = without_texts(raw), raw.count("\n")
    homes = collections.defaultdict(list)
    for path, text in texts.items():
        for found in DECLARATION.finditer(text):
            if "private" not in found.group(1):
                homes[found.group(3)].append(path)
    edges: dict[str, set[str]] = {p: set() for p in texts}
    between: dict[tuple[str, str], set[tuple[str, str]]] = collections.defaultdict(set)
    for path, text in texts.items():
        for word in set(re.findall(r"\b[A-Z]\w+\b", text)):
            for home in homes.get(word, []):
                if home != path and target(home) == target(path):
                    edges[path].add(home)
                    if room(home) != room(path):
                        between[room(path), room(home)].add((path, word))
    sheet: dict[str, Any] = {"targets": {}, "mutual": [], "cycles": cycles(edges, sorted(texts)),
             "largest": sorted(((n, p) for p, n in lines.items()), reverse=True)[:12],
             "twice": {k: v for k, v in sorted(homes.items()) if len(v) > 1}}
    for name in sorted({target(p) for p in texts}):
        own = [p for p in texts if target(p) == name]
        imports = sorted({i for p in own for i in IMPORT.findall(texts[p]) if i.startswith(("Cairn", "CCairn"))} - {name})
        sheet["targets"][name] = {
            "files": len(own), "lines": sum(lines[p] for p in own),
            "public": sum(len(PUBLIC.findall(texts[p])) for p in own), "imports": imports}
        for a, b in itertools.combinations(sorted({room(p) for p in own}), 2):
            # Files beside the folders are the target's front: they may use all, and be used by all.
            if not a.endswith("/.") and between.get((a, b)) and between.get((b, a)):
                sheet["mutual"].append([a, b, len(between[a, b]), len(between[b, a])])
    if "--check" in sys.argv:
        wrong = faults(sheet)
        for line in wrong:
            print("house:", line, file=sys.stderr)
        sys.exit(1 if wrong else 0)
    if "--json" in sys.argv:
        print(json.dumps(sheet, indent=1))
        return
    for name, t in sheet["targets"].items():
        print(f"{name:18} {t['files']:4} files {t['lines']:6} lines {t['public']:5} public  <- {', '.join(t['imports'])}")
    total = sheet["targets"].values()
    print(f"{'in all':18} {sum(t['files'] for t in total):4} files {sum(t['lines'] for t in total):6} lines "
          f"{sum(t['public'] for t in total):5} public")
    print("\nfolders that use each other:")
    for a, b, there, back in sheet["mutual"]:
        print(f"  {a} ({there} uses) <-> {b} ({back})")
    print("\ncycles of files:")
    for part in sheet["cycles"]:
        print(f"  {len(part)} in {target(part[0])}: {', '.join(os.path.basename(p) for p in part)}")
    print("\nlargest files:", ", ".join(f"{p} {n}" for n, p in sheet["largest"]))
    print("\none name, two types:", sheet["twice"] or "none")


main()
