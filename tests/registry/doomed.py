"""Parties of a deployment that die at a step that the test names: run as programs, by the tests alone.

    python -m tests.registry.doomed agent URL NODE ROOT
    python -m tests.registry.doomed registry DATA PORT

What they do to the disk, to processes and to each other is counted while there is a file `fault` in their folder. At
the step whose number is in it they are gone, by SIGKILL; or, if it says so, the services of the agent are.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from pathlib import Path
from typing import Any

import anyio

from duologue_registry.agent.processes import ProcessId

FAULT = "fault"
STEPS = "steps"


class Doom:
    """Counts steps, and kills at one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def step(self, what: str) -> None:
        try:
            victim, _, number = (self._folder / FAULT).read_text().partition(" ")
        except FileNotFoundError:
            self._count = 0
            return
        self._count += 1
        with (self._folder / STEPS).open("a") as steps:
            steps.write(f"{what}\n")
        if self._count == int(number):
            self._kill(victim)

    def _kill(self, victim: str) -> None:
        if victim == "self":
            os.kill(os.getpid(), signal.SIGKILL)
        for path in self._folder.glob(f"{victim}/process.json"):
            pid = json.loads(path.read_text()).get("pid")
            if pid is not None:
                os.killpg(pid, signal.SIGKILL)

    def wrap(self, owner: Any, name: str) -> None:
        """Count calls of a function: before and after."""
        function = getattr(owner, name)

        @wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.step(f"before {name}")
            result = function(*args, **kwargs)
            self.step(f"after {name}")
            return result

        setattr(owner, name, counted)

    def wrap_async(self, owner: Any, name: str) -> None:
        function = getattr(owner, name)

        @wraps(function)
        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.step(f"before {name}")
            result = await function(*args, **kwargs)
            self.step(f"after {name}")
            return result

        setattr(owner, name, counted)


def doom_agent(doom: Doom) -> None:
    from duologue_registry.agent import processes
    from duologue_registry.agent.node import Node
    from duologue_registry.packages.files import DiskFiles

    for name in ("make_directory", "write", "sync", "rename", "link", "remove"):
        doom.wrap(DiskFiles, name)
    doom.wrap(processes, "_write")
    doom.wrap(processes, "_signal_group")
    doom.wrap(processes.Processes, "_spawn")
    for name in ("execute", "install_package", "uninstall_package", "verify_service"):
        doom.wrap_async(Node, name)


def doom_registry(doom: Doom) -> None:
    from duologue_registry.serving.steps import NodeWork
    from duologue_registry.storing.sqlite import SqliteJournal

    doom.wrap(SqliteJournal, "write")
    for name in ("do", "_execute", "_install", "_uninstall"):
        doom.wrap_async(NodeWork, name)


def main(kind: str, *arguments: str) -> None:
    """Start a party for each line that is read, when the one before is gone; what it needs is imported once."""
    run = prepare_agent(*arguments) if kind == "agent" else prepare_registry(*arguments)
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            with Path(os.devnull).open("r+") as nothing:
                os.dup2(nothing.fileno(), sys.stdin.fileno())
                os.dup2(nothing.fileno(), sys.stdout.fileno())
            run()
            os._exit(0)
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("gone", flush=True)


def prepare_agent(url: str, node: str, folder: str) -> Callable[[], object]:
    from tests.registry.fleet import QUICK

    from duologue_registry.agent.node import Node
    from duologue_registry.agent.processes import Processes
    from service_registry_sdk import RegistryClient, ServiceKind

    async def run() -> None:
        agent = Node(node, Path(folder), {ServiceKind.MANAGED_PROCESS: Processes()}, patience=QUICK)
        async with agent.running(), RegistryClient.open(url, serve=agent) as client:
            await agent.voice.speak(client)

    doom_agent(Doom(Path(folder)))
    return partial(anyio.run, run)


def prepare_registry(folder: str, port: str) -> Callable[[], object]:
    from duologue_registry.commands.cli import main as command

    importlib.import_module("duologue_registry.serving.app")  # before there are children
    doom_registry(Doom(Path(folder)))
    return partial(command, ["serve", "--data", folder, "--port", port, "--json"])


class Party:
    """One of them, as a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.registry.doomed", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self.start()

    def start(self) -> None:
        """Start it, when the one before is dead."""
        assert self._parent.stdin is not None
        self._parent.stdin.write("\n")
        self._parent.stdin.flush()
        process = ProcessId.of(int(self._said()))
        assert process is not None
        self._process = process

    @property
    def is_dead(self) -> bool:
        return not self._process.is_running

    def restart(self) -> None:
        """Start it again, as it is dead."""
        assert self._said() == "gone"
        self.start()

    def end(self) -> None:
        """End it, and what started it."""
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        self._parent.communicate(timeout=10)

    def _said(self) -> str:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline().strip()

    def doom(self, number: int, victim: str = "self") -> None:
        """Let it, or a service of its, die at a step, counted from now; 0 is none."""
        (self.folder / STEPS).unlink(missing_ok=True)
        (self.folder / FAULT).write_text(f"{victim} {number}")

    def spare(self) -> list[str]:
        """Let it live from now on; returns the steps that were counted."""
        (self.folder / FAULT).unlink(missing_ok=True)
        steps = self.folder / STEPS
        return steps.read_text().splitlines() if steps.exists() else []


if __name__ == "__main__":
    main(*sys.argv[1:])
