"""The connections to one other end, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .drivers.port import Executor, Future, wake
from .errors import NotSent

if TYPE_CHECKING:
    from .connection import Connection


class Channel:
    """Where calls to the other end go: its connection, or the next one while there is none.

    Attributes:
        connection: The one that there is now, or was last; None before the first.
        ended: Why no other is to follow; None while one may.
    """

    def __init__(self, executor: Executor, connection: Connection | None = None) -> None:
        self.connection = connection
        self.ended: Exception | None = None
        self.executor = executor
        self._waiting: dict[Future, None] = {}

    def take(self, connection: Connection) -> None:
        """From now on calls go to this connection."""
        self.connection = connection
        self._wake()

    def end(self, error: Exception) -> None:
        """No other connection is to follow; the first reason counts."""
        self.ended = self.ended or error
        self._wake()

    async def connected(self, timeout: float | None = None) -> Connection:
        """The connection to call on; waits for one.

        Raises:
            NotSent: There is none within `timeout` seconds, or there will be none.
        """
        until = None if timeout is None else self.executor.now() + timeout
        while (connection := self.connection) is None or not connection.takes_calls:
            if self.ended is not None:
                raise NotSent(str(self.ended)) from self.ended
            if until is not None and self.executor.now() >= until:
                raise NotSent("there was no connection within the call's timeout")
            await self._wait(until)
        return connection

    async def _wait(self, until: float | None) -> None:
        """Wait for a change, not longer than `until`."""
        waiting = self.executor.future()
        self._waiting[waiting] = None
        timer = None if until is None else self.executor.call_at(until, lambda: wake(waiting))
        try:
            await waiting
        finally:
            self._waiting.pop(waiting, None)
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for future in waiting:
            wake(future)
