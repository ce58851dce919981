"""Garbage collection in a process that keeps much, and must not stop to look at all of it again and again.

A full collection takes a tenth of a second for some hundred thousand objects, and nobody is answered meanwhile. What
it has found alive once is therefore left out of the next ones, until there is so much of it that looking is worth its
time. What is no longer used is mostly freed at once, with its last reference; a collection is for cycles alone.
"""

from __future__ import annotations

import gc
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final, Literal

GROWTH: Final = 3
"""Everything is looked at when so many times as much is left out as was alive: what has leaked is less."""

THRESHOLDS: Final = (5000, 3, 2)
"""As of `gc.set_threshold`: calls end before they are looked at, and no collection is of much more than is new."""

_FULL: Final = 2  # generation


@contextmanager
def sparing() -> Generator[None]:
    """Leave out of full collections what has survived one, while the block runs.

    It is for a program to decide, and for the whole process: for one that holds thousands of connections, or has
    thousands of calls in flight. Enter it once, when what is to stay has been loaded. It costs memory: cycles in what
    was left out, and each connection that has been closed is one, are found when there is three times as much as was
    alive.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    sparing_all = _Sparing()
    gc.callbacks.append(sparing_all)
    try:
        yield
    finally:
        gc.callbacks.remove(sparing_all)
        gc.set_threshold(*before)
        gc.unfreeze()


class _Sparing:
    """A callback of the collector.

    How much is left out takes a walk to count, and is counted only when it can be so much: what was added is known.
    """

    def __init__(self) -> None:
        self._alive = gc.get_freeze_count()
        self._added = 0
        self._is_of_all = False

    def __call__(self, phase: Literal["start", "stop"], info: Mapping[str, int]) -> None:
        if info["generation"] != _FULL:
            return
        if phase == "start":
            self._decide()
        else:
            self._added += 0 if self._is_of_all else len(gc.get_objects())
            gc.freeze()
            if self._is_of_all:
                self._alive, self._added = gc.get_freeze_count(), 0

    def _decide(self) -> None:
        self._is_of_all = False
        if self._added >= (GROWTH - 1) * self._alive:
            self._added = gc.get_freeze_count() - self._alive  # many are gone, with their last reference
            self._is_of_all = self._added >= (GROWTH - 1) * self._alive
        if self._is_of_all:
            gc.unfreeze()
