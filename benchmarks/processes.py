"""The parent's side of a worker: start it, ask it, end it; no wait is for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Final, Self

ROOT: Final = Path(__file__).parents[1]
STARTING: Final = 60.0
PATIENCE: Final = 120.0
"""Seconds that a worker may take to start, and to answer."""


class WorkerFailed(Exception):
    """A worker ended, or did not answer in time."""


class Worker:
    """A `benchmarks.worker`: its process starts at once, its program when it is entered.

    Attributes:
        late: Options that were not known when its process was started.
        starting: Seconds that its program may take to start.
    """

    def __init__(self, program: str, executor: str, **options: Any) -> None:
        self.late: dict[str, Any] = {}
        self.starting = STARTING
        self._name = f"{program} on {executor}"
        self._said = TemporaryFile("w+")  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", program, executor, json.dumps(options)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )

    def __enter__(self) -> Self:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(self.late) + "\n")
            self._process.stdin.flush()
            self._answer(self.starting)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def ask(self, command: str, *, patience: float = PATIENCE, **arguments: Any) -> Any:
        """Have a command carried out; returns its answer.

        Raises:
            WorkerFailed: There was none within `patience` seconds.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps([command, arguments]) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerFailed(f"{self._name} has ended: {self._last_words()}") from None
        return self._answer(patience)

    def end(self) -> None:
        """Let it end by itself, and make it where it does not."""
        if self._said.closed:
            return
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._said.close()

    def _last_words(self) -> str:
        """What it says on standard error, if it is short, or the end of it."""
        self._said.seek(0)
        lines = [line for line in self._said.read().splitlines() if line.strip(" |+-")]
        return " / ".join(line.strip() for line in lines[-3:]) or "it said nothing"

    def _answer(self, patience: float) -> Any:
        assert self._process.stdout is not None
        timer = threading.Timer(patience, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            self._process.wait(patience)
            raise WorkerFailed(f"{self._name} gave no answer within {patience:g} s: {self._last_words()}")
        return json.loads(line)


@contextmanager
def pair(server: Worker, client: str, executor: str, **options: Any) -> Generator[tuple[Worker, Worker]]:
    """A server, and a client that is told the server's port; their processes start together."""
    asking = Worker(client, executor, **options)
    try:
        with server:
            asking.late["port"] = server.ask("port")
            with asking:
                yield server, asking
    finally:
        asking.end()


def children_cpu() -> float:
    """Processor seconds of all processes that were started here and have ended."""
    used = os.times()
    return used.children_user + used.children_system
