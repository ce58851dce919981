"""Processes that start at once: forked from one that has imported all that they need."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import IO, Any, Final, Self, TextIO

REGISTRY: Final = [
    "duologue_registry.commands.cli",
    "duologue_registry.commands.packages",
    "duologue_registry.commands.agents",
    "duologue_registry.commands.backups",
    "duologue_registry.commands.deployments",
    "duologue_registry.commands.serve",
    "duologue_registry.commands.services",
    "duologue_registry.commands.watch",
    "duologue_registry.commands.tokens",
    "duologue_registry.serving.service",
]
"""What `duologue-registry` imports on the way to what it does."""

FORKSERVER: Final = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(
    [
        "anyio._backends._asyncio",
        "anyio._backends._trio",
        "trio",
        "uvloop",
        "duologue.drivers.asyncio",
        "duologue.drivers.listening",
        "duologue.drivers.options",
        *REGISTRY,
        "tests.forked",
        "tests.security.victim",
        "tests.security.floods",
    ]
)

PATIENCE: Final = 20.0
"""Seconds for what takes a fraction of one, on a machine that is busy with other things."""

Fault = Callable[[], None] | str
"""Breaks something in a process before its command starts: a function of a module, or a program."""


def _writer(descriptor: int) -> TextIO:
    return open(descriptor, "w", encoding="utf-8", closefd=False)


def _run(arguments: Sequence[str], env: Mapping[str, str], said: Sequence[Connection], fault: Fault | None) -> None:
    from duologue_registry.commands.cli import main

    os.environ.clear()
    os.environ.update(env)
    for descriptor, end in zip((1, 2), said, strict=True):
        os.dup2(end.fileno(), descriptor)
        end.close()
    sys.stdout, sys.stderr = _writer(1), _writer(2)
    if isinstance(fault, str):
        exec(fault, {})
    elif fault is not None:
        fault()
    main(list(arguments), prog_name="duologue-registry")


class Forked:
    """`duologue-registry` in a process of its own, used as a `subprocess.Popen`; it starts in a tenth of the time.

    Args:
        env: Its environment, unless it is this process's.
        terminal: What it writes to, in place of pipes: standard output, and standard error.
    """

    stdout: IO[str] | None
    stderr: IO[str] | None

    def __init__(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        fault: Fault | None = None,
        terminal: tuple[int | None, int | None] = (None, None),
    ) -> None:
        (self.stdout, out), (self.stderr, errors) = (_pipe() if given is None else _end(given) for given in terminal)
        self._process: Any = FORKSERVER.Process(
            target=_run,
            args=(arguments, dict(os.environ if env is None else env), (out, errors), fault),
            daemon=True,
        )
        self._process.start()
        out.close()
        errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        for pipe in filter(None, (self.stdout, self.stderr)):
            pipe.close()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    @property
    def returncode(self) -> int | None:
        code: int | None = self._process.exitcode
        return code

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("duologue-registry", timeout or 0.0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it still says, to its end."""
        said = {"stdout": "", "stderr": ""}

        def read(name: str, pipe: IO[str]) -> None:
            with pipe:
                said[name] = pipe.read()

        pipes = [(name, pipe) for name in said if (pipe := getattr(self, name)) is not None and not pipe.closed]
        readers = [threading.Thread(target=read, args=each, daemon=True) for each in pipes]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        return said["stdout"], said["stderr"]

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _end(descriptor: int) -> tuple[None, Connection]:
    return None, Connection(os.dup(descriptor), readable=False)


def _pipe() -> tuple[IO[str], Connection]:
    reads, writes = os.pipe()
    return open(reads, encoding="utf-8"), Connection(writes, readable=False)  # noqa: PTH123 - it has no path


def run(
    *arguments: str, env: Mapping[str, str] | None = None, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    process = Forked(*arguments, env=env)
    said = process.communicate(timeout)
    return subprocess.CompletedProcess(arguments, process.returncode or 0, *said)


class Registry:
    """`duologue-registry serve`, started and listening.

    Args:
        fault: What it breaks shows that a test sees it.
    """

    def __init__(self, *arguments: str, port: int = 0, fault: Fault | None = None) -> None:
        self.process = Forked("serve", "--port", str(port), "--json", *arguments, fault=fault)
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        watchdog.cancel()
        assert line, f"it did not start: {self.process.communicate()[1]}"
        self.started: dict[str, Any] = json.loads(line)
        self.url: str = self.started["url"]
        self.port = int(self.url.rpartition(":")[2])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code and what it said on stderr."""
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=PATIENCE)
        code = self.process.returncode
        assert code is not None
        return code, errors

    def kill(self) -> None:
        """Without a chance to do anything about it."""
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)
