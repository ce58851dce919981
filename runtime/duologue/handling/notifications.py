"""Events that the peer sends to this side's own handlers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import Raw
from pydantic import ValidationError

from ..descriptors import EventDescriptor
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


class Notifications:
    """The notifications that come on one connection. Nobody waits for an answer, and so none is owed."""

    __slots__ = ("_bound", "_connection", "_running")

    def __init__(self, connection: Connection, bound: Mapping[str, Bound]) -> None:
        self._connection = connection
        self._bound = bound
        self._running = 0

    def take(self, decision: EventArrived) -> bool:
        """Hand an event to its handler, if there is one; events beyond `Limits.in_flight` at once are dropped.

        A peer that may not send it is told so.
        """
        bound = self._bound.get(str(decision.message.event))
        if bound is None or bound.event is None:
            return False
        if (refusal := self._connection.refusal(bound.event)) is not None:
            self._connection.session.answering.complain(refusal)
        elif self._running < self._connection.limits.in_flight:
            self._running += 1
            self._tell(bound, Fate.DELIVERED)
            self._connection.spawn(self._handle, decision.message, bound, bound.event)
        else:
            _LOG.warning("%s", Line("event dropped", event=bound.name, reason=f"{self._running} are being handled"))
            self._tell(bound, Fate.DROPPED)
        return True

    def take_undeclared(
        self, decision: EventArrived, handler: Callable[[Call[Any], Undeclared], Awaitable[None]]
    ) -> None:
        """Hand over what is not in the spec; as many at once as of what is."""
        if self._running < self._connection.limits.in_flight:
            self._running += 1
            self._connection.spawn(self._handle_undeclared, decision.message, handler)

    async def _handle_undeclared(
        self, message: Message, handler: Callable[[Call[Any], Undeclared], Awaitable[None]]
    ) -> None:
        undeclared = Undeclared.of(message)
        try:
            await handler(self._context(undeclared.name or "", message), undeclared)
        except Exception:  # noqa: BLE001 - as for a call
            incident(undeclared.name or "undeclared", connection=self._connection.id)
        finally:
            self._running -= 1

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

    async def _handle(self, message: Message, bound: Bound, event: EventDescriptor[Event]) -> None:
        connection = self._connection
        try:
            data = event.model.from_wire(bytes(message.data) if isinstance(message.data, Raw) else b"{}")
            await bound.handler(self._context(event.name, message), data)
        except ValidationError as error:
            _LOG.warning("%s", Line("event dropped", event=event.name, reason=f"it does not fit: {explain(error)}"))
        except Exception:  # noqa: BLE001 - as for a call
            incident(event.name, connection=connection.id)
        finally:
            self._running -= 1

    def _tell(self, bound: Bound, fate: Fate) -> None:
        if self._connection.watch is not None:
            self._connection.watch.events(bound.name, fate)
