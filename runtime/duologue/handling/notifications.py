"""Events that the peer sends to this side's own handlers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import Raw
from pydantic import ValidationError

from ..descriptors import EventDescriptor
from ..drivers.port import Future, Task, wake
from ..events.undeclared import Undeclared, route_of
from ..models import Event
from ..observing.lines import Line
from ..observing.observer import Fate
from ..session.decisions import EventArrived
from ..session.outcomes import explain, incident
from ..wire import Message
from .service import Bound, Call

if TYPE_CHECKING:
    from ..connection.connection import Connection

_LOG: Final = logging.getLogger("duologue")


class _Handling:
    """An event that is being handled.

    Attributes:
        event: What it is; None for one that is not in the spec.
        entered: Whether its task has taken its first step.
        stopped: Whether it is to end.
    """

    __slots__ = ("entered", "event", "stopped", "task")

    task: Task

    def __init__(self, event: EventDescriptor[Event] | None) -> None:
        self.event = event
        self.entered = self.stopped = False


class Notifications:
    """The notifications that come on one connection. Nobody waits for an answer, and so none is owed."""

    __slots__ = ("_bound", "_connection", "_idle", "_running")

    def __init__(self, connection: Connection, bound: Mapping[str, Bound]) -> None:
        self._connection = connection
        self._bound = bound
        self._running: dict[_Handling, None] = {}
        self._idle: Future | None = None

    def take(self, decision: EventArrived) -> bool:
        """Hand an event to its handler, if there is one; events beyond `Limits.in_flight` at once are dropped.

        A peer that may not send it is told so.
        """
        bound = self._bound.get(str(decision.message.event))
        if bound is None or bound.event is None:
            return False
        if (refusal := self._connection.refusal(bound.event)) is not None:
            self._connection.session.answering.complain(refusal)
        elif self._has_room:
            self._tell(bound, Fate.DELIVERED)
            self._start(bound.event, bound.name, partial(self._handle, decision.message, bound, bound.event))
        else:
            reason = f"{len(self._running)} are being handled"
            _LOG.warning("%s", Line("event dropped", event=bound.name, reason=reason))
            self._tell(bound, Fate.DROPPED)
        return True

    def take_undeclared(
        self, decision: EventArrived, handler: Callable[[Call[Any], Undeclared], Awaitable[None]]
    ) -> None:
        """Hand over what is not in the spec; as many at once as of what is."""
        if self._has_room:
            undeclared = Undeclared.of(decision.message)
            name = undeclared.name or ""
            self._start(None, name or "undeclared", lambda: handler(self._context(name, decision.message), undeclared))

    async def until_idle(self) -> None:
        """Wait until no event of the peer's is being handled."""
        while self._running:
            self._idle = self._connection.executor.future()
            await self._idle

    def stop_all(self) -> None:
        """Stop every handler."""
        for one in self._running:
            self._stop(one)

    def recheck(self) -> None:
        """Stop the handlers of what the peer may not send any more."""
        for one in self._running:
            if one.event is not None and self._connection.refusal(one.event) is not None:
                self._stop(one)

    def _stop(self, one: _Handling) -> None:
        if one.entered and not one.stopped:  # else it ends by itself, in its first step
            self._connection.executor.cancel(one.task)
        one.stopped = True

    @property
    def _has_room(self) -> bool:
        return len(self._running) < self._connection.limits.in_flight

    def _start(self, event: EventDescriptor[Event] | None, name: str, handle: Callable[[], Awaitable[None]]) -> None:
        one = _Handling(event)
        self._running[one] = None
        one.task = self._connection.spawn(self._run, one, name, handle)

    async def _run(self, one: _Handling, name: str, handle: Callable[[], Awaitable[None]]) -> None:
        one.entered = True
        try:
            if not one.stopped:
                await handle()
        except Exception:  # noqa: BLE001 - as for a call
            incident(name, connection=self._connection.id)
        finally:
            del self._running[one]
            if self._idle is not None and not self._running:
                wake(self._idle)

    async def _handle(self, message: Message, bound: Bound, event: EventDescriptor[Event]) -> None:
        try:
            data = event.model.from_wire(bytes(message.data) if isinstance(message.data, Raw) else b"{}")
        except ValidationError as error:
            _LOG.warning("%s", Line("event dropped", event=event.name, reason=f"it does not fit: {explain(error)}"))
        else:
            await bound.handler(self._context(event.name, message), data)

    def _context(self, name: str, message: Message) -> Call[Any]:
        connection = self._connection
        return Call(
            connection.peer,
            connection,
            name,
            meta={},
            key=None,
            deadline=None,
            identity=connection.identity,
            route=route_of(message),
        )

    def _tell(self, bound: Bound, fate: Fate) -> None:
        if self._connection.watch is not None:
            self._connection.watch.events(bound.name, fate)
