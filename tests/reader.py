"""Somebody who follows a document from top to bottom in an empty folder. What a fenced block means:

    sh                 is run by bash; `cd` lasts
    sh until=WORD      is left running once its output holds WORD, until the end of the document
    python FILE        is the program FILE: written there; a later `sh` block runs it
    yaml FILE          is written to FILE; so is `ini FILE`
    text               the output of the block before: every line of it was printed; `…` stands for anything

All else is not for this reader.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.programs import outer_env

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(?P<kind>\w+)(?P<options>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
READY = 60.0
"""Seconds that a program may take to say what a reader waits for, on a machine that has other things to do."""


@dataclass(frozen=True)
class Block:
    kind: str
    options: str
    body: str
    line: int


def blocks(document: Path) -> list[Block]:
    text = document.read_text()
    found = BLOCK.finditer(text)
    return [Block(b["kind"], b["options"].strip(), b["body"], text.count("\n", 0, b.start()) + 1) for b in found]


@dataclass
class Reader:
    """Somebody who follows a document in an empty folder; its ports become ones that are free.

    Attributes:
        python: What `python3` is, where it is another one.
        programs: A folder of programs that start at once, in place of the installed ones.
    """

    home: Path
    ports: dict[str, str]
    python: Path | None = None
    programs: Path | None = None
    requirement: str = f"{ROOT}[codegen]"
    cwd: Path = field(init=False)
    output: str = ""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    def __post_init__(self) -> None:
        self.cwd = self.home

    def follow(self, block: Block) -> None:
        body, options = self._on_free_ports(block.body), self._on_free_ports(block.options)
        match block.kind:
            case "sh" if options.startswith("until="):
                self._start(body, options.removeprefix("until="))
            case "sh":
                self._run(body)
            case "python" | "yaml" | "ini":
                assert options, "say which file this is, as in: ```python hello.py"
                (self.cwd / options).write_text(body)
            case "text":
                self._compare(body)
            case _:
                pass

    def _on_free_ports(self, text: str) -> str:
        return re.sub("|".join(self.ports), lambda port: self.ports[port[0]], text)

    def close(self) -> None:
        for process in self.running:
            _signal(process, signal.SIGTERM)
        try:
            for process in self.running:
                process.wait(20)
        finally:
            for process in self.running:
                _signal(process, signal.SIGKILL)  # what is left of its children

    def _env(self) -> dict[str, str]:
        outer = outer_env("XDG_DATA_HOME", "XDG_STATE_HOME")
        first = [self.python and self.python.parent, self.programs, Path(sys.executable).parent, outer["PATH"]]
        path = ":".join(str(folder) for folder in first if folder is not None)
        ours = {"DUOLOGUE_REQUIREMENT": self.requirement}  # what `make` of a new project installs
        return {**outer, **ours, "HOME": str(self.home), "PATH": path, "PYTHONUNBUFFERED": "1"}

    def _run(self, body: str) -> None:
        place = self.home / ".cwd"
        script = f"set -euo pipefail\n{body}\npwd > {shlex.quote(str(place))}\n"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.cwd, env=self._env(), timeout=180, check=False, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.output = done.stdout
        assert done.returncode == 0, self.output
        self.cwd = Path(place.read_text().strip())

    def _start(self, body: str, word: str) -> None:
        for program in self.cwd.glob("*.py"):  # `duologue init` wrote some
            program.write_text(self._on_free_ports(program.read_text()))
        log = self.home / f".log{len(self.running)}"
        with log.open("w") as out:
            process = subprocess.Popen(
                ["bash", "-c", body], cwd=self.cwd, env=self._env(), stdout=out, stderr=out, start_new_session=True
            )
        self.running.append(process)
        until = time.monotonic() + READY
        while word not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        self.output = log.read_text()

    def _compare(self, expected: str) -> None:
        for line in filter(None, expected.splitlines()):
            pattern = ".*".join(re.escape(part.strip()) for part in line.split("…"))
            assert re.search(pattern, self.output), f"no line like {line!r} in:\n{self.output}"


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To all that a command started; there may be nobody any more."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])
