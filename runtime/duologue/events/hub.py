"""The client's side of events: all streams of one client, over all of its connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import anyio
from msgspec import Raw
from pydantic import ValidationError

from ..descriptors import EventDescriptor, Protocol
from ..errors import HistoryLost, InvalidArgument, Ran
from ..models import Event
from ..observing.observer import Fate
from ..session.lenient import as_it_came
from ..session.outcomes import explain
from ..wire import Message, Validation
from .undeclared import UndeclaredStream

if TYPE_CHECKING:
    from ..connection.connection import Connection
    from .events import EventStream


class EventHub:
    """The event streams of one client, whatever connection it has.

    Attributes:
        tell_reset: Is told which events could not be continued, and why.
        tell_events: Is told what became of events that came; None where nobody wants to know.
        undeclared: The streams of what is not in the spec.
        validation: What is done with events that do not fit.
    """

    def __init__(
        self,
        protocol: Protocol,
        tell_reset: Callable[[Sequence[str], str], None],
        tell_events: Callable[[str, Fate, int], None] | None,
    ) -> None:
        self.tell_reset = tell_reset
        self.tell_events = tell_events
        self._protocol = protocol
        self._descriptors: dict[str, EventDescriptor[Event]] = {}
        self._streams: dict[str, EventStream[Any]] = {}
        self._by_event: dict[str, list[EventStream[Any]]] = {}
        self._last = 0
        self.undeclared: dict[UndeclaredStream, None] = {}
        self.validation: Validation = "strict"

    @property
    def streams(self) -> Sequence[EventStream[Any]]:
        return list(self._streams.values())

    def descriptor(self, event: type[Event] | str) -> EventDescriptor[Event]:
        """Raises `InvalidArgument` for what the server does not publish."""
        name = event if isinstance(event, str) else event.event_name
        if name not in self._descriptors:
            found = self._protocol.event(name)
            if found is None:
                raise InvalidArgument(f"the server publishes no event {name or event!r}", ran=Ran.NO)
            self._descriptors[name] = found
        return self._descriptors[name]

    def add(self, stream: EventStream[Any]) -> str:
        """Take in a stream; returns the id of its subscription."""
        self._last += 1
        sub = f"s{self._last}"
        self._streams[sub] = stream
        for name in stream.names:
            self._by_event.setdefault(name, []).append(stream)
        return sub

    def remove(self, sub: str) -> None:
        stream = self._streams.pop(sub, None)
        if stream is not None:
            for name in stream.names:
                self._by_event[name].remove(stream)

    def take_event(self, message: Message) -> None:
        """Decode an event once and hand it to the streams that want it."""
        name = str(message.event)
        streams = list(self._by_event.get(name, ()))
        if not streams:
            self._take_undeclared(message)
            return
        model, raw = self._descriptors[name].model, bytes(message.data) if isinstance(message.data, Raw) else b"{}"
        try:
            event = model.from_wire(raw)
        except ValidationError as error:
            if self.validation == "strict":
                for stream in streams:
                    stream.fail(HistoryLost(f"{name} does not fit the protocol: {explain(error)}"))
                return
            event = as_it_came(name, model, raw, self.validation)
        for stream in streams:
            stream.offer(event, message)

    def _take_undeclared(self, message: Message) -> None:
        if self.undeclared and (not isinstance(message.event, str) or self._protocol.event(message.event) is None):
            for stream in list(self.undeclared):
                stream.offer(message)

    def take_note(self, message: Message) -> None:
        stream = self._streams.get(str(message.sub))
        if stream is not None:
            stream.note(message)

    async def resume(self, connection: Connection) -> bool:
        """Renew all subscriptions on a new connection at once; whether they stand, but for those that failed."""
        for stream in self.streams:
            stream.wait_for_live(connection)
        async with anyio.create_task_group() as tasks:
            for stream in self.streams:
                if stream.standing:  # else who opens it is about to subscribe
                    tasks.start_soon(stream.renew, connection)
        return connection.takes_calls

    def end(self) -> None:
        """The client is closed."""
        for stream in self.streams:
            stream.end()
        for undeclared in list(self.undeclared):
            undeclared.end()
