"""Processes that start at once, forked from one that has imported all that they need: servers, callers, flooders."""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final, Self

from tests.forked import FORKSERVER

PATIENCE: Final = 30.0
"""Seconds after which a process that should answer within one is given up."""


IDLE: Final = 20
"""In the place of a niceness: the process has what nobody else wants, and yields at once."""


def _start(function: Callable[..., None], pipe: Connection, nice: int, arguments: tuple[Any, ...]) -> None:
    if nice == IDLE:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(nice)
    function(pipe, *arguments)


class Apart:
    """A function in a process of its own, which has its end of a pipe as its first argument.

    Args:
        nice: How much the process yields to others; see `IDLE`.
    """

    def __init__(self, function: Callable[..., None], *arguments: Any, nice: int = 0) -> None:
        self.pipe, theirs = FORKSERVER.Pipe()
        self.process: Any = FORKSERVER.Process(target=_start, args=(function, theirs, nice, arguments), daemon=True)
        self.process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def hear(self) -> Any:
        """What it sends next."""
        assert self.pipe.poll(PATIENCE), "it says nothing"
        return self.pipe.recv()

    def ask(self, *question: Any) -> Any:
        """Send it something, and hear its answer."""
        self.pipe.send(question)
        return self.hear()

    def end(self) -> None:
        """Kill it, if it has not ended by itself."""
        self.process.kill()
        self.process.join()
        self.pipe.close()
