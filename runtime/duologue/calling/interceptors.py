"""What users put around the calls that they make: each gets the call, its params, and how to proceed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..models import Params
from .calls import CallOptions


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


async def around_call(
    interceptors: Sequence[CallInterceptor], request: CallRequest, params: Params, make: CallNext
) -> Any:
    """Make a call with interceptors around it."""
    return await chained(interceptors, make)(request, params)


def chained(interceptors: Sequence[Any], innermost: Callable[[Any, Any], Awaitable[Any]]) -> Any:
    """What proceeds through all interceptors to the innermost."""
    proceed = innermost
    for interceptor in reversed(interceptors):
        proceed = _link(interceptor, proceed)
    return proceed


def _link(interceptor: Any, proceed: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
    async def step(call: Any, params: Any) -> Any:
        return await interceptor(call, params, proceed)

    return step
