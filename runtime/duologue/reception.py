"""Accepted sockets: from the first byte to the conversation, which exists only once its handshake is over."""

from __future__ import annotations

from collections.abc import Callable

from websockets.http11 import Request

from .close_codes import CloseCode
from .connection import Connection, Party
from .drivers.port import Executor, Scope, Socket
from .handshake import server_protocol
from .link import Link


class Reception:
    """One accepted socket.

    Attributes:
        connection: The conversation; None until the handshake is over.
    """

    _scope: Scope

    def __init__(self, executor: Executor, party: Party, on_let_in: Callable[[Reception, Connection], None]) -> None:
        self.connection: Connection | None = None
        self._executor = executor
        self._party = party
        self._on_let_in = on_let_in
        self._protocol = server_protocol(party.limits)
        self._link = Link(self._protocol, executor, party.limits)
        self._link.owner = self

    async def run(self, socket: Socket) -> None:
        """Carry bytes until the connection is gone, and its keyed handlers have ended. Never raises for its peer."""
        async with self._executor.scope() as scope:
            self._scope = scope
            await socket.run(self._link, self._link.high_water)
            if self.connection is not None:
                await self.connection.until_done()

    def give_up(self) -> None:
        """Cut the connection if its handshake is not over."""
        if self.connection is None:
            self._link.abort(CloseCode.GOING_AWAY, "the server stops")

    # ------------------------------------------------------------------------------------------------- the link's owner
    def on_request(self, request: Request) -> None:
        response = self._protocol.accept(request)
        if response.status_code == 101:
            self.connection = Connection(self._link, self._party)
            self.connection.begin(self._scope)
            self._on_let_in(self, self.connection)
        self._link.respond(response)

    def on_open(self, subprotocol: str | None) -> None: ...
    def on_message(self, data: bytes) -> None: ...
    def on_binary(self, data: bytes) -> None: ...
    def on_pass_end(self) -> None: ...
    def on_room(self) -> None: ...
    def on_closed(self, code: int, reason: str) -> None: ...
