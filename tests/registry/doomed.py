"""Parties of a deployment that die at a step that the test names, in processes of their own.

What they do to the disk, to processes and to each other is counted while there is a file `fault` in their folder. At
the step whose number is in it they are gone, by SIGKILL; or, if it names a service, the processes of that one are.
"""

from __future__ import annotations

import json
import os
import signal
from functools import wraps
from pathlib import Path
from typing import Any

import anyio
from tests.forked import FORKSERVER, PATIENCE

from duologue_registry.agent import processes
from duologue_registry.agent.node import Node
from duologue_registry.agent.processes import Processes
from duologue_registry.packages.files import DiskFiles
from duologue_registry.serving.steps import NodeWork
from duologue_registry.storing.sqlite import SqliteJournal
from service_registry_sdk import RegistryClient, ServiceKind

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
    for name in ("make_directory", "write", "sync", "rename", "link", "remove"):
        doom.wrap(DiskFiles, name)
    doom.wrap(processes, "_write")
    doom.wrap(processes, "signal_group")
    doom.wrap(Processes, "_spawn")
    for name in ("execute", "install_package", "uninstall_package", "verify_service"):
        doom.wrap_async(Node, name)


def doom_registry(doom: Doom) -> None:
    doom.wrap(SqliteJournal, "write")
    for name in ("do", "_execute", "_install", "_uninstall"):
        doom.wrap_async(NodeWork, name)


def run(kind: str, *arguments: str) -> None:
    with Path(os.devnull).open("r+") as nothing:
        for descriptor in (0, 1):
            os.dup2(nothing.fileno(), descriptor)
    if kind == "agent":
        run_agent(*arguments)
    else:
        run_registry(*arguments)


def run_agent(url: str, node: str, folder: str) -> None:
    from tests.registry.fleet import QUICK

    async def serve() -> None:
        agent = Node(node, Path(folder), {ServiceKind.MANAGED_PROCESS: Processes()}, patience=QUICK)
        async with agent.running(), RegistryClient.open(url, serve=agent) as client:
            await agent.voice.speak(client)

    doom_agent(Doom(Path(folder)))
    anyio.run(serve)


def run_registry(folder: str, port: str) -> None:
    from duologue_registry.commands.cli import main

    doom_registry(Doom(Path(folder)))
    main(["serve", "--data", folder, "--port", port, "--json"])


class Party:
    """An agent or a registry, as a process of its own.

    Args:
        folder: Its own.
        arguments: `agent` URL NODE ROOT, or `registry` DATA PORT.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._arguments = arguments
        self.start()

    def start(self) -> None:
        """Start it, when the one before is dead."""
        self._process: Any = FORKSERVER.Process(target=run, args=self._arguments, daemon=True)
        self._process.start()

    @property
    def is_dead(self) -> bool:
        return self._process.exitcode is not None

    def end(self) -> None:
        self._process.kill()
        self._process.join(PATIENCE)

    def doom(self, number: int, victim: str = "self") -> None:
        """Let it, or a service of its, die at a step, counted from now; 0 is none."""
        (self._folder / STEPS).unlink(missing_ok=True)
        (self._folder / FAULT).write_text(f"{victim} {number}")

    def spare(self) -> list[str]:
        """Let it live from now on; returns the steps that were counted."""
        (self._folder / FAULT).unlink(missing_ok=True)
        steps = self._folder / STEPS
        return steps.read_text().splitlines() if steps.exists() else []
