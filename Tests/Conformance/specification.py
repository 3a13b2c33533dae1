#!/usr/bin/env python3
"""Holds FORMAT.md against the manifest, the readers and the files that cite it.

    specification.py

checks that the page's table of errors is the manifest's, that every citation of a section leads
to one, that every link within the page has its target, and that the test vectors are right. Prints
what is wrong, and how many checks were made; exit status 1 if something is wrong.
"""
import hashlib
import json
import os
import re
import struct
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator
from types import SimpleNamespace as Record
from typing import Any

import cairn_checker
from cairn_checker_content import DTYPES, check_tensor, digests, join

# Whether something is right, and what is wrong if it is not.
Checks = Iterator[tuple[bool, str]]

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
LEVELS = {"O": "open", "R": "read", "V": "verify", "D": "deep"}
CITING = ".swift", ".py", ".md", ".sh", "Makefile"


def read(*path: str) -> str:
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def without_code(text: str) -> str:
    return re.sub(r"(?ms)^```.*?^```", "", text)


class Page:
    def __init__(self, text: str) -> None:
        self.text = text
        self.headings = re.findall(r"(?m)^##+ (.*)$", without_code(text))
        self.sections = {m[1] or m[2]: m[3] for m in (
            re.match(r"(?:(\d+)|Appendix ([A-Z]):) (.*)", h) for h in self.headings) if m}

    def section(self, number: str) -> str:
        head = re.search(rf"(?m)^## (?:{number}|Appendix {number}:) .*$", self.text)
        assert head, f"FORMAT.md has no section {number}"
        begin = head.end()
        end = re.compile(r"(?m)^## ").search(self.text, begin)
        return self.text[begin:end.start() if end else len(self.text)]


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def codes(page: Page, manifest: dict[str, Any]) -> Checks:
    """The table of section 18 has each code and level of the manifest, and its further words."""
    said: dict[tuple[str, str], set[str]] = {}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for code, level, also in re.findall(r"(?m)^\| `(\w+)` \| ([ORVD]) \| .*? \| (.*?) ?\|$",
                                        page.section("18")):
        row = code, LEVELS[level]
        yield row not in said, f"section 18 has {row} twice"
        said[row] = set(re.findall(r"`(\w+)`", also))
    for entry in manifest.values():
        if "code" in entry:
            found[entry["code"], entry["level"]] |= set(entry["codes"]) - {entry["code"]}
    for row in sorted(set(said) | set(found)):
        yield row in said, f"section 18 does not have {row}, the manifest has"
        yield row in found, f"section 18 has {row}, the manifest has not"
        yield said.get(row) == found.get(row), (f"the further words for {row}: {said.get(row)} in "
                                                f"section 18, {found.get(row)} in the manifest")
    for name, entry in manifest.items():
        for number in entry["section"].split():
            yield number in page.sections, f"{name} is of section {number}, which is none"
    swift = read("Sources", "CairnContainer", "FormatCodes.swift")
    for code in re.findall(r'Self\("(\w+)"\)', swift):
        yield code in {one for one, _ in said}, f"section 18 lacks {code} of FormatCodes.swift"


NUMBERS = r"(\d+(?:(?:, \d+)*,? (?:and|to) \d+)?)(?![\d.]*\d)"


def numbers(text: str) -> list[str]:
    found = re.findall(r"\d+", text)
    if " to " in text:
        found = [str(n) for n in range(int(found[0]), int(found[-1]) + 1)]
    return found


def cited(text: str) -> Iterator[str]:
    """What a text calls sections of FORMAT.md, as numbers, letters or titles."""
    flat = re.sub(r"\s*\n\s*(?:///? ?|# ?|\| ?)?", " ", text)
    for m in re.finditer(r"FORMAT\.md", flat):
        rest = re.sub(r" ?\(\[[ORVD]\]\)", "", flat[m.start():m.start() + 160])
        if one := re.match(r"FORMAT\.md`?,? sections? " + NUMBERS, rest):
            yield from numbers(one[1])
        elif one := re.match(r"FORMAT\.md`?,? appendix ([A-Z])\b", rest):
            yield one[1]
        elif one := re.match(r'FORMAT\.md, (?:sections? )?"([^"]+)"(?: and "([^"]+)")?', rest):
            yield from filter(None, one.groups())
    yield from re.findall(r"sections? (\d+) of FORMAT\.md", flat)


def citations(page: Page) -> Checks:
    """Every citation of a section, wherever in the project, leads to one."""
    titles = list(page.sections.values())
    total = 0
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith(".")]
        for name in files:
            if not name.endswith(CITING) or name == "FORMAT.md":
                continue
            path = os.path.relpath(os.path.join(folder, name), ROOT)
            text = read(path)
            if "FORMAT.md" not in text and "§" not in text:
                continue
            places = list(cited(text))
            if path.startswith(os.path.join("Tests", "Conformance")) and name != "specification.py":
                places += re.findall(r"§(\w+)", text)
            for place in places:
                total += 1
                yield (place in page.sections or any(place in title for title in titles),
                       f"{path} cites section {place!r} of FORMAT.md, which is none")
            for target in re.findall(r"FORMAT\.md#([^)\s]+)", text):
                yield target in map(anchor, page.headings), f"{path}: FORMAT.md has no #{target}"
    yield total > 200, f"only {total} citations were found"


