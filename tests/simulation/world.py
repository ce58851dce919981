"""One simulated system: a server that may crash, its clients, and a record of all that they saw."""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup, TaskStatus
from tests.simulation import leaks
from tests.simulation.ledger import Ledger, RecordedLog, Store
from tests.simulation.sdk import bank
from tests.simulation.service import Bank, Teller
from typing_extensions import override

from duologue import CallError, ConnectFailed, Connection, ConnectionClosed, Effect, Event, Lifecycle, Limits, Position
from duologue.testing import Host, Simulation

QUIET = 90.0
"""Seconds without faults after which all has come to rest: the longest stall, the discovery of a dead peer and the
longest pause between two attempts to connect, one after the other."""

SHORT_QUIET = 15.0
"""The same where there were no faults: the longest call."""

UNKNOWN = "unknown"
"""The session of a client that has not told who it is."""

DELAY = 0.05
"""The longest time that bytes are under way."""


class Fault(Protocol):
    """What befalls a world."""

    __name__: str

    async def __call__(self, world: World, /) -> None: ...


@dataclass
class Placed:
    """One call, and how it ended.

    Attributes:
        back: The session of the client that the server called; empty when the client called.
        shared: Whether others called under the same key: then the handler that ran may be theirs.
        cancelled_at: When its caller gave up.
        items: Numbers of the items of a stream, in the order in which they came.
        wanted: How many items were asked for.
        busy: Seconds for which its caller did something else than wait.
        work: Seconds that the handler needs.
        rots: Whether the bytes that it brings, or is answered with, are not those of their digest in the end.
        answer: The mark in the result.
        endings: How often it ended.
    """

    mark: str
    effect: Effect
    at: float
    timeout: float
    refuse: str
    back: str = ""
    shared: bool = False
    cancelled_at: float | None = None
    items: list[int] = field(default_factory=list[int])
    wanted: int = 0
    busy: float = 0.0
    work: float = 0.0
    rots: bool = False
    answer: str | None = None
    error: CallError | None = None
    ended: float = 0.0
    endings: int = 0


