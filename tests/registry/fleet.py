"""A registry and agents in one process, on loopback, with real processes for services."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
from typing_extensions import override

from duologue import serve
from duologue_registry.agent.executor import Executor
from duologue_registry.agent.node import Node
from duologue_registry.agent.processes import FILE_NAME, Processes, ProcessId
from duologue_registry.agent.supervisor import Patience
from duologue_registry.agent.voice import Fenced
from duologue_registry.clock import SystemClock
from duologue_registry.packages.signing import SignaturePolicy
from duologue_registry.serving.service import Registry
from duologue_registry.serving.shelf import Shelf
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.memory import MemoryJournal
from duologue_registry.tasks import background
from service_registry_sdk import (
    CommandOutcome,
    CommandStep,
    ManagedProcess,
    RegistryClient,
    Remote,
    ServiceCommand,
    ServiceEntry,
    ServiceKind,
    ServiceState,
)

QUICK = Patience(first=0.05, longest=0.2, steady=60, settle=0.1, most=3)
SLEEP = ["/bin/sh", "-c", "echo up; exec sleep 120"]
NO_GRACE = timedelta(seconds=0)
PATIENCE = 20.0  # seconds, on a machine that is busy with other things


class AdvancingClock(SystemClock):
    """The machine's time of day, which can be moved on."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    @override
    def now(self) -> datetime:
        return super().now() + self._ahead

    def advance(self, by: timedelta) -> None:
        self._ahead += by


class Fleet:
    """A registry, and the agents of some nodes.

    Attributes:
        clock: The registry's.
        client: An operator's.
        agents: Those of the agents, by their nodes.
        fenced: What agents said who ended because another had attached.
    """

    url: str
    client: RegistryClient

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = AdvancingClock()
        self.agents: dict[str, RegistryClient] = {}
        self.fenced: list[str] = []
        self._roots: set[Path] = set()

    def root(self, node: str) -> Path:
        return self.folder / node

    def node(
        self, name: str, *, root: Path | None = None, policy: SignaturePolicy | None = None, **executors: Executor
    ) -> Node:
        """An agent that is not running yet."""
        root = root or self.root(name)
        self._roots.add(root)
        by_kind: dict[ServiceKind, Executor] = {ServiceKind.MANAGED_PROCESS: Processes()}
        by_kind.update({ServiceKind(kind): executor for kind, executor in executors.items()})
        return Node(name, root, by_kind, policy=policy, patience=QUICK)

    def adopt(self, node: str) -> Path:
        """The folder of an agent in a process of its own; what it leaves running is ended with the rest."""
        self._roots.add(self.root(node))
        return self.root(node)

    @asynccontextmanager
    async def attached(self, node: Node) -> AsyncGenerator[Node]:
        """Run an agent while the block runs; its services go on afterwards."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(node.running())
            client = await stack.enter_async_context(RegistryClient.open(self.url, serve=node))
            self.agents[node.name] = client
            tasks = await stack.enter_async_context(background())
            tasks.start_soon(self._speak, node, client)
            await node.voice.until_epoch(1)
            yield node

    async def _speak(self, node: Node, client: RegistryClient) -> None:
        try:
            await node.voice.speak(client)
        except Fenced as error:
            self.fenced.append(str(error))

    async def register(self, name: str, node: str = "web-1", command: list[str] | None = None, **more: Any) -> None:
        execution = ManagedProcess(command=command or SLEEP, **more.pop("process", {}))
        fields: dict[str, Any] = {
            "version": "1.0.0",
            "execution": execution,
            "location": Remote(host="127.0.0.1", node=node),
            **more,
        }
        await self.client.register_service(name=name, **fields)

    async def act(self, name: str, command: ServiceCommand, **params: Any) -> tuple[list[CommandStep], CommandOutcome]:
        params.setdefault("timeout", PATIENCE)
        async with self.client.service_action(name=name, command=command, **params) as stream:
            steps = [step async for step in stream]
            return steps, await stream.result()

    async def start(self, name: str) -> None:
        _, outcome = await self.act(name, ServiceCommand.START)
        assert outcome.succeeded, outcome

    async def stop(self, name: str, grace: timedelta = NO_GRACE) -> None:
        _, outcome = await self.act(name, ServiceCommand.STOP, grace=grace)
        assert outcome.succeeded, outcome

    async def until(self, name: str, is_so: Callable[[ServiceEntry], bool]) -> ServiceEntry:
        with anyio.fail_after(PATIENCE):
            while True:
                entry = await self.client.get_service(name=name, include_health=True)
                if is_so(entry):
                    return entry
                await anyio.sleep(0.02)

    async def wait(self, is_so: Callable[[], object]) -> None:
        """Wait until something is so that nobody tells of."""
        with anyio.fail_after(PATIENCE):
            while not is_so():
                await anyio.sleep(0.02)

    async def until_state(self, name: str, state: ServiceState) -> ServiceEntry:
        return await self.until(name, lambda entry: entry.state is state)

    async def until_replaced(self, name: str, process: ProcessId) -> None:
        """Wait until another process runs for a service."""
        await self.until(name, lambda entry: entry.state == "running" and self.process(name) != process)

    def process(self, name: str, node: str = "web-1") -> ProcessId | None:
        """The process of a service, as its agent wrote it down."""
        try:
            found = json.loads((self.root(node) / name / FILE_NAME).read_text())
            return ProcessId(found["pid"], found["started"])
        except (FileNotFoundError, KeyError):  # it does not run, or is just being started
            return None

    def end_all(self) -> None:
        """End what the agents have left."""
        for root in self._roots:
            for path in root.glob(f"*/{FILE_NAME}"):
                process = self.process(path.parent.name, root.name)
                if process is not None and process.is_running:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)


@asynccontextmanager
async def open_fleet(folder: Path, journal: MemoryJournal | None = None) -> AsyncGenerator[Fleet]:
    """A registry that serves, and an operator who is connected to it."""
    fleet = Fleet(folder)
    try:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(JournaledStore.open(journal or MemoryJournal(), fleet.clock))
            shelf = Shelf(folder / "packages", SignaturePolicy.read(None))
            await shelf.open(store)
            service = Registry(store, clock=fleet.clock, shelf=shelf)
            tasks = await stack.enter_async_context(background())
            await tasks.start(service.run)
            server = await stack.enter_async_context(serve(service, "127.0.0.1", 0))
            fleet.url = f"ws://127.0.0.1:{server.port}"
            fleet.client = await stack.enter_async_context(RegistryClient.open(fleet.url))
            yield fleet
    finally:
        fleet.end_all()


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]
