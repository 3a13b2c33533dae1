#!/usr/bin/env python3
"""The list of error codes, made from the code that declares them.

    error-codes.py            writes Documentation/ErrorCodes.md
    error-codes.py --check    fails where that page is not what the code says

A code is a line `static let name = Self("name")` in an extension of `CairnError.Code`; what it means is the
comment above it. One code is declared once, and its name is its text.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "Documentation" / "ErrorCodes.md"
CODE = re.compile(r'((?:^ *///[^\n]*\n)+)^ *(?:(?:public|package) )?static let (\w+) = (?:Self|CairnError\.Code)\("(\w+)"\)',
                  re.MULTILINE)
HEAD = """# Error codes

Every error is one `CairnError`: a message, a code, where (file, byte offset, tensor, index), what was expected
and found, and what to do. The command prints the code in brackets at the end of the line and under `error.code`
in JSON. Codes are stable; messages are not. Codes of the container are also in FORMAT.md, with their levels.

This page is made from the code by `Scripts/error-codes.py`.

| code | what it says | declared in |
| --- | --- | --- |
"""


def rows() -> list[tuple[str, str, str]]:
    """Name, meaning and target of every code, by name."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted((ROOT / "Sources").rglob("*.swift")):
        for comment, name, text in CODE.findall(path.read_text(encoding="utf-8")):
            if name != text:
                sys.exit(f"error-codes: {path.relative_to(ROOT)}: {name} is spelt {text!r}")
            if name in found:
                sys.exit(f"error-codes: {name} is declared in {found[name][1]} and in {path.parts[-2]}")
            words = " ".join(line.strip().removeprefix("///").strip() for line in comment.strip().splitlines())
            found[name] = words.replace("``", "`").replace("|", "\\|"), path.relative_to(ROOT / "Sources").parts[0]
    return sorted((name, words, target) for name, (words, target) in found.items())


def page() -> str:
    return HEAD + "".join(f"| `{name}` | {words} | `{target}` |\n" for name, words, target in rows())


def main() -> None:
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("error-codes: Documentation/ErrorCodes.md is not what the code says; run Scripts/error-codes.py")


main()
