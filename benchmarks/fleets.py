"""A registry on SQLite with many agents, as programs to measure: all of its services are heard of all the time."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import statistics
import tarfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import anyio
from typing_extensions import override

from duologue import Call, Identity, NotSent, OutcomeUnknown, Sink, StaticTokens, hash_token, serve
from duologue.garbage import sparing
from duologue_registry.clock import SystemClock
from duologue_registry.packages.signing import SignaturePolicy
from duologue_registry.serving.app import open_shelf, open_store
from duologue_registry.serving.service import Registry
from duologue_registry.tasks import background
from service_registry_sdk import (
    AgentLease,
    AgentService,
    CommandOutcome,
    CommandStep,
    DeploymentState,
    ExecuteAction,
    ExecuteParams,
    HealthReport,
    HealthStatus,
    InstallMode,
    InstallPackageParams,
    InstallPackageResult,
    LogLine,
    ManagedProcess,
    RegistryClient,
    RegistryPeerService,
    Remote,
    ServiceKind,
    ServiceState,
    TailLogsParams,
    UninstallPackageParams,
    Verification,
    VerifyServiceParams,
)

from .worker import Commands

SERVICES: Final = 20
"""Of each agent."""

LEASE: Final = timedelta(seconds=30)
EVERY: Final = 10.0
"""Seconds from a service's heartbeat, and from a report of its health, to the next."""

PACKAGE: Final = "shared"
VERSIONS: Final = ("1.0.0", "2.0.0")
"""What is deployed to all nodes, in turn."""

AT_ONCE: Final = 10
"""Nodes that a deployment is at work on."""

PROBES: Final = 100
"""Calls a second whose time is measured."""


def token_of(name: str) -> str:
    """Everybody has one: what somebody may send in a second is counted by name."""
    return hashlib.sha256(name.encode()).hexdigest()


@asynccontextmanager
async def registry(*, directory: str, agents: int) -> AsyncGenerator[Commands]:
    """A program: a registry with a place for packages, as `serve` runs it."""
    clock, policy = SystemClock(), SignaturePolicy.read(None)
    async with open_store(Path(directory)) as store, open_shelf(Path(directory), policy, store) as shelf:
        service = Registry(store, clock=clock, shelf=shelf)
        roles = {**{f"n{number}": "agent" for number in range(agents)}, "ops": "operator"}
        tokens = StaticTokens(
            {hash_token(token_of(name)): Identity(name=name, roles=frozenset({role})) for name, role in roles.items()}
        )
        async with background() as tasks, serve(service, "127.0.0.1", 0, authenticator=tokens) as server:
            await tasks.start(service.run)

            async def port() -> int:
                return server.port

            with sparing():
                yield {"port": port}


class SimulatedAgent(RegistryPeerService):
    """An agent that has nothing to run: what it is asked for is done at once, and told."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.names = [f"{node}-s{number}" for number in range(SERVICES)]
        self.active: str | None = None
        self.previous: str | None = None
        self.done: Counter[str] = Counter()
        self.client: RegistryClient
        self.lease: AgentLease

    @override
    async def execute(
        self, call: Call[RegistryClient], params: ExecuteParams, out: Sink[CommandStep]
    ) -> CommandOutcome:
        state = ServiceState.RUNNING if params.action is ExecuteAction.START else ServiceState.STOPPED
        await self.client.update_state(name=params.entry.name, state=state, agent=self.lease)
        return CommandOutcome(command=params.command, service=params.entry.name, succeeded=True, state=state)

    @override
    async def install_package(self, call: Call[RegistryClient], params: InstallPackageParams) -> InstallPackageResult:
        if params.mode is InstallMode.ACTIVATE and self.active != params.package.manifest.version:
            self.active, self.previous = params.package.manifest.version, self.active
            self.done["installs"] += 1
        return InstallPackageResult(active=self.active, previous=self.previous)

    @override
    async def uninstall_package(self, call: Call[RegistryClient], params: UninstallPackageParams) -> None:
        self.active = self.previous = None

    @override
    async def verify_service(self, call: Call[RegistryClient], params: VerifyServiceParams) -> Verification:
        return Verification(is_healthy=True)

    @override
    async def tail_logs(self, call: Call[RegistryClient], params: TailLogsParams, out: Sink[LogLine]) -> None:
        raise NotImplementedError("nobody asks for logs here")

    async def attach(self, client: RegistryClient) -> None:
        """Register its services, each with a package, and speak for them."""
        self.client = client
        for name in self.names:
            execution, location = ManagedProcess(command=["run"]), Remote(host="127.0.0.1", node=self.node)
            await client.register_service(
                name=name, version="1.0.0", execution=execution, location=location, lease=LEASE
            )
        services = [AgentService(name=name, state=ServiceState.RUNNING) for name in self.names]
        self.lease = await client.attach_agent(node=self.node, kinds=[ServiceKind.MANAGED_PROCESS], services=services)

    async def live(self, phase: float) -> None:
        """Be heard of, service by service, for as long as the connection is there."""
        await anyio.sleep(phase * EVERY / SERVICES)
        for name in itertools.cycle(self.names):
            due = anyio.current_time() + EVERY / SERVICES
            try:
                await self.client.heartbeat(name=name)
                report = HealthReport(check="http", status=HealthStatus.PASSING, checked_at=datetime.now(UTC))
                await self.client.report_health(name=name, report=report, agent=self.lease)
            except (NotSent, OutcomeUnknown):
                return
            self.done["heartbeats"] += 1
            await anyio.sleep_until(due)


def _package(version: str) -> bytes:
    """The smallest one that there can be."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, text in (
            ("manifest.yaml", f"name: {PACKAGE}\nversion: {version}\ntype: managed_process\n"),
            ("scripts/start.sh", "#!/bin/sh\n"),
        ):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(text), 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(out.getvalue(), mtime=0)


