"""Where simulations run: asyncio on a virtual loop, which is the reference, or trio on its mock clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, cast

from typing_extensions import override

from .loop import Runaway, VirtualLoop, Watch

T = TypeVar("T")


def run_on_asyncio(main: Callable[[], Awaitable[T]], seed: int) -> T:
    """Run on a `VirtualLoop`.

    Raises:
        RuntimeError: Tasks were left behind.
        Exception: Whatever a callback raised.
    """
    loop = VirtualLoop(seed)
    try:
        result: T = loop.run_until_complete(_awaited(main))
        left = asyncio.all_tasks(loop)
        if left:
            raise RuntimeError(f"tasks were left behind: {left}")
        if loop.failures:
            raise loop.failures[0]
        return result
    finally:
        loop.close()


async def _awaited(main: Callable[[], Awaitable[T]]) -> T:
    return await main()


def run_on_trio(main: Callable[[], Awaitable[T]], seed: int) -> T:
    """Run on trio, whose clock jumps to what is due next; the seed decides the order in which its tasks run.

    Raises:
        Runaway: See `Watch`.
    """
    import trio
    import trio.testing

    scheduler: Any = cast("Any", trio)._core._run  # noqa: SLF001 - the one way to its dice, used by Hypothesis as well
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True  # noqa: SLF001
    state = scheduler._r.getstate()  # noqa: SLF001
    scheduler._r.seed(random.Random(seed).random())  # noqa: S311, SLF001
    try:
        return trio.run(_watched, main, clock=trio.testing.MockClock(autojump_threshold=0))
    finally:
        scheduler._r.setstate(state)  # noqa: SLF001


async def _watched(main: Callable[[], Awaitable[T]]) -> T:
    """Cancel what runs away: what an instrument raises would be logged, and no more."""
    import trio

    watch, found = Watch(), list[Runaway]()

    class Watching(trio.abc.Instrument):
        @override
        def before_io_wait(self, timeout: float) -> None:
            try:
                watch.turn(trio.current_time(), trio.lowlevel.current_statistics().tasks_living)
            except Runaway as error:
                found.append(error)
                scope.cancel()

    with trio.CancelScope() as scope:
        trio.lowlevel.add_instrument(Watching())
        return await main()
    raise found[0]


BACKENDS: Final[dict[str, Callable[[Callable[[], Awaitable[Any]], int], Any]]] = {
    "asyncio": run_on_asyncio,
    "trio": run_on_trio,
}
