"""The simulator itself: what it refuses, and what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import anyio
import anyio.lowlevel
import pytest
from tests.runtime.chat import ChatClient
from tests.runtime.support import Room

from duologue.testing import Deadlock, Fault, Runaway, Simulation, SimulationFailed, VirtualLoop, simulate
from duologue.testing.loop import Watch

Backend = Literal["asyncio", "trio"]


def test_waiting_for_nothing_is_a_deadlock() -> None:
    loop = VirtualLoop(1)
    try:
        with pytest.raises(Deadlock, match="every task waits, and nothing is due"):
            loop.run_until_complete(loop.create_future())
    finally:
        loop.close()


def test_a_task_that_is_left_behind_fails_the_run() -> None:
    tasks: list[asyncio.Task[None]] = []

    async def scenario(simulation: Simulation) -> None:
        tasks.append(asyncio.get_running_loop().create_task(asyncio.sleep(5)))

    with pytest.raises(SimulationFailed, match="tasks were left behind"):
        simulate(scenario, 1)
    tasks[0]._log_destroy_pending = False  # type: ignore[attr-defined] # it was left on purpose


async def go_round(simulation: Simulation) -> None:
    while True:
        await anyio.lowlevel.checkpoint()


async def have_ever_more_tasks(simulation: Simulation) -> None:
    async with anyio.create_task_group() as tasks:
        while True:
            for _ in range(1000):
                tasks.start_soon(anyio.sleep, 1000)
            await anyio.sleep(0.01)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(
    ("scenario", "told"),
    [(go_round, "time stands still"), (have_ever_more_tasks, "wait for their turn")],
)
def test_what_runs_away_ends_and_tells_its_seed(
    scenario: Callable[[Simulation], Awaitable[None]], told: str, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watch, "TURNS", 5000)
    monkeypatch.setattr(Watch, "WAITING", 1000)
    with pytest.raises(SimulationFailed, match=f"seed 3: Runaway: at .*{told}") as caught:
        simulate(scenario, 3, backend=backend)
    assert isinstance(caught.value.__cause__, Runaway)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_whatever_was_raised_is_told_out_of_its_groups(backend: Backend) -> None:
    async def fail(error: Exception) -> None:
        raise error

    async def scenario(simulation: Simulation) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail, KeyError("one"))
            tasks.start_soon(fail, ValueError("two"))

    with pytest.raises(SimulationFailed) as caught:
        simulate(scenario, 7, backend=backend)
    assert caught.value.seed == 7
    assert {"KeyError: 'one'", "ValueError: two"} >= set(str(caught.value).removeprefix("seed 7: ").split("; "))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_strikes_befall_who_lives_and_a_server_may_stop_or_crash_twice(backend: Backend) -> None:
    async def scenario(simulation: Simulation) -> list[str]:
        simulation.strike()  # nobody is there
        async with simulation.serving(Room(), port=1) as host:
            async with ChatClient.open(host.url) as client, anyio.create_task_group() as tasks:
                tasks.start_soon(simulation.strike_at_times, 5.0, [Fault.CUT])
                await anyio.sleep(60)
                tasks.cancel_scope.cancel()
                assert (await client.echo(text="on", timeout=60)).text == "on"
            await host.stop()
            await host.stop()
            await host.crash()
        return [text for _, text in simulation.trace]

    trace = simulate(scenario, 5, backend=backend)
    assert (trace[0], trace[-1]) == ("the server starts", "the server stops")
    assert sum(text.startswith("cut at") for text in trace) > 5


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_stall_passes_and_what_is_half_open_is_left(backend: Backend) -> None:
    async def scenario(simulation: Simulation) -> None:
        async with simulation.serving(Room(), port=1) as host, ChatClient.open(host.url) as client:
            first = client.connection
            for _ in range(20):
                since = simulation.now()
                simulation.strike(Fault.STALL, longest_stall=5.0)
                assert (await client.echo(text="on", timeout=60)).text == "on"
                assert simulation.now() - since < 6
            assert client.connection is first
            assert simulation.now() > 10, "nothing was stalled"
            simulation.strike(Fault.HALF_OPEN)
            assert (await client.echo(text="again", timeout=600)).text == "again"
            assert client.connection is not first

    simulate(scenario, 5, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_of_a_client_that_vanishes_its_server_hears_nothing(backend: Backend) -> None:
    async def scenario(simulation: Simulation) -> None:
        async with simulation.serving(Room(), port=1) as host, ChatClient.open(host.url) as client:
            async with ChatClient.open(host.url) as other:
                await client.echo(text="on")
                connection = client.connection
                simulation.vanish(client)
                await connection.until_closed()
                assert sum(each.closed is None for each in host.server.connections) == 2
                assert (await other.echo(text="on")).text == "on"

    simulate(scenario, 5, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_server_that_crashed_can_be_started_again(backend: Backend) -> None:
    async def scenario(simulation: Simulation) -> list[str]:
        async with simulation.serving(Room(), port=1) as host, ChatClient.open(host.url) as client:
            await client.echo(text="on")
            await host.crash()
            await client.connection.until_closed()
            await host.start(Room())
            assert (await client.echo(text="again", timeout=600)).text == "again"
        return [text for _, text in simulation.trace]

    crash, start = "the server crashes", "the server starts"
    assert simulate(scenario, 5, backend=backend) == [start, crash, start, crash]


def test_a_callback_that_fails_fails_the_run() -> None:
    def fail() -> None:
        raise ValueError("nobody sees it")

    async def scenario(simulation: Simulation) -> None:
        asyncio.get_running_loop().call_soon(fail)
        await anyio.sleep(1)

    with pytest.raises(SimulationFailed, match="ValueError: nobody sees it"):
        simulate(scenario, 1)


def test_what_the_loop_is_told_without_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(simulation: Simulation) -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "something odd"})

    simulate(scenario, 1)
    assert "something odd" in caplog.text
