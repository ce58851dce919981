"""Typed calls, client and server in two processes: duologue against `websockets`, `json` and pydantic by hand.

Every arm answers the same question with the same model (about 350 bytes of JSON) and validates params and answer. The
arms are measured in turn, round after round, so that what else the machine does falls on all of them alike; what counts
is the median of the rounds, and their ratio more than their numbers.

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
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel
from typing_extensions import override

from duologue import Bound, Call, Protocol, Service, serve, unary
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


# -------------------------------------------------------------------------------------------------------- duologue
class Lookup(Service[RegistryPeer]):
    """The one action that is measured."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[RegistryPeer]] = RegistryPeer

    async def get_service(self, call: Call[RegistryPeer], params: GetServiceParams) -> ServiceEntry:
        return ENTRY

    @override
    def handlers(self) -> Sequence[Bound]:
        return (unary(actions.GET_SERVICE, self.get_service),)


async def serve_duologue() -> None:
    async with serve(Lookup(), "127.0.0.1", 0) as server:
        print(server.port, flush=True)
        await asyncio.Event().wait()


@asynccontextmanager
async def ask_duologue(port: int) -> Any:
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
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.Event().wait()


@asynccontextmanager
async def ask_by_hand(port: int) -> Any:
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
        loop = asyncio.get_running_loop()
        start, end = loop.time(), loop.time() + seconds

        async def caller() -> int:
            calls = 0
            while loop.time() < end:
                answer = await ask()
                assert answer.name == "web-api"
                calls += 1
            return calls

        calls = sum(await asyncio.gather(*(caller() for _ in range(IN_FLIGHT))))
        rate = calls / (loop.time() - start)
        end, times = loop.time() + seconds / 2, list[float]()
        while loop.time() < end:
            before = time.perf_counter()
            await ask()
            times.append(time.perf_counter() - before)
    return {"calls_per_second": rate, "p50_microseconds": statistics.median(times) * 1e6}


def run_on(loop: str, main: Coroutine[Any, Any, Any]) -> Any:
    if loop == "uvloop":
        import uvloop

        return uvloop.run(main)
    return asyncio.run(main)


def measure(stack: str, loop: str, seconds: float) -> dict[str, float]:
    """Run one round in two fresh processes."""
    script = (sys.executable, __file__, "--stack", stack, "--loop", loop)
    with subprocess.Popen([*script, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            client = [*script, "--drive", port, "--seconds", str(seconds)]
            done = subprocess.run(client, stdout=subprocess.PIPE, text=True, check=True, timeout=60 + 3 * seconds)
            rates: dict[str, float] = json.loads(done.stdout)
            return rates
        finally:
            server.kill()


def report(rounds: dict[tuple[str, str], list[dict[str, float]]]) -> dict[str, Any]:
    """Print the medians as a table; return everything, for a machine to read."""
    print(f"{'':24}{'calls/s, ' + str(IN_FLIGHT) + ' in flight':>26}{'p50 µs, 1 in flight':>24}{'rounds':>8}")
    rows: list[dict[str, Any]] = []
    for (stack, loop), results in rounds.items():
        row: dict[str, Any] = {"stack": stack, "loop": loop, "rounds": results}
        for measure in ("calls_per_second", "p50_microseconds"):
            row[measure] = statistics.median(result[measure] for result in results)
        rows.append(row)
        name = f"{stack}, {loop}"
        print(f"{name:24}{row['calls_per_second']:>26,.0f}{row['p50_microseconds']:>24,.0f}{len(results):>8}")
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
