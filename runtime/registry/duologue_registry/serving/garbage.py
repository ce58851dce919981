"""Garbage collection in a process that keeps much, and must not stop to look at all of it again and again.

A full collection takes a tenth of a second for some thousand services, and answers nobody meanwhile. What it has
found alive once is therefore left out of the next ones, until there is so much of it that looking is worth its time.
What is no longer used is mostly freed at once, with its last reference; a collection is for cycles alone.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final, Literal

GROWTH: Final = 2
"""Everything is looked at when so many times as much is left out as was alive then: what has leaked is less."""

_FULL: Final = 2  # generation


@asynccontextmanager
async def sparing() -> AsyncGenerator[None]:
    """Leave out of full collections what has survived one, while the block runs; it is for the whole process."""
    gc.collect()
    gc.freeze()
    sparing_all = _Sparing()
    gc.callbacks.append(sparing_all)
    try:
        yield
    finally:
        gc.callbacks.remove(sparing_all)
        gc.unfreeze()


class _Sparing:
    def __init__(self) -> None:
        self._limit = GROWTH * gc.get_freeze_count()
        self._is_of_all = False

    def __call__(self, phase: Literal["start", "stop"], info: Mapping[str, int]) -> None:
        if info["generation"] != _FULL:
            return
        if phase == "start":
            self._is_of_all = gc.get_freeze_count() >= self._limit
            if self._is_of_all:
                gc.unfreeze()
            return
        gc.freeze()
        if self._is_of_all:
            self._limit = GROWTH * gc.get_freeze_count()
