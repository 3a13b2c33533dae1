"""The processes that measure: Cairn's and one a peer, spoken to in lines of JSON."""
import json
import os
import subprocess
import sys
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.join(HERE, ".build", "release", "cairn-bench")


class Process:
    def __init__(self, name: str) -> None:
        self.name = name
        command = [BENCH] if name == "cairn" else [
            sys.executable, os.path.join(HERE, "worker.py"), name]
        # A session of its own: an interrupt at the terminal is the driver's affair. The end of its
        # input ends a process, however the driver ends.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1, start_new_session=True)
        assert self.process.stdin and self.process.stdout
        self.input, self.output = self.process.stdin, self.process.stdout

    def ask(self, **command: Any) -> dict[str, Any]:
        """The answer to a command; one with the key "error" if it failed or the process ended."""
        try:
            self.input.write(json.dumps(command) + "\n")
            line = self.output.readline()
        except (BrokenPipeError, ValueError):
            line = ""
        answer: dict[str, Any] = json.loads(line) if line else {"error": f"the process {self.name} has ended"}
        return answer

    def close(self) -> None:
        try:
            self.input.close()
        except BrokenPipeError:
            pass  # it has ended already
        self.process.wait()


class Processes:
    """Those that are needed, started when they are first asked."""

    def __init__(self) -> None:
        self.running: dict[str, Process] = {}

    def __getitem__(self, name: str) -> Process:
        if name not in self.running:
            self.running[name] = Process(name)
        return self.running[name]

    def close(self) -> None:
        for process in self.running.values():
            process.close()
        self.running = {}
