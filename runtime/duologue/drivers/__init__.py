"""One module an executor: sockets, timers, tasks. `current` finds the one that runs."""

from __future__ import annotations

import sys
from asyncio import get_running_loop

from .port import Executor


def current() -> Executor:
    """The executor of the running event loop.

    Raises:
        RuntimeError: Neither asyncio (uvloop included) nor trio runs here.
    """
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
