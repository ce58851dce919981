"""The caller's side of calls that are answered piece by piece: streams of results, and downloads."""

from __future__ import annotations

import hashlib
import os
import secrets
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeAlias

import anyio.lowlevel
from pydantic import ValidationError
from typing_extensions import TypeVar, override

from ..descriptors import Action, StreamAction
from ..errors import CallError, Cancelled, DataLoss, Internal, Ran
from ..models import Params
from ..session.decisions import OutgoingCall
from ..session.outcomes import decode, explain, result_of
from .attempts import Attempts
from .calls import Arrivals

if TYPE_CHECKING:
    from ..connection.connection import Connection

Opening: TypeAlias = Callable[[Callable[[Attempts, Params], Awaitable[None]]], Awaitable[None]]
"""Begins a call with what was put around it, by what it is given; it may not begin it at all."""

I = TypeVar("I")  # noqa: E741 - as in the descriptors
R = TypeVar("R")


class _Arriving(AbstractAsyncContextManager["_Arriving[I, R]"], Generic[I, R]):
    """What comes piece by piece before the result. Leaving the block early cancels the call."""

    def __init__(
        self, attempts: Attempts, action: Action[Any, R], params: Params, opening: Opening | None = None
    ) -> None:
        self._attempts = attempts
        self._action = action
        self._params = params
        self._opening = opening
        self._connection: Connection | None = None
        self._call: OutgoingCall | None = None
        self._arrivals = Arrivals()

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
        """What comes next; waits for it.

        Raises:
            CallError: The call failed.
            RuntimeError: Another task waits for it already.
        """
        raw = await self._next()
        if raw is None:
            await self.result()  # raises the error that ended it, if one did
            raise StopAsyncIteration
        return self._decode(raw)

    async def result(self) -> R:
        """Wait for the end and return what the call returned; what was not read yet is dropped.

        Raises:
            CallError: The call failed.
        """
        while await self._next() is not None:
            pass
        assert self._arrivals.outcome is not None, "what has ended has an outcome"
        return result_of(self._action, self._arrivals.outcome)

    @abstractmethod
    def _decode(self, raw: bytes | memoryview) -> I: ...

    @abstractmethod
    def _cost(self, raw: bytes | memoryview) -> int:
        """How much of the window a piece takes."""

    async def _next(self) -> bytes | memoryview | None:
        """The next piece as it came, None at the end."""
        while True:
            connection, call = await self._start()
            arrivals = self._arrivals
            if arrivals.items:
                raw = arrivals.items.popleft()
                connection.calls.consume(call, self._cost(raw))
                return raw
            if arrivals.done():
                if not self._begin_anew(connection, call):
                    return None
                continue
            if arrivals.waiting is not None:
                raise RuntimeError(f"{self._action.name}: another task reads this; one at a time can")
            arrivals.waiting = connection.executor.future()
            try:
                await arrivals.waiting
            except BaseException:
                self.cancel()
                raise
            finally:
                arrivals.waiting = None

    async def _start(self) -> tuple[Connection, OutgoingCall]:
        if self._opening is not None:
            opening, self._opening = self._opening, None
            try:
                await opening(self._begin)
                if self._call is None:
                    raise Cancelled(f"{self._action.name}: an interceptor did not proceed with it", ran=Ran.NO)
            except BaseException:
                self._opening = opening  # or it would be sent without what was put around it when it is used again
                self.cancel()
                raise
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

    async def _begin(self, attempts: Attempts, params: Params) -> None:
        self._attempts, self._params = attempts, params
        await self._start()

    def _begin_anew(self, connection: Connection, call: OutgoingCall) -> bool:
        """Whether the call is to be sent again: never after its first piece."""
        outcome = self._arrivals.outcome
        if not isinstance(outcome, CallError) or call.inflow is None or call.inflow.received:
            return False
        try:
            self._attempts.failed(outcome, connection)
        except CallError as error:
            self._arrivals.outcome = error
            return False
        self._arrivals, self._call = Arrivals(), None
        return True


class Stream(_Arriving[I, R]):
    """Results of a streaming call: iterate, then ask for the `result`. Leaving the block early cancels the call."""

    _action: StreamAction[Any, I, R]

    @override
    def _decode(self, raw: bytes | memoryview) -> I:
        try:
            item: I = decode(self._action.item, bytes(raw))
        except ValidationError as error:
            self.cancel()
            raise Internal(f"{self._action.name}: an item does not fit the protocol: {explain(error)}") from None
        return item

    @override
    def _cost(self, raw: bytes | memoryview) -> int:
        return 1


class Download(_Arriving[bytes, R]):
    """Bytes that a call is answered with: iterate, or `save` them, then ask for the `result`.

    The bytes are good once the result is there: it fails where they do not have their sender's digest.
    """

    def __init__(
        self, attempts: Attempts, action: Action[Any, R], params: Params, opening: Opening | None = None
    ) -> None:
        super().__init__(attempts, action, params, opening)
        self._digest = hashlib.sha256()

    async def save(self, path: os.PathLike[str] | str) -> R:
        """Write all the bytes to a file, and return what the call returned.

        The file is there when all of it is there and was checked; one that was there before is replaced.

        Raises:
            CallError: The call failed.
            OSError: The file cannot be written.
        """
        target = Path(path)
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            with partial.open("xb") as file:
                async for data in self:
                    file.write(data)
            result = await self.result()
            partial.replace(target)
        except BaseException:
            self.cancel()
            partial.unlink(missing_ok=True)
            raise
        return result

    @override
    async def result(self) -> R:
        result = await super().result()
        if self._arrivals.sha256 != self._digest.digest():
            raise DataLoss(f"{self._action.name}: the bytes do not have the digest that their sender told")
        return result

    @override
    async def _next(self) -> bytes | memoryview | None:
        await self._yield()
        raw = await super()._next()
        if raw is not None:
            self._digest.update(raw)
        return raw

    async def _yield(self) -> None:
        """Let calls go first, since a whole window may have come; and whoever wants to cancel this task.

        A cancel scope never finds a task on an event loop that wakes it by the next piece in each of its turns.
        """
        try:
            await anyio.lowlevel.checkpoint()
        except BaseException:
            self.cancel()
            raise

    @override
    def _decode(self, raw: bytes | memoryview) -> bytes:
        return bytes(raw)

    @override
    def _cost(self, raw: bytes | memoryview) -> int:
        return len(raw)
