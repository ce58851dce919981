"""The other end, over its connections: base of what generated code offers to call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from ..descriptors import Action, DownloadAction, Effect, I, P, R, StreamAction, UploadAction
from ..errors import CallError
from ..models import Params
from ..session.outcomes import result_of
from .attempts import Attempts
from .bodies import Body, Source, opened
from .calls import CallOptions, encoded
from .interceptors import CallInterceptor, CallRequest, around_call
from .sending import upload
from .streams import Download, Opening, Stream

if TYPE_CHECKING:
    from ..connection.connection import Connection
    from ..drivers.port import Executor


class Peer:
    """What a handler finds in `call.peer`, and a server in `peers()`.

    Every call ends, once, in its result or in one `CallError`: a declared error, a status, `NotSent` or
    `OutcomeUnknown`.

    Attributes:
        executor: The event loop that it runs on.
    """

    _around: Sequence[CallInterceptor] = ()

    def __init__(self, connection: Connection) -> None:
        self.executor: Executor = connection.executor
        self._channel = connection.channel
        self._around = connection.around_calls

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

    async def _intercepted(
        self,
        action: Action[P, R],
        params: P,
        timeout: float | None,
        options: CallOptions | None,
        make: Callable[[P, float | None, CallOptions | None], Awaitable[R]],
    ) -> R:
        async def innermost(request: CallRequest, params: P) -> R:
            return await make(params, request.timeout, request.options)

        request = CallRequest(action=action.name, timeout=timeout, options=options or CallOptions())
        result: R = await around_call(self._around, request, params, innermost)
        return result

    async def _call(
        self,
        action: Action[P, R],
        params: P,
        timeout: float | None,
        options: CallOptions | None,
        *,
        innermost: bool = False,
    ) -> R:
        if self._around and not innermost:
            make = partial(self._call, action, innermost=True)
            return await self._intercepted(action, params, timeout, options, make)
        attempts, data = Attempts.of(self, action, timeout, options), encoded(action, params)
        del params  # while many calls are under way, what they hold is what garbage collection looks at
        while True:
            connection = self._channel.ready  # nearly always there: one coroutine less
            if connection is None or action.effect is Effect.KEYED:
                connection = await attempts.connect()
            calls, options, call = connection.calls, attempts.options, None
            try:
                calls.check_rights(action)
                left = attempts.time_left()
                if calls.is_full:
                    left = await calls.turn(left, action)
                outcome = self.executor.future()
                call = calls.request(action.name, data, outcome, left, options)
                answer = await outcome  # here, since each coroutine is kept for as long as a call is in flight
                return result_of(action, answer, options.validation or connection.validation)
            except CallError as error:
                attempts.failed(error, connection)
            except BaseException:  # the caller was cancelled
                if call is not None:
                    calls.abandon(call)
                raise

    def _stream(
        self, action: StreamAction[P, I, R], params: P, timeout: float | None, options: CallOptions | None
    ) -> Stream[I, R]:
        opening = self._opening(action, params, timeout, options)
        return Stream(Attempts.of(self, action, timeout, options), action, params, opening)

    async def _upload(
        self, action: UploadAction[P, R], params: P, body: Body, timeout: float | None, options: CallOptions | None
    ) -> R:
        async with AsyncExitStack() as stack:
            sources: list[Source] = []

            async def send(params: P, timeout: float | None, options: CallOptions | None) -> R:
                attempts = Attempts.of(self, action, timeout, options)
                if not sources:  # an interceptor may send it again, and what is read once is not there twice
                    sources.append(await stack.enter_async_context(opened(body, attempts.time_left())))
                return await upload(attempts, action, params, sources[0])

            if self._around:
                return await self._intercepted(action, params, timeout, options, send)
            return await send(params, timeout, options)

    def _download(
        self, action: DownloadAction[P, R], params: P, timeout: float | None, options: CallOptions | None
    ) -> Download[R]:
        opening = self._opening(action, params, timeout, options)
        return Download(Attempts.of(self, action, timeout, options), action, params, opening)

    def _opening(
        self, action: Action[P, Any], params: P, timeout: float | None, options: CallOptions | None
    ) -> Opening | None:
        """How what comes piece by piece is to begin, where it is not simply begun."""
        if not self._around:
            return None

        async def opening(begin: Callable[[Attempts, Params], Awaitable[None]]) -> None:
            async def innermost(request: CallRequest, params: Params) -> None:
                await begin(Attempts.of(self, action, request.timeout, request.options), params)

            request = CallRequest(action=action.name, timeout=timeout, options=options or CallOptions())
            await around_call(self._around, request, params, innermost)

        return opening
