"""The clients of a server: each over all of the connections that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from ..close_codes import FINAL, CloseCode
from ..drivers.port import Executor, Timer
from ..errors import ConnectionClosed, NotSent
from ..limits import Limits
from ..wire import Goaway, Hello

if TYPE_CHECKING:
    from ..connection.connection import Connection

_Session: TypeAlias = tuple[str, str]

GOODBYE: Final = FINAL | {CloseCode.NORMAL, CloseCode.GOING_AWAY}
"""Close codes after which a client does not come back."""


class Clients:
    """Which connection each client has, or had last: calls to a client go there, or wait for its return.

    A client that is lost has `Limits.reconnect` to come back; no more of them are waited for than there may be
    connections. One without a session, which speaks the plain contract, cannot come back.
    """

    def __init__(self, executor: Executor, limits: Limits) -> None:
        self._executor = executor
        self._limits = limits
        self._newest: dict[_Session, Connection] = {}
        self._lost: dict[_Session, Timer] = {}
        self._closing = False

    def __len__(self) -> int:
        """How many there are, those of lost clients included."""
        return len(self._newest)

    def begin(self, connection: Connection, hello: Hello) -> None:
        """A client has told its session: let only the newest connection live, and calls to the client go there.

        The older ones may not know that they are lost.
        """
        session = _session_of(connection)
        if session is None:
            return
        earlier = self._newest.get(session)
        if earlier is not None and earlier.generation >= hello.gen:
            connection.close(CloseCode.FENCED, "a newer connection of this session is there")
            return
        if earlier is not None:
            connection.follow(earlier)
            earlier.close(CloseCode.FENCED, "a newer connection of this session took over")
        self._newest[session] = connection
        self._stop_waiting(session)

    def leave(self, connection: Connection, goaway: Goaway) -> None:
        """A client takes no more calls."""
        connection.channel.end(NotSent(f"the peer takes no more calls: {goaway.reason}"))

    def lose(self, connection: Connection, closed: ConnectionClosed) -> None:
        """A connection is gone: its client may come back, unless it said goodbye."""
        session = _session_of(connection)
        if session is None or self._newest.get(session) is not connection:
            if connection.channel.connection is connection:  # none took its place, nor will one
                connection.channel.end(closed)
        elif self._closing or closed.close_code in GOODBYE or connection.session.peer_leaving:
            self._forget(session, closed)
        else:
            self._wait_for(session)

    def close(self) -> None:
        """The server stops: nobody can come back."""
        self._closing = True
        for session in list(self._lost):
            self._forget(session, NotSent("the server stops"))

    def _wait_for(self, session: _Session) -> None:
        if len(self._lost) >= self._limits.connections:
            self._expire(next(iter(self._lost)))
        until = self._executor.now() + self._limits.reconnect
        self._lost[session] = self._executor.alarm_at(until, lambda: self._expire(session))

    def _expire(self, session: _Session) -> None:
        closed = self._newest[session].closed
        self._forget(session, NotSent(f"{closed}, and the client did not come back"))

    def _forget(self, session: _Session, error: Exception) -> None:
        self._stop_waiting(session)
        self._newest.pop(session).channel.end(error)

    def _stop_waiting(self, session: _Session) -> None:
        timer = self._lost.pop(session, None)
        if timer is not None:
            timer.cancel()


def _session_of(connection: Connection) -> _Session | None:
    """Whose session it is, and its name: who knows the name alone can neither end it nor go on with it."""
    hello = connection.session.peer
    return None if hello is None or not hello.session else (connection.identity.name, hello.session)
