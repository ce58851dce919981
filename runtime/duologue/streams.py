"""The caller's side of a streaming call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self

from pydantic import ValidationError
from typing_extensions import TypeVar, override

from .attempts import Attempts
from .calls import Arrivals
from .descriptors import StreamAction
from .errors import CallError, Cancelled, Internal, Ran
from .models import Params
from .outcomes import decode, explain, result_of
from .session import OutgoingCall

if TYPE_CHECKING:
    from .connection import Connection

I = TypeVar("I")  # noqa: E741 - as in the descriptors
R = TypeVar("R")


class Stream(AbstractAsyncContextManager["Stream[I, R]"], Generic[I, R]):
    """Results of a streaming call: iterate, then ask for the `result`. Leaving the block early cancels the call."""

    def __init__(self, attempts: Attempts, action: StreamAction[Any, I, R], params: Params) -> None:
        self._attempts = attempts
        self._action = action
        self._params = params
        self._connection: Connection | None = None
        self._call: OutgoingCall | None = None
        self._arrivals = Arrivals()
        self._read = 0

    @override
    async def __aenter__(self) -> Self:
        await self._start()
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.cancel()

    def cancel(self) -> None:
        """Stop the call; the handler at the other end is told. What came already can still be read."""
        if self._connection is not None and self._call is not None and not self._arrivals.done():
            self._connection.calls.abandon(self._call)
            self._arrivals.set_result(Cancelled("the stream was left before its end", ran=Ran.UNKNOWN))

    def __aiter__(self) -> AsyncIterator[I]:
        return self

    async def __anext__(self) -> I:
        """The next item. Raises `CallError` where the call fails."""
        raw = await self._next()
        if raw is None:
            await self.result()  # raises the error that ended it, if one did
            raise StopAsyncIteration
        try:
            item: I = decode(self._action.item.validator, raw)
        except ValidationError as error:
            self.cancel()
            raise Internal(f"{self._action.name}: an item does not fit the protocol: {explain(error)}") from None
        return item

    async def result(self) -> R:
        """Wait for the end and return what the call returned; items not yet read are dropped.

        Raises:
            CallError: The call failed.
        """
        while await self._next() is not None:
            pass
        assert self._arrivals.outcome is not None
        return result_of(self._action, self._arrivals.outcome)

    async def _next(self) -> bytes | None:
        """The next item as it came, None at the end."""
        while True:
            connection, call = await self._start()
            arrivals = self._arrivals
            if arrivals.items:
                self._read += 1
                connection.calls.grant(call, self._read)
                return arrivals.items.popleft()
            if arrivals.done():
                if not self._begin_anew(connection, call):
                    return None
                continue
            arrivals.waiting = connection.executor.future()
            try:
                await arrivals.waiting
            except BaseException:
                self.cancel()
                raise

    async def _start(self) -> tuple[Connection, OutgoingCall]:
        while self._connection is None or self._call is None:
            attempts = self._attempts
            connection = await attempts.connect()
            try:
                self._call = await connection.calls.begin(
                    self._action, self._params, self._arrivals, attempts.time_left(), attempts.options
                )
                self._connection = connection
            except CallError as error:
                attempts.failed(error, connection)
        return self._connection, self._call

    def _begin_anew(self, connection: Connection, call: OutgoingCall) -> bool:
        """Whether the call is to be sent again: never after its first item."""
        outcome = self._arrivals.outcome
        if not isinstance(outcome, CallError) or call.items:
            return False
        try:
            self._attempts.failed(outcome, connection)
        except CallError as error:
            self._arrivals.outcome = error
            return False
        self._arrivals, self._call = Arrivals(), None
        return True
