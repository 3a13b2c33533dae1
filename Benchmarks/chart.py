"""A run's main figures as an SVG: size, save and load of three data sets. Readable on light and on
dark pages: it has a ground of its own, which follows the reader's scheme."""
from html import escape
from typing import Any

from targets import Figures

# Contestant -> size in percent, save and load in GB/s.
Found = dict[str, tuple[float, float, float]]

# Contestant, its name here, its colour's class.
ROWS = [
    ("cairn", "Cairn", "own"),
    ("safetensors", "safetensors, uncompressed", "plain"),
    ("zipnn", "ZipNN", "other"),
    ("blosc2-zstd", "blosc2 shuffle + zstd", "other"),
    ("h5py", "HDF5 shuffle + gzip", "other"),
    ("npz", "np.savez_compressed", "other"),
]
SETS = [("fp32", "float32 · MiniLM"), ("bf16", "bfloat16 · MiniLM"),
        ("fp16", "float16 · Whisper tiny")]
WIDTH, LABEL, COLUMN, GAP, ROW, BAR = 860, 206, 190, 22, 20, 12
TOP, HEAD, FOOT = 74, 30, 40
STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de; }
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; } .set { font-weight: 600; }
  .note { font-size: 11px; fill: #59636e; }
  .own { fill: #1a7f37; } .plain { fill: #8c959f; } .other { fill: #54aeff; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d; } text { fill: #f0f6fc; } .note { fill: #9198a1; }
    .own { fill: #3fb950; } .plain { fill: #6e7681; } .other { fill: #1f6feb; }
  }
"""


def values(figures: Figures, name: str) -> Found:
    found: Found = {}
    for key, _, _ in ROWS:
        keys = ("zipnn-1", "zipnn-2") if key == "zipnn" else (key,)
        size = figures.size(name, keys[0])
        save, load = (figures.best(name, operation, *keys) for operation in ("save, new", "load"))
        if size and save and load:
            found[key] = (100 * size, save / 1e9, load / 1e9)
    return found


def text(x: float, y: float, content: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(content)}</text>'


def label(column: int, value: float) -> str:
    if column == 0:
        return f"{value:.1f} %"
    return f"{value:.{1 if value >= 1 else 2 if value >= 0.1 else 3}f}"


def block(y: int, title: str, found: Found) -> tuple[list[str], int]:
    """A data set: three columns of bars, each to a scale of its own."""
    drawn = [text(20, y + 14, title, "set")]
    largest = [max(value[column] for value in found.values()) for column in range(3)]
    y += HEAD - 6
    for key, name, kind in ROWS:
        if key not in found:
            continue
        drawn.append(text(20, y + BAR - 2, name))
        for column in range(3):
            x = LABEL + column * (COLUMN + GAP)
            value = found[key][column]
            width = max(1.0, (COLUMN - 46) * value / largest[column])
            drawn.append(f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" '
                         f'class="{kind}"/>')
            drawn.append(text(x + width + 5, y + BAR - 2, label(column, value)))
        y += ROW
    return drawn, y + 12


def chart(results: dict[str, Any]) -> str:
    figures = Figures(results)
    machine = results["machine"]
    body, y = [text(20, 30, "Checkpoints: size, and speed to a file and back", "title")], TOP - 14
    for column, head in enumerate(("size of the file", "save, GB/s", "load, GB/s")):
        body.append(text(LABEL + column * (COLUMN + GAP), 56, head, "note"))
    for name, title in SETS:
        found = values(figures, name) if figures.has(name) else {}
        if found:
            drawn, y = block(y, title, found)
            body += drawn
    body.append(text(
        20, y + 10, f"{machine['cpu']}, {machine['cores']} cores; new file, page cache, no fsync; "
        f"medians of {results['rounds']} interleaved rounds; GB/s of uncompressed bytes.", "note"))
    body.append(text(
        20, y + 26, "Cairn with CRC-32 and Adler-32, no digests; ZipNN the better of 1 and 2 "
        "threads. Versions and all figures: Benchmarks/RESULTS.md", "note"))
    height = y + FOOT
    return "\n".join(
        [(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
          f'width="{WIDTH}" height="{height}" role="img" '
          'aria-label="Bars: size, save and load speed of Cairn and its peers">'), f"<style>{STYLE}</style>",
         f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>']
        + body + ["</svg>"]) + "\n"
