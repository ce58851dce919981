"""What users put around handlers, and around calls: each gets the call, its params, and how to proceed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from .calls import CallOptions
from .models import Event, Params
from .service import Bound, Call

HandlerNext: TypeAlias = Callable[[Call[Any], Any], Awaitable[Any]]
"""Goes on with a call: to the next interceptor, and at last to the handler. Awaiting it gives the handler's result."""

HandlerInterceptor: TypeAlias = Callable[[Call[Any], Params | Event, HandlerNext], Awaitable[Any]]
"""Runs around the handlers of one side, of actions and of events, as ``async def intercept(call, params, proceed)``.

What it returns is the call's result, and what it raises its error; it counts as part of the handler. Params are valid
by then. It may proceed with other params, more than once, or not at all.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """A call that is about to be made.

    Attributes:
        action: Its name on the wire.
        timeout: Seconds, None for the action's own.
        options: What else the caller asked for; a `key` is only there where the caller gave one.
    """

    action: str
    timeout: float | None
    options: CallOptions


CallNext: TypeAlias = Callable[[CallRequest, Any], Awaitable[Any]]
"""Goes on with a call: to the next interceptor, and at last to the other end. Awaiting it gives the result."""

CallInterceptor: TypeAlias = Callable[[CallRequest, Params, CallNext], Awaitable[Any]]
"""Runs around the calls of one side, as ``async def intercept(call, params, proceed)``.

All attempts at a call are within it. Of a stream or a download it sees the beginning alone: there `proceed` gives None
once the request has left.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interceptors:
    """What one side puts around its work; the first of each is the outermost.

    Attributes:
        handlers: Around the handlers that it serves.
        calls: Around the calls that it makes.
    """

    handlers: Sequence[HandlerInterceptor] = ()
    calls: Sequence[CallInterceptor] = ()


NONE: Final = Interceptors()


def around_handler(bound: Bound, interceptors: Sequence[HandlerInterceptor]) -> Bound:
    """A handler with interceptors around it; itself where there are none."""
    if not interceptors:
        return bound

    async def handler(call: Call[Any], params: Any, *streams: Any) -> Any:
        async def innermost(call: Call[Any], params: Any) -> Any:
            return await bound.handler(call, params, *streams)

        return await _chained(interceptors, innermost)(call, params)

    return replace(bound, handler=handler)


async def around_call(
    interceptors: Sequence[CallInterceptor], request: CallRequest, params: Params, make: CallNext
) -> Any:
    """Make a call with interceptors around it."""
    return await _chained(interceptors, make)(request, params)


def _chained(interceptors: Sequence[Any], innermost: Callable[[Any, Any], Awaitable[Any]]) -> Any:
    proceed = innermost
    for interceptor in reversed(interceptors):
        proceed = _link(interceptor, proceed)
    return proceed


def _link(interceptor: Any, proceed: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
    async def step(call: Any, params: Any) -> Any:
        return await interceptor(call, params, proceed)

    return step
