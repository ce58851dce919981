"""A heap of deadlines, so that any number of waits needs one timer of the driver."""

from __future__ import annotations

import heapq
import math
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Deadline(Struct, Generic[T], order=True, gc=False):
    """One entry; `item` is None once it was discarded.

    The heap compares them by `when` and then by `number`, of which each has one of its own. Garbage collection need not
    look at it: whoever holds one discards it, and that parts the two.
    """

    when: float
    number: int
    item: T | None


class Deadlines(Generic[T]):
    """Entries in order of time; equal times in order of entry.

    A discarded entry stays in the heap until it comes up or until discarded ones are the majority, so discarding costs
    nothing and the heap never holds more than twice what is alive (and a few).

    Attributes:
        not_before: Nothing is due before; it may be that of a discarded entry, which costs a look in vain.
    """

    __slots__ = ("_count", "_discarded", "_heap", "not_before")

    def __init__(self) -> None:
        self.not_before = math.inf
        self._heap: list[Deadline[T]] = []
        self._count = 0
        self._discarded = 0

    def __len__(self) -> int:
        return len(self._heap) - self._discarded

    def push(self, when: float, item: T) -> Deadline[T]:
        self._count += 1
        entry = Deadline(when, self._count, item)
        heapq.heappush(self._heap, entry)
        self.not_before = self._heap[0].when
        return entry

    def discard(self, entry: Deadline[T]) -> None:
        """Forget an entry; one that is due or discarded already is left as it is."""
        if entry.item is None:
            return
        entry.item = None
        self._discarded += 1
        if self._discarded > 64 and self._discarded * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry.item is not None]
            heapq.heapify(self._heap)
            self._discarded = 0

    def clear(self) -> None:
        """Forget them all."""
        for entry in self._heap:
            entry.item = None
        self._heap.clear()
        self._discarded = 0
        self.not_before = math.inf

    def next(self) -> float | None:
        """When the first one is due."""
        heap = self._heap
        while heap and heap[0].item is None:
            heapq.heappop(heap)
            self._discarded -= 1
        return heap[0].when if heap else None

    def due(self, now: float) -> list[T]:
        """Take out what is due."""
        taken: list[T] = []
        while (item := self.take(now)) is not None:
            taken.append(item)
        return taken

    def take(self, now: float) -> T | None:
        """Take out the first one that is due; None when none is."""
        when = self.next()
        if when is None or when > now:
            self.not_before = math.inf if when is None else when
            return None
        entry = heapq.heappop(self._heap)
        item, entry.item = entry.item, None
        return item
