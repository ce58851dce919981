"""Storms of calls that are given up: each ends once, its handler is stopped, and nothing is left at either end."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import anyio
import pytest
from tests.conformance.timers import Timers
from tests.runtime.raw import raw_client
from tests.runtime.support import until
from tests.simulation import leaks, planted_calls
from tests.simulation.ledger import Ledger, Run, Store
from tests.simulation.sdk import bank
from tests.simulation.service import Bank
from typing_extensions import override

from duologue import CallError, NotSent, Ran, Server, serve
from duologue.calling.calls import Calls
from duologue.drivers.pace import AT_ONCE
from duologue.errors import Status
from duologue.session.answering import Answering
from duologue.session.decisions import OutgoingCall, Settle
from duologue.session.session import Session
from duologue.wire import ErrorBody

pytestmark = pytest.mark.anyio

METHODS: Final = ("read", "book", "fire")
CLIENTS, CALLERS = 4, 10

REST: Final = 1.0
"""Seconds of a processor after which nothing may be left: time itself a machine may give to others."""
LOOKS: Final = 50
"""So often in a row the same is seen before it is said to be there for good."""


@dataclass
class Placed:
    """A call, and its one end: an answer, an error, or its caller's giving up.

    Attributes:
        work: Seconds that its handler needs.
    """

    mark: str
    method: str
    work: float
    timeout: float
    took: float = 0.0
    answer: str | None = None
    error: CallError | None = None
    given_up: bool = False

    async def place(self, client: Any, patience: float) -> None:
        started = anyio.current_time()
        with anyio.move_on_after(patience) as scope:
            try:
                method = getattr(client, self.method)
                self.answer = (await method(mark=self.mark, before=self.work, after=0, timeout=self.timeout)).mark
            except CallError as error:
                self.error = error
        self.given_up = scope.cancelled_caught
        self.took = anyio.current_time() - started


class Storm:
    """Callers without a pause.

    Attributes:
        settled: How often each call of a connection was given an outcome.
        left: What was left when all had come to rest.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.chance = random.Random(0)
        self.calls: list[Placed] = []
        self.ledger = Ledger()
        self.settled: Counter[tuple[Calls, str]] = Counter()
        self.left: list[str] = []
        self._timers = Timers(patch)
        settle = Calls.settle

        def counted(calls: Calls, decision: Settle) -> None:
            self.settled[calls, decision.call.id] += 1
            settle(calls, decision)

        patch.setattr(Calls, "settle", counted)

    def runs(self) -> Iterator[tuple[Placed, Run]]:
        placed = {call.mark: call for call in self.calls}
        return ((placed[run.mark], run) for run in self.ledger.runs)

    async def begin(self, client: Any) -> None:
        """Whatever comes first on a connection, and is not looked at."""

    async def place(self, client: Any, mark: str, method: str) -> None:
        raise NotImplementedError

    async def blow(self, count: int) -> None:
        """Place calls, many at a time, and see that what is left after the last soon goes."""
        with anyio.fail_after(150):
            async with AsyncExitStack() as stack:
                server = await stack.enter_async_context(serve(Bank(self.ledger, Store()), "127.0.0.1", 0))
                opening = [bank.BankClient.open(f"ws://127.0.0.1:{server.port}") for _ in range(CLIENTS)]
                clients: list[Any] = [await stack.enter_async_context(each) for each in opening]
                for client in clients:
                    await self.begin(client)
                await anyio.sleep(0.1)  # what belongs to a connection, and not to one call, is there
                before = self._running()
                await self._place_all(clients, count)
                await self._come_to_rest(lambda: list(self._left(clients, server, before)))

    async def _come_to_rest(self, left: Callable[[], list[str]]) -> None:
        worked, seen, looks = time.process_time(), left(), 0
        while seen and looks < LOOKS and time.process_time() < worked + REST:
            await anyio.sleep(0.02)
            now = left()
            seen, looks = now, looks + 1 if now == seen else 0
        self.left += seen

    def _left(self, clients: Sequence[Any], server: Server, before: dict[str, int]) -> Iterator[str]:
        for connection in [*(client.connection for client in clients), *server.connections]:
            yield from leaks.of_connection(connection)
        yield from (f"{run.mark} runs" for run in self.ledger.runs if run.ended is None)
        for what, number in self._running().items():
            if number > before[what]:
                yield f"{number} {what} instead of {before[what]}"

    def _running(self) -> dict[str, int]:
        return {"tasks": len(anyio.get_running_tasks()), "timers": len(self._timers.running)}

    async def _place_all(self, clients: Sequence[Any], count: int) -> None:
        numbers = iter(range(count))
        async with anyio.create_task_group() as tasks:
            for client in clients:
                for _ in range(CALLERS):
                    tasks.start_soon(self._caller, client, numbers)

    async def _caller(self, client: Any, numbers: Iterator[int]) -> None:
        for _ in numbers:
            method = self.chance.choice(METHODS)
            await self.place(client, f"{method}-{len(self.calls)}", method)

    async def _place(self, client: Any, call: Placed, patience: float = math.inf) -> None:
        self.calls.append(call)
        await call.place(client, patience)


