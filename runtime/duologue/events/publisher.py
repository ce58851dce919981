"""Where a service's events come from: one ordered log, the latest states, and whoever listens."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import anyio
import anyio.lowlevel
from msgspec import Struct

from ..descriptors import Delivery, EventDescriptor
from ..descriptors import Protocol as ProtocolTable
from ..drivers.port import Executor
from ..limits import JOIN_FRAMES
from ..models import Event
from ..session.speech import Speech
from .filters import value_at
from .framing import Frames


class Position(Struct, frozen=True):
    """A place in a service's event log: after the entry numbered `seq`, in that epoch of its history."""

    epoch: str
    seq: int


class LogEntry(Struct, frozen=True):
    """An event of the log and its number."""

    seq: int
    event: Event


class EventLog(Protocol):
    """The history of a service's `log` events, numbered from 1 without gaps."""

    @property
    def position(self) -> Position:
        """The newest entry, 0 when there is none; its epoch changes whenever history is lost or restored."""
        ...

    async def read(self, after: int, limit: int) -> Sequence[LogEntry] | None:
        """The entries that follow number `after`, at most `limit`; None when some of them were cut away."""
        ...

    async def append(self, event: Event) -> LogEntry:
        """Add an event. Raises `TypeError` where entries are only made by the service's own commits.

        Where this waits, it must finish what it began even when the caller is cancelled: an entry that was added and
        not handed over is a hole until its subscribers reconnect.
        """
        ...


class MemoryLog:
    """The last `capacity` events, for as long as the process lives."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._entries: deque[LogEntry] = deque(maxlen=capacity)
        self._epoch: Final = secrets.token_urlsafe(12)
        self._seq = 0

    @property
    def position(self) -> Position:
        return Position(self._epoch, self._seq)

    async def read(self, after: int, limit: int) -> Sequence[LogEntry] | None:
        if after >= self._seq:
            return []
        start = after - self._seq + len(self._entries)
        if start < 0:
            return None
        return [self._entries[i] for i in range(start, min(start + limit, len(self._entries)))]

    async def append(self, event: Event) -> LogEntry:
        self._seq += 1
        entry = LogEntry(self._seq, event)
        self._entries.append(entry)
        return entry


Listener = Callable[[Frames], None]


class Turn:
    """How many events there are in a turn of the event loop.

    One that is alone leaves at once: each connection is looked at once, and not again for the write. Several are
    joined, so that each connection has one write for all. Which it is going to be is not known at the first one, and so
    it is taken to be as it was in the turn before.

    Attributes:
        executor: What turns; without one all are joined.
    """

    def __init__(self) -> None:
        self.executor: Executor | None = None
        self._count = 0
        self._are_joined = False

    @property
    def is_full(self) -> bool:
        """Whether as many were added as leave together."""
        return self._count > 0 and self._count % JOIN_FRAMES == 0

    def add(self, count: int) -> bool:
        """Whether so many events leave at once."""
        before, self._count = self._count, self._count + count
        if before or self.executor is None:
            return False
        self.executor.call_together(self._end)
        return count == 1 and not self._are_joined

    def _end(self) -> None:
        self._are_joined, self._count = self._count > 1, 0


class Publisher:
    """Hands each event to the connections that subscribed to it.

    `log` events are handed over in the order of their numbers.

    Attributes:
        published: The number of the last entry that was handed over.
        codec: How events are written.
        events: Those that the server may publish, by name.
        turn: Says which events leave at once.
    """

    def __init__(self, protocol: ProtocolTable, log: EventLog) -> None:
        self.protocol = protocol.whole()
        self.log = log
        self.codec = Speech(protocol, "server").codec()
        self.published = log.position.seq
        self._appending = anyio.Lock(fast_acquire=True)
        self.events = {event.name: event for event in self.protocol.events}
        self._listeners: dict[str, dict[Listener, None]] = {name: {} for name in self.events}
        self._states: dict[str, dict[tuple[Any, ...], Event]] = {}
        self.turn = Turn()

    async def emit(self, event: Event) -> Position:
        """Publish an event; returns the log's position after it.

        Raises:
            TypeError: Not an event of this protocol's server, or a `log` event where the log is not to be appended to.
        """
        descriptor = self._descriptor(event)
        if self.turn.is_full:  # so many leave in one write; and who emits without end leaves a turn to others
            await anyio.lowlevel.checkpoint()
        if descriptor.delivery is Delivery.LOG:
            async with self._appending:  # one at a time: entries are handed over in the order of their numbers
                self.publish([await self.log.append(event)])
            return self.log.position
        if descriptor.delivery is Delivery.STATE:
            key = tuple(value_at(event, path) for path in descriptor.key)
            self._states.setdefault(descriptor.name, {})[key] = event
        self._hand_over(event, None, at_once=self.turn.add(1))
        return self.log.position

    def publish(self, entries: Sequence[LogEntry]) -> None:
        """Hand over entries that the log holds already, in order."""
        at_once = self.turn.add(len(entries))
        for entry in entries:
            self._descriptor(entry.event)
            self._hand_over(entry.event, entry.seq, at_once=at_once)
            self.published = entry.seq

    def states(self, name: str) -> Sequence[Event]:
        """The latest event for each key of a `state` event."""
        return list(self._states.get(name, {}).values())

    def forget_state(self, event: type[Event], *key: object) -> None:
        """A key of a `state` event has ended: later subscribers do not hear of it."""
        self._states.get(event.event_name, {}).pop(key, None)

    def listen(self, name: str, listener: Listener) -> None:
        """Hand a named event to `listener` from now on; it must neither wait nor raise."""
        self._listeners[name][listener] = None

    def ignore(self, name: str, listener: Listener) -> None:
        """Stop that."""
        self._listeners[name].pop(listener, None)

    def _descriptor(self, event: Event) -> EventDescriptor[Event]:
        descriptor = self.events.get(event.event_name)
        if descriptor is None or not isinstance(event, descriptor.model):
            raise TypeError(f"{type(event).__name__} is no event that a {self.protocol.name} server publishes")
        return descriptor

    def _hand_over(self, event: Event, seq: int | None, *, at_once: bool) -> None:
        listeners = self._listeners[event.event_name]
        if not listeners:
            return
        frames = Frames(event, seq, self.codec, at_once=at_once)
        for listener in list(listeners):
            listener(frames)
