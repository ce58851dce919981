"""The connections to one other end, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..drivers.port import Executor, Future, wake
from ..errors import NotSent

if TYPE_CHECKING:
    from ..connection.connection import Connection


class Channel:
    """Where calls to the other end go: its connection, or the next one while there is none.

    Attributes:
        connection: The one that there is now, or was last; None before the first.
        ended: Why no other is to follow; None while one may.
        continued: The channel that this one turned out to go on, when its peer told who it is.
    """

    def __init__(self, executor: Executor, connection: Connection | None = None) -> None:
        self.executor = executor
        self.connection = connection
        self.ended: Exception | None = None
        self.continued: Channel | None = None
        self._waiting: dict[Future, None] = {}

    @property
    def last(self) -> Channel:
        """The channel that this one is, for all that is known by now."""
        return self if self.continued is None else self.continued.last

    @property
    def ready(self) -> Connection | None:
        """The connection to call on; None where one has to be waited for."""
        connection = self.connection if self.continued is None else self.last.connection
        return connection if connection is not None and connection.takes_calls else None

    def take(self, connection: Connection) -> None:
        """From now on calls go to this connection."""
        self.connection = connection
        self._wake()

    def end(self, error: Exception) -> None:
        """No other connection is to follow; the first reason counts."""
        self.ended = self.ended or error
        self._wake()

    def go_on(self, earlier: Channel) -> None:
        """The peer was here before: whoever calls here calls there from now on."""
        self.continued = earlier
        self._wake()

    async def connected(self, timeout: float | None = None) -> Connection:
        """The connection to call on; waits for one.

        Raises:
            NotSent: There is none within `timeout` seconds, or there will be none.
        """
        until = None if timeout is None else self.executor.now() + timeout
        while (connection := self.ready) is None:
            last = self.last
            if last.ended is not None:
                raise NotSent(str(last.ended)) from last.ended
            if until is not None and self.executor.now() >= until:
                raise NotSent("there was no connection within the call's timeout")
            await last.change(until)
        return connection

    async def change(self, until: float | None) -> None:
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
