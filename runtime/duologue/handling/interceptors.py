"""What users put around handlers: each gets the call, its params, and how to proceed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ..calling.interceptors import CallInterceptor, chained
from ..models import Event, Params
from .service import Bound, Call

HandlerNext: TypeAlias = Callable[[Call[Any], Any], Awaitable[Any]]
"""Goes on with a call: to the next interceptor, and at last to the handler. Awaiting it gives the handler's result."""

HandlerInterceptor: TypeAlias = Callable[[Call[Any], Params | Event, HandlerNext], Awaitable[Any]]
"""Runs around the handlers of one side, of actions and of events, as ``async def intercept(call, params, proceed)``.

What it returns is the call's result, and what it raises its error; it counts as part of the handler. Params are valid
by then. It may proceed with other params, more than once, or not at all.
"""


class Interceptors(Struct, frozen=True, kw_only=True):
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

        return await chained(interceptors, innermost)(call, params)

    return replace(bound, handler=handler)
