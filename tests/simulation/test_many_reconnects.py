"""Reconnecting leaks nothing, however often it happens: in virtual time, where it can happen often."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
import trio
from tests.simulation import leaks
from tests.simulation.ledger import Ledger, Store
from tests.simulation.sdk import bank
from tests.simulation.service import Bank, Teller
from typing_extensions import override

from duologue import Connection, EventLog, MemoryLog
from duologue.drivers.memory import MemoryEnd
from duologue.net.link import Link
from duologue.testing import Host, Simulation, VirtualLoop, simulate

pytestmark = pytest.mark.usefixtures("only_new_objects")

OF_A_CONNECTION: Sequence[type] = (Connection, Link, MemoryEnd)


class Counted:
    """What there is at one moment.

    Attributes:
        objects: All that the garbage collector knows.
        kept: Those of them that one connection has one or two of.
        tasks: Tasks of the event loop.
        timers: What it is to do later; None where that cannot be seen.
    """

    def __init__(self) -> None:
        gc.collect()
        known = gc.get_objects()
        self.objects = len(known)
        self.kept = sum(issubclass(type(one), tuple(OF_A_CONNECTION)) for one in known)
        self.tasks, self.timers = _waiting()


def _waiting() -> tuple[int, int | None]:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return trio.lowlevel.current_statistics().tasks_living, None
    assert isinstance(loop, VirtualLoop)
    return len(asyncio.all_tasks()), sum(not timer.cancelled() for timer in loop._scheduled)


class Forgetful(Bank):
    """A server whose history is short: that it grows is no leak."""

    @override
    def event_log(self) -> EventLog:
        return MemoryLog(50)


async def use(host: Host, client: Any, events: Any, number: int) -> None:
    """A call on whatever connection there is; now and then another one back, and an event."""
    mark, rarely = f"{number}", not number % 10
    task = bank.Task(mark=mark, before=0, after=0, ask_back=rarely)
    assert (await client.read(**dict(task), timeout=300)).mark == mark  # pauses grow for who is cut again and again
    if not rarely:
        return
    await host.server.emit(bank.Booked(account="a", number=number))
    assert (await anext(events)).number == number


async def come_back_again_and_again(sim: Simulation, times: int, folder: Path) -> None:
    ledger = Ledger(folder)
    async with (
        sim.serving(Forgetful(ledger, Store()), 1) as host,
        bank.BankClient.open(host.url, serve=Teller(ledger)) as client,
        client.events.booked() as events,
    ):

        async def reconnect(first: int, beyond: int) -> Counted:
            for number in range(first, beyond):
                sim.network.cut()
                await use(host, client, events, number)
                ledger.runs.clear()
                ledger.effects.clear()
                sim.trace.clear()
            await anyio.sleep(5)  # for goodbyes, and for no call that would end by its own timeout
            return Counted()

        first, early, late = await reconnect(0, 1), await reconnect(1, 50), await reconnect(50, 50 + times)
        assert late.kept <= first.kept + 12  # two that were lost just now, not one for each
        assert late.tasks <= first.tasks + 4
        assert (late.timers or 0) <= (first.timers or 0) + 8
        assert late.objects - early.objects < times  # not one for each
        assert len(sim.network.connections) == len(host.server.connections) == len(host.server._clients) == 1
        for end in (client.connection, *host.server.connections):
            assert list(leaks.of_connection(end)) == []
        (served,) = host.server.connections
        assert served._subscriptions is not None
        assert list(served._subscriptions._subscriptions) == ["s1"]


def reconnect(times: int, folder: Path, backend: Literal["asyncio", "trio"]) -> None:
    simulate(lambda sim: come_back_again_and_again(sim, times, folder), 1, longest=1e6, backend=backend)


def test_five_hundred_reconnects_leave_nothing_behind(tmp_path: Path) -> None:
    reconnect(500, tmp_path, "asyncio")


def test_reconnects_leave_nothing_behind_on_trio(tmp_path: Path) -> None:
    reconnect(100, tmp_path, "trio")


@pytest.mark.long  # a minute on one core
def test_ten_thousand_reconnects_leave_nothing_behind(tmp_path: Path) -> None:
    reconnect(10_000, tmp_path, "asyncio")