class Body(BytesIO):
    """A file to upload that knows what was read of it, after it was measured.

    Attributes:
        measured: Its size and its digest, before anything happens to it.
        again: After each cut, how many bytes were sent again.
        left_out: Whether bytes were left out.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.measured = len(data), hashlib.sha256(data).hexdigest()
        self.again: list[int] = []
        self.left_out = False
        self._sent = 0
        self._was_measured = False

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        data = super().read(size)
        if self._was_measured and size:
            if start < self._sent:
                self.again.append(self._sent - start)
            self.left_out |= start > self._sent
            self._sent = start + len(data)
        self._was_measured |= bool(size) and not data
        return data

    def rot(self) -> None:
        """Let a byte of it be another one."""
        with self.getbuffer() as view:
            view[-1] ^= 1


@dataclass
class Uploaded(Placed):
    """A call that brings bytes."""

    body: Body = field(default_factory=lambda: Body(b""))


@dataclass
class Downloaded(Placed):
    """A call that is answered with bytes.

    Attributes:
        size: How many.
        came: Those that came.
    """

    size: int = 0
    came: bytearray = field(default_factory=bytearray)


@dataclass
class Reading:
    """What one event stream gave, from its opening to its end.

    Attributes:
        asked: When it was asked for; `opened` is when it stood.
        start: Where it began.
        seen: Each event with the stream's position after it.
        lost: Why it could not go on, as it said so.
        failure: Any other error that ended it.
        missed: How many volatile events it counted as lost.
        disturbed: Whether its connection was lost meanwhile.
    """

    account: str | None
    asked: float
    opened: float = math.inf
    start: Position | None = None
    seen: list[tuple[Position | None, Any]] = field(default_factory=list[tuple[Position | None, Any]])
    lost: str | None = None
    failure: Exception | None = None
    missed: int = 0
    disturbed: bool = False

    @property
    def numbers(self) -> list[int]:
        return [event.number for _, event in self.seen]


class BankClient(bank.BankClient):  # type: ignore[misc]
    """A client whose connections are kept, to be looked at afterwards.

    Attributes:
        begun: When each connection was begun, by its number.
        made: When this end had it; the other may have it before.
        losses: Why each was lost.
    """

    def __init__(self, *args: Any) -> None:
        base: Any = super()
        base.__init__(*args)
        self.connections: list[Connection] = []
        self.begun: dict[tuple[str, int], float] = {}
        self.made: dict[tuple[str, int], float] = {}
        self.losses: list[ConnectionClosed] = []

    async def _dial(self) -> Any:
        self.begun[self._session, self._generation + 1] = anyio.current_time()
        base: Any = super()
        return await base._dial()

    def _take(self, connection: Connection) -> None:
        self.connections.append(connection)
        self.made[self._session, self._generation] = anyio.current_time()
        base: Any = super()
        base._take(connection)


@dataclass
class World:
    """All of one run.

    Attributes:
        logs: Every log that the server had, the present one last.
        emitted: The states and volatile events that were published, in order.
        overtaken: Calls whose answer came before an event that their handler had emitted.
        dropped: Answers that came to clients when nobody waited for them.
        calm: Whether the network and the server do nothing but their work.
        graceful: Whether the server at most stops as it should.
        lasting: Whether the server stays, and so do the clients.
        servers: Connections of the server that calls went out on.
    """

    sim: Simulation
    host: Host
    ledger: Ledger
    store: Store
    limits: Limits
    service: Any
    readers: TaskGroup
    logs: list[RecordedLog] = field(default_factory=list[RecordedLog])
    clients: list[BankClient] = field(default_factory=list[BankClient])
    all_clients: list[BankClient] = field(default_factory=list[BankClient])
    placed: list[Placed] = field(default_factory=list[Placed])
    log_readings: list[Reading] = field(default_factory=list[Reading])
    state_readings: list[Reading] = field(default_factory=list[Reading])
    tick_readings: list[Reading] = field(default_factory=list[Reading])
    levels: dict[str, int] = field(default_factory=dict[str, int])
    ticks: list[tuple[float, Any]] = field(default_factory=list[tuple[float, Any]])
    calm: bool = True
    graceful: bool = True
    lasting: bool = True
    servers: set[Connection] = field(default_factory=set[Connection])
    disturbing: bool = False
    up: bool = True
    numbers: int = 0
    dropped: int = 0
    overtaken: list[str] = field(default_factory=list[str])
    leaks: list[str] = field(default_factory=list[str])

    @property
    def begun(self) -> dict[tuple[str, int], float]:
        """When each connection was begun, by its session and number."""
        return {which: at for client in self.all_clients for which, at in client.begun.items()}

    @property
    def made(self) -> dict[tuple[str, int], float]:
        """When its client had each of them."""
        return {which: at for client in self.all_clients for which, at in client.made.items()}

    @property
    def subscribed(self) -> bool:
        """Whether there were event streams."""
        return bool(self.log_readings or self.state_readings or self.tick_readings)

    def number(self) -> int:
        """A number that nothing else has."""
        self.numbers += 1
        return self.numbers

    # --------------------------------------------------------------------------------------------------------- server
    async def start(self) -> None:
        self.service = Bank(self.ledger, self.store)
        if self.store.log is not self.logs[-1]:
            self.logs.append(self.store.log)
        await self.host.start(self.service)
        self.up = True
        for account, number in self.levels.items():  # states belong to the process: a new one is told them again
            await self.emit(bank.Level(account=account, number=number))

    async def crash(self, *, lossy: bool) -> None:
        self.up = False
        await self.host.crash()
        if lossy:
            self.store = await self.store.lost(refilled=self.sim.random.random() < 0.7)

    async def stop(self) -> None:
        self.up = False
        await self.host.stop()

    async def emit(self, event: Event) -> None:
        await self.service.publisher.emit(event)

    # -------------------------------------------------------------------------------------------------------- clients
    @asynccontextmanager
    async def client(self) -> AsyncGenerator[BankClient]:
        """A connected client; the server may be away at first."""
        losses: list[ConnectionClosed] = []
        async with AsyncExitStack() as stack:
            client = await self._open(stack, losses)
            self.clients.append(client)
            self.all_clients.append(client)
            try:
                yield client
            finally:
                self.clients.remove(client)

    async def _open(self, stack: AsyncExitStack, losses: list[ConnectionClosed]) -> BankClient:
        while True:
            opening = BankClient.open(
                self.host.url,
                serve=Teller(self.ledger),
                limits=self.limits,
                lifecycle=Lifecycle(lost=losses.append),
            )
            try:
                client: BankClient = await stack.enter_async_context(opening)
            except ConnectFailed:
                await anyio.sleep(self.sim.random.uniform(0, 1))
            else:
                client.losses = losses
                return client

    # --------------------------------------------------------------------------------------------------------- faults
    @asynccontextmanager
    async def disturbed(self, *faults: Fault) -> AsyncGenerator[None]:
        """Let these faults happen while the block runs, then let all come to rest."""
        self.calm = not faults
        self.graceful = all(fault.__name__ == "restarts" for fault in faults)
        self.lasting = all(fault.__name__ in ("bad_network", "stalls") for fault in faults)
        self.disturbing = True
        async with anyio.create_task_group() as tasks:
            for fault in faults:
                tasks.start_soon(fault, self)
            yield
            self.disturbing = False
        self.sim.note("quiet")
        await anyio.sleep(QUIET if faults else SHORT_QUIET)


@asynccontextmanager
async def a_world(sim: Simulation, *, clients: int = 2, limits: Limits | None = None) -> AsyncGenerator[World]:
    """A server with clients. After the block, which leaves all at rest, what is left over is looked for."""
    limits = limits or Limits()
    with TemporaryDirectory(prefix="duologue-simulation-") as folder:
        async with _a_world(sim, clients, limits, Ledger(Path(folder))) as world:
            yield world
        world.leaks += leaks.in_folder(world)


@asynccontextmanager
async def _a_world(sim: Simulation, clients: int, limits: Limits, ledger: Ledger) -> AsyncGenerator[World]:
    store = Store()
    service = Bank(ledger, store)
    async with sim.serving(service, 1, limits) as host, anyio.create_task_group() as keepers:
        done = anyio.Event()
        readers = anyio.create_task_group()
        world = World(sim, host, ledger, store, limits, service, readers, logs=[store.log])
        async with readers:
            for _ in range(clients):
                await keepers.start(_keep_client, world, done)
            yield world
            world.leaks += leaks.at_rest(world)
            ends = [*(one for client in world.all_clients for one in client.connections), *world.servers]
            world.dropped = sum(one.calls.dropped for one in ends)
            readers.cancel_scope.cancel()
        await anyio.sleep(1)
        world.leaks += leaks.without_readers(world)
        done.set()
        await anyio.sleep(SHORT_QUIET)
        world.leaks += leaks.without_clients(world)


async def _keep_client(world: World, done: anyio.Event, *, task_status: TaskStatus[None]) -> None:
    async with world.client():
        task_status.started()
        await done.wait()
