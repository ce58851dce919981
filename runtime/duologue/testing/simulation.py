"""Runs of a whole system in virtual time, on a network that fails, each decided by a seed."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal, TypeVar, cast

import anyio

from ..client.client import Client
from ..drivers import current
from ..drivers.memory import MemoryEnd, MemoryNetwork
from ..handling.service import Service
from ..limits import Limits
from ..server.server import Server, serve
from .backends import BACKENDS

T = TypeVar("T")


class Fault(StrEnum):
    """What can happen to a connection."""

    CUT = "cut"
    """Both ends learn at once that it is gone."""
    HALF_OPEN = "half-open"
    """One end is gone, and the other is not told."""
    STALL = "stall"
    """Nothing arrives at one end for a while."""


class SimulationFailed(AssertionError):
    """A run failed; `seed` repeats it."""

    def __init__(self, seed: int, error: BaseException) -> None:
        super().__init__(f"seed {seed}: {'; '.join(_told(error))}")
        self.seed = seed


def _told(error: BaseException) -> list[str]:
    """What was raised, out of whatever groups."""
    if isinstance(error, BaseExceptionGroup):
        inner = cast("BaseExceptionGroup[BaseException]", error).exceptions
        return [text for each in inner for text in _told(each)]
    return [f"{type(error).__name__}: {error}"]


@dataclass
class Simulation:
    """One run: its clock, its network and its dice.

    Attributes:
        random: The scenario's own dice: everything that it leaves to chance must come from here.
        trace: What happened, in order, each with its time: two runs of one seed have the same.
    """

    seed: int
    network: MemoryNetwork
    random: random.Random
    trace: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    def now(self) -> float:
        """Virtual seconds since the start."""
        return anyio.current_time()

    def note(self, text: str) -> None:
        """Add to the trace."""
        self.trace.append((self.now(), text))

    # ---------------------------------------------------------------------------------------------------------- faults
    def strike(self, fault: Fault | None = None, *, longest_stall: float = 30.0) -> None:
        """Let something happen to a connection that lives; without a fault, the dice choose one."""
        living = [ends for ends in self.network.connections if not (ends[0].gone or ends[1].gone)]
        if not living:
            return
        fault = fault or self.random.choice(list(Fault))
        ends = self.random.choice(living)
        end = self.random.choice(ends)
        self.note(f"{fault} at {end.name}")
        if fault is Fault.CUT:
            for each in ends:
                each.lose()
        elif fault is Fault.HALF_OPEN:
            end.lose()
        else:
            self._stall(end, self.random.uniform(0.0, longest_stall))

    def _stall(self, end: MemoryEnd, seconds: float) -> None:
        end.stalled = True
        executor = current()
        executor.call_at(executor.now() + seconds, end.release)

    async def strike_at_times(self, longest_pause: float, faults: Iterable[Fault] = tuple(Fault)) -> None:
        """Strike again and again, until cancelled."""
        kinds = list(faults)
        while True:
            await anyio.sleep(self.random.uniform(0, longest_pause))
            self.strike(self.random.choice(kinds))

    def vanish(self, client: Client) -> None:
        """Let a client be gone as if its process had died: nothing is said, and the server is not told.

        Leave the client's block afterwards.
        """
        link = client.connection._link  # noqa: SLF001 - what ends here is below everything that is public
        for ends in self.network.connections:
            if ends[0]._link is link:  # noqa: SLF001
                ends[0].lose()

    # ---------------------------------------------------------------------------------------------------------- servers
    @asynccontextmanager
    async def serving(self, service: Service[Any], port: int, limits: Limits | None = None) -> AsyncGenerator[Host]:
        """A server that can be crashed and started again on its port."""
        async with anyio.create_task_group() as tasks:
            host = Host(self, tasks, port, limits)
            await host.start(service)
            try:
                yield host
            finally:
                await host.crash()
                tasks.cancel_scope.cancel()


class Host:
    """Where a server runs: it can crash at any moment, and come back with the same service or another."""

    def __init__(self, simulation: Simulation, tasks: anyio.abc.TaskGroup, port: int, limits: Limits | None) -> None:
        self.url: Final = f"ws://memory:{port}"
        self._simulation = simulation
        self._tasks = tasks
        self._port = port
        self._limits = limits
        self._stop: anyio.CancelScope | None = None
        self._stopped = anyio.Event()
        self.server: Server[Any]

    async def start(self, service: Service[Any]) -> None:
        """Serve, from now on."""
        self.server = await self._tasks.start(self._run, service)

    async def crash(self) -> None:
        """Be gone: no goodbye, and whoever is connected learns of it by the network's ways."""
        if self._stop is None:
            return
        self._simulation.note("the server crashes")
        for ends in self._simulation.network.connections:
            for end in ends:
                end.lose()
        self._stop.cancel()
        self._stop = None
        await self._stopped.wait()

    async def stop(self) -> None:
        """Stop gracefully: say goodbye, and let running handlers finish (see `Server.aclose`)."""
        if self._stop is not None:
            self._simulation.note("the server stops")
            await self.server.aclose()
            self._stop.cancel()
            self._stop = None
            await self._stopped.wait()

    async def _run(self, service: Service[Any], *, task_status: Any) -> None:
        self._simulation.note("the server starts")
        self._stopped = anyio.Event()
        with anyio.CancelScope() as self._stop:
            async with serve(service, "memory", self._port, limits=self._limits) as server:
                task_status.started(server)
                await anyio.sleep_forever()
        self._stopped.set()


def simulate(
    scenario: Callable[[Simulation], Awaitable[T]],
    seed: int,
    *,
    delay: tuple[float, float] = (0.0001, 0.05),
    longest: float = 3600.0,
    backend: Literal["asyncio", "trio"] = "asyncio",
) -> T:
    """Run a scenario; the same seed gives the same run, on the same backend and with the same versions of everything.

    Args:
        delay: Shortest and longest time that bytes are under way, in virtual seconds.
        longest: Virtual seconds that the scenario may take.
        backend: asyncio is the reference; trio needs trio's package.

    Raises:
        SimulationFailed: It raised, did not end in time, or left tasks behind; says with which seed to repeat it.
    """
    network = MemoryNetwork(seed=seed, delay=delay)
    simulation = Simulation(seed, network, random.Random(seed))  # noqa: S311 - chosen so that runs can be repeated

    async def run() -> T:
        with network.use(), anyio.fail_after(longest):
            return await scenario(simulation)

    state = random.getstate()
    random.seed(seed)  # what libraries draw, a client's back-off among them
    try:
        result: T = BACKENDS[backend](run, seed)
    except Exception as error:
        raise SimulationFailed(seed, error) from error
    finally:
        random.setstate(state)
    return result


__all__ = ["Fault", "Host", "Simulation", "SimulationFailed", "simulate"]