class Deadlines(Storm):
    """Timeouts around the time that a handler needs; every tenth handler would need a minute."""

    @override
    async def place(self, client: Any, mark: str, method: str) -> None:
        work = self.chance.choice([0.02] * 9 + [60.0])
        await self._place(client, Placed(mark, method, work, self.chance.uniform(0.001, 0.05)))


class Cancellations(Storm):
    """Callers who give up at about the time at which the answer comes, if there is one."""

    patience = 0.005

    @override
    async def begin(self, client: Any) -> None:
        """Let the one timer of each session be set, which is not taken back with the call that it was set for."""
        await self._place(client, Placed(f"first-{len(self.calls)}", "read", 0, 600.0))

    @override
    async def place(self, client: Any, mark: str, method: str) -> None:
        call = Placed(mark, method, self.chance.choice([0, 0, 0, 60.0]), 600.0)
        await self._place(client, call, self.chance.uniform(0, 2 * self.patience))
        if not call.work:  # half of the answers are to come in time, whatever time that takes here
            self.patience *= 1.03 if call.given_up else 0.97


def broken(storm: Storm) -> Iterator[str]:
    """What is not as promised."""
    yield from storm.left
    yield from (f"call {id} ended {times} times" for (_, id), times in storm.settled.items() if times > 1)
    begun = Counter(run.mark for run in storm.ledger.runs)
    for call in storm.calls:
        if (call.answer is not None) + (call.error is not None) + call.given_up != 1:
            yield f"{call.mark} has not one end"
        if call.answer not in (None, call.mark):
            yield f"{call.mark} was answered {call.answer}"
        if call.error is None:
            continue
        if call.error.status is not Status.DEADLINE_EXCEEDED and not isinstance(call.error, NotSent):
            yield f"{call.mark}: {call.error!r}"
        if call.took < call.timeout - 0.002:  # the wire knows milliseconds
            yield f"{call.mark}: {call.error!r} after {call.took:.4f} s of {call.timeout:.4f}"
        if begun[call.mark] not in {Ran.NO: (0,), Ran.YES: (1,), Ran.UNKNOWN: (0, 1)}[call.error.ran]:
            yield f"{call.mark}: {call.error!r}, and its handler ran {begun[call.mark]} times"
    for call, run in storm.runs():
        if run.deadline is None or run.deadline - run.at > call.timeout + ROUNDING:
            yield f"{run.mark}: its handler was told the deadline {run.deadline}"


ROUNDING = 1e-6
"""Seconds: what was added to a clock and taken away again is not the same, by more the longer a machine runs."""

QUICK, WHOLE = 600, 10_000
counts = pytest.mark.parametrize("count", [QUICK, pytest.param(WHOLE, marks=pytest.mark.long)])  # some minutes in all


