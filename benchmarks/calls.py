"""Typed calls, client and server in two processes: duologue against `websockets`, `json` and pydantic by hand.

Every arm answers the same question with the same model (about 350 bytes of JSON) and validates params and answer. The
arms are measured in turn, round after round, so that what else the machine does falls on all of them alike; what counts
is the median of the rounds, and their ratio more than their numbers. Processor time a call (both ends together) is the
column that other work on the machine disturbs least.

    python benchmarks/calls.py [--rounds N] [--seconds S] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typing_extensions import override

from duologue import Bound, Call, Service, serve, unary
from service_registry_sdk import (
    Endpoint,
    EndpointProtocol,
    GetServiceParams,
    Local,
    ManagedProcess,
    RegistryClient,
    RegistryPeer,
    ServiceEntry,
    ServiceState,
    actions,
)
from service_registry_sdk.protocol import PROTOCOL

IN_FLIGHT = 64
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENTRY = ServiceEntry(
    name="web-api",
    version="1.4.0",
    execution=ManagedProcess(command=["bin/api"]),
    location=Local(),
    endpoints=[Endpoint(name="public", address="10.0.0.7:8080", protocol=EndpointProtocol.HTTP)],
    state=ServiceState.RUNNING,
    registered_at=NOW,
    last_state_change=NOW,
    revision=7,
)

Ask = Callable[[], Awaitable[ServiceEntry]]


async def stay(port: int) -> None:
    """Serve until standard input ends, then tell how much processor time that took."""
    print(port, flush=True)
    before = time.process_time()
    await asyncio.to_thread(sys.stdin.read)
    print(time.process_time() - before, flush=True)


# -------------------------------------------------------------------------------------------------------- duologue
class Lookup(Service[RegistryPeer]):
    """The one action that is measured."""

    protocol = PROTOCOL
    peer_type = RegistryPeer

    async def get_service(self, call: Call[RegistryPeer], params: GetServiceParams) -> ServiceEntry:
        return ENTRY

    @override
    def handlers(self) -> Sequence[Bound]:
        return (unary(actions.GET_SERVICE, self.get_service),)


async def serve_duologue() -> None:
    async with serve(Lookup(), "127.0.0.1", 0) as server:
        await stay(server.port)


@asynccontextmanager
async def ask_duologue(port: int) -> AsyncGenerator[Ask]:
    async with RegistryClient.open(f"ws://127.0.0.1:{port}") as registry:
        yield lambda: registry.get_service(name="web-api")


# --------------------------------------------------------------------------------------------------------- by hand
class Request(BaseModel):
    """What people write when there is no generator."""

    id: str
    action: str
    params: GetServiceParams


async def serve_by_hand() -> None:
    from websockets.asyncio.server import ServerConnection
    from websockets.asyncio.server import serve as serve_websockets

    async def handle(socket: ServerConnection) -> None:
        async for message in socket:
            request = Request.model_validate(json.loads(message))
            answer = {"id": request.id, "data": ENTRY.model_dump(mode="json"), "error": None}
            await socket.send(json.dumps(answer))

    async with serve_websockets(handle, "127.0.0.1", 0, compression=None) as server:
        await stay(next(iter(server.sockets)).getsockname()[1])


@asynccontextmanager
async def ask_by_hand(port: int) -> AsyncGenerator[Ask]:
    from websockets.asyncio.client import connect

    ids = itertools.count()
    waiting: dict[str, asyncio.Future[Any]] = {}
    async with connect(f"ws://127.0.0.1:{port}", compression=None, proxy=None) as socket:

        async def read() -> None:
            async for message in socket:
                answer = json.loads(message)
                waiting.pop(answer["id"]).set_result(answer["data"])

        async def ask() -> ServiceEntry:
            id = str(next(ids))
            waiting[id] = future = asyncio.get_running_loop().create_future()
            params = GetServiceParams(name="web-api").model_dump(mode="json")
            await socket.send(json.dumps({"id": id, "action": "get_service", "params": params}))
            return ServiceEntry.model_validate(await future, by_alias=True)

        reader = asyncio.create_task(read())
        yield ask
        reader.cancel()


# ----------------------------------------------------------------------------------------------------- measurement
Arm = tuple[Callable[[], Coroutine[Any, Any, None]], Callable[[int], AbstractAsyncContextManager[Ask]]]
STACKS: dict[str, Arm] = {"duologue": (serve_duologue, ask_duologue), "by hand": (serve_by_hand, ask_by_hand)}
LOOPS = ("asyncio", "uvloop")


async def drive(stack: str, port: int, seconds: float) -> dict[str, float]:
    """Measure one round: calls a second with many in flight, then the median time of a call with one in flight."""
    async with STACKS[stack][1](port) as ask:
        await asyncio.gather(*(ask() for _ in range(IN_FLIGHT)))  # everything is imported and connected
        cpu = time.process_time()
        rate, calls = await flood(ask, seconds)
        times = await one_by_one(ask, seconds / 2)
        cpu = time.process_time() - cpu
    total = calls + len(times)
    return {"calls_per_second": rate, "p50_microseconds": statistics.median(times) * 1e6, "calls": total, "cpu": cpu}


async def flood(ask: Ask, seconds: float) -> tuple[float, int]:
    start = time.perf_counter()
    end = start + seconds

    async def caller() -> int:
        calls = 0
        while time.perf_counter() < end:
            answer = await ask()
            assert answer.name == ENTRY.name
            calls += 1
        return calls

    calls = sum(await asyncio.gather(*(caller() for _ in range(IN_FLIGHT))))
    return calls / (time.perf_counter() - start), calls


async def one_by_one(ask: Ask, seconds: float) -> list[float]:
    end = time.perf_counter() + seconds
    times: list[float] = []
    while (before := time.perf_counter()) < end:
        await ask()
        times.append(time.perf_counter() - before)
    return times


def run_on(loop: str, main: Coroutine[Any, Any, Any]) -> Any:
    if loop == "uvloop":
        import uvloop

        return uvloop.run(main)
    return asyncio.run(main)


def measure(stack: str, loop: str, seconds: float) -> dict[str, float]:
    """Run one round in two fresh processes."""
    script = (sys.executable, __file__, "--stack", stack, "--loop", loop)
    pipe = subprocess.PIPE
    with subprocess.Popen([*script, "--serve"], stdin=pipe, stdout=pipe, text=True) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            client = [*script, "--drive", port, "--seconds", str(seconds)]
            done = subprocess.run(client, stdout=pipe, text=True, check=True, timeout=60 + 3 * seconds)
            told, _ = server.communicate(timeout=30)
        finally:
            server.kill()
    result: dict[str, float] = json.loads(done.stdout)
    result["cpu_microseconds"] = (result.pop("cpu") + float(told)) / result["calls"] * 1e6
    return result


COLUMNS = {
    "calls_per_second": f"calls/s, {IN_FLIGHT} in flight",
    "p50_microseconds": "p50 µs, 1 in flight",
    "cpu_microseconds": "cpu µs a call, both ends",
}


def report(rounds: dict[tuple[str, str], list[dict[str, float]]]) -> dict[str, Any]:
    """Print the medians as a table; return everything, for a machine to read."""
    print(f"{'':20}" + "".join(f"{title:>26}" for title in COLUMNS.values()))
    rows: list[dict[str, Any]] = []
    for (stack, loop), results in rounds.items():
        medians = {column: statistics.median(result[column] for result in results) for column in COLUMNS}
        rows.append({"stack": stack, "loop": loop, "rounds": results, **medians})
        print(f"{f'{stack}, {loop}':20}" + "".join(f"{median:>26,.0f}" for median in medians.values()))
    versions = {name: version(name) for name in ("duologue", "websockets", "pydantic", "uvloop")}
    return {"python": platform.python_version(), "machine": platform.machine(), "versions": versions, "arms": rows}


def compare(rounds: int, seconds: float, target: Path) -> None:
    results: dict[tuple[str, str], list[dict[str, float]]] = {(s, e): [] for e in LOOPS for s in STACKS}
    for _ in range(rounds):
        for (stack, loop), measured in results.items():
            measured.append(measure(stack, loop, seconds))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report(results), indent=2) + "\n")
    print(f"all rounds: {target}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Typed calls: duologue against handwritten code.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round, with many calls in flight")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), help="where all rounds are written")
    parser.add_argument("--stack", choices=STACKS, help=argparse.SUPPRESS)
    parser.add_argument("--loop", choices=LOOPS, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--drive", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        run_on(chosen.loop, STACKS[chosen.stack][0]())
    elif chosen.drive is not None:
        print(json.dumps(run_on(chosen.loop, drive(chosen.stack, chosen.drive, chosen.seconds))))
    else:
        compare(chosen.rounds, chosen.seconds, chosen.json)


if __name__ == "__main__":
    main()
