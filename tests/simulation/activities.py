"""What clients do in a scenario, and what befalls them: each activity records in the world what it saw."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol, TypeVar

import anyio
from tests.simulation.sdk import bank
from tests.simulation.world import UNKNOWN, BankClient, Placed, Reading, World

from duologue import (
    CallError,
    CallOptions,
    DeadlineExceeded,
    Effect,
    EventStream,
    HistoryLost,
    NotSent,
    OutcomeUnknown,
)

ACCOUNTS = ("a", "b")
UNARY = {Effect.SAFE: "read", Effect.KEYED: "book", Effect.UNSAFE: "fire"}
STREAMING = {Effect.SAFE: "list_", Effect.KEYED: "move"}


PlacedT = TypeVar("PlacedT", bound=Placed)


class Place(Protocol):
    """Places so many calls to a peer; `back` is the session of a client that the server calls."""

    def __call__(self, world: World, peer: Any, count: int, /, *, back: str = "") -> Awaitable[None]: ...


# --------------------------------------------------------------------------------------------------------------- calls
async def place_calls(world: World, peer: Any, count: int, padding: int = 0, *, back: str = "") -> None:
    """Place calls of every effect, some at once, some of them given up, and wait for their ends."""
    dice = world.sim.random
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            await anyio.sleep(dice.uniform(0, 3))
            effect = dice.choice(list(UNARY))
            placed = a_call(world, Placed, effect, back=back)
            method = getattr(peer, UNARY[effect])
            give_up = dice.uniform(0, 2 * placed.timeout)
            tasks.start_soon(_call, world, placed, method, a_task(world, placed, padding), give_up)


async def place_streams(world: World, peer: Any, count: int) -> None:
    """The same with streams."""
    dice = world.sim.random
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            await anyio.sleep(dice.uniform(0, 3))
            effect = dice.choice(list(STREAMING))
            placed = a_call(world, Placed, effect)
            placed.wanted = dice.randrange(12)
            method = getattr(peer, STREAMING[effect])
            give_up = dice.uniform(0, 2 * placed.timeout)
            tasks.start_soon(_stream, world, placed, method, a_task(world, placed), give_up)


def a_call(world: World, kind: type[PlacedT], effect: Effect, *, back: str = "", **more: Any) -> PlacedT:
    dice = world.sim.random
    placed = kind(
        f"{effect.name.lower()}-{world.number()}",
        effect,
        world.sim.now(),
        timeout=dice.uniform(0.1, 10),
        refuse=dice.choice(["no", "no", "no", "before", "after"]),
        back=back,
        **more,
    )
    world.placed.append(placed)
    return placed


def a_task(world: World, placed: Placed, padding: int = 0, **more: Any) -> Any:
    dice = world.sim.random
    longest = dice.choice([0.05, 1.0, 8.0])
    before, after = dice.uniform(0, longest), dice.uniform(0, longest)
    ask_back = dice.random() < 0.3
    placed.work = before + after + (after + 1.0 if ask_back else 0.0)
    padded = "." * padding
    return bank.Task(
        mark=placed.mark, before=before, after=after, refuse=placed.refuse, padding=padded, ask_back=ask_back, **more
    )


async def share_keys(world: World, count: int) -> None:
    """Several callers, of one client or more, place the same call under the same key, at about the same time."""
    dice = world.sim.random
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            await anyio.sleep(dice.uniform(0, 3))
            first = a_call(world, Placed, Effect.KEYED)
            first.shared = True
            task = a_task(world, first)
            for placed in (first, *(the_same(world, first) for _ in range(dice.randrange(3)))):
                tasks.start_soon(_call_later, world, placed, task)


def the_same(world: World, first: Placed) -> Placed:
    placed = a_call(world, Placed, Effect.KEYED)
    placed.mark, placed.refuse, placed.work, placed.shared = first.mark, first.refuse, first.work, True
    return placed


async def _call_later(world: World, placed: Placed, task: Any) -> None:
    dice = world.sim.random
    await anyio.sleep(dice.uniform(0, 3))
    give_up = dice.uniform(0, 2 * placed.timeout)
    options = CallOptions(key=placed.mark)
    await _call(world, placed, dice.choice(world.clients).book, task, give_up, options)


async def listen_while_calling(world: World, client: BankClient, count: int) -> None:
    """What a handler emits is there when its answer is."""
    async with client.events.booked() as stream:
        for _ in range(count):
            mark = f"told-{world.number()}"
            await client.fire(mark=mark, before=0, after=0, tell=True)
            waiting = [event.account for event, *_ in stream._queue if event is not None]
            if mark not in waiting:
                world.overtaken.append(mark)
            await anyio.sleep(world.sim.random.uniform(0, 1))


async def _call(
    world: World, placed: Placed, method: Any, task: Any, give_up: float, options: CallOptions | None = None
) -> None:
    placed.at = world.sim.now()
    with anyio.move_on_after(give_up) as patience:
        try:
            receipt = await method(**dict(task), timeout=placed.timeout, options=options)
            placed.answer = receipt.mark
        except CallError as error:
            placed.error = error
    end(world, placed, patience)


async def _stream(world: World, placed: Placed, method: Any, task: Any, give_up: float) -> None:
    placed.at = world.sim.now()
    with anyio.move_on_after(give_up) as patience:
        try:
            async with method(task=task, items=placed.wanted, timeout=placed.timeout) as stream:
                async for item in stream:
                    assert item.mark == placed.mark
                    placed.items.append(item.number)
                placed.answer = (await stream.result()).mark
        except CallError as error:
            placed.error = error
    end(world, placed, patience)


def end(world: World, placed: Placed, patience: anyio.CancelScope) -> None:
    placed.endings += 1
    placed.ended = world.sim.now()
    if patience.cancelled_caught:
        placed.cancelled_at = placed.ended
    outcome = placed.answer or repr(placed.error) if not patience.cancelled_caught else "given up"
    world.sim.note(f"{placed.mark}: {outcome}".split(" (incident")[0])


async def call_clients(world: World, count: int, place: Place = place_calls) -> None:
    """The server calls whichever clients are there."""
    dice = world.sim.random
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            await anyio.sleep(dice.uniform(0, 3))
            peers: Sequence[Any] = world.host.server.peers() if world.up else ()
            if peers:
                tasks.start_soon(_place_back, world, dice.choice(peers), place)


async def _place_back(world: World, peer: Any, place: Place) -> None:
    world.servers.add(peer.connection)
    hello = peer.connection.session.peer
    await place(world, peer, 1, back=UNKNOWN if hello is None else hello.session)
    world.servers.add(peer.connection)  # it may be another by now


# -------------------------------------------------------------------------------------------------------------- events
async def publish(
    world: World, count: int, *, pause: float = 1.0, padding: int = 0, accounts: Sequence[str] = ACCOUNTS
) -> None:
    """Publish events of every kind, while the server is there."""
    dice = world.sim.random
    filler = "." * padding
    for _ in range(count):
        await anyio.sleep(dice.uniform(0, pause))
        if not world.up:
            continue
        account, number = dice.choice(accounts), world.number()
        kind = dice.choice([bank.Booked, bank.Level, bank.Tick])
        if kind is bank.Level:
            world.levels[account] = number
        elif kind is bank.Tick:
            world.ticks.append((world.sim.now(), bank.Tick(account=account, number=number)))
        await world.emit(kind(account=account, number=number, padding=filler))


async def follow_log(world: World, client: BankClient, account: str | None, pause: float = 0.0) -> None:
    """Read the log; where it does not continue, begin anew."""
    while True:
        reading = Reading(account, world.sim.now())
        world.log_readings.append(reading)
        if not await _read(world, reading, client.events.booked(account=account), pause):
            return


async def follow_both(world: World, client: BankClient) -> None:
    """Read log and states in one stream; where the log does not continue, begin both anew."""
    while True:
        log, state = Reading(None, world.sim.now()), Reading(None, world.sim.now())
        world.log_readings.append(log)
        world.state_readings.append(state)
        try:
            async with await opened(client.events(bank.Booked, bank.Level)) as stream:
                log.start = stream.position
                async for event in stream:
                    (log if isinstance(event, bank.Booked) else state).seen.append((stream.position, event))
                return
        except HistoryLost as error:
            log.lost = error.reason
            world.state_readings.remove(state)


async def follow_levels(world: World, client: BankClient, account: str | None, pause: float = 0.0) -> None:
    reading = Reading(account, world.sim.now())
    world.state_readings.append(reading)
    await _read(world, reading, client.events.level(account=account), pause)


async def follow_ticks(world: World, client: BankClient, account: str | None, pause: float = 0.0) -> None:
    reading = Reading(account, world.sim.now())
    world.tick_readings.append(reading)
    before = len(client.losses)
    stream = client.events.tick(account=account)
    try:
        await _read(world, reading, stream, pause)
    finally:
        reading.missed = stream.lost
        reading.disturbed = len(client.losses) > before


async def opened(stream: EventStream[Any]) -> EventStream[Any]:
    """Open a stream, however long the server is away: one attempt at it has an end."""
    while True:
        try:
            await stream.start()
        except (NotSent, OutcomeUnknown, DeadlineExceeded):
            continue
        return stream


async def _read(world: World, reading: Reading, stream: EventStream[Any], pause: float) -> bool:
    """Read to the end; whether there is something to read anew."""
    try:
        async with await opened(stream):
            reading.start = stream.position
            reading.opened = world.sim.now()
            async for event in stream:
                reading.seen.append((stream.position, event))
                if pause:
                    await anyio.sleep(world.sim.random.uniform(0, pause))
    except HistoryLost as error:
        reading.lost = error.reason
        world.sim.note(f"history lost: {error.reason}")
        return True
    except CallError as error:
        reading.failure = error
    return False


async def read_again_and_again(world: World, account: str | None, lives: int) -> None:
    """A client that dies without a word, and after its restart goes on from the position that it had kept."""
    reading = Reading(account, world.sim.now())
    world.log_readings.append(reading)
    for life in range(lives):
        async with world.client() as client:
            with anyio.move_on_after(world.sim.random.uniform(0, 8) if life < lives - 1 else math.inf):
                await _read_on(reading, client)
            world.sim.vanish(client)


async def _read_on(reading: Reading, client: BankClient) -> None:
    since = reading.seen[-1][0] if reading.seen else reading.start
    try:
        async with await opened(client.events.booked(account=reading.account, since=since)) as stream:
            reading.start = reading.start or stream.position
            async for event in stream:
                reading.seen.append((stream.position, event))
    except HistoryLost as error:
        reading.lost = error.reason
