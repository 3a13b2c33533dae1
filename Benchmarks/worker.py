"""One peer in a process of its own: takes a JSON command a line, answers each with a JSON line, as
Cairn's side does (`Sources/cairn-bench`).

    worker.py PEER
"""
import ctypes
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from safetensors.numpy import load_file

from peers import PEERS

# What the driver asks: the operation, and its options.
Command = dict[str, Any]


def trim() -> None:
    """Gives freed memory back to the system, so that the next operation begins with fresh pages."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except AttributeError:
        pass  # not glibc


def reset_peak() -> None:
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def status(key: str) -> int | None:
    """A line of /proc/self/status, in bytes, or None."""
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def measured(body: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """Runs `body` once; what it returns, the seconds, the memory above that before."""
    gc.collect()
    trim()
    reset_peak()
    before = status("VmRSS")
    gc.disable()
    start = time.perf_counter()
    value = body()
    seconds = time.perf_counter() - start
    gc.enable()
    peak = status("VmHWM")
    answer = {"seconds": seconds}
    if before is not None and peak is not None:
        answer["peak"] = peak - before
    return value, answer


def synchronize(path: str) -> None:
    """What a save must do beside writing so that it survives a loss of power."""
    for name in (path, os.path.dirname(path)):
        descriptor = os.open(name, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


class Worker:
    def __init__(self, name: str) -> None:
        self.kind = PEERS[name]
        # A `Peer`, with methods for the operations that it takes part in.
        self.peer: Any = None

    def answer(self, command: Command) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self, command["op"])(command)
        return answer

    def version(self, command: Command) -> dict[str, Any]:
        return {"version": self.kind.version()}

    def data(self, command: Command) -> dict[str, Any]:
        self.peer = self.kind(load_file(command["path"]))
        return {"count": len(self.peer.tensors),
                "bytes": sum(array.nbytes for array in self.peer.tensors.values())}

    def save(self, command: Command) -> dict[str, Any]:
        prepared = self.peer.prepare(command)
        path = command["path"]

        def save() -> None:
            self.peer.save(path, command, prepared)
            if command.get("sync"):
                synchronize(path)
        answer = measured(save)[1]
        return answer | {"bytes": os.path.getsize(path)}

    def load(self, command: Command) -> dict[str, Any]:
        return self.checked(command, *measured(lambda: self.peer.load(command["path"], command)))

    def copy(self, command: Command) -> dict[str, Any]:
        return self.checked(command, *measured(lambda: self.peer.copy(command)))

    def first(self, command: Command) -> dict[str, Any]:
        return measured(lambda: self.peer.first(command["path"], command))[1]

    def checked(self, command: Command, value: Any, answer: dict[str, Any]) -> dict[str, Any]:
        return answer | ({"same": self.peer.is_same(value)} if command.get("check") else {})


def main() -> None:
    # What a library prints must not look like an answer.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        try:
            answer = worker.answer(json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is its result
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=out)


if __name__ == "__main__":
    main()