@asynccontextmanager
async def fleet(*, port: int, agents: int) -> AsyncGenerator[Commands]:
    """A program: agents that are attached, each over a connection of its own, and an operator who changes all of it."""
    there = [SimulatedAgent(f"n{number}") for number in range(agents)]
    url = f"ws://127.0.0.1:{port}"
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(RegistryClient.open(url, serve=agent, token=token_of(agent.node)))
            for agent in there
        ]
        operator = await stack.enter_async_context(RegistryClient.open(url, token=token_of("ops")))
        tasks = await stack.enter_async_context(background())
        async with anyio.create_task_group() as attaching:
            for agent, client in zip(there, clients, strict=True):
                attaching.start_soon(agent.attach, client)
        for number, agent in enumerate(there):
            tasks.start_soon(agent.live, number / agents)

        for version in VERSIONS:
            await operator.upload_package(_package(version), name=PACKAGE, version=version)
        rolling = _Rolling(operator, [agent.node for agent in there])
        tasks.start_soon(rolling.run)

        async def turn(*, on: bool) -> None:
            await rolling.turn(on=on)

        async def during(seconds: float) -> dict[str, float]:
            before = sum((agent.done for agent in there), Counter[str]())
            begun = time.perf_counter()
            await anyio.sleep(seconds)
            took = time.perf_counter() - begun
            after = sum((agent.done for agent in there), Counter[str]())
            return {f"{what}/s": (after[what] - before[what]) / took for what in ("heartbeats", "installs")}

        yield {"turn": turn, "during": during}


class _Rolling:
    """Deploys one version after the other to all nodes, while it is turned on."""

    def __init__(self, operator: RegistryClient, nodes: list[str]) -> None:
        self._operator = operator
        self._nodes = nodes
        self._is_on = False
        self._turned_on = anyio.Event()
        self._idle = anyio.Event()

    async def turn(self, *, on: bool) -> None:
        """Begin; or let the deployment that is running end, and begin no other."""
        self._is_on = on
        if on:
            self._turned_on.set()
        else:
            await self._idle.wait()

    async def run(self) -> None:
        for version in itertools.cycle(VERSIONS):
            while not self._is_on:
                self._idle.set()
                self._turned_on = anyio.Event()
                await self._turned_on.wait()
                self._idle = anyio.Event()
            deploying = self._operator.deploy_package(
                name=PACKAGE, version=version, nodes=self._nodes, batch=min(AT_ONCE, len(self._nodes)), healthy=1
            )
            async with deploying as steps:
                deployment = await steps.result()
            assert deployment.state is DeploymentState.DONE, deployment


@asynccontextmanager
async def prober(*, port: int, agents: int) -> AsyncGenerator[Commands]:
    """A program: somebody who asks for one service after the other, and takes the time of each call."""
    async with RegistryClient.open(f"ws://127.0.0.1:{port}", token=token_of("ops")) as client:

        async def probe(seconds: float) -> dict[str, float]:
            names = itertools.cycle(f"n{node}-s{number}" for number in range(SERVICES) for node in range(agents))
            return await _times(lambda: client.get_service(name=next(names)), seconds)

        yield {"probe": probe}


async def _times(call: Callable[[], Awaitable[object]], seconds: float) -> dict[str, float]:
    """Call at fixed moments: a slow answer does not hold back the calls after it."""
    times: list[float] = []

    async def one() -> None:
        begun = time.perf_counter()
        await call()
        times.append((time.perf_counter() - begun) * 1e3)

    start = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for number in range(int(seconds * PROBES)):
            await anyio.sleep_until(start + number / PROBES)
            tasks.start_soon(one)
    times.sort()
    return {"p99": times[int(len(times) * 0.99)], "p50": statistics.median(times)}
