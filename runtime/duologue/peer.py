"""The other end of one connection: base of what generated code offers to call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .calls import CallOptions, time_limit
from .descriptors import Action, I, P, R, StreamAction
from .streams import Stream

if TYPE_CHECKING:
    from .connection import Connection


class Peer:
    """What a handler finds in `call.peer`, and a server in `peers()`.

    Every call ends, once, in its result or in one `CallError`: a declared error, a status, `NotSent` or
    `OutcomeUnknown`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The connection to the peer."""
        return self._connection

    async def _connected(self, timeout: float | None) -> tuple[Connection, float | None]:
        """The connection to call on, and what is left of the timeout; waits where there may be another."""
        return self._connection, timeout

    async def _call(self, action: Action[P, R], params: P, timeout: float | None, options: CallOptions | None) -> R:
        connection, left = await self._connected(time_limit(action, timeout))
        return await connection.calls.call(action, params, left, options)

    def _stream(
        self, action: StreamAction[P, I, R], params: P, timeout: float | None, options: CallOptions | None
    ) -> Stream[I, R]:
        return Stream(self._connected, action, params, time_limit(action, timeout), options)
