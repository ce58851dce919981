"""What happens to connections, calls and events, told to whoever wants to know: nobody, unless observers are given."""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from ..errors import ConnectFailed, ConnectionClosed, Status

if TYPE_CHECKING:
    from ..connection.connection import Connection

_LOG: Final = logging.getLogger("duologue")

OTHER: Final = "_OTHER"
"""Stands for all names that the protocol does not have, so that peers cannot invent any number of them."""


class Direction(enum.StrEnum):
    """Who called."""

    INCOMING = "incoming"
    """The peer: a handler of this side answers."""
    OUTGOING = "outgoing"
    """This side."""


class Fate(enum.StrEnum):
    """What became of an event."""

    DELIVERED = "delivered"
    """A publisher has handed it to a connection, a subscriber to a stream or to a handler."""
    DROPPED = "dropped"
    """There was no room for it."""
    COALESCED = "coalesced"
    """A newer one of the same key took its place before it was sent, or read."""


@dataclass(slots=True, eq=False)
class ObservedCall:
    """One request on one connection. A call that is sent again after its connection was lost is another one.

    Attributes:
        connection: What it travels on.
        direction: Who called.
        id: The request's id, which both ends know it by; unique on the connection among the calls of its direction.
        action: Its name on the wire; of an incoming call that is whatever the peer sent.
        known: Whether the protocol has such an action.
        started: When it was accepted or sent, by `time.perf_counter`: some event loops count whole milliseconds.
        meta: What travels with the request. Of an outgoing call an observer may add to it in `call_started`.
    """

    connection: Connection
    direction: Direction
    id: str
    action: str
    known: bool
    started: float
    meta: dict[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """The action, or `_OTHER` where the protocol has none of that name."""
        return self.action if self.known else OTHER


class Outcome(Struct, frozen=True):
    """How a call ended.

    Attributes:
        duration: Seconds since it was accepted or sent.
        status: None where it gave a result.
        code: The declared error's code, or the status; None where it gave a result.
        incident: The number by which the log tells of a handler's exception; None where there was none.
    """

    duration: float
    status: Status | None = None
    code: str | None = None
    incident: str | None = None


class Observer:
    """Base of what is told what happens; each method does nothing until it is overridden.

    They are called in the middle of the work, on the event loop: they must neither block nor use the connection. What
    they raise is logged, and changes nothing. An observer may be given to any number of servers and clients.
    """

    def connection_opened(self, connection: Connection) -> None:
        """A handshake has succeeded."""

    def connection_closed(self, connection: Connection, closed: ConnectionClosed) -> None:
        """A connection that was told of is gone; all its calls have ended before."""

    def refused(self, limit: str, peer: str, connection: Connection | None) -> None:
        """Something was refused, or a connection cut.

        Args:
            limit: The name of a limit, as in `Limits`; `rate` or `concurrency` of an action; or why a handshake was
                refused: `authentication`, `authorization`, `origin`, `request` (it asks for what the protocol does not
                have), `authenticator` (it failed) or `stopping`.
            peer: The peer's address, which may be empty.
            connection: None where none stands yet.
        """

    def call_started(self, call: ObservedCall) -> None:
        """A request was accepted, or is about to leave."""

    def call_ended(self, call: ObservedCall, outcome: Outcome) -> None:
        """It has its outcome: once for each that started."""

    def events(self, connection: Connection, event: str, fate: Fate, count: int) -> None:
        """What became of so many events of that name, which the protocol has."""

    def reset(self, events: Sequence[str], reason: str) -> None:
        """A client's stream of these events cannot go on from where it was; reading it raises `HistoryLost`."""

    def reconnecting(self, error: ConnectionClosed | ConnectFailed, delay: float) -> None:
        """A client has lost its connection, or failed to make another, and tries again in `delay` seconds."""


class Observers:
    """Some observers, told one after the other."""

    __slots__ = ("_observers",)

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    @classmethod
    def of(cls, observers: Sequence[Observer]) -> Observers | None:
        """None where there are none, so that whoever would tell them something need not."""
        return cls(observers) if observers else None

    def tell(self, what: Callable[[Observer], None]) -> None:
        """Tell each; what one raises is the log's, and nobody else's."""
        for observer in self._observers:
            try:
                what(observer)
            except Exception:  # noqa: BLE001 - whatever the user's code raises
                _LOG.exception("an observer failed: %s", type(observer).__name__)
