"""The client's side of a measurement under load: so many callers, each with one call at a time."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib import import_module
from typing import Final

import anyio

from .payload import ENTRY, MANY, Client
from .worker import Commands

HUNG: Final = 60.0
"""Seconds after which a measurement is given up."""


@asynccontextmanager
async def drive(*, module: str, port: int, connections: int = 1) -> AsyncGenerator[Commands]:
    """A program: connect a contender's clients, then `flood` the server on demand."""
    connect = import_module(module).connect
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(port)) for _ in range(connections)]

        async def measure(in_flight: int, seconds: float, action: str = "get") -> dict[str, float]:
            ask = ASK[action]
            spread = itertools.islice(itertools.cycle(clients), in_flight)
            return await flood([partial(ask, client) for client in spread], seconds)

        yield {"flood": measure}


async def get(client: Client) -> None:
    entry = await client.get()
    assert entry.name == ENTRY.name


async def list_all(client: Client) -> None:
    many = await client.list()
    assert len(many.services) == len(MANY.services)


ASK: dict[str, Callable[[Client], Awaitable[None]]] = {"get": get, "list": list_all}


async def flood(callers: Sequence[Callable[[], Awaitable[object]]], seconds: float) -> dict[str, float]:
    """Let each of the callers call for so long, one call after the other."""
    times: list[float] = []
    now = time.perf_counter
    begun, cpu = now(), time.process_time()
    end = begun + seconds

    async def repeat(call: Callable[[], Awaitable[object]]) -> None:
        before = now()
        while True:
            await call()
            after = now()
            times.append(after - before)
            if after >= end:
                return
            before = after

    with anyio.fail_after(HUNG):
        async with anyio.create_task_group() as tasks:
            for call in callers:
                tasks.start_soon(repeat, call)
    took, used = now() - begun, time.process_time() - cpu
    times.sort()
    return {
        "calls": len(times),
        "rate": len(times) / took,
        "p50": statistics.median(times) * 1e6,
        "p99": times[int(len(times) * 0.99)] * 1e6,
        "cpu": used,
    }