@counts
async def test_deadlines(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    storm = Deadlines(monkeypatch)
    await storm.blow(count)
    assert list(broken(storm)) == []
    assert sum(run.stopped for run in storm.ledger.runs) > count // 50


@counts
async def test_cancellations(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    storm = Cancellations(monkeypatch)
    await storm.blow(count)
    assert list(broken(storm)) == []
    assert sum(run.stopped for run in storm.ledger.runs) > count // 50
    assert sum(call.answer is not None for call in storm.calls) > count // 20
    crossed = [call for call, run in storm.runs() if call.given_up and not run.stopped]
    assert len(crossed) > count // 100, "hardly any answer met a cancellation on its way"


class Tidy(Bank):
    """Needs a while to end."""

    tidied = 0

    @override
    async def book(self, call: Any, params: Any) -> Any:
        try:
            return await super().book(call, params)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.02)
            self.tidied += 1
            raise


async def test_keyed_calls_whose_time_is_up_at_once_are_all_told_so_and_stopped_once() -> None:
    """None is told of its handler's end, whose outcome nobody knows, before its own."""
    calls, service = 3 * AT_ONCE, Tidy(Ledger(), Store())
    with anyio.fail_after(30):
        async with serve(service, "127.0.0.1", 0) as server, raw_client(server.port) as client:
            await client.say(hello={"protocol": "bank", "version": "1.0.0", "api": 1, "session": "raw", "gen": 1})
            task = {"before": 60, "after": 0}
            await client.say(
                *(
                    {"id": f"{n}", "action": "book", "params": {"mark": f"{n}", **task}, "key": f"{n}", "deadline": 500}
                    for n in range(calls)
                )
            )
            told = Counter[str]()
            while told.total() < calls:
                heard = await client.hear()
                if "id" in heard:
                    told[heard["error"]["status"]] += 1
            await until(lambda: all(run.ended is not None for run in service.ledger.runs))
            await until(lambda: service.tidied == len(service.ledger.runs))
    assert told == {"deadline_exceeded": calls}


# ------------------------------------------------------------------------------------------------------- planted bugs
def an_expired_call_ends_again(patch: pytest.MonkeyPatch) -> None:
    """The answer that comes after the deadline settles the call once more."""
    receive = Session._receive_response

    def settle(self: Session, message: Any) -> None:
        call = self.outgoing.get(message.id)
        if call is not None:
            call.abandoned = False
        receive(self, message)

    patch.setattr(Session, "_receive_response", settle)


def stopped_handlers_do_not_answer(patch: pytest.MonkeyPatch) -> None:
    refuse = Answering.refuse

    def forget(self: Answering, call: Any, error: ErrorBody, *, replayed: bool = False) -> None:
        if error.status in (Status.CANCELLED, Status.DEADLINE_EXCEEDED):
            self.calls.pop(call.id, None)
            self._deadlines.discard(call.deadline)
        else:
            refuse(self, call, error, replayed=replayed)

    patch.setattr(Answering, "refuse", forget)


def ids_of_abandoned_calls_are_used_again(patch: pytest.MonkeyPatch) -> None:
    abandon = Session.abandon

    def reuse(self: Session, call: OutgoingCall) -> None:
        abandon(self, call)
        if self.outgoing.pop(call.id, None) is not None:
            self._requested, self._following_id = int(call.id) - 1, call.id

    patch.setattr(Session, "abandon", reuse)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("kind", "plant"),
    [
        (Deadlines, planted_calls.deadlines_do_not_travel),
        (Deadlines, an_expired_call_ends_again),
        (Deadlines, stopped_handlers_do_not_answer),
        (Cancellations, planted_calls.giving_up_is_not_told),
        (Cancellations, planted_calls.late_answers_go_to_whoever_waits),
        (Cancellations, ids_of_abandoned_calls_are_used_again),
    ],
)
async def test_a_planted_bug_is_seen(
    kind: type[Storm], plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    storm = kind(monkeypatch)
    await storm.blow(400)
    assert list(broken(storm))
