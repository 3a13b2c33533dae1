#!/usr/bin/env python3
"""Hostile files: structured, seeded, the same each time.

    generate.py OUT [--count N] [--first N] [--seed S] [--family PART]

writes OUT/000000-family/… . `run.py` makes them itself, one by one."""
import argparse
from collections.abc import Callable
from pathlib import Path

from draw import MOST_BYTES, Case, Draw
from families import families

ALL = families()


def chosen_families(only: str | None) -> list[tuple[str, Callable[[Draw], Case]]]:
    return [f for f in ALL if only is None or only in f[0]]


def following(number: int, only: str | None = None) -> int:
    """The number of the next case of the same family."""
    return number + len(chosen_families(only))


def make(seed: str, number: int, only: str | None = None) -> tuple[str, Case]:
    """The case of that number: its family's name and the case, which is a function of seed and number."""
    chosen = chosen_families(only)
    name, function = chosen[number % len(chosen)]
    draw = Draw(seed, number)
    case = function(draw)
    while case.size > MOST_BYTES:
        # Some families' pieces are larger than they are thought to be.
        draw.bytes //= 2
        case = function(draw)
    return name, case


def write(case: Case, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in case.files.items():
        (folder / name).write_bytes(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=len(ALL))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", default="cairn")
    parser.add_argument("--family")
    a = parser.parse_args()
    for number in range(a.first, a.first + a.count):
        name, case = make(a.seed, number, a.family)
        write(case, a.out / f"{number:06}-{name}")


if __name__ == "__main__":
    main()
