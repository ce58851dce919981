"""Following deployments: what was committed, in order, until one has ended."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

import anyio

from duologue import Sink
from service_registry_sdk import Deployment, DeploymentProgress, DeploymentStep

from ..rules.progress import find_deployment, has_ended, step_of
from ..storing.store import Committed, Store


class Followers:
    """Those who follow deployments. `committed` has to be called after each commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._following: dict[UUID, set[_Follower]] = {}

    def committed(self, committed: Committed) -> None:
        """Hand over what has happened."""
        for entry in committed.entries:
            if isinstance(entry.event, DeploymentProgress):
                for follower in self._following.get(entry.event.step.deployment, ()):
                    follower.add(entry.event.step)

    async def send(self, id_: UUID, out: Sink[DeploymentStep]) -> Deployment:
        """Where each node is, then every change; returns the deployment when it has ended.

        Raises:
            DeploymentNotFound: There is none, or it is not kept any more.
        """
        deployment = find_deployment(self._store, id_)
        async with aclosing(self._steps(deployment)) as steps:
            async for step in steps:
                await out.send(step)
        return find_deployment(self._store, id_)

    async def _steps(self, deployment: Deployment) -> AsyncGenerator[DeploymentStep]:
        follower = _Follower()
        followers = self._following.setdefault(deployment.id, set())
        followers.add(follower)
        try:
            for node in deployment.nodes:
                yield step_of(deployment, node, node.since)
            while not has_ended(find_deployment(self._store, deployment.id)) or follower.steps:
                if follower.steps:
                    yield follower.steps.popleft()
                else:
                    await follower.wait()
        finally:
            followers.discard(follower)
            if not followers:
                self._following.pop(deployment.id, None)


class _Follower:
    """What somebody has still to be told."""

    def __init__(self) -> None:
        self.steps: deque[DeploymentStep] = deque()
        self._added = anyio.Event()

    def add(self, step: DeploymentStep) -> None:
        self.steps.append(step)
        self._added.set()

    async def wait(self) -> None:
        await self._added.wait()
        self._added = anyio.Event()
