"""What a client of a declared protocol says on a new connection before all else: a handshake, and first calls."""

from __future__ import annotations

from websockets.http11 import Request

from ..close_codes import CloseCode
from ..connection.connection import Connection
from ..connection.ear import Ear, GreetingFailed
from ..connection.greeting import Greeting
from ..connection.party import Party
from ..drivers.port import Socket, wake
from ..errors import CallError, ConnectFailed, ConnectionClosed
from ..net.link import Link
from ..net.refusals import refusal
from ..wire import Frame, path_of
from ..wire.envelope import Introduction


class ClientIntroduction:
    """Owns a client's link until there is a connection that is ready for its users.

    Args:
        greeting: The handshake, in which all is settled that connecting took.
    """

    def __init__(self, link: Link, party: Party, greeting: Greeting) -> None:
        self._link = link
        self._party = party
        self._greeting = greeting
        self._ear = Ear(link.executor)
        self._opened = link.executor.future()
        self._subprotocol: str | None = None
        self._connection: Connection | None = None
        self._closed: ConnectionClosed | None = None
        self._failure: Exception | None = None
        link.owner = self

    async def carry_out(self, socket: Socket) -> Connection:
        """Shake hands, and make the first calls.

        Raises:
            ConnectFailed: It did not succeed.
        """
        link = self._link
        async with link.executor.scope() as scope:
            scope.spawn(self._introduce)
            await socket.run(link, link.high_water)
        connection = self._connection
        closed = self._closed if connection is None else connection.closed
        if self._failure is not None:
            raise _failed(self._failure, closed) from self._failure
        if closed is not None:
            raise refusal(link.protocol.handshake_exc, closed) from closed
        assert connection is not None, "the link is held when it is there"
        return connection

    async def _introduce(self) -> None:
        try:
            await self._opened
            await self._greeting.run(self._say, self._ear.hear)
            if self._closed is not None:  # in the turn that the last word came in
                return
            connection = Connection(self._link, self._party, variables=self._greeting.variables)
            connection.is_introducing = True
            self._connection = connection
            connection.catch_up(self._subprotocol, self._ear.heard)
            for call in self._greeting.envelope.after:
                await self._call(connection, call)
        except Exception as error:  # noqa: BLE001 - a hook may raise anything: whoever connects is told
            self._failure = error
            self._leave(error)
        else:
            connection.is_introducing = False
            self._link.hold()

    async def _call(self, connection: Connection, call: Introduction) -> None:
        name, params = call["call"], await self._greeting.filled(call.get("params", {}))
        try:
            result = await connection.calls.ask(name, params)
        except CallError as error:
            raise GreetingFailed(f"{name}: {error.message}") from error
        for variable, path in call.get("save", {}).items():
            found = Frame(result).at(path_of(path))
            if found is None:
                raise GreetingFailed(f"the result of {name} has no {path}")
            self._greeting.variables[variable] = found

    def _leave(self, error: Exception) -> None:
        close = error.close if isinstance(error, GreetingFailed) and not error.refused else None
        if close is None:
            self._link.abort()
        else:
            self._link.close(close["code"], close.get("reason", str(error)))

    def _say(self, message: bytes) -> None:
        self._link.send(message)
        self._link.flush()

    # ------------------------------------------------------------------------------------------------- the link's owner
    def on_request(self, request: Request) -> None:
        raise AssertionError("a client is asked nothing")

    def on_open(self, subprotocol: str | None) -> None:
        self._subprotocol = subprotocol
        wake(self._opened)

    def on_message(self, data: bytes) -> None:
        self._ear.take(data)

    def on_binary(self, data: bytes) -> None:
        self._failure = GreetingFailed("a binary message came, and none is expected")
        self._link.abort()

    def on_closed(self, code: int, reason: str) -> None:
        self._closed = ConnectionClosed(code, reason)

    def on_pass_end(self) -> None: ...
    def on_room(self) -> None: ...


def _failed(failure: Exception, closed: ConnectionClosed | None) -> ConnectFailed:
    """What a handshake ended in: what the other end said when it closed tells most of it."""
    told = str(failure) if closed is None or not closed.reason else closed.reason
    code = None if closed is None or closed.close_code == CloseCode.ABNORMAL else closed.close_code
    if isinstance(failure, GreetingFailed) and failure.refused:
        told, code = str(failure), CloseCode.UNAUTHENTICATED if failure.close is None else failure.close["code"]
    return ConnectFailed(f"the handshake did not succeed: {told}", close_code=code)
