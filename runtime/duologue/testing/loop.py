"""An asyncio event loop whose time is virtual and whose order is decided by a seed."""

from __future__ import annotations

import asyncio
import math
import random
import selectors
from collections.abc import Mapping
from typing import Any, Final

from typing_extensions import override


class Deadlock(RuntimeError):
    """Every task waits, and nothing is due: nobody will ever go on."""


class Runaway(RuntimeError):
    """The simulated system goes round without end: time does not pass, or more and more waits for its turn."""


class Watch:
    """Ends a run that would never end, or fill the memory; what it counts is the same in each run of a seed.

    A single step of a task that never ends is not seen: nothing else runs then.
    """

    TURNS: Final = 100_000
    """Turns of the event loop within a millisecond of virtual time."""

    WAITING: Final = 100_000
    """Callbacks, tasks and timers that are due now or later."""

    def __init__(self) -> None:
        self._since = 0.0
        self._turns = 0

    def turn(self, now: float, waiting: int) -> None:
        """The loop goes round once more.

        Raises:
            Runaway: Once too often.
        """
        self._turns += 1
        if now - self._since > 0.001:
            self._since, self._turns = now, 0
        elif self._turns > self.TURNS:
            raise Runaway(
                f"at {now:.6f} s time stands still: {self.TURNS} turns of the event loop within a millisecond"
            )
        if waiting > self.WAITING:
            raise Runaway(f"at {now:.6f} s more than {self.WAITING} callbacks, tasks and timers wait for their turn")


class _VirtualSelector(selectors.BaseSelector):
    """Waiting makes time pass; there are no sockets to wait for."""

    def __init__(self) -> None:
        self.now = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    @override
    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        descriptor = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, descriptor, events, data)
        return key

    @override
    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock(f"at {self.now:.6f} s every task waits, and nothing is due")
        self.now = math.nextafter(self.now + max(timeout, 0.0), math.inf)  # what is due is what is due before now
        return []

    @override
    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class _NumberedTask(asyncio.Task[Any]):
    """A task that knows when it came to be: before those of higher numbers."""

    def __init__(self, number: int, coro: Any, **options: Any) -> None:
        super().__init__(coro, **options)
        self.number = number


def _task_of(handle: Any) -> _NumberedTask | None:
    """The task that a ready handle continues."""
    task: Any = getattr(handle._callback, "__self__", None)  # noqa: SLF001 - a handle shows it in no other way
    return task if isinstance(task, _NumberedTask) else None


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop for simulations.

    Time passes only while everybody waits, and then at once. Tasks that are ready together run in an order that the
    seed decides; callbacks that are not tasks keep their places, since libraries may count on the order in which they
    were scheduled.

    Attributes:
        failures: What callbacks raised, and tasks that nobody waits for.
    """

    _ready: Any  # the base class's queue of what is due, and its heap of timers: neither has a public name
    _scheduled: Any

    def __init__(self, seed: int) -> None:
        self._clock = _VirtualSelector()
        super().__init__(self._clock)
        self._clock_resolution = 0.0  # by which timers may be run early; time would stand still then
        self._random = random.Random(seed)  # noqa: S311 - chosen so that runs can be repeated
        self.failures: list[BaseException] = []
        self._watch = Watch()
        self._numbers = 0
        self.set_task_factory(self._number_task)
        self.set_exception_handler(self._keep_failure)

    @override
    def time(self) -> float:
        return self._clock.now

    def _keep_failure(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What no caller sees would only be logged."""
        error = context.get("exception")
        if error is not None:
            self.failures.append(error)
        else:
            self.default_exception_handler(context)

    def _number_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        self._numbers += 1
        return _NumberedTask(self._numbers, coro, loop=loop, **options)

    def _run_once(self) -> None:
        """Sort the ready tasks by number, since libraries wake them in the order of addresses; then shuffle them."""
        self._watch.turn(self._clock.now, len(self._ready) + len(self._scheduled))
        if len(self._ready) > 1:
            self._shuffle()
        super()._run_once()  # type: ignore[misc]

    def _shuffle(self) -> None:
        tasks = [(place, task) for place, handle in enumerate(self._ready) if (task := _task_of(handle)) is not None]
        if len(tasks) < 2:
            return
        handles = [self._ready[place] for place, _ in sorted(tasks, key=lambda one: one[1].number)]
        self._random.shuffle(handles)
        for (place, _), handle in zip(tasks, handles, strict=True):
            self._ready[place] = handle
