"""What a figure depends on: the machine, its state, and the versions of everything."""
import os
import platform
import shutil
import subprocess
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def output(*command: str) -> str | None:
    """The first line that a command prints, or None if it can't be run."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip().split("\n")[0]


def lines(path: str) -> list[str]:
    try:
        with open(path) as file:
            return file.read().splitlines()
    except OSError:
        return []


def field(path: str, key: str) -> str | None:
    """The value of a line `key : value`."""
    for line in lines(path):
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None


def file_system(folder: str | os.PathLike[str]) -> str | None:
    """The type of the file system that a folder lies on."""
    best: tuple[str, str | None] = ("", None)
    for line in lines("/proc/mounts"):
        _, place, kind, *_ = line.split(" ")
        inside = os.path.realpath(folder).startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best[0]):
            best = place, kind
    return best[1]


def describe(folder: str | os.PathLike[str]) -> dict[str, Any]:
    memory = field("/proc/meminfo", "MemTotal")
    pages = next((line for line in lines("/sys/kernel/mm/transparent_hugepage/enabled")), None)
    return {
        "cpu": field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory": int(memory.split()[0]) * 1024 if memory else None,
        "kernel": f"{platform.system()} {platform.release()}",
        "huge pages": pages.split("[")[1].split("]")[0] if pages and "[" in pages else None,
        "file system": file_system(folder),
        "free disk": shutil.disk_usage(folder).free,
        "load average": list(os.getloadavg()),
    }


def versions(peers: dict[str, Any]) -> dict[str, Any]:
    """Of Cairn (its commit), its compiler and the peers."""
    commit = output("git", "rev-parse", "--short=12", "HEAD")
    changed = output("git", "status", "--porcelain", "--untracked-files=no")
    return {
        "Cairn": f"{commit}{' and changes' if changed else ''}" if commit else None,
        "Swift": (output("swift", "--version") or "").removeprefix("Swift version ") or None,
        "zlib": output("pkg-config", "--modversion", "zlib"),
        "Python": platform.python_version(),
    } | peers
