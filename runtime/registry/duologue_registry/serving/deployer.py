"""The driver of deployments: does what the rules say is to be done next, and commits what came of it.

It keeps nothing of its own that counts: after a restart it reads the store, and goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID

import anyio
from anyio.abc import TaskGroup

from duologue import CallError, NotSent, OutcomeUnknown
from service_registry_sdk import Deployment, NotOwner

from ..clock import Clock
from ..rules.model import Command, NodeAway, NodeFailed, NodeStepped, SyncService, TimeIsUp
from ..rules.progress import all_next_steps, has_ended, running
from ..storing.store import REGISTRY, Answer, Request, Store
from .control import Attached, Control
from .steps import NodeWork, StepFailed

logger = logging.getLogger(__name__)

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the clock while a deployment runs."""

RETRY_AFTER: Final = 0.5
"""Seconds until a step is tried again that did not succeed, and must."""

Key: TypeAlias = tuple[UUID, str]


@dataclass(slots=True)
class _Doing:
    """A step under way: of which state, and through whom."""

    state: str
    attached: Attached
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)


class Deployer:
    """Drives the deployments of a store. `run` has to run beside the server."""

    def __init__(self, store: Store, control: Control, clock: Clock) -> None:
        self._store = store
        self._control = control
        self._clock = clock
        self._doing: dict[Key, _Doing] = {}
        self._changed = anyio.Event()

    def changed(self) -> None:
        """A deployment has changed, or an agent has attached."""
        self._changed.set()

    async def run(self) -> None:
        """Go on with what is to be done, until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                self._changed = anyio.Event()
                if self._store.read_only is None:  # nothing is done that could not be written down
                    await self._look_at_clock()
                    await self._look(tasks)
                with anyio.move_on_after(LOOK_EVERY if self._doing or running(self._store) else None):
                    await self._changed.wait()

    async def _look_at_clock(self) -> None:
        now = self._clock.now()
        for deployment in running(self._store):
            if now >= deployment.deadline or (now >= deployment.turns_at and deployment.message is None):
                await self._commit(deployment, TimeIsUp(deployment.id))

    async def _look(self, tasks: TaskGroup) -> None:
        """Begin what is to be done, and leave what is not any more."""
        due = {(deployment.id, node.node): (deployment, node) for deployment, node in all_next_steps(self._store)}
        for key, doing in self._doing.items():
            is_due = key in due and due[key][1].state == doing.state
            if not is_due or self._control.attached(key[1]) is not doing.attached:
                doing.scope.cancel()
        for key, (deployment, node) in due.items():
            attached = self._control.attached(node.node)
            if node.is_away is not (attached is None) and not has_ended(deployment):
                await self._commit(deployment, NodeAway(deployment.id, node.node, attached is None))
            elif attached is not None and key not in self._doing:
                doing = self._doing[key] = _Doing(node.state, attached)
                tasks.start_soon(self._do, NodeWork(self._store, self._control, deployment, node, attached), doing)

    async def _do(self, work: NodeWork, doing: _Doing) -> None:
        try:
            with doing.scope:
                await self._step(work)
        finally:
            del self._doing[work.deployment.id, work.node.node]
            self.changed()

    async def _step(self, work: NodeWork) -> None:
        deployment, node = work.deployment, work.node
        try:
            await work.do()
        except (NotSent, OutcomeUnknown, NotOwner):  # the agent is lost, or another one: it is done again
            await anyio.sleep(RETRY_AFTER)
        except (StepFailed, CallError) as error:
            message = error.message if isinstance(error, CallError) else str(error)
            await self._commit(deployment, NodeFailed(deployment.id, node.node, node.state, message))
            await anyio.sleep(RETRY_AFTER)  # on the way back it is tried again
        else:
            await self._commit(deployment, NodeStepped(deployment.id, node.node, node.state))

    async def _commit(self, deployment: Deployment, command: Command) -> None:
        """Commit what has come of something, and in the same transaction what that makes of the services."""
        if isinstance(command, NodeStepped | NodeAway) and deployment.message is None:
            nodes = [command.node]  # who goes forward concerns no other, and of a hundred each step would look at all
        else:
            nodes = [node.node for node in deployment.nodes]
        commands = [command, *(SyncService(deployment.id, node) for node in nodes)]
        requests = [Request(command=each, actor=REGISTRY) for each in commands]
        with anyio.CancelScope(shield=True):
            try:
                answers = await self._store.commit(requests)
            except CallError as error:  # the disk is full, or the store read-only: what it was about is done again
                logger.warning("Deployment %s cannot go on: %s", deployment.id, error)
                await anyio.sleep(RETRY_AFTER)
            else:
                _tell_refused(deployment, commands, answers)


def _tell_refused(deployment: Deployment, commands: Sequence[Command], answers: Sequence[Answer]) -> None:
    for each, answer in zip(commands, answers, strict=True):
        if isinstance(answer, CallError):
            logger.error("Deployment %s: %s was refused: %s", deployment.id, type(each).__name__, answer)
