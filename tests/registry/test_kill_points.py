"""A deployment whose agent, registry or service is killed, at each of its steps: it ends, and with whole versions.

The steps are counted first, in a run in which nobody dies. Then there is one run for each of them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from tests.registry.deploying import deploy, digest_active, digest_running, leftovers, upload_versions
from tests.registry.doomed import Party
from tests.registry.fleet import PATIENCE, Fleet, open_fleet
from typing_extensions import override

from duologue import DuologueError
from duologue_registry.rules.progress import has_ended
from duologue_registry.storing.checking import check_directory
from duologue_registry.tasks import background
from service_registry_sdk import Deployment, RegistryClient

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": False})], ids=["asyncio"]),
]

NODES = ["web-1", "web-2"]
DEADLINE = timedelta(seconds=90)
PARTS = 12  # of the steps of a kind, so that each is done within a few minutes
LEAST_STEPS = 50  # six kinds have 300
LATE = timedelta(seconds=2)  # of who looks at the clock, on a machine that is busy


@dataclass(frozen=True, slots=True)
class Kind:
    """Who dies, and in what: a deployment that succeeds, or one that a sick second node turns back."""

    victim: str
    is_sick: bool

    @override
    def __str__(self) -> str:
        return f"{self.victim}-{'back' if self.is_sick else 'forward'}"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients wait ever longer for a registry that dies again and again, and here no more than a moment."""
    monkeypatch.setattr("duologue.client.backoff.LONGEST_DELAY", 0.3)


KINDS = [Kind(victim, is_sick) for victim in ("agent", "service", "registry") for is_sick in (False, True)]


@dataclass(slots=True)
class Stage:
    """A registry and two agents, one of which, or the registry, is a process that can be doomed."""

    fleet: Fleet
    party: Party
    runs: int = 0

    async def run(self, kind: Kind, number: int) -> list[str]:
        """One deployment in which the victim dies at a step; returns the steps that there were."""
        self.runs += 1
        name = f"{kind}-{self.runs}"
        await self._until_attached()
        digests = await upload_versions(self.fleet, "1.0.0", "1.1.0", name=name)
        _, before = await deploy(self.fleet.client, "1.0.0", NODES, name, batch=2)
        assert before.state == "done", before
        if kind.is_sick:
            (self.fleet.root("web-2") / name / "sick").touch()
        self.party.doom(number, name if kind.victim == "service" else "self")
        ended = await self._deploy(name)
        steps = self.party.spare()
        if self.party.is_dead:
            self.party.start()
        assert ended is None or not kind.is_sick or ended.state == "rolled_back", ended
        await self._check(name, digests, ended)
        return steps

    async def _deploy(self, name: str) -> Deployment | None:
        """Deploy, whatever becomes of whom; None when nobody knows of it."""
        client, is_asked = self.fleet.client, anyio.Event()

        async def ask() -> None:
            with suppress(DuologueError):  # its connection is lost when the registry dies
                await deploy(client, "1.1.0", NODES, name, deadline=DEADLINE, within=timedelta(seconds=1))
            is_asked.set()

        with anyio.fail_after(3 * PATIENCE):
            async with background() as tasks:
                tasks.start_soon(ask)
                found = await self._newest(name)
                while found is None or not (has_ended(found) if found.version == "1.1.0" else is_asked.is_set()):
                    if self.party.is_dead:
                        self.party.spare()
                        self.party.start()
                    await anyio.sleep(0.02)
                    found = await self._newest(name)
                return found if found.version == "1.1.0" else None

    async def _until_attached(self) -> None:
        with anyio.fail_after(PATIENCE):
            while True:
                with suppress(DuologueError):
                    agents = (await self.fleet.client.list_agents(timeout=1)).agents
                    if [info.node for info in agents if info.is_attached] == NODES:
                        return
                await anyio.sleep(0.02)

    async def _newest(self, name: str) -> Deployment | None:
        with suppress(DuologueError):
            found = await self.fleet.client.list_deployments(name=name, limit=1, timeout=1)
            return found.deployments[0]
        return None

    async def _check(self, name: str, digests: dict[str, str], ended: Deployment | None) -> None:
        wanted = digests["1.1.0" if ended is not None and ended.state == "done" else "1.0.0"]
        with anyio.fail_after(PATIENCE):
            for node in NODES:
                while digest_running(self.fleet, node, name) != wanted or leftovers(self.fleet.root(node)):
                    await anyio.sleep(0.02)  # an agent that was started anew is still looking around
                assert digest_active(self.fleet, node, name) == wanted
                assert processes_of(self.fleet.root(node) / name) == 1, f"{name} runs twice on {node}"
        if ended is not None:
            assert ended.state in ("done", "rolled_back")
            assert ended.finished_at is not None
            assert ended.finished_at <= ended.deadline + LATE


def processes_of(home: Path) -> int:
    """How many processes run in the folder of a service, without those that they have started, or that ask it."""
    count = 0
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_leader, is_here = os.getsid(int(path.name)) == int(path.name), home in (path / "cwd").readlink().parents
            count += is_leader and is_here and b"SERVICE_RUN=" in (path / "environ").read_bytes()
    return count


@asynccontextmanager
async def stage_with_agent(folder: Path) -> AsyncGenerator[Stage]:
    """The agent of the first node is a process; the registry and the other agent are here."""
    async with open_fleet(folder) as fleet, fleet.attached(fleet.node("web-2")):
        party = Party(fleet.adopt("web-1"), "agent", fleet.url, "web-1", str(fleet.root("web-1")))
        try:
            yield Stage(fleet, party)
        finally:
            party.end()


@asynccontextmanager
async def stage_with_registry(folder: Path) -> AsyncGenerator[Stage]:
    """The registry is a process; the agents are here."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    party = Party(folder / "data", "registry", str(folder / "data"), str(port))
    fleet = Fleet(folder)
    fleet.url = f"ws://127.0.0.1:{port}"
    try:
        await until_listening(port)
        async with RegistryClient.open(fleet.url) as fleet.client:
            async with fleet.attached(fleet.node("web-1")), fleet.attached(fleet.node("web-2")):
                yield Stage(fleet, party)
        party.end()
        assert check_directory(folder / "data").problems == []
    finally:
        party.end()
        fleet.end_all()


async def until_listening(port: int) -> None:
    with anyio.fail_after(PATIENCE):
        while True:
            with suppress(OSError):
                await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
                return
            await anyio.sleep(0.02)


def stage_for(kind: Kind, folder: Path) -> AbstractAsyncContextManager[Stage]:
    return stage_with_registry(folder) if kind.victim == "registry" else stage_with_agent(folder)


async def run_points(stage: Stage, kind: Kind, choose: Callable[[int], Sequence[int]]) -> int:
    """Count the steps, then die at those that are chosen; returns how many there were."""
    steps = len(await stage.run(kind, 0))
    for number in choose(steps):
        await stage.run(kind, number)
    return steps


@pytest.mark.parametrize("kind", [KINDS[1]], ids=str)
async def test_some_points(kind: Kind, tmp_path: Path) -> None:
    async with stage_for(kind, tmp_path) as stage:
        assert await run_points(stage, kind, lambda count: [count // 3, 2 * count // 3]) > LEAST_STEPS


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_every_point(kind: Kind, part: int, tmp_path: Path) -> None:
    """All kinds together have more than 300 of them."""
    async with stage_for(kind, tmp_path) as stage:
        assert await run_points(stage, kind, lambda count: range(1 + part, count + 1, PARTS)) > LEAST_STEPS
