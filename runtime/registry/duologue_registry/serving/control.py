"""Control: the agents that are attached, and what they are asked to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

import anyio

from duologue import Call, CallError, Identity, NotFound, NotSent, OutcomeUnknown, PermissionDenied, Sink
from duologue.auth import ANONYMOUS
from service_registry_sdk import (
    AgentInfo,
    AgentLease,
    AgentUnavailable,
    AttachAgentParams,
    CommandOutcome,
    CommandStage,
    CommandStep,
    ExecuteAction,
    HealthStatus,
    Installation,
    LogLine,
    RegistryPeer,
    ServiceActionParams,
    ServiceCommand,
    ServiceState,
    WatchLogsParams,
)

from ..clock import Clock
from ..rules.agents import node_of, package_name
from ..rules.deciding import find
from ..rules.documents import package
from ..rules.model import AcceptCommand, AgentFound, AgentReport, AttachAgent, Installed, Record
from ..rules.planning import start_order, stop_order
from ..rules.states import ALIVE
from ..storing.store import REGISTRY, Request, Store
from .queries import health_of
from .shelf import Commit

UNKNOWN_TO_AGENT: Final = "its agent has attached, and does not run it"
TOLD_WITHIN: Final = 5.0
"""Seconds in which an agent tells of a service what it has answered to the command."""

ANSWER_WITHIN: Final = 1.0
"""Seconds before its deadline, or a tenth of the time, in which a command that waits in vain says what for."""

_UP: Final = (HealthStatus.PASSING, HealthStatus.WARNING)


@dataclass(frozen=True, slots=True)
class Attached:
    """An agent that is connected."""

    peer: RegistryPeer
    lease: AgentLease

    @property
    def is_connected(self) -> bool:
        """Whether it can be called now."""
        return self.peer.connection.closed is None


def check_name(identity: Identity, node: str) -> None:
    """Raise `PermissionDenied` where whoever has a token speaks for a node that is not called like it."""
    if identity.name not in (node, ANONYMOUS):
        raise PermissionDenied(f"the token of {identity.name} is for the agent of {identity.name}, not of {node}")


def check_owner(identity: Identity, node: str | None) -> None:
    """Raise `PermissionDenied` where somebody who is an agent, and nothing else, would change what is elsewhere."""
    if not identity.unrestricted and identity.roles == {"agent"} and identity.name != node:
        raise PermissionDenied(f"the token of {identity.name} is for the services of {identity.name}, and no others")


class Control:
    """The agents of a registry that runs. `changed` has to be called after each commit."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._attached: dict[str, Attached] = {}
        self._changed = anyio.Event()

    def changed(self) -> None:
        """Something was committed."""
        self._changed.set()
        self._changed = anyio.Event()

    # -------------------------------------------------------------------------------------------------------- agents
    async def attach(self, call: Call[RegistryPeer], params: AttachAgentParams) -> AgentLease:
        """Let an agent speak for its node, and take what it says of its services as it is."""
        check_name(call.identity, params.node)
        known = {(service.name, service.version) for service in params.services}
        commands: list[AttachAgent | AgentFound | AgentReport] = [AttachAgent(params.node, tuple(params.kinds))]
        commands += [
            AgentFound(params.node, service.name, service.state, service.reason, service.version)
            for service in params.services
        ]
        commands += [AgentReport(params.node, service.name, service.active) for service in params.services]
        for record in self._store.snapshot():
            entry = record.entry
            is_up = entry.state in ALIVE and entry.state is not ServiceState.REGISTERED
            is_known = not known.isdisjoint({(entry.name, entry.version), (entry.name, None)})
            if node_of(entry) == params.node and not is_known and is_up:
                commands.append(AgentFound(params.node, entry.name, ServiceState.FAILED, UNKNOWN_TO_AGENT))
        requests = [Request(command=command, actor=call.identity.name) for command in commands]
        first, *_ = await self._store.commit(requests)
        if isinstance(first, CallError):
            raise first
        info = first.written(AgentInfo)
        lease = AgentLease(node=info.node, lease_epoch=info.lease_epoch)
        self._attached[info.node] = Attached(call.peer, lease)
        return lease

    def agents(self) -> list[AgentInfo]:
        """All agents, by the names of their nodes."""
        return [
            info.model_copy(update={"is_attached": self.attached(info.node) is not None})
            for info in sorted(self._store.documents(AgentInfo), key=lambda info: info.node)
        ]

    def attached(self, node: str) -> Attached | None:
        """Who speaks for a node, if it is there now."""
        attached = self._attached.get(node)
        return attached if attached is not None and attached.is_connected else None

    def _agent_of(self, record: Record) -> Attached:
        name, node = record.entry.name, node_of(record.entry)
        if node is None:
            raise AgentUnavailable(name=name, reason="it is registered without a node")
        attached = self.attached(node)
        if attached is None:
            raise AgentUnavailable(name=name, reason=f"none speaks for {node}")
        return attached

    # ---------------------------------------------------------------------------------------------------------- logs
    async def watch_logs(self, params: WatchLogsParams, out: Sink[LogLine]) -> None:
        """Pass on what the agent of a service reads."""
        attached = self._agent_of(find(self._store, params.name))
        try:
            async with attached.peer.tail_logs(name=params.name, tail=params.tail, follow=params.follow) as lines:
                async for line in lines:
                    await out.send(line)
        except NotFound as error:
            raise AgentUnavailable(name=params.name, reason=error.message) from None
        except (NotSent, OutcomeUnknown):
            raise AgentUnavailable(name=params.name, reason="the connection to it was lost") from None

    # ------------------------------------------------------------------------------------------------------ commands
    async def act(
        self, params: ServiceActionParams, out: Sink[CommandStep], commit: Commit, time_left: float | None
    ) -> CommandOutcome:
        """Start, stop or restart a service, and what belongs to that."""
        self._agent_of(find(self._store, params.name))
        left = math.inf if time_left is None else time_left
        run = _Run(self, uuid4(), params, out, anyio.current_time() + left - min(ANSWER_WITHIN, left / 10))
        accepted = AcceptCommand(params.name, params.command, run.command, params.reason)
        await commit(accepted)
        await run.step(params.name, CommandStage.ACCEPTED)
        outcome = await run.carry_out()
        await run.step(params.name, CommandStage.FINISHED, outcome.message)
        return outcome

    async def until(self, name: str, is_so: Callable[[Record], bool]) -> Record:
        """Wait until something is so of a service. Raises `ServiceNotFound` when it is gone."""
        while not is_so(record := find(self._store, name)):
            await self._changed.wait()
        return record

    async def until_so(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so of what is committed."""
        while not is_so():
            await self._changed.wait()

    def is_healthy(self, record: Record) -> bool:
        """Whether what depends on a service can be started: it runs, and passes what it is asked, if it is."""
        entry = record.entry
        kept = package(self._store, package_name(entry), entry.version)
        is_asked = bool(entry.checks) or (kept is not None and kept.manifest.health is not None)
        return entry.state is ServiceState.RUNNING and (not is_asked or health_of(record) in _UP)

    async def execute(self, run: _Run, record: Record, action: ExecuteAction) -> CommandOutcome:
        """Let the agent of a service do something."""
        name, attached = record.entry.name, self._agent_of(record)
        try:
            if action is ExecuteAction.START:
                await self._install(record, attached)
            async with attached.peer.execute(
                agent=attached.lease,
                command=run.command,
                entry=record.entry,
                action=action,
                grace=run.params.grace,
            ) as steps:
                async for step in steps:
                    if (step.command, step.service) == (run.command, name):
                        await run.out.send(step)
                outcome = check_outcome(await steps.result(), run.command, name)
        except (NotSent, OutcomeUnknown):
            raise AgentUnavailable(name=name, reason="the connection to it was lost on the way") from None
        with anyio.move_on_after(TOLD_WITHIN):
            await self.until(name, lambda record: record.entry.state == outcome.state)
        return outcome

    async def _install(self, record: Record, attached: Attached) -> None:
        info = package(self._store, package_name(record.entry), record.entry.version)
        if info is not None:
            now = await attached.peer.install_package(agent=attached.lease, package=info)
            assert now.active is not None, "it was made the active one"
            installation = Installation(name=info.manifest.name, active=now.active, previous=now.previous)
            command = Installed(attached.lease.node, installation)
            await self._store.commit([Request(command=command, actor=REGISTRY)])

    def find(self, name: str) -> Record:
        """A service; raises `ServiceNotFound`."""
        return find(self._store, name)

    def order(self, params: ServiceActionParams, action: ExecuteAction) -> list[str]:
        """What to start, or to stop, one after the other."""
        if params.alone or (action is ExecuteAction.STOP and params.command is ServiceCommand.RESTART):
            return [params.name]
        if action is ExecuteAction.START:
            return start_order(self._store, params.name)
        return stop_order(self._store.snapshot(), params.name)

    def step(self, command: UUID, name: str, stage: CommandStage, message: str | None) -> CommandStep:
        """What is told of a command on its way."""
        return CommandStep(command=command, service=name, at=self._clock.now(), stage=stage, message=message)


def check_outcome(outcome: CommandOutcome, command: UUID, name: str) -> CommandOutcome:
    """The outcome of a command; raises `AgentUnavailable` where an agent answers for something else."""
    if (outcome.command, outcome.service) != (command, name):
        raise AgentUnavailable(name=name, reason=f"its agent has answered for {outcome.service}, which was not asked")
    return outcome


def _last_report(record: Record) -> str:
    report = record.present().last_health_check
    return (
        ""
        if report is None
        else f": {report.check} is {report.status}" + (f", {report.output}" if report.output else "")
    )


class _Run:
    """One command on its way."""

    def __init__(
        self, control: Control, command: UUID, params: ServiceActionParams, out: Sink[CommandStep], deadline: float
    ) -> None:
        self.command = command
        self.params = params
        self.out = out
        self._control = control
        self._deadline = deadline

    async def step(self, name: str, stage: CommandStage, message: str | None = None) -> None:
        await self.out.send(self._control.step(self.command, name, stage, message))

    async def carry_out(self) -> CommandOutcome:
        """Stop, then start, whatever was asked for; the first thing that does not succeed ends it."""
        outcome: CommandOutcome | None = None
        if self.params.command is not ServiceCommand.START:
            for name in self._control.order(self.params, ExecuteAction.STOP):
                outcome = await self._stop(name)
                if not outcome.succeeded:
                    return self._because_of(outcome)
        if self.params.command is not ServiceCommand.STOP:
            for name in self._control.order(self.params, ExecuteAction.START):
                outcome = await self._start(name)
                if not outcome.succeeded:
                    return self._because_of(outcome)
        assert outcome is not None, "every command does something"
        return outcome

    async def _stop(self, name: str) -> CommandOutcome:
        return await self._control.execute(self, self._control.find(name), ExecuteAction.STOP)

    async def _start(self, name: str) -> CommandOutcome:
        record = self._control.find(name)
        outcome = self._is(record, succeeded=True, message="it runs already")
        if record.entry.state is not ServiceState.RUNNING:
            outcome = await self._control.execute(self, record, ExecuteAction.START)
        if not outcome.succeeded or name == self.params.name:
            return outcome
        if not self._control.is_healthy(self._control.find(name)):
            await self.step(name, CommandStage.WAITING, "for it to become healthy")
        with anyio.CancelScope(deadline=self._deadline) as waiting:
            record = await self._control.until(name, self._is_settled)
        if waiting.cancelled_caught:
            record = self._control.find(name)
            return self._is(record, succeeded=False, message=f"it has not become healthy{_last_report(record)}")
        return self._is(record, succeeded=record.entry.state is ServiceState.RUNNING, message=record.entry.state_reason)

    def _is_settled(self, record: Record) -> bool:
        return record.entry.state is not ServiceState.RUNNING or self._control.is_healthy(record)

    def _is(self, record: Record, *, succeeded: bool, message: str | None) -> CommandOutcome:
        return CommandOutcome(
            command=self.command,
            service=record.entry.name,
            succeeded=succeeded,
            state=record.entry.state,
            message=message,
        )

    def _because_of(self, outcome: CommandOutcome) -> CommandOutcome:
        """The outcome for what was asked for, when something else did not succeed."""
        if outcome.service == self.params.name:
            return outcome
        message = f"{outcome.service} is {outcome.state}" + (f": {outcome.message}" if outcome.message else "")
        return self._is(self._control.find(self.params.name), succeeded=False, message=message)
