"""A run's results as Markdown: the machine, a table a data set, copies, scaling, targets."""
from collections.abc import Callable
from typing import Any

import plan
from targets import Figures, line, milliseconds, ratio

SAVES = ["save, new", "save, existing", "save, new, fsync", "save, existing, fsync"]
HEAD = ["", "size, %", "save, new", "over an old file", "new, fsync", "over an old file, fsync",
        "with digests", "load", "save ÷ safetensors", "load ÷ safetensors", "save ÷ memcpy",
        "load ÷ memcpy", "memory, save, MB", "memory, load, MB"]
# They are the column "with digests".
DIGESTS = {"cairn": "cairn-digests", "cairn-raw": "cairn-raw-digests"}


def number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def rate(value: float | None) -> str:
    """GB/s."""
    return "–" if value is None else number(value / 1e9, 2 if value >= 1e8 else 3)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + rows
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"


def megabytes(count: float | None) -> str:
    return "–" if count is None else f"{count / 1e6:.0f}"


def files(figures: Figures, name: str) -> str:
    """One data set's files: sizes, rates, ratios, memory."""
    rows = []
    # Into fresh pages, which is what a load must do as well.
    memcpy = figures.rate(name, "copy", "memcpy-huge")
    for contestant in plan.LOADING:
        key = contestant.key
        if key in DIGESTS.values() or not figures.seconds(name, "load", key):
            continue
        size = figures.size(name, contestant.file)
        save, load = figures.rate(name, "save, new", key), figures.rate(name, "load", key)
        rows.append(
            [contestant.title, "–" if size is None else number(100 * size)]
            + [rate(figures.rate(name, operation, key)) for operation in SAVES]
            + [rate(figures.rate(name, "save, new", DIGESTS.get(key))), rate(load)]
            + [number(ratio(save, figures.rate(name, "save, new", "safetensors"))),
               number(ratio(load, figures.rate(name, "load", "safetensors"))),
               number(ratio(save, memcpy)), number(ratio(load, memcpy))]
            + [megabytes(figures.peak(name, operation, key))
               for operation in ("save, new", "load")])
    return table(HEAD, rows)


def by_data(figures: Figures, operation: str, contestants: list[plan.Contestant],
            cell: Callable[[str, str, str], str]) -> str:
    """A row a contestant, a column a data set."""
    rows = [[one.title] + [cell(name, operation, one.key) for name in figures.results]
            for one in contestants
            if any(figures.seconds(name, operation, one.key) for name in figures.results)]
    return table([""] + list(figures.results), rows)


def in_milliseconds(figures: Figures) -> Callable[[str, str, str], str]:
    def cell(name: str, operation: str, key: str) -> str:
        return number(milliseconds(figures.seconds(name, operation, key)))
    return cell


def in_rates(figures: Figures) -> Callable[[str, str, str], str]:
    def cell(name: str, operation: str, key: str) -> str:
        return rate(figures.rate(name, operation, key))
    return cell


def coding(figures: Figures) -> str:
    rows = []
    for name in figures.results:
        row = [name]
        for operation in ("encode", "decode"):
            one = figures.rate(name, operation, "threads-1")
            two = figures.rate(name, operation, "threads-2")
            row += [rate(one), rate(two), number(ratio(two, one))]
        rows.append(row)
    return table(["", "encode, 1 thread", "2 threads", "ratio", "decode, 1 thread", "2 threads",
                  "ratio"], rows)


def facts(results: dict[str, Any]) -> str:
    machine = results["machine"]
    memory = "unknown" if machine["memory"] is None else f"{machine['memory'] / 2**30:.1f} GiB"
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items()
                         if version)
    load = ", ".join(f"{value:.1f}" for value in machine["load average"])
    return (
        f"**Machine.** {machine['cpu']} ({machine['architecture']}), {machine['cores']} cores, "
        f"{memory} of memory; {machine['kernel']}, transparent huge pages: "
        f"{machine['huge pages']}; files on {machine['file system']}. Load averages when the run "
        f"began: {load}.\n\n"
        f"**Versions.** {versions}.\n\n"
        f"**Rounds.** {results['rounds']}, contestants interleaved, medians; in fewer rounds what "
        f"takes more than {plan.SLOW:.0f} s.\n")


INTRODUCTION = """# Results

Made by `make bench`; what is measured, and how, is in [README.md](README.md). Rates are GB/s of
uncompressed tensor bytes. Cairn's CRC-32 and Adler-32 are made and checked in every figure but
"checked later"; digests are made in the column that names them only.

"""


def markdown(results: dict[str, Any], large: dict[str, Any] | None = None) -> str:
    figures = Figures(results)
    text = INTRODUCTION + facts(results)
    for what, why in results["failed"].items():
        text += f"\nLeft out: {what} ({why}).\n"
    text += "\n## Targets\n\n"
    judged = results["targets"] + (large["targets"] if large else [])
    text += "\n".join(f"- {line(target)}" for target in judged) + "\n"
    for name, about in results["data"].items():
        text += (f"\n## {name}: {about['title']}\n\n{about['count']} tensors, "
                 f"{about['bytes']:,} bytes.\n\n{files(figures, name)}")
    text += "\n## Copies in memory, ms\n\n"
    text += by_data(figures, "copy", plan.COPYING, in_milliseconds(figures))
    text += by_clone(figures)
    text += "\n## Opening a file and taking the first tensor by name, ms\n\n"
    text += by_data(figures, "first tensor", plan.FIRST, in_milliseconds(figures))
    text += "\n## Loading what is not in the page cache, GB/s of tensors\n\n"
    text += by_data(figures, "load, cold", plan.COLD, in_rates(figures))
    text += "\n## Coding in memory, GB/s\n\n" + coding(figures)
    return text + (many(large) if large else "")


def by_clone(figures: Figures) -> str:
    if not figures.seconds("fp32", "clone", "cairn"):
        return ""
    whole = milliseconds(figures.seconds("fp32", "clone", "cairn"))
    setting = milliseconds(figures.seconds("fp32", "clone", "cairn", "set"))
    count = figures.found("fp32", "clone", "cairn")["bytes"]
    return (f"\n`cloned()` and `setWeights(_:)` of a model of fp32's matrices "
            f"({count / 1e6:.0f} MB): {whole:.2f} ms, of that `setWeights(_:)` {setting:.3f} ms. Nothing is copied before "
            "the first write.\n")


def many(large: dict[str, Any]) -> str:
    rows = [[row["what"], number(row["seconds"], 4), megabytes(row.get("bytes")),
             "–" if row.get("peak") is None else megabytes(row["peak"]),
             "–" if row.get("allocated") is None else f"{row['allocated']:,}"]
            for row in large["rows"]]
    return "\n## Large and many\n\n" + facts_of_large(large) + table(
        ["", "seconds", "file, MB", "memory above that before, MB", "allocated, bytes"], rows)


def facts_of_large(large: dict[str, Any]) -> str:
    return (f"Made by `make bench-large`, Cairn {large['versions']['Cairn']}, on "
            f"{large['machine']['cpu']}, {large['machine']['cores']} cores; files on "
            f"{large['machine']['file system']}.\n\n")
