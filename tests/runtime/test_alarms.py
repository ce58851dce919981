"""Alarms of a driver: what thousands of connections wait for, with one timer of the event loop."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from tests.runtime.support import BOUND, Recorder, run, until

from duologue.drivers import current

pytestmark = pytest.mark.anyio

SOON = 0.01


async def test_alarms_ring_in_the_order_of_their_times() -> None:
    rung: list[str] = []
    with anyio.fail_after(BOUND):
        executor = current()
        now = executor.now()
        for name, delay in (("late", 3), ("early", 1), ("at once", -1), ("later", 4), ("between", 2)):
            executor.alarm_at(now + delay * SOON, partial(rung.append, name))
        await until(lambda: len(rung) == 5)
    assert rung == ["at once", "early", "between", "late", "later"]


@pytest.mark.parametrize("how", ["call_at", "alarm_at"])
async def test_none_rings_early(how: str) -> None:
    """What is set again for the rest of its time would ring again and again until that is over."""
    late: list[float] = []
    with anyio.fail_after(BOUND):
        executor = current()
        for number in range(100):
            when = executor.now() + number / 10_000
            getattr(executor, how)(when, lambda when=when: late.append(executor.now() - when))
        await until(lambda: len(late) == 100)
    assert min(late) > -1e-6


async def test_one_that_was_cancelled_does_not_ring_even_if_it_was_due_with_the_one_that_cancels_it() -> None:
    rung: list[str] = []
    with anyio.fail_after(BOUND):
        executor = current()
        when = executor.now() + SOON

        def ring() -> None:
            rung.append("first")
            second.cancel()

        executor.alarm_at(when, ring)
        second = executor.alarm_at(when, lambda: rung.append("cancelled by the first"))
        executor.alarm_at(when - SOON / 2, lambda: rung.append("cancelled at once")).cancel()
        executor.alarm_at(when + SOON, lambda: rung.append("last"))
        await until(lambda: "last" in rung)
        second.cancel()  # once more changes nothing
    assert rung == ["first", "last"]


async def test_one_that_is_set_for_now_by_another_lets_the_loop_have_its_turn() -> None:
    rung: list[int] = []
    with anyio.fail_after(BOUND):
        executor = current()

        def again() -> None:
            rung.append(len(rung))
            executor.alarm_at(executor.now() - 1, again)
            if len(rung) == 1_000_000:
                raise AssertionError("nobody else had a turn")

        executor.alarm_at(executor.now(), again)
        await until(lambda: len(rung) > 1)
        for _ in range(3):
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": False}), ("asyncio", {"use_uvloop": True})])
async def test_any_number_of_them_is_one_timer_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    set_for: list[float] = []
    with anyio.fail_after(BOUND):
        executor, loop = current(), asyncio.get_running_loop()
        call_at = loop.call_at

        def counted(_: object, when: float, *args: Any, **options: Any) -> asyncio.TimerHandle:
            set_for.append(when)
            return call_at(when, *args, **options)

        monkeypatch.setattr(executor, "_loop", type("Loop", (), {"call_at": counted, "time": loop.time})())
        now, rung = executor.now(), list[int]()
        early = 0.0005 if type(loop).__module__ == "uvloop" else 0.0  # it rings at the nearest millisecond
        alarms = [executor.alarm_at(now + 60 + n, lambda: rung.append(0)) for n in range(1000)]
        assert set_for == [now + 60 + early]
        executor.alarm_at(now + SOON, lambda: rung.append(1))
        await until(lambda: rung)
        assert set_for == [now + 60 + early, now + SOON + early, now + 60 + early]
        for alarm in alarms:
            alarm.cancel()
    assert rung == [1]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_one_that_fails_is_told_and_those_behind_it_ring() -> None:
    told: list[BaseException] = []
    with anyio.fail_after(BOUND):
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        executor, rung = current(), list[int]()

        def fail() -> None:
            raise ValueError("an alarm's own")

        now = executor.now()
        executor.alarm_at(now, fail)
        executor.alarm_at(now, lambda: rung.append(1))
        await until(lambda: rung)
    assert [str(error) for error in told] == ["an alarm's own"]


@pytest.mark.parametrize("turns", [1, 2, 3, 4, 5])
async def test_a_socket_can_be_given_up_at_any_turn_before_its_link_is_connected(turns: int) -> None:
    """From then on giving up is the link's."""
    link = Recorder()
    with anyio.fail_after(BOUND):
        listener = await current().listen("127.0.0.1", 0, tls=None, handshake=BOUND)
        with socket.create_connection(listener.addresses[0], timeout=BOUND) as peer:
            accepted = await listener.accept()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run, accepted, link)
                while turns and not link.transport:
                    await anyio.lowlevel.checkpoint()
                    turns -= 1
                for give_up in (link.transport.abort,) if link.transport else (accepted.abort,) * 2:
                    give_up()
            with suppress(ConnectionResetError):
                assert peer.recv(1) == b""
        await listener.aclose()
    assert link.told[-1] == "lost"
