"""What an agent tells its registry: that it speaks for its node, and then whatever happens there, in order."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import anyio

from duologue import CallError, NotSent, OutcomeUnknown
from service_registry_sdk import (
    AgentLease,
    AgentService,
    HealthReport,
    NotOwner,
    RegistryClient,
    ServiceKind,
)

from .executor import Observed

logger = logging.getLogger(__name__)

MOST_UNTOLD: Final = 10_000
RETRY_AFTER: Final = 1.0
"""Seconds until it tries again to attach, where the registry refuses."""

News: TypeAlias = tuple[str, str | None, Observed | HealthReport]
"""Of a service, and of the version that runs where that matters."""


@dataclass(frozen=True, slots=True)
class Found:
    """A service as it is, and the version that it was started as; of its package the one that is active."""

    name: str
    version: str
    seen: Observed
    active: str | None = None


class Fenced(Exception):
    """Another agent has attached as this node: this one is not listened to any more."""


class Voice:
    """Speaks for a node.

    Args:
        found: Gives all services as they are; whoever attaches begins with that.

    Attributes:
        lease: Under which it speaks; None before it has attached.
    """

    def __init__(self, node: str, kinds: Sequence[ServiceKind], found: Callable[[], Sequence[Found]]) -> None:
        self.lease: AgentLease | None = None
        self._node = node
        self._kinds = kinds
        self._found = found
        self._news: deque[News] = deque(maxlen=MOST_UNTOLD)  # what is lost by then is told by attaching anew
        self._changed = anyio.Event()

    def tell(self, name: str, version: str, seen: Observed) -> None:
        """A version of a service has changed."""
        self._news.append((name, version, seen))
        self._wake()

    async def report(self, name: str, report: HealthReport) -> None:
        """A service was asked for its health."""
        self._news.append((name, None, report))
        self._wake()

    async def until_epoch(self, lease_epoch: int) -> None:
        """Wait until it has attached that often."""
        while self.lease is None or self.lease.lease_epoch < lease_epoch:
            await self._changed.wait()

    async def speak(self, client: RegistryClient) -> None:
        """Attach, and tell what happens; after each lost connection again, until cancelled.

        Raises:
            Fenced: Another agent has attached.
            NotSent: The client is closed, or connects no more.
        """
        while True:
            connection = await client.connected()
            try:
                await self._attach(client)
                while client.connection is connection and connection.closed is None:
                    await self._tell_next(client)
            except (NotSent, OutcomeUnknown):
                continue  # the connection is lost
            except NotOwner:
                if client.connection is connection:
                    raise Fenced(f"another agent has attached as {self._node}: this one ends") from None
            except CallError as error:
                logger.warning("The registry refuses what %s tells it, which tries again: %s", self._node, error)
                await anyio.sleep(RETRY_AFTER)

    async def _attach(self, client: RegistryClient) -> None:
        self._news = deque((each for each in self._news if isinstance(each[2], HealthReport)), maxlen=MOST_UNTOLD)
        services = [
            AgentService(
                name=each.name,
                state=each.seen.state,
                reason=_cut(each.seen.reason),
                version=each.version,
                active=each.active,
            )
            for each in self._found()
        ]
        self.lease = await client.attach_agent(node=self._node, kinds=list(self._kinds), services=services)
        self._wake()

    async def _tell_next(self, client: RegistryClient) -> None:
        if not self._news:
            with anyio.move_on_after(1.0):  # and look whether the connection is still there
                await self._changed.wait()
            return
        name, version, news = self._news[0]
        try:
            if isinstance(news, Observed):
                await client.update_state(
                    name=name, state=news.state, reason=_cut(news.reason), agent=self.lease, version=version
                )
            else:
                await client.report_health(name=name, report=news, agent=self.lease)
        except (NotSent, OutcomeUnknown, NotOwner):
            raise
        except CallError as error:  # the service was deregistered, most likely
            logger.warning("The registry refuses what was told of %s: %s", name, error)
        if self._news and self._news[0] == (name, version, news):
            self._news.popleft()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:1024]
