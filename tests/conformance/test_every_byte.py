"""One cut at every byte of a conversation: calls end as their effect promises, and say truly whether they ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any, Final

import anyio
import pytest
from tests.runtime.proxy import Cut, Direction, Proxy, proxied
from tests.simulation import planted_calls
from tests.simulation.ledger import Ledger, Store
from tests.simulation.sdk import bank
from tests.simulation.service import Bank

from duologue import CallError, ConnectFailed, Ran, serve
from duologue.calling.attempts import Attempts

pytestmark = pytest.mark.anyio

METHODS: Final = {"safe": "read", "keyed": "book", "unsafe": "fire"}
EFFECTS: Final = tuple(METHODS)
WALKERS: Final = 24
"""How many clients share the cuts at every byte; where only some bytes are tried, a few do."""

Walk = Callable[..., Coroutine[Any, Any, None]]
Kind = tuple[str, str, int]
"""An effect, a verdict, and how often the effect happened."""

MET: Final[dict[Direction, set[Kind]]] = {
    Direction.UP: {("unsafe", Ran.UNKNOWN, 0), ("unsafe", "result", 1), ("keyed", "result", 1), ("safe", "result", 1)},
    Direction.DOWN: {
        ("unsafe", Ran.UNKNOWN, 1),
        ("unsafe", "result", 1),
        ("keyed", "result", 1),
        ("safe", "result", 2),
    },
}
"""What must have been among the ends, or the cuts did not come where they matter."""


@dataclass(frozen=True)
class Ended:
    """A call, and its verdict: `result`, or what its error says of whether it ran."""

    effect: str
    mark: str
    verdict: str


@dataclass
class Trial:
    """A server of which every effect is known, and the calls that were placed.

    Attributes:
        cuts: How many connections were cut.
    """

    port: int
    ledger: Ledger
    ended: list[Ended] = field(default_factory=list[Ended])
    cuts: int = 0

    async def place(self, client: Any, effect: str, cut: Cut) -> None:
        """Call; the end of it is written down."""
        mark = f"{effect} {cut.direction.name} {cut.after}"
        try:
            answer = await getattr(client, METHODS[effect])(mark=mark, before=0, after=0, timeout=60)
            assert answer.mark == mark
            verdict = "result"
        except CallError as error:
            verdict = error.ran
        self.ended.append(Ended(effect, mark, verdict))

    async def place_all(self, client: Any, cut: Cut, effects: Sequence[str] = EFFECTS) -> None:
        async with anyio.create_task_group() as tasks:
            for effect in effects:
                tasks.start_soon(self.place, client, effect, cut)

    def kinds(self) -> Counter[Kind]:
        return Counter((one.effect, one.verdict, self.ledger.effects[one.mark]) for one in self.ended)


@asynccontextmanager
async def a_trial(bound: float) -> AsyncGenerator[Trial]:
    ledger = Ledger()
    with anyio.fail_after(bound):
        async with serve(Bank(ledger, Store()), "127.0.0.1", 0) as server:
            yield Trial(server.port, ledger)


async def ever_later(trial: Trial, direction: Direction, counts: Iterator[int]) -> None:
    """Place calls while connection after connection is cut, each a little later: in their handshakes at first."""
    async with proxied(trial.port) as proxy, bank.BankClient.open(f"ws://127.0.0.1:{proxy.port}") as client:
        first = next(counts)
        proxy.cuts = (Cut(direction, after) for after in chain([first], counts))
        await lose(client, proxy)
        await trial.place_all(client, Cut(direction, first))
        trial.cuts += proxy.cut_short


async def one_by_one(
    trial: Trial, direction: Direction, counts: Iterator[int], effects: Sequence[str] = EFFECTS, times: int = 0
) -> None:
    """Place calls while a connection is cut after so many bytes, then others, until all of a call fits before its cut.

    Args:
        times: How many new connections are cut, one after the other, handshakes included; 0 to cut the one that stands.
    """
    async with proxied(trial.port) as proxy, bank.BankClient.open(f"ws://127.0.0.1:{proxy.port}") as client:
        for after in counts:
            cut, before = Cut(direction, after), proxy.cut_short
            if times:
                proxy.cuts = iter([cut] * times)
                await lose(client, proxy)
            else:
                await client.connected()
                proxy.cut_after(cut)
            await trial.place_all(client, cut, effects)
            if proxy.cut_short == before:
                break
        trial.cuts += proxy.cut_short


async def lose(client: Any, proxy: Proxy) -> None:
    connection = client.connection
    proxy.cut()
    await connection.until_closed()


async def walk(how: Walk, direction: Direction, *rest: Any, every: int = 1, bound: float = 90.0) -> Trial:
    """Cut at every byte, or at every so many; each walker takes its share."""
    walkers = max(WALKERS // every, 4)
    async with a_trial(bound) as trial, anyio.create_task_group() as tasks:
        for walker in range(walkers):
            tasks.start_soon(how, trial, direction, count(walker * every, walkers * every), *rest)
    return trial


def broken(trial: Trial) -> Iterator[str]:
    """What is not as promised."""
    for one in trial.ended:
        effects = trial.ledger.effects[one.mark]
        promised = {
            "safe": one.verdict == "result" and effects >= 1,
            "keyed": one.verdict == "result" and effects == 1,
            "unsafe": effects in {"result": (1,), Ran.NO: (0,), Ran.UNKNOWN: (0, 1), Ran.YES: (1,)}[one.verdict],
        }
        if not promised[one.effect]:
            yield f"{one.mark}: {one.verdict}, and {effects} effects"


@pytest.fixture
def every(anyio_backend: tuple[str, dict[str, bool]]) -> int:
    """The quick tests cut at every byte on uvloop, the fastest, and at every so many on the others."""
    if anyio_backend[1].get("use_uvloop"):
        return 1
    return 17 if anyio_backend[0] == "asyncio" else 19


@pytest.mark.parametrize("direction", Direction)
async def test_a_cut_at_any_byte_of_requests_and_answers(direction: Direction, every: int) -> None:
    """Three calls at once, one of each effect, so that each byte of each of them is the last one."""
    trial = await walk(one_by_one, direction, every=every)
    assert list(broken(trial)) == []
    assert trial.kinds().keys() >= MET[direction]
    assert trial.cuts >= 190 // every


@pytest.mark.parametrize("direction", Direction)
async def test_a_cut_at_any_byte_of_a_handshake(direction: Direction, every: int) -> None:
    """While calls wait, and then at every so many bytes of what they say."""
    trial = await walk(ever_later, direction, every=4 + every)  # `test_a_cut_at_every_byte` leaves none out
    assert list(broken(trial)) == []
    assert trial.cuts >= 380 // (4 + every)


@pytest.mark.long  # four minutes in all
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(
    ("effects", "times"), [*(((effect,), 1) for effect in EFFECTS), (EFFECTS, 1), (EFFECTS, 2)], ids=str
)
async def test_a_cut_at_every_byte(direction: Direction, effects: tuple[str, ...], times: int) -> None:
    trial = await walk(one_by_one, direction, effects, times, bound=170)
    assert list(broken(trial)) == []
    assert {one.verdict for one in trial.ended} >= ({"result", Ran.UNKNOWN} if "unsafe" in effects else {"result"})
    assert trial.cuts >= times * (380 + 60 * len(effects))


@pytest.mark.parametrize("direction", Direction)
async def test_an_opening_cut_at_any_byte(direction: Direction, every: int) -> None:
    """Who opens a client is told that there is none, or has one that works."""
    after, step = 0, 12 + every
    async with a_trial(30) as trial, proxied(trial.port) as proxy:
        while proxy.cut_short == after // step:
            cut = Cut(direction, after)
            proxy.cuts = iter([cut])
            with suppress(ConnectFailed):
                async with bank.BankClient.open(f"ws://127.0.0.1:{proxy.port}") as client:
                    await trial.place(client, "keyed", cut)
            after += step
    assert after > 400
    assert trial.ended
    assert list(broken(trial)) == []


def safe_calls_are_not_retried(patch: pytest.MonkeyPatch) -> None:
    def give_up(self: Attempts, error: CallError, connection: Any) -> None:
        raise error

    patch.setattr(Attempts, "failed", give_up)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("plant", "seen"),
    [
        (safe_calls_are_not_retried, "safe"),
        (planted_calls.keys_are_not_looked_at, "keyed"),
        (planted_calls.recorded_answers_are_forgotten, "keyed"),
        (planted_calls.unsafe_calls_are_retried, "unsafe"),
        (planted_calls.a_sent_call_is_said_not_to_be, "unsafe"),
    ],
)
async def test_a_planted_bug_is_seen(
    plant: Callable[[pytest.MonkeyPatch], None], seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    trial = await walk(one_by_one, Direction.DOWN, every=7)
    assert any(problem.startswith(seen) for problem in broken(trial))
