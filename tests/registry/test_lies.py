"""What an agent says that is late, wrong or not its business changes nothing, and is refused in words."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest
from tests.registry.deploying import deploy, upload_versions
from tests.registry.fleet import Fleet, open_fleet
from typing_extensions import override

from duologue import Call, CallError, Identity, InvalidArgument, PermissionDenied, Sink
from duologue_registry.serving.control import check_owner
from service_registry_sdk import (
    AgentLease,
    AgentService,
    AgentUnavailable,
    CommandOutcome,
    CommandStage,
    CommandStep,
    ExecuteAction,
    ExecuteParams,
    HealthReport,
    HealthStatus,
    InstallPackageParams,
    InstallPackageResult,
    LogLine,
    NotOwner,
    RegistryClient,
    RegistryPeerService,
    ServiceCommand,
    ServiceKind,
    ServiceState,
    TailLogsParams,
    UninstallPackageParams,
    Verification,
    VerifyServiceParams,
)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": False})], ids=["asyncio"]),
]

Lie = Callable[["Liar"], Awaitable[object]]


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncGenerator[Fleet]:
    with anyio.fail_after(60):
        async with open_fleet(tmp_path) as fleet:
            await fleet.register("api", "web-1")
            await fleet.register("db", "db-1")
            yield fleet


def truth(params: ExecuteParams, **lie: Any) -> CommandOutcome:
    told: dict[str, Any] = {"command": params.command, "service": params.entry.name, "succeeded": True}
    told |= {"state": ServiceState.RUNNING, **lie}
    return CommandOutcome(**told)


@dataclass
class Liar(RegistryPeerService):
    """An agent of web-1, whose answers a test makes up."""

    answer: Callable[[ExecuteParams], CommandOutcome] = truth
    active: str | None = None
    is_asked: anyio.Event = field(default_factory=anyio.Event)
    goes_on: anyio.Event | None = None
    client: Any = None
    lease: Any = None

    async def attach(self, client: RegistryClient, node: str = "web-1", *services: AgentService) -> None:
        self.client = client
        kinds = ServiceKind.MANAGED_PROCESS
        self.lease = await client.attach_agent(node=node, kinds=[kinds], services=list(services))

    @override
    async def execute(
        self, call: Call[RegistryClient], params: ExecuteParams, out: Sink[CommandStep]
    ) -> CommandOutcome:
        self.is_asked.set()
        for name in ("db", params.entry.name):
            step = CommandStep(command=params.command, service=name, at=datetime.now(UTC), stage=CommandStage.STARTED)
            await out.send(step)
        if self.goes_on is not None:
            with anyio.CancelScope(shield=True):
                await self.goes_on.wait()
        return self.answer(params)

    @override
    async def install_package(self, call: Call[RegistryClient], params: InstallPackageParams) -> InstallPackageResult:
        return InstallPackageResult(active=self.active)

    @override
    async def uninstall_package(self, call: Call[RegistryClient], params: UninstallPackageParams) -> None:
        pass

    @override
    async def tail_logs(self, call: Call[RegistryClient], params: TailLogsParams, out: Sink[LogLine]) -> None:
        pass

    @override
    async def verify_service(self, call: Call[RegistryClient], params: VerifyServiceParams) -> Verification:
        return Verification(is_healthy=True)


@asynccontextmanager
async def lying(fleet: Fleet, *services: AgentService, **traits: Any) -> AsyncGenerator[Liar]:
    liar = Liar(**traits)
    async with RegistryClient.open(fleet.url, serve=liar) as client:
        await liar.attach(client, "web-1", *services)
        yield liar


def report() -> HealthReport:
    return HealthReport(check="x", status=HealthStatus.PASSING, checked_at=datetime.now(UTC))


def older(liar: Liar) -> AgentLease:
    return AgentLease(node="web-1", lease_epoch=liar.lease.lease_epoch - 1)


RUNS = ServiceState.RUNNING
LIES: dict[str, tuple[Lie, type[CallError]]] = {
    "the state of another node's service": (
        lambda liar: liar.client.update_state(name="db", state=RUNS, agent=liar.lease),
        NotOwner,
    ),
    "the health of another node's service": (
        lambda liar: liar.client.report_health(name="db", report=report(), agent=liar.lease),
        NotOwner,
    ),
    "in the name of another node": (
        lambda liar: liar.client.update_state(name="db", state=RUNS, agent=AgentLease(node="db-1", lease_epoch=1)),
        NotOwner,
    ),
    "a state, under an older epoch": (
        lambda liar: liar.client.update_state(name="api", state=RUNS, agent=older(liar)),
        NotOwner,
    ),
    "health, under an older epoch": (
        lambda liar: liar.client.report_health(name="api", report=report(), agent=older(liar)),
        NotOwner,
    ),
    "a state that nobody finds": (
        lambda liar: liar.client.update_state(name="api", state=ServiceState.REGISTERED, agent=liar.lease),
        InvalidArgument,
    ),
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_an_agent_says_that_is_not_its_business(fleet: Fleet, lie: str) -> None:
    async with lying(fleet) as first, lying(fleet) as liar:
        assert liar.lease.lease_epoch == first.lease.lease_epoch + 1
        before = (await fleet.client.list_services()).services
        say, refusal = LIES[lie]
        with pytest.raises(refusal):
            await say(liar)
        assert (await fleet.client.list_services()).services == before
        assert (await fleet.client.get_service(name="db", include_health=True)).health == []


async def test_what_an_agent_says_of_others_as_it_attaches(fleet: Fleet) -> None:
    async with lying(fleet, AgentService(name="db", state=RUNS), AgentService(name="ghost", state=RUNS)):
        states = {entry.name: entry.state for entry in (await fleet.client.list_services()).services}
        assert states == {"api": "registered", "db": "registered"}


@pytest.mark.parametrize("lie", [{"command": uuid4()}, {"service": "db"}], ids=["command", "service"])
async def test_an_outcome_of_what_was_not_asked(fleet: Fleet, lie: dict[str, Any]) -> None:
    async with lying(fleet, answer=partial(truth, **lie)):
        with pytest.raises(AgentUnavailable, match="which was not asked"):
            await fleet.act("api", ServiceCommand.START)
        states = {entry.name: entry.state for entry in (await fleet.client.list_services()).services}
        assert states == {"api": "registered", "db": "registered"}


async def test_steps_of_what_was_not_asked_are_not_passed_on(fleet: Fleet) -> None:
    async with lying(fleet, answer=partial(truth, succeeded=False, state=ServiceState.REGISTERED)):
        steps, outcome = await fleet.act("api", ServiceCommand.START)
        assert not outcome.succeeded
        assert {step.service for step in steps} == {"api"}


def burns(params: ExecuteParams) -> CommandOutcome:
    if params.action is ExecuteAction.STOP:
        return truth(params, state=ServiceState.STOPPED)
    return truth(params, succeeded=False, state=ServiceState.FAILED, message="it burns")


async def test_a_late_answer_of_one_who_is_not_listened_to_any_more(fleet: Fleet) -> None:
    """The agent hangs in a step of a deployment; another attaches, and its answer is the one that counts."""
    await upload_versions(fleet, "1.0.0")
    goes_on = anyio.Event()
    found: list[str] = []
    async with lying(fleet, goes_on=goes_on, active="1.0.0") as hung, anyio.create_task_group() as tasks:

        async def ask() -> None:
            steps, ended = await deploy(fleet.client, "1.0.0", ["web-1"])
            found.extend([ended.state, *(str(step.node.message) for step in steps if step.node is not None)])

        tasks.start_soon(ask)
        await hung.is_asked.wait()
        burnt = Liar(answer=burns, active="1.0.0")
        async with RegistryClient.open(fleet.url, serve=burnt) as client:
            await burnt.attach(client)
            await burnt.is_asked.wait()
            goes_on.set()  # it has succeeded, says the one that was replaced
            await fleet.wait(lambda: found)
    assert found[0] == "rolled_back"
    assert "web-api@web-1 is failed: it burns" in found


async def test_a_command_that_waited_for_its_turn_until_its_lease_was_an_older_one_is_not_carried_out(
    fleet: Fleet,
) -> None:
    """As when the registry died, and its agent has attached to the next one meanwhile."""
    entry = await fleet.client.get_service(name="api")
    async with fleet.attached(fleet.node("web-1")) as node:
        lease = node.voice.lease
        assert lease is not None
        command = ExecuteParams(
            agent=lease, command=uuid4(), entry=entry, action=ExecuteAction.START, grace=timedelta(seconds=1)
        )
        told: list[CommandStage] = []

        class Listener:
            async def send(self, step: CommandStep) -> None:
                told.append(CommandStage(step.stage))

        refused: list[CallError] = []

        async def carry_out() -> None:
            try:
                await node.execute(None, command, Listener())  # type: ignore[arg-type]  # nobody is asked anything
            except NotOwner as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks:
            async with node._turn("api"):
                tasks.start_soon(carry_out)
                await fleet.wait(lambda: told)
                node.voice.lease = AgentLease(node="web-1", lease_epoch=lease.lease_epoch + 1)
        assert (len(refused), told, fleet.process("api")) == (1, [CommandStage.DELIVERED], None)


async def test_a_package_that_is_not_active_after_all(fleet: Fleet) -> None:
    await upload_versions(fleet, "1.0.0")
    async with lying(fleet, active="0.9.0"):
        _, ended = await deploy(fleet.client, "1.0.0", ["web-1"], deadline=timedelta(seconds=20))
        assert ended.message == "web-1, starting: its agent says that 0.9.0 is active, not 1.0.0"


async def test_the_token_of_an_agent_changes_nothing_elsewhere() -> None:
    agent = Identity(name="web-1", roles={"agent"})
    check_owner(agent, "web-1")
    for node in ("web-2", None):
        with pytest.raises(PermissionDenied, match="the services of web-1, and no others"):
            check_owner(agent, node)
    for other in (Identity(name="ann", roles={"operator"}), Identity(name="both", roles={"agent", "operator"})):
        check_owner(other, "web-2")
