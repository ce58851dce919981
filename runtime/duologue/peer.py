"""The other end of one connection: base of what generated code offers to call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .attempts import Attempts
from .bodies import Body, opened
from .calls import CallOptions
from .descriptors import Action, DownloadAction, I, P, R, StreamAction, UploadAction
from .errors import CallError
from .sending import upload
from .streams import Download, Stream

if TYPE_CHECKING:
    from .connection import Connection
    from .drivers.port import Executor


class Peer:
    """What a handler finds in `call.peer`, and a server in `peers()`.

    Every call ends, once, in its result or in one `CallError`: a declared error, a status, `NotSent` or
    `OutcomeUnknown`.

    Attributes:
        executor: The event loop that it runs on.
    """

    def __init__(self, connection: Connection) -> None:
        self.executor: Executor = connection.executor
        self._channel = connection.channel

    @property
    def connection(self) -> Connection:
        """The connection that there is now, or was last."""
        connection = self._channel.last.connection
        assert connection is not None, "nobody has a peer before its first connection stands"
        return connection

    async def connected(self, timeout: float | None = None) -> Connection:
        """The connection, to call on; waits for one where the last one was lost and another may follow.

        Raises:
            NotSent: There is none within `timeout` seconds, or there will be none.
        """
        return await self._channel.connected(timeout)

    async def _call(self, action: Action[P, R], params: P, timeout: float | None, options: CallOptions | None) -> R:
        attempts = Attempts(self, action, timeout, options)
        while True:
            connection = self._channel.ready
            if connection is None:
                connection = await attempts.connect()
            else:
                attempts.take(connection)
            try:
                return await connection.calls.call(action, params, attempts.time_left(), attempts.options)
            except CallError as error:
                attempts.failed(error, connection)

    def _stream(
        self, action: StreamAction[P, I, R], params: P, timeout: float | None, options: CallOptions | None
    ) -> Stream[I, R]:
        return Stream(Attempts(self, action, timeout, options), action, params)

    async def _upload(
        self, action: UploadAction[P, R], params: P, body: Body, timeout: float | None, options: CallOptions | None
    ) -> R:
        attempts = Attempts(self, action, timeout, options)
        async with opened(body, attempts.time_left()) as source:
            return await upload(attempts, action, params, source)

    def _download(
        self, action: DownloadAction[P, R], params: P, timeout: float | None, options: CallOptions | None
    ) -> Download[R]:
        return Download(Attempts(self, action, timeout, options), action, params)
