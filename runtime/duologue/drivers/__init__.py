"""One module an executor: sockets, timers, tasks. `current` finds the one that runs."""

from __future__ import annotations

import sys
from asyncio import get_running_loop
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

from .port import Executor

NETWORK: Final[ContextVar[Callable[[Executor], Executor] | None]] = ContextVar("duologue_network", default=None)
"""Puts another network in the place of sockets: that of the memory driver."""


def current() -> Executor:
    """The executor of the running event loop.

    Raises:
        RuntimeError: Neither asyncio (uvloop included) nor trio runs here.
    """
    network = NETWORK.get()
    return _running() if network is None else network(_running())


def _running() -> Executor:
    try:
        get_running_loop()
    except RuntimeError:
        pass
    else:
        from .asyncio import AsyncioExecutor

        return AsyncioExecutor()
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        from .trio import TrioExecutor

        return TrioExecutor()
    raise RuntimeError("duologue needs a running event loop: asyncio, uvloop or trio")
