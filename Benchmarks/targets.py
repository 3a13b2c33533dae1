"""The targets: what Cairn must show, each held against this run's medians. A target that isn't
reached is reported, and fails nothing."""
import statistics
from typing import Any

# What is wanted, what was found, and whether that is enough: it goes into the results as it is.
Target = dict[str, Any]


class Figures:
    """Medians of a run, by data set, operation and contestant."""

    def __init__(self, results: dict[str, Any]) -> None:
        self.data, self.results = results["data"], results["results"]

    def has(self, name: str) -> bool:
        return name in self.results

    def found(self, name: str, operation: str, key: str | None) -> dict[str, Any]:
        found: dict[str, Any] = self.results.get(name, {}).get(operation, {}).get(key, {})
        return found

    def seconds(self, name: str, operation: str, key: str | None, what: str = "seconds") -> float | None:
        times = self.found(name, operation, key).get(what)
        return statistics.median(times) if times else None

    def rate(self, name: str, operation: str, key: str | None) -> float | None:
        """Uncompressed bytes a second."""
        seconds = self.seconds(name, operation, key)
        return self.data[name]["bytes"] / seconds if seconds else None

    def size(self, name: str, key: str) -> float | None:
        """The file's size, of the tensors'."""
        count = self.found(name, "save, new", key).get("bytes")
        return count / self.data[name]["bytes"] if count else None

    def peak(self, name: str, operation: str, key: str | None) -> float | None:
        peaks = self.found(name, operation, key).get("peak")
        return statistics.median(peaks) if peaks else None

    def best(self, name: str, operation: str, *keys: str) -> float | None:
        rates = [rate for key in keys if (rate := self.rate(name, operation, key))]
        return max(rates) if rates else None


def ratio(left: float | None, right: float | None) -> float | None:
    return left / right if left is not None and right else None


def at_least(number: int | str, what: str, figure: float | None, bound: float, unit: str = "x") -> Target:
    reached = None if figure is None else figure >= bound
    return {"number": number, "what": what, "figure": figure, "bound": bound, "unit": unit,
            "sense": "at least", "reached": reached}


def at_most(number: int | str, what: str, figure: float | None, bound: float | None, unit: str) -> Target:
    reached = None if figure is None or bound is None else figure <= bound
    return {"number": number, "what": what, "figure": figure, "bound": bound, "unit": unit,
            "sense": "at most", "reached": reached}


def judge(results: dict[str, Any]) -> list[Target]:
    """All targets that the data sets of this run have figures for."""
    figures = Figures(results)
    judged = []
    for part in (sizes, saving, loading, raw, copies, scaling, cold):
        judged += part(figures)
    return judged


def points(size: float | None) -> float | None:
    return None if size is None else 100 * size


def sizes(figures: Figures) -> list[Target]:
    judged = []
    for name in ("fp32", "bf16", "fp16", "int8"):
        if figures.has(name):
            zipnn = points(figures.size(name, "zipnn-1"))
            judged.append(at_most(
                1, f"{name}: size beside ZipNN's and 0.1 points",
                points(figures.size(name, "cairn")),
                None if zipnn is None else zipnn + 0.1, "%"))
    for name in ("sparse", "zeros"):
        if figures.has(name):
            judged.append(at_most(
                1, f"{name}: size beside blosc2's, shuffle + zlib",
                points(figures.size(name, "cairn")),
                points(figures.size(name, "blosc2-zlib")), "%"))
    return judged


def beside_zipnn(figures: Figures, number: int | str, operation: str, bounds: dict[str, float]) -> list[Target]:
    return [at_least(number, f"{name}: {operation}, beside ZipNN's best of 1–2 threads",
                     ratio(figures.rate(name, operation, "cairn"),
                           figures.best(name, operation, "zipnn-1", "zipnn-2")), bound)
            for name, bound in bounds.items() if figures.has(name)]