def links(page: Page) -> Checks:
    """Links within the page, references without a link, and the contents."""
    anchors = [anchor(h) for h in page.headings]
    yield len(set(anchors)) == len(anchors), "two headings have one anchor"
    text = without_code(page.text)
    for label, target in re.findall(r"\[([^\]]+)\]\(#([^)]+)\)", text):
        yield target in anchors, f"FORMAT.md has no #{target}"
        if one := re.fullmatch(r"(?:section )?(\d+)", label):
            yield target.startswith(one[1] + "-"), f"[{label}] leads to #{target}"
    flat = re.sub(r"\s+", " ", text)
    for found in re.findall(r"\bsections? " + NUMBERS, flat):
        for number in numbers(found):
            yield number in page.sections, f"FORMAT.md refers to section {number}, which is none"
    contents = text[text.index("Contents:"):text.index("## 1 ")]
    for number, title in page.sections.items():
        yield title.split(" (")[0] in re.sub(r"\s+", " ", contents), f"contents: {title}"
    listed = [int(n) for n in page.sections if n.isdigit()]
    yield listed == list(range(1, len(listed) + 1)), f"the sections are {listed}"


def vectors(page: Page) -> Checks:
    """The test vectors of section 20, by the strict checker's own functions."""
    given = {}
    text = page.section("20").replace("\\\n", " ")
    for name, value in re.findall(r"(?m)^([a-z][\w ]*?) += (.*)$", text):
        given[name] = value

    def data(name: str) -> bytes:
        return b"".join(bytes.fromhex(part[-2:]) * int(part[:-3] or 1) if "*" in part
                        else bytes.fromhex(part) for part in given[name].split())

    def packed(bits: int) -> bytes:
        number = sum(i + 1 << i * bits for i in range(5))
        return number.to_bytes(-(-5 * bits // 8), "little")

    yield f"{zlib.crc32(data('crc input')):08x}" == given["crc value"], "the CRC-32"
    yield join(data("planes plain"), 4, 1) == data("planes data"), "planes of filter 1"
    yield join(data("planes rotate"), 4, 2) == data("planes data"), "planes of filter 2"
    chunk = join(zlib.decompress(data("chunk stored")), 4, 2)
    yield len(chunk) == int(given["chunk logical"]), "the chunk's length"
    yield chunk == struct.pack("<ff", 1, -1) * 32, "the chunk"
    yield data("bits of 4") == packed(4) and data("bits of 6") == packed(6), "bits"
    texts = [b"a", b"", b"bc"]
    ends = [sum(map(len, texts[:i + 1])) for i in range(3)]
    yield data("strings") == struct.pack("<3Q", *ends) + b"".join(texts), "strings"
    names = {row[0]: code for code, row in DTYPES.items()}
    for name in [n for n in given if n.startswith("length of ")]:
        dtype, *block = name.split()[2:]
        quant = (0, 1, int(block[0])) if block else (0, 0, 0)
        t = Record(code=names[dtype], quant=quant, storage=1, filter=0, shape=(0,), size=0)
        check_tensor(t, 0)
        yield (1 << 16) // t.granule * t.granule == int(given[name]), name
    # The tensor of section 19, as the checker digests it.
    content = struct.pack("<ff", 1, -2.5)
    w = Record(code=names["float32"], quant=(0, 0, 0), shape=(2,), size=8, count=2, bits=32, k=4,
               dtype="float32", filter=0, at=0, blocks=[Record(offset=0, stored=8, logical=8)])
    leaf = digests(w, lambda at, count: content[at:at + count])[0]
    yield leaf.hex() == given["leaf"] == sha(data("leaf input")), "the leaf"
    yield given["root"] == sha(data("root input")), "the root"
    w.leaf, w.row, w.name, w.position, w.source = leaf, 1, b"w", 0, w
    v = Record(leaf=bytes(32), row=0, name=b"v", position=1, source=w)
    yield root([v, w]) == given["root"], "the root, as the checker computes it"
    yield root([]) == given["empty root"] == sha(data("empty input")), "the root of nothing"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def root(tensors: list[Record]) -> str:
    checked: Any = Record(tensors=tensors, opened={}, blobs={})
    return cairn_checker.Container.root(checked).hex()


def problems() -> tuple[int, list[str]]:
    """(number of checks, what is wrong)"""
    page = Page(read("FORMAT.md"))
    manifest = json.loads(read("Fixtures", "conformance", "manifest.json"))["files"]
    results = [one for part in (codes(page, manifest), citations(page), links(page), vectors(page))
               for one in part]
    return len(results), [problem for good, problem in results if not good]


def main() -> int:
    total, wrong = problems()
    for problem in wrong:
        print(f"FAILED {problem}")
    print(f"FORMAT.md: {total - len(wrong)} checks passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
