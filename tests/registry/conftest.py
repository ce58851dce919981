"""A registry in a process of its own, as its users run it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "duologue_registry"]
RUN = "\nfrom duologue_registry.commands.cli import main\nmain(prog_name='duologue-registry')\n"
PATIENCE = 20.0  # seconds, on a machine that is busy with other things


class Process:
    """`duologue-registry serve`, started and listening.

    Args:
        fault: A program to run in the process first: what it breaks shows that a test sees it.
    """

    def __init__(self, *arguments: str, fault: str | None = None) -> None:
        command = COMMAND if fault is None else [sys.executable, "-c", fault + RUN]
        self.process = subprocess.Popen(
            [*command, "serve", "--port", "0", "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        watchdog.cancel()
        assert line, f"it did not start: {self.process.communicate()[1]}"
        self.started: dict[str, Any] = json.loads(line)
        self.url: str = self.started["url"]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code and what it said on stderr."""
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, errors

    def kill(self) -> None:
        """Without a chance to do anything about it."""
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)


Start = Callable[..., Process]


@pytest.fixture
def start_registry() -> Iterator[Start]:
    """Start registries; those still running at the end of the test are killed."""
    started: list[Process] = []

    def start(*arguments: str, fault: str | None = None) -> Process:
        started.append(Process(*arguments, fault=fault))
        return started[-1]

    yield start
    for process in started:
        if process.process.poll() is None:
            process.kill()


@pytest.fixture(scope="module")
def shared_registry() -> Iterator[Process]:
    """One for all the tests of a module, which leave it as it is."""
    process = Process("--ephemeral")
    yield process
    process.kill()


@pytest.fixture
def run_cli() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command to its end."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE, env=env, check=False
        )

    return run


@pytest.fixture
def data_directory(tmp_path: Path) -> Path:
    """Where a registry may store."""
    return tmp_path / "data"
