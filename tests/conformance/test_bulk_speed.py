"""Small calls beside large uploads and downloads on one connection; and how fast those are.

Figures that are compared come from one run, and from rounds that alternate: what else the machine does hits both. They
mean something where client and server each have a processor: else they tell how long one waits for one.
"""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest
from tests.conformance.bulk import MIB, Warehouse, send_by_hand, serving
from tests.runtime.files import FilesClient
from tests.runtime.proxy import proxied

from duologue import Limits, serve

pytestmark = pytest.mark.anyio

RATE = 250
"""Small calls a second."""

Work = Callable[[], Awaitable[object]]


async def times_beside(client: FilesClient, work: Work, rate: float = RATE) -> list[float]:
    """Place so many calls a second while something goes on; seconds of each from when it was due to its answer."""
    times: list[float] = []

    async def call(due: float) -> None:
        await client.ping(name="x")
        times.append(time.perf_counter() - due)

    async with anyio.create_task_group() as tasks:
        begin = time.perf_counter()
        going = anyio.Event()

        async def place() -> None:
            number = 0
            while not going.is_set():
                due = begin + number / rate
                await anyio.sleep(max(0.0, due - time.perf_counter()))
                tasks.start_soon(call, due)
                number += 1

        tasks.start_soon(place)
        await work()
        going.set()
    return times


def percentile(times: Sequence[float], share: float) -> float:
    return sorted(times)[math.ceil(len(times) * share) - 1]


class Beside:
    """Small calls in peace, and beside uploads and downloads, in turn."""

    def __init__(self, client: FilesClient, size: int) -> None:
        self._client = client
        self._size = size
        self._body = bytes(size)
        self.times: dict[str, list[float]] = {"quiet": [], "upload": [], "download": []}

    async def round(self, seconds: float) -> None:
        for kind, work in (
            ("quiet", lambda: anyio.sleep(seconds)),
            ("upload", lambda: self._repeat(seconds, self._upload)),
            ("download", lambda: self._repeat(seconds, self._download)),
        ):
            self.times[kind] += await times_beside(self._client, work)

    async def _repeat(self, seconds: float, work: Work) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            await work()

    async def _upload(self) -> None:
        await self._client.put(self._body, name="x")

    async def _download(self) -> None:
        await self._client.get(name=f"{self._size}").result()

    def ratios(self, share: float) -> dict[str, float]:
        quiet = percentile(self.times["quiet"], share)
        return {kind: percentile(times, share) / quiet for kind, times in self.times.items() if kind != "quiet"}

    def told(self) -> str:
        return ", ".join(
            f"{kind}: p50 {percentile(times, 0.5) * 1e3:.2f} p99 {percentile(times, 0.99) * 1e3:.2f} ms ({len(times)})"
            for kind, times in self.times.items()
        )


@asynccontextmanager
async def beside(loop: str, size: int, seconds: float) -> AsyncGenerator[Beside]:
    with serving("ours", loop) as port, anyio.fail_after(seconds):
        async with FilesClient.open(f"ws://127.0.0.1:{port}") as client:
            for _ in range(100):
                await client.ping(name="warm")
            yield Beside(client, size)


BURN = "import time; end = time.perf_counter() + 0.5\nwhile time.perf_counter() < end: pass\nprint(time.process_time())"


@pytest.fixture
def two_processors() -> None:
    """Skips where two processes cannot have one each: something else is at work, or there are not so many."""
    command = [sys.executable, "-c", BURN]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    shares = [float(process.communicate(timeout=20)[0]) / 0.5 for process in processes]
    if min(shares) < 0.9:
        pytest.skip(f"two processes had {shares[0]:.0%} and {shares[1]:.0%} of a processor; they need one each")


def loop_of(backend: tuple[str, dict[str, bool]]) -> str:
    return "uvloop" if backend[1].get("use_uvloop") else backend[0]


@pytest.mark.long  # a minute
async def test_calls_beside_bulk_are_answered_nearly_as_soon(
    two_processors: None, anyio_backend: tuple[str, dict[str, bool]]
) -> None:
    """Their p99 is below three times its value in peace."""
    async with beside(loop_of(anyio_backend), 50 * MIB, 120) as bulk:
        for _ in range(8):
            await bulk.round(1.0)
        print(bulk.told(), bulk.ratios(0.99))
        assert max(bulk.ratios(0.99).values()) < 3


async def test_on_a_narrow_link_calls_overtake_an_upload() -> None:
    """Of two megabytes a second that are under way, or wait, a call has little before it: not a window, nor buffers."""
    limits = Limits()
    with anyio.fail_after(30):
        async with (
            serve(Warehouse(), "127.0.0.1", 0) as server,
            proxied(server.port, buffer=16 * 1024) as proxy,
            FilesClient.open(f"ws://127.0.0.1:{proxy.port}") as client,
        ):
            proxy.rate = 2_000_000
            times = await times_beside(client, lambda: client.put(bytes(2 * limits.bulk_window), name="x"), 50)
    print(f"p50 {percentile(times, 0.5) * 1e3:.0f} ms, p99 {percentile(times, 0.99) * 1e3:.0f} ms")
    assert percentile(times, 0.5) < limits.bulk_window / 2_000_000 / 2


@pytest.mark.long  # half a minute
@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": False}), ("asyncio", {"use_uvloop": True})])
async def test_an_upload_is_nearly_as_fast_as_by_hand(
    two_processors: None, anyio_backend: tuple[str, dict[str, bool]]
) -> None:
    """By hand: a client that sends size and digest before the bytes, a server that writes them down and checks them."""
    loop, body = loop_of(anyio_backend), bytes(100 * MIB)
    rates: dict[str, list[float]] = {"ours": [], "checked": [], "bare": []}
    with (
        serving("ours", loop) as ours,
        serving("checked", loop) as checked,
        serving("bare", loop) as bare,
        anyio.fail_after(200),
    ):
        async with FilesClient.open(f"ws://127.0.0.1:{ours}") as client:
            works: dict[str, Work] = {
                "ours": lambda: client.put(body, name="x"),
                "checked": lambda: send_by_hand(checked, body, check=True),
                "bare": lambda: send_by_hand(bare, body, check=False),
            }
            for _ in range(9):
                for kind, work in works.items():
                    begin = time.perf_counter()
                    await work()
                    rates[kind].append(len(body) / MIB / (time.perf_counter() - begin))
    medians = {kind: statistics.median(each) for kind, each in rates.items()}
    print({kind: f"{rate:.0f} MiB/s" for kind, rate in medians.items()})
    assert medians["ours"] > 0.7 * medians["checked"]
