"""Tasks, futures and callbacks on trio, which has tasks only."""

from __future__ import annotations

import contextvars
import heapq
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any, Final

import trio

from .pace import A_FEW, A_SHARE, AT_ONCE, Pace, Queue, Spread
from .port import Scope, Task, Timer

_LOG: Final = logging.getLogger("duologue")


class TrioFuture:
    """See `Future`."""

    __slots__ = ("_done", "_result", "_task")

    def __init__(self) -> None:
        self._done = False
        self._result: Any = None
        self._task: trio.lowlevel.Task | None = None

    def done(self) -> bool:
        return self._done

    def set_result(self, result: Any, /) -> None:
        self._done, self._result = True, result
        if self._task is not None:
            trio.lowlevel.reschedule(self._task)
            self._task = None

    def __await__(self) -> Generator[Any, None, Any]:
        if not self._done:
            self._task = trio.lowlevel.current_task()
            yield from trio.lowlevel.wait_task_rescheduled(self._abort).__await__()  # noqa: ASYNC105 - no coroutine more
        return self._result

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED


class _TrioTimer:
    __slots__ = ("_clockwork", "callback")

    def __init__(self, clockwork: Clockwork, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback
        self._clockwork = clockwork

    def cancel(self) -> None:
        if self.callback is not None:
            self.callback = None
            self._clockwork.forget_cancelled()


class Clockwork:
    """Callbacks that are due soon or later, for one run of trio.

    Attributes:
        pace: Cancels tasks; `ending` ends connections, `queue` calls what takes long, and `spread` what many ask for.
    """

    def __init__(self) -> None:
        self.pace, self.ending = Pace(self.call_soon, AT_ONCE, share=A_SHARE), Pace(self.call_soon, A_FEW)
        self.queue = Queue(self.call_soon)
        self.spread = Spread(trio.current_time, self.call_at)
        self._soon: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, _TrioTimer]] = []
        self._count = 0
        self._cancelled = 0
        self._parked: trio.lowlevel.Task | None = None

    def call_soon(self, callback: Callable[[], None]) -> None:
        self._soon.append(callback)
        self._wake()

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        timer = _TrioTimer(self, callback)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, timer))
        if self._timers[0][2] is timer:
            self._wake()
        return timer

    def forget_cancelled(self) -> None:
        """A timer was cancelled: it stays in the heap until it comes up, or until most of the heap is like that."""
        self._cancelled += 1
        if self._cancelled > 64 and self._cancelled * 2 > len(self._timers):
            self._timers = [entry for entry in self._timers if entry[2].callback is not None]
            heapq.heapify(self._timers)
            self._cancelled = 0

    async def run(self) -> None:
        while True:
            for _ in range(len(self._soon)):
                self._call(self._soon.popleft())
            for _ in range(len(self._timers)):  # what is set for now meanwhile has its turn later
                if not self._is_due():
                    break
                timer = heapq.heappop(self._timers)[2]
                callback, timer.callback = timer.callback, None
                if callback is None:
                    self._cancelled -= 1
                else:
                    self._call(callback)
            if self._soon:
                await trio.lowlevel.checkpoint()
            else:
                with trio.CancelScope(deadline=self._timers[0][0] if self._timers else float("inf")):
                    await self._park()

    def _is_due(self) -> bool:
        """Whether the first timer is, or was cancelled."""
        timers = self._timers
        return bool(timers) and (timers[0][0] <= trio.current_time() or timers[0][2].callback is None)

    async def _park(self) -> None:
        self._parked = trio.lowlevel.current_task()

        def abort(_: object) -> trio.lowlevel.Abort:
            self._parked = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def _wake(self) -> None:
        if self._parked is not None:
            trio.lowlevel.reschedule(self._parked)
            self._parked = None

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:  # noqa: BLE001 - a system task must not raise: it would end the whole run
            _LOG.exception("a callback of a connection failed")


_CLOCKWORK: Final = trio.lowlevel.RunVar[Clockwork]("duologue_clockwork")


def clockwork() -> Clockwork:
    """That of the current run."""
    try:
        return _CLOCKWORK.get()
    except LookupError:
        made = Clockwork()
        _CLOCKWORK.set(made)
        trio.lowlevel.spawn_system_task(made.run)
        return made


