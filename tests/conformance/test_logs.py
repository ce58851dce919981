"""Twenty subscribers whose connections are cut again and again: they read the log as it is, or are told of a hole."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import TaskStatus
from tests.runtime.proxy import Cut, Direction, Proxy, proxied
from tests.simulation import planted_events
from tests.simulation.ledger import Ledger, Store
from tests.simulation.sdk import bank
from tests.simulation.service import Bank
from typing_extensions import override

from duologue import EventLog, HistoryLost, LogEntry, MemoryLog, Position, serve

pytestmark = pytest.mark.anyio

SUBSCRIBERS = 20
SIZE = 80
"""Bytes of an event on the wire, more or less."""


class SlowLog(MemoryLog):
    """Reading it takes a moment, in which there may be more."""

    @override
    async def read(self, after: int, limit: int) -> Sequence[LogEntry] | None:
        await anyio.sleep(0.003)
        return await super().read(after, limit)


class Teller(Bank):
    """A service whose history is known to the test.

    Attributes:
        told: The account and the number of each entry of the log.
    """

    def __init__(self, capacity: int, first: int = 1) -> None:
        super().__init__(Ledger(), Store())
        self.told: list[tuple[str, int]] = []
        self.capacity = capacity
        self._log = SlowLog(capacity)
        self._first = first

    @override
    def event_log(self) -> EventLog:
        return self._log

    @property
    def epoch(self) -> str:
        return self._log.position.epoch

    async def tell(self, count: int) -> None:
        """Publish events together, as a commit does."""
        entries: list[LogEntry] = []
        for number in range(self._first + len(self.told), self._first + len(self.told) + count):
            self.told.append(("ab"[number % 2], number))
            entries.append(await self._log.append(bank.Booked(account=self.told[-1][0], number=number)))
        self.publisher.publish(entries)

    def following(self, start: Position, account: str | None) -> list[int]:
        """The numbers that a subscriber reads from a position on."""
        return [number for owner, number in self.told[start.seq :] if account in (None, owner)]

    def unread(self, subscriber: Subscriber) -> int:
        """How many entries a subscriber has not read yet; one that it does not want may be the last."""
        reading = subscriber.readings[-1]
        begun = reading.start.seq if reading.start.epoch == self.epoch else 0
        unread = len(self.told) - max(reading.numbers[-1] - self._first + 1 if reading.numbers else begun, 0)
        return 0 if unread == 1 and subscriber.account not in (None, self.told[-1][0]) else unread


@dataclass
class Reading:
    """What one stream gave.

    Attributes:
        end: Where it was, and `lost` why it could not go on, when history was lost.
    """

    start: Position
    numbers: list[int] = field(default_factory=list[int])
    end: Position | None = None
    lost: str | None = None


@dataclass
class Subscriber:
    """Reads all events, or those of one account; where the log does not go on, it begins anew."""

    account: str | None
    readings: list[Reading] = field(default_factory=list[Reading])

    async def follow(self, port: int, task_status: TaskStatus[None]) -> None:
        async with bank.BankClient.open(f"ws://127.0.0.1:{port}") as client:
            while True:
                stream = client.events.booked(account=self.account)
                try:
                    async with stream:
                        await self._read(stream, task_status)
                except HistoryLost as error:
                    self.readings[-1].end, self.readings[-1].lost = stream.position, error.reason

    async def _read(self, stream: Any, task_status: TaskStatus[None]) -> None:
        reading = Reading(stream.position)
        self.readings.append(reading)
        if len(self.readings) == 1:
            task_status.started()
        async for event in stream:
            reading.numbers.append(event.number)


def fates(proxy: Proxy, chance: random.Random, wanted: int, mean: float) -> Iterator[Cut]:
    """Cuts anywhere in what is read, and some in what is said before, until there were so many."""
    while proxy.cut_short < wanted:
        if chance.random() < 0.2:
            yield Cut(chance.choice(list(Direction)), chance.randrange(700))
        else:
            yield Cut(Direction.DOWN, chance.randrange(int(2 * mean)))


@asynccontextmanager
async def subscribed(port: int, number: int = SUBSCRIBERS) -> AsyncGenerator[list[Subscriber]]:
    """Subscribers, each with a connection of its own; every third wants the events of one account alone."""
    subscribers = [Subscriber("a" if each % 3 == 0 else None) for each in range(number)]
    with anyio.fail_after(170):
        async with anyio.create_task_group() as tasks:
            for subscriber in subscribers:
                await tasks.start(subscriber.follow, port)
            yield subscribers
            tasks.cancel_scope.cancel()


async def publish(teller: Teller, subscribers: list[Subscriber], chance: random.Random, count: int, ahead: int) -> None:
    """Publish events, about so many ahead of the slowest subscriber, until there are `count` and all have been read."""
    waited = 0
    while (more := len(teller.told) < count) or any(map(teller.unread, subscribers)):
        if more and max(map(teller.unread, subscribers)) < ahead:
            await teller.tell(chance.randint(1, 60))
            await anyio.lowlevel.checkpoint()
        elif (waited := waited + 1) % 100 == 0:
            await teller.tell(1)  # for who has a hole at the end of what it has, and would not notice
        else:
            await anyio.sleep(0.001)


async def cut_again_and_again(
    teller: Teller, count: int, cuts: int, seed: int, ahead: int, number: int = SUBSCRIBERS
) -> tuple[list[Subscriber], int]:
    """Returns what the subscribers saw, and how many connections were cut in the end."""
    chance = random.Random(seed)
    async with serve(teller, "127.0.0.1", 0) as server, proxied(server.port) as proxy:
        async with subscribed(proxy.port, number) as subscribers:
            proxy.cuts = fates(proxy, chance, cuts, mean=count * SIZE * number / cuts / 3)
            proxy.cut()
            await publish(teller, subscribers, chance, count, ahead)
            while proxy.cut_short < cuts:  # who loses history reads less, and so less of it is cut
                await publish(teller, subscribers, chance, len(teller.told) + 50, ahead)
    return subscribers, proxy.cut_short


def broken(subscribers: list[Subscriber], *tellers: Teller) -> Iterator[str]:
    """What is not as promised."""
    of = {teller.epoch: teller for teller in tellers}
    for subscriber in subscribers:
        for reading, anew in zip_longest(subscriber.readings, subscriber.readings[1:]):
            teller = of[reading.start.epoch]
            there = teller.following(reading.start, subscriber.account)
            if reading.numbers != there[: len(reading.numbers) if reading.lost else None]:
                yield f"from {reading.start.seq}: {reading.numbers} instead of {there}"
            if reading.lost is None or anew is None or reading.end is None:
                continue
            if anew.start.epoch == teller.epoch and anew.start.seq - reading.end.seq <= teller.capacity:
                yield f"{reading.lost}: history after {reading.end.seq} was said to be lost at {anew.start.seq}"


def losses(subscribers: list[Subscriber]) -> list[str]:
    return [reading.lost for each in subscribers for reading in each.readings if reading.lost is not None]


# For each loop 100,000 events and 2,000 cuts, in four logs, in some minutes; quickly some of it.
sizes = pytest.mark.parametrize(
    ("count", "cuts", "seed"),
    [(1_000, 20, 0), *(pytest.param(25_000, 500, seed, marks=pytest.mark.long) for seed in range(1, 5))],
)


@sizes
async def test_nothing_is_missed(count: int, cuts: int, seed: int) -> None:
    teller = Teller(2 * count)
    subscribers, cut = await cut_again_and_again(teller, count, cuts, seed, ahead=2_000)
    assert cut >= cuts
    assert list(broken(subscribers, teller)) == []
    assert losses(subscribers) == []


@sizes
async def test_lost_history_is_told(count: int, cuts: int, seed: int) -> None:
    """There is no more than the last 200 events to go on from."""
    teller = Teller(200)
    subscribers, cut = await cut_again_and_again(teller, count, cuts, seed, ahead=400)
    assert cut >= cuts
    assert list(broken(subscribers, teller)) == []
    lost = losses(subscribers)
    assert set(lost) == {"history_cut"}
    assert len(lost) < cut + SUBSCRIBERS, "who was there again in time went on"


async def switch(count: int) -> tuple[list[Subscriber], Teller, Teller]:
    """Another server takes over, with a history that has grown to the same number."""
    chance, teller, other = random.Random(0), Teller(count), Teller(count, first=1_000_000)
    async with (
        serve(teller, "127.0.0.1", 0) as server,
        serve(other, "127.0.0.1", 0) as next_server,
        proxied(server.port) as proxy,
        subscribed(proxy.port) as subscribers,
    ):
        await teller.tell(count // 2)
        await publish(teller, subscribers, chance, count // 2, count)
        await teller.tell(count // 2)
        await other.tell(count)
        proxy.target = next_server.port
        proxy.cut()
        await publish(other, subscribers, chance, count + 100, count)
    return subscribers, teller, other


async def test_another_history_is_told() -> None:
    subscribers, *tellers = await switch(200)
    assert list(broken(subscribers, *tellers)) == []
    assert losses(subscribers) == ["epoch_changed"] * SUBSCRIBERS


# ------------------------------------------------------------------------------------------------------- planted bugs
def cut_history_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    read = MemoryLog.read

    async def what_is_left(self: MemoryLog, after: int, limit: int) -> Any:
        return await read(self, max(after, self.position.seq - len(self._entries)), limit)

    patch.setattr(MemoryLog, "read", what_is_left)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("plant", "capacity"),
    [
        (planted_events.streams_resume_one_too_late, 1_000),
        (planted_events.streams_resume_where_they_once_began, 1_000),
        (planted_events.replays_are_left_out, 1_000),
        (planted_events.live_before_the_replay_is_done, 1_000),
        (planted_events.every_reconnect_is_said_to_lose_history, 1_000),
        (cut_history_is_passed_over, 50),
    ],
)
async def test_a_planted_bug_is_seen(
    plant: Callable[[pytest.MonkeyPatch], None], capacity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    teller = Teller(capacity)
    subscribers, _ = await cut_again_and_again(teller, 1_000, 40, seed=0, ahead=400, number=6)
    assert list(broken(subscribers, teller))


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_planted_bug_of_epochs_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_events.the_epoch_of_the_log_is_ignored(monkeypatch)
    subscribers, *tellers = await switch(200)
    assert list(broken(subscribers, *tellers))
