"""The client's side of credentials that expire: new ones are shown before the old ones are of no use."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET, UnsetType

from ..drivers.port import Timer
from ..errors import ConnectionClosed
from ..wire import Hello
from ..wire.messages import Millis

if TYPE_CHECKING:
    from ..connection.connection import Connection

_LOG: Final = logging.getLogger("duologue")

EARLY: Final = 0.8
"""New credentials are asked for after this part of the old ones' time."""


class _Answer(msgspec.Struct):
    expires_in: Millis | UnsetType = UNSET


async def authenticate(connection: Connection, token: str) -> int | UnsetType:
    """Show a token on a connection that stands; for how many milliseconds it is good.

    Raises:
        CallError: It was refused; what was before stays.
    """
    data = await connection.calls.ask("authenticate", msgspec.json.encode({"token": token}))
    return msgspec.json.decode(data, type=_Answer).expires_in


class Refresh:
    """Keeps one connection of a client authenticated, as long as there are new tokens to be had.

    Where that fails the server closes the connection in time, and the next one is made with what is had then.
    """

    def __init__(self, ask: Callable[[], Awaitable[str | None]]) -> None:
        self._ask = ask
        self._timer: Timer | None = None

    def begin(self, connection: Connection, hello: Hello) -> None:
        """The server has told for how long the credentials of the handshake are good, if it has."""
        self._watch(connection, hello.expires_in)

    def end(self, connection: Connection, closed: ConnectionClosed) -> None:
        """The connection is gone; the timer would keep it in memory for as long as its credentials were good."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self, connection: Connection, expires_in: int | UnsetType) -> None:
        if isinstance(expires_in, int) and connection.closed is None:
            executor = connection.executor
            self._timer = executor.call_at(executor.now() + expires_in / 1000 * EARLY, lambda: self._start(connection))

    def _start(self, connection: Connection) -> None:
        self._timer = None
        if connection.is_open:
            connection.spawn(self._refresh, connection)

    async def _refresh(self, connection: Connection) -> None:
        try:
            token = await self._ask()
            expires_in = await authenticate(connection, token or "")
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises; the old credentials still hold
            _LOG.warning("the credentials were not renewed: %s", type(error).__name__)
        else:
            self._watch(connection, expires_in)
