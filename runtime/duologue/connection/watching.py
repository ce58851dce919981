"""What one connection tells its observers."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..calling.calls import check_extras
from ..errors import STATUS_CLASSES, CallError, ConnectionClosed, Status
from ..observing.observer import Direction, Fate, ObservedCall, Observers, Outcome
from ..session.decisions import IncomingCall, OutgoingCall
from ..session.outcomes import incident_of
from ..wire import ErrorBody, Message

if TYPE_CHECKING:
    from .connection import Connection


class Watch:
    """Tells of one connection: each call that started ends once.

    Attributes:
        peer: The peer's address, known once the connection stands; a client's, also where it comes through a proxy.
        network_peer: The address at the other end of the socket: the peer's, or its proxy's.
    """

    __slots__ = ("_connection", "_observers", "_opened", "network_peer", "peer")

    def __init__(self, connection: Connection, observers: Observers) -> None:
        self._connection = connection
        self._observers = observers
        self._opened = False
        self.peer = self.network_peer = ""

    def opened(self, network_peer: str) -> None:
        self._opened, self.network_peer = True, network_peer
        self.peer = self._connection.standing.address or network_peer
        self._observers.tell(lambda observer: observer.connection_opened(self._connection))

    def closed(self, closed: ConnectionClosed, limit: str | None) -> None:
        """The connection is gone: for exceeding a limit, if that was so."""
        if limit is not None:
            self.refused(limit)
        if self._opened:
            self._observers.tell(lambda observer: observer.connection_closed(self._connection, closed))

    def refused(self, limit: str) -> None:
        self._observers.tell(lambda observer: observer.refused(limit, self.peer, self._connection))

    def events(self, event: str, fate: Fate, count: int = 1) -> None:
        self._observers.tell(lambda observer: observer.events(self._connection, event, fate, count))

    # ---------------------------------------------------------------------------------------------- the peer's calls
    def accepted(self, call: IncomingCall, *, known: bool) -> None:
        call.observed = self._start(Direction.INCOMING, call.id, call.action, known=known, meta=dict(call.meta))

    def answered(self, call: IncomingCall, error: ErrorBody | None) -> None:
        if error is None:
            self._end(call)
        else:
            self._end(call, _status(error.status), error.code, incident_of(error))

    def lose(self) -> None:
        """The connection is gone, and with it who waited for an answer."""
        for call in self._connection.session.incoming.values():
            self._end(call, Status.CANCELLED, Status.CANCELLED)

    # ----------------------------------------------------------------------------------------------------- our calls
    def request(
        self, name: str, params: bytes, owner: Any, *, now: float, timeout: float | None, **extras: Any
    ) -> OutgoingCall:
        """`Session.request`, with what observers add to its `meta`."""
        session = self._connection.session
        extras["meta"] = meta = dict[str, str](extras.get("meta") or {})
        observed = self._start(Direction.OUTGOING, session.next_id, name, known=True, meta=meta)
        try:
            check_extras(name, None, meta)  # to which observers may have added
            call = session.request(name, params, owner, now=now, timeout=timeout, **extras)
        except BaseException as error:
            status, code = (error.status, error.code) if isinstance(error, CallError) else (Status.INTERNAL,) * 2
            self._tell_end(observed, status, code)
            raise
        call.observed = observed
        return call

    def settled(self, call: OutgoingCall, outcome: Message | CallError) -> None:
        if isinstance(outcome, CallError):
            self._end(call, outcome.status, outcome.code)
        elif isinstance(outcome.error, ErrorBody):
            self._end(call, _status(outcome.error.status), outcome.error.code, incident_of(outcome.error))
        else:
            self._end(call)

    def abandoned(self, call: OutgoingCall) -> None:
        """Its caller has given up, if it had not ended."""
        self._end(call, Status.CANCELLED, Status.CANCELLED)

    def _start(self, direction: Direction, id: str, action: str, *, known: bool, meta: dict[str, str]) -> ObservedCall:
        observed = ObservedCall(self._connection, direction, id, action, known, perf_counter(), meta)
        self._observers.tell(lambda observer: observer.call_started(observed))
        return observed

    def _end(
        self,
        call: IncomingCall | OutgoingCall,
        status: Status | None = None,
        code: str | None = None,
        incident: str | None = None,
    ) -> None:
        observed, call.observed = call.observed, None
        if observed is not None:
            self._tell_end(observed, status, code, incident)

    def _tell_end(
        self, observed: ObservedCall, status: Status | None, code: str | None, incident: str | None = None
    ) -> None:
        outcome = Outcome(perf_counter() - observed.started, status, code, incident)
        self._observers.tell(lambda observer: observer.call_ended(observed, outcome))


def _status(sent: str) -> Status:
    """A status as the peer named it; there may be newer ones than ours."""
    return Status(sent) if sent in STATUS_CLASSES else Status.UNKNOWN