KEPT: Final = 16
"""Tasks of a scope that are kept for what is spawned next: to make and to end one costs a sixth of a call."""

KEPT_FOR: Final = 0.5
"""Seconds after which they end all the same."""


class _Job:
    """What was spawned. See `Task`."""

    __slots__ = ("coroutine", "worker")

    worker: _Worker

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.coroutine = coroutine

    def cancel(self) -> None:
        if self.worker.job is self:
            self.worker.cancelling.cancel()


class _Worker:
    """A task that has one job after the other, each in a context of its own; with one that was cancelled it ends."""

    __slots__ = ("_scope", "_task", "cancelling", "job")

    _task: trio.lowlevel.Task

    def __init__(self, job: _Job, scope: TrioScope) -> None:
        self.job: _Job | None = job
        self.cancelling = trio.CancelScope()
        self._scope = scope

    def go_on(self, job: _Job | None) -> None:
        """Give a worker that waits its next job; None ends it."""
        self.job = job
        self._task.context = contextvars.Context()
        trio.lowlevel.reschedule(self._task)

    async def run(self) -> None:
        self._task = trio.lowlevel.current_task()
        try:
            await self._work()
        finally:
            self.job = None  # it leads here: a cycle
            del self._task, self._scope.workers[self]

    async def _work(self) -> None:
        with self.cancelling:
            while self.job is not None:
                try:
                    await self.job.coroutine
                except Exception:  # noqa: BLE001 - one connection's failure is not its neighbours'
                    _LOG.exception("a task of a connection failed")
                except BaseExceptionGroup as group:  # cancelled, and something failed on the way
                    failed, rest = group.split(Exception)
                    if failed is not None:
                        _LOG.error("a task of a connection failed", exc_info=failed)
                    assert rest is not None, "a group of exceptions alone is an exception, caught above"
                    raise rest from None
                self.job = None
                if not self._scope.keep(self):
                    return
                await trio.lowlevel.wait_task_rescheduled(self._abort)  # raises at once where the job was cancelled

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._scope.kept.remove(self)
        return trio.lowlevel.Abort.SUCCEEDED


class TrioScope:
    """See `Scope`.

    Attributes:
        workers: All of them; `kept` those that wait for a job.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self.kept: list[_Worker] = []
        self._nursery = nursery
        self.workers: dict[_Worker, None] = {}
        self._sweep: Timer | None = None

    def spawn(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> Task:
        return self.start(function(*args))

    def start(self, coroutine: Coroutine[Any, Any, None]) -> Task:
        job = _Job(coroutine)
        if self.kept:
            job.worker = self.kept.pop()
            job.worker.go_on(job)
        else:
            job.worker = _Worker(job, self)
            self.workers[job.worker] = None
            contextvars.Context().run(self._nursery.start_soon, job.worker.run)
        return job

    def ended(self, task: Task) -> None:
        """Its worker knows."""

    def keep(self, worker: _Worker) -> bool:
        """Let a worker wait for another job; False where enough of them do."""
        if len(self.kept) >= KEPT:
            return False
        self.kept.append(worker)
        if self._sweep is None:
            self._sweep = clockwork().call_at(trio.current_time() + KEPT_FOR, self._let_go)
        return True

    def close(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
        self._let_go()
        pace = clockwork().pace
        running = [worker for worker in self.workers if worker.job is not None]
        for worker in running:
            pace.cancel(worker.cancelling)
        if running:
            pace.cancel(self._nursery.cancel_scope)  # for those that others start on their way out

    def _let_go(self) -> None:
        """End those that wait: that takes a fraction of what it takes to cancel them."""
        self._sweep = None
        while self.kept:
            self.kept.pop().go_on(None)


@asynccontextmanager
async def scope() -> AsyncGenerator[Scope]:
    """A nursery that passes on what its body raises as it is, without a group around it."""
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        made = TrioScope(nursery)
        try:
            yield made
        except (trio.Cancelled, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - raised again below, outside the nursery
            failure = error
        finally:
            made.close()
    if failure is not None:
        raise failure
