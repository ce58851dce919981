"""Many tasks or connections that end do so a few in some turns of the event loop, and leave nothing behind."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from itertools import pairwise

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from tests.runtime.hostile import HANDSHAKE, Hostile, message
from tests.runtime.manual import ManualExecutor
from tests.runtime.support import BOUND, Room, serving, until

from duologue.drivers import current
from duologue.drivers.memory import MemoryNetwork
from duologue.drivers.pace import A_CALL, A_FEW, A_SHARE, APART, AT_ONCE, TURNS, Pace, Queue, Spread

MANY = 5 * AT_ONCE
FEW, CALLS = 2 * AT_ONCE, 15 * AT_ONCE


class Noted:
    """Notes that it was cancelled."""

    def __init__(self, number: int, cancelled: list[int]) -> None:
        self._number = number
        self._cancelled = cancelled

    def cancel(self) -> None:
        self._cancelled.append(self._number)


def test_few_are_cancelled_at_once_and_more_in_turns_in_their_order() -> None:
    executor, cancelled = ManualExecutor(), list[int]()
    pace = Pace(executor.call_soon, AT_ONCE)
    for number in range(MANY + 3):
        pace.cancel(Noted(number, cancelled))
    for burst in range(1, 6):
        for _ in range(A_CALL):
            assert cancelled == list(range(burst * AT_ONCE))
            executor.turn()
    assert cancelled == list(range(MANY + 3))
    pace.cancel(Noted(MANY + 3, cancelled))
    assert cancelled == list(range(MANY + 4)), "there is room in this burst"
    for _ in range(A_CALL):
        executor.turn()
    assert not executor.soon


def test_of_very_many_a_share_is_cancelled_so_that_more_may_come_than_a_burst_ends() -> None:
    executor, cancelled = ManualExecutor(), list[int]()
    pace = Pace(executor.call_soon, AT_ONCE, share=A_SHARE)
    waiting: list[int] = []
    for number in range(400 * AT_ONCE):
        pace.cancel(Noted(number, cancelled))
        if number % (4 * AT_ONCE) == 0:
            for _ in range(A_CALL):
                executor.turn()
            waiting.append(number + 1 - len(cancelled))
    assert max(waiting) < 4 * AT_ONCE * (A_SHARE + 1), "as many end as come"
    assert waiting[-1] > AT_ONCE * A_SHARE, "more came than a burst ends"
    for _ in range(A_CALL * A_SHARE * 8):
        executor.turn()
    assert cancelled == list(range(400 * AT_ONCE))


def test_what_many_ask_for_is_spread_over_time_in_its_order() -> None:
    executor, called = ManualExecutor(), list[int]()
    spread = Spread(executor.now, executor.call_at)
    for _ in range(2):  # when all were called it begins anew
        called.clear()
        for number in range(2 * A_FEW + 1):
            spread.call(partial(called.append, number))
        assert called == []
        for burst in range(1, 4):
            executor.advance(APART)
            assert called == list(range(min(burst * A_FEW, 2 * A_FEW + 1)))
        assert executor.pending == 0


def test_what_is_spread_is_called_whatever_becomes_of_that_before_it() -> None:
    executor, called = ManualExecutor(), list[int]()
    spread = Spread(executor.now, executor.call_at)
    spread.call(lambda: called.append(1 // 0))
    spread.call(lambda: called.append(1))
    with pytest.raises(ZeroDivisionError):
        executor.advance(APART)
    executor.advance(APART)
    assert called == [1]


def test_what_is_spread_may_ask_again() -> None:
    executor, called = ManualExecutor(), list[float]()

    def call() -> None:
        called.append(executor.now())
        if len(called) < 3:
            spread.call(call)

    spread = Spread(executor.now, executor.call_at)
    spread.call(call)
    executor.advance(4 * APART)
    assert called == pytest.approx([1000 + APART, 1000 + 2 * APART, 1000 + 3 * APART])


def test_what_takes_long_is_called_one_after_the_other_whatever_becomes_of_it() -> None:
    executor, called = ManualExecutor(), list[int]()
    queue = Queue(executor.call_soon)

    def fail() -> None:
        called.append(0)
        raise ValueError("one of them")

    queue.wait(fail)
    queue.wait(lambda: called.append(1))
    for _ in range(TURNS - 1):
        executor.turn()
    assert called == []
    assert queue.has_waiting()
    with pytest.raises(ValueError, match="one of them"):
        executor.turn()
    for _ in range(TURNS):
        assert called == [0]
        executor.turn()
    assert called == [0, 1]
    assert not queue.has_waiting()
    assert not executor.soon


@pytest.mark.anyio
@pytest.mark.parametrize("network", [nullcontext, MemoryNetwork().use])
async def test_every_executor_does_all_of_it(network: Callable[[], AbstractContextManager[object]]) -> None:
    called, begun = anyio.Event(), anyio.Semaphore(0)
    with anyio.fail_after(BOUND), network():
        executor = current()
        async with executor.scope() as scope:
            task = scope.spawn(anyio.sleep_forever)
            executor.call_in_turn(called.set)
            assert executor.has_in_turn()
            await called.wait()
            assert not executor.has_in_turn()
            for _ in range(MANY):
                executor.call_a_few(begun.release)
            for _ in range(MANY):
                await begun.acquire()
            executor.call_spread(begun.release)
            await begun.acquire()
            executor.cancel(task)


@pytest.mark.anyio
async def test_a_scope_that_is_left_ends_what_runs_in_it_a_few_a_turn() -> None:
    ended, at_each_turn = 0, [0]

    async def work() -> None:
        nonlocal ended
        try:
            await anyio.sleep_forever()
        finally:
            ended += 1

    async def watch() -> None:
        while ended < MANY:
            await anyio.lowlevel.checkpoint()
            at_each_turn.append(ended)

    with anyio.fail_after(BOUND):
        async with anyio.create_task_group() as tasks, current().scope() as scope:
            for _ in range(MANY):
                scope.spawn(work)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(watch)
    assert ended == MANY
    assert max(after - before for before, after in pairwise(at_each_turn)) <= 2 * AT_ONCE


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])  # asyncio's tasks, once cancelled, are not to start others
async def test_what_others_start_on_their_way_out_ends_too() -> None:
    begun, ended = anyio.Event(), 0

    async def late() -> None:
        nonlocal ended
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended += 1

    with anyio.fail_after(BOUND):
        async with current().scope() as scope:

            async def work() -> None:
                try:
                    await anyio.sleep_forever()
                finally:
                    scope.spawn(late)

            for _ in range(MANY):
                scope.spawn(work)
            await anyio.wait_all_tasks_blocked()
    assert ended in (0, MANY)
    assert begun.is_set() == bool(ended)


@pytest.mark.anyio
async def test_handshakes_that_are_given_up_end_a_few_a_turn() -> None:
    left = [MANY]
    with anyio.fail_after(BOUND), ExitStack() as peers:
        async with serving(Room()) as server:
            for _ in range(MANY):
                peers.enter_context(socket.create_connection(("127.0.0.1", server.port))).send(HANDSHAKE)
            await until(lambda: server.handshakes == MANY)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.aclose)
                while left[-1]:
                    await anyio.lowlevel.checkpoint()
                    left.append(server.handshakes)
    assert max(before - after for before, after in pairwise(left)) <= 2 * A_FEW


@pytest.mark.anyio
class TestALostPeer:
    async def lose(self, room: Room, calls: int = CALLS) -> list[int]:
        """Let a peer call and go; how many handlers had ended, at each turn of the event loop."""
        ended = [0]
        async with serving(room) as server:
            with await anyio.to_thread.run_sync(Hostile, server.port) as peer:
                peer.send(b"".join(message(id=str(n), action="nap", params={"seconds": 60}) for n in range(calls)))
                await until(lambda: room.running == calls)
            with anyio.fail_after(BOUND):
                while room.running:
                    await anyio.lowlevel.checkpoint()
                    ended.append(room.stopped)
            await until(lambda: not server.connections)
        return ended

    async def test_its_handlers_end_a_few_a_turn(self) -> None:
        ended = await self.lose(Room())
        assert ended[-1] == CALLS
        assert max(after - before for before, after in pairwise(ended)) <= 2 * AT_ONCE

    @pytest.mark.usefixtures("only_new_objects")
    async def test_they_leave_nothing_for_the_garbage_collector(self) -> None:
        """A cycle keeps all that a cancelled handler held, until a collection that takes long: there are thousands."""
        left: list[int] = []
        for calls in (FEW, FEW, CALLS):  # the first ones leave what is made once
            gc.collect()
            gc.disable()
            try:
                await self.lose(Room(), calls)
                await anyio.wait_all_tasks_blocked()
                left.append(gc.collect())
            finally:
                gc.enable()
        assert left[2] - left[1] < 2 * (CALLS - FEW), "of each call no more is left than what the room keeps of it"