def beside_safetensors(figures: Figures, number: int | str, operation: str, key: str, bound: float,
                       names: tuple[str, ...] = ("fp32",)) -> list[Target]:
    what = "coded" if key == "cairn" else "raw"
    return [at_least(number, f"{name}: {operation}, {what}, beside safetensors",
                     ratio(figures.rate(name, operation, key),
                           figures.rate(name, operation, "safetensors")), bound)
            for name in names if figures.has(name)]


def saving(figures: Figures) -> list[Target]:
    return beside_zipnn(figures, 2, "save, new", {"fp32": 6, "bf16": 3.5, "fp16": 4}) + \
        beside_safetensors(figures, 2, "save, new", "cairn", 0.8)


def loading(figures: Figures) -> list[Target]:
    return beside_zipnn(figures, 3, "load", {"fp32": 3, "bf16": 1.6, "fp16": 1.8}) + \
        beside_safetensors(figures, 3, "load", "cairn", 1.4)


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1_000 * seconds


def raw(figures: Figures) -> list[Target]:
    names = ("fp32", "bf16", "fp16")
    judged = beside_safetensors(figures, 4, "save, new", "cairn-raw", 1, names) + \
        beside_safetensors(figures, 4, "load", "cairn-raw", 1.5, names)
    if not figures.has("fp32"):
        return judged
    first = figures.found("fp32", "first tensor", "cairn-raw-lazy")
    seconds = milliseconds(figures.seconds("fp32", "first tensor", "cairn-raw-lazy"))
    # A copy would not lie in the file's map.
    mapped = seconds if first.get("mapped") else None
    return judged + [
        at_most(4, "fp32: mapped, opened, first tensor without a copy", mapped, 1, "ms")]


def copies(figures: Figures) -> list[Target]:
    if not figures.has("fp32"):
        return []
    own = figures.seconds("fp32", "copy", "cairn")
    judged = [at_most(5, "fp32: deepCopy() beside memcpy into fresh huge pages",
                      ratio(own, figures.seconds("fp32", "copy", "memcpy-huge")), 2, "x")]
    for key, what in (("deepcopy", "copy.deepcopy"), ("pickle", "pickle"), ("torch", "torch.save")):
        judged.append(at_most(5, f"fp32: deepCopy() beside {what}", milliseconds(own),
                              milliseconds(figures.seconds("fp32", "copy", key)), "ms"))
    cloning = milliseconds(figures.seconds("fp32", "clone", "cairn"))
    return judged + [at_most(5, "fp32: cloned() and setWeights()", cloning, 1, "ms")]


def scaling(figures: Figures) -> list[Target]:
    return [at_least(7, f"{name}: {operation} with two threads beside one",
                     ratio(figures.rate(name, operation, "threads-2"),
                           figures.rate(name, operation, "threads-1")), 1.5)
            for name in ("fp32", "bf16", "fp16") if figures.has(name)
            for operation in ("encode", "decode")]


def cold(figures: Figures) -> list[Target]:
    """From the disk: beside what reading the uncompressed file alone takes."""
    judged = []
    for name, bound in (("fp32", 1.1), ("bf16", 1.2)):
        if figures.has(name):
            own = figures.rate(name, "load, cold", "cairn")
            judged += [
                at_least("cold", f"{name}: load, cold, coded, beside {what}",
                         ratio(own, figures.rate(name, "load, cold", key)), most)
                for key, what, most in (("pread", "pread of the uncompressed file", bound),
                                        ("safetensors", "safetensors' map", 2))]
    return judged


def line(target: Target) -> str:
    figure, bound, unit = target["figure"], target["bound"], target["unit"]
    verdict = {True: "reached", False: "not reached", None: "not measured"}[target["reached"]]
    digits = {"%": 3, "bytes": 0}.get(unit, 2)
    found = "–" if figure is None else f"{figure:.{digits}f} {unit}"
    wanted = "" if bound is None else f" ({target['sense']} {bound:.{digits}f} {unit})"
    return f"target {target['number']} {verdict}: {target['what']}: {found}{wanted}"
