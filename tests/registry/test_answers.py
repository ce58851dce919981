"""What every store promises about the answers of keyed calls; each test runs on each of them, on each event loop."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from typing_extensions import override

from duologue import Answer, CallError, FailedPrecondition, Internal, Ran, ResourceExhausted
from duologue.wire import ErrorBody
from duologue_registry.clock import ManualClock
from duologue_registry.rules.model import Command, Outcome
from duologue_registry.storing.answers import MARGIN, TTL, StoredAnswers
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.memory import MemoryJournal
from duologue_registry.storing.port import Batch, Journal
from duologue_registry.storing.sqlite import SqliteJournal
from duologue_registry.storing.store import KeyedBy, Request, Store
from service_registry_sdk import (
    DeregisterServiceParams,
    Local,
    ManagedProcess,
    ReadOnly,
    RegisterServiceParams,
    ServiceNotFound,
)

pytestmark = pytest.mark.anyio

ANSWER = Answer("m1", b'{"x": 1}')
REFUSAL = Answer("m2", error=ErrorBody("service_not_found", "not_found", "no such service", retry_after=5))


def registration(name: str = "api", **changes: Any) -> RegisterServiceParams:
    fields: dict[str, Any] = {"version": "1.0.0", "execution": ManagedProcess(command=["bin/api"]), "location": Local()}
    return RegisterServiceParams(name=name, **{**fields, **changes})


def keyed(command: Command, key: str, answer: Answer = ANSWER, identity: str = "") -> Request:
    return Request(command=command, actor="ann", key=key, keyed_by=KeyedBy((identity, key), lambda _: answer))


class JumpyClock(ManualClock):
    """A clock whose time of day can be set."""

    ahead = timedelta()

    @override
    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
def clock() -> JumpyClock:
    return JumpyClock()


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return MemoryJournal() if request.param == "memory" else SqliteJournal(tmp_path / "data")


@pytest.fixture
async def store(journal: Journal, clock: JumpyClock) -> AsyncGenerator[Store]:
    with anyio.fail_after(30):
        async with JournaledStore.open(journal, clock) as store:
            yield store


async def do(store: Store, request: Request) -> Outcome:
    (answer,) = await store.commit([request])
    assert isinstance(answer, Outcome), answer
    return answer


async def test_an_answer_is_kept_with_its_outcome(store: Store) -> None:
    assert await store.recall(("", "k")) is None
    request = Request(
        command=registration(),
        actor="ann",
        keyed_by=KeyedBy(("", "k"), lambda outcome: Answer("m", outcome.entry.to_wire())),
    )
    outcome = await do(store, request)
    assert await store.recall(("", "k")) == Answer("m", outcome.entry.to_wire())
    assert await store.recall(("somebody else", "k")) is None
    assert await store.recall(("", "K")) is None


async def test_so_is_that_of_a_call_that_changed_nothing(store: Store) -> None:
    await do(store, keyed(registration(), "k1"))
    await do(store, keyed(registration(), "k2", Answer("m9")))
    assert (store.revision, await store.recall(("", "k2"))) == (1, Answer("m9"))


async def test_a_refusal_is_kept_when_it_is_given(store: Store) -> None:
    (refused,) = await store.commit([keyed(DeregisterServiceParams(name="none"), "k")])
    assert isinstance(refused, ServiceNotFound)
    assert await store.recall(("", "k")) is None
    await store.keep(("", "k"), REFUSAL)
    await store.keep(("", "k"), ANSWER)
    assert await store.recall(("", "k")) == REFUSAL, "the first stays"


async def test_what_was_kept_with_an_outcome_stays(store: Store) -> None:
    await do(store, keyed(registration(), "k"))
    await store.keep(("", "k"), REFUSAL)
    assert await store.recall(("", "k")) == ANSWER


@pytest.mark.parametrize("apart", [True, False])
async def test_one_key_changes_something_once(store: Store, *, apart: bool) -> None:
    """Whoever asks for the answer first never comes here; the store does not rely on it."""
    wanted = [keyed(registration("a"), "k"), keyed(registration("b"), "k")]
    first, second = [(await store.commit([each]))[0] for each in wanted] if apart else await store.commit(wanted)
    assert isinstance(first, Outcome)
    assert isinstance(second, FailedPrecondition)
    assert second.ran is Ran.NO
    assert (store.revision, store.get("b")) == (1, None)


async def test_without_an_answer_there_is_no_outcome(store: Store) -> None:
    def too_large(_: Outcome) -> Answer:
        raise ResourceExhausted("too large")

    request = Request(command=registration(), actor="ann", keyed_by=KeyedBy(("", "k"), too_large))
    (refused,) = await store.commit([request])
    assert isinstance(refused, ResourceExhausted)
    assert (store.get("api"), await store.recall(("", "k"))) == (None, None)


async def test_a_mistake_of_our_own_leaves_the_key_unused(store: Store) -> None:
    def broken(_: Outcome) -> Answer:
        raise ZeroDivisionError

    request = Request(command=registration(), actor="ann", keyed_by=KeyedBy(("", "k"), broken))
    with pytest.raises(Internal):
        await store.commit([request])
    assert await store.recall(("", "k")) is None
    await do(store, keyed(registration(), "k"))


async def test_who_asks_while_it_is_being_committed_gets_the_answer(store: Store) -> None:
    """Its first caller has given up: that must not let a second one in."""
    for number in range(20):
        request = keyed(registration(f"s{number}"), f"k{number}")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.commit, [request])
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        recalled = await store.recall(("", f"k{number}"))
        assert (recalled is not None) == (store.get(f"s{number}") is not None)


class Gated(SqliteJournal):
    """A journal whose writes wait for a gate."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.gate = threading.Event()

    @override
    def write(self, batch: Batch) -> None:
        assert self.gate.wait(10)
        super().write(batch)


async def test_who_asks_for_what_waits_in_the_queue_waits_too(tmp_path: Path, clock: JumpyClock) -> None:
    journal = Gated(tmp_path)
    recalled: list[Answer | None] = []

    async def recall(store: Store, key: str) -> None:
        recalled.append(await store.recall(("", key)))

    with anyio.fail_after(20):
        async with JournaledStore.open(journal, clock) as store, anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as callers:
                for key in ("being-written", "queued"):
                    callers.start_soon(store.commit, [keyed(registration(key), key)])
                    await anyio.wait_all_tasks_blocked()
                callers.start_soon(store.keep, ("", "refused"), ANSWER)
                await anyio.wait_all_tasks_blocked()
                callers.cancel_scope.cancel()
            for key in ("being-written", "queued", "refused"):
                tasks.start_soon(recall, store, key)
            await anyio.wait_all_tasks_blocked()
            assert recalled == []
            journal.gate.set()
    assert recalled == [ANSWER] * 3


async def test_a_young_answer_is_never_forgotten(store: Store, clock: JumpyClock) -> None:
    await do(store, keyed(registration("a"), "k1"))
    clock.advance(TTL)
    clock.ahead = timedelta(days=400)  # somebody set the time of day
    await do(store, keyed(registration("b"), "k2"))
    assert await store.recall(("", "k1")) == ANSWER
    clock.advance(MARGIN)
    await do(store, keyed(registration("c"), "k3"))
    assert await store.recall(("", "k1")) == ANSWER


async def test_an_old_one_is(store: Store, clock: JumpyClock) -> None:
    await do(store, keyed(registration("a"), "k1"))
    clock.advance(1)
    await do(store, keyed(registration("b"), "k2"))
    clock.advance(TTL + MARGIN - 0.5)
    await do(store, keyed(registration("c"), "k3"))
    assert [await store.recall(("", key)) for key in ("k1", "k2", "k3")] == [None, ANSWER, ANSWER]
    await do(store, keyed(registration("a", version="2.0.0"), "k1"))
    assert await store.recall(("", "k1")) == ANSWER


async def test_forgetting_takes_its_time(store: Store, clock: JumpyClock, journal: Journal) -> None:
    for group in range(12):
        await store.commit([keyed(registration(f"s{group}-{number}"), f"k{group}-{number}") for number in range(100)])
    clock.advance(TTL + MARGIN + 1)
    await do(store, keyed(registration("x"), "x"))
    assert [journal.recall(("", key)) for key in ("k0-0", "k9-99", "k10-0")] == [None, None, ANSWER]
    await do(store, keyed(registration("y"), "y"))
    assert journal.recall(("", "k11-99")) is None


async def test_the_service_runtime_sees_them(store: Store) -> None:
    answers = StoredAnswers(store)
    assert (answers.epoch, answers.ttl) == (store.position.epoch, 24 * 3600)
    assert await answers.claim("me", "k", "m2") is None
    assert await answers.claim("me", "k", "m2") is None, "where no answer is, nothing was changed"
    await answers.record("me", "k", REFUSAL)
    assert await answers.claim("me", "k", "m2") == REFUSAL


class Broken(MemoryJournal):
    """A journal whose disk fails at the chosen write."""

    writes_left = 2

    @override
    def write(self, batch: Batch) -> None:
        self.writes_left -= 1
        if self.writes_left == 0:
            raise OSError("fsync: Input/output error")
        super().write(batch)


async def test_after_a_failed_write_nobody_says_that_nothing_happened(clock: JumpyClock) -> None:
    async with JournaledStore.open(Broken(), clock) as store:
        await do(store, keyed(registration("a"), "k1"))
        with pytest.raises(CallError, match="The disk failed"):
            await store.commit([keyed(registration("b"), "k2")])
        await store.keep(("", "k2"), REFUSAL)
        await store.keep(("", "k3"), REFUSAL)
        with pytest.raises(ReadOnly) as doubt:
            await store.recall(("", "k2"))
        assert doubt.value.ran is Ran.NO, "which a client that has tried before takes as an unknown outcome"
        assert await store.recall(("", "k3")) is None


# --------------------------------------------------------------------------------------------------- SQLite's restarts
async def test_answers_are_there_again(tmp_path: Path, clock: JumpyClock) -> None:
    async with JournaledStore.open(SqliteJournal(tmp_path), clock) as store:
        await do(store, keyed(registration("a"), "k\0é", Answer("m", '{"é": 1}'.encode()), identity="ann"))
        await store.keep(("", "k2"), REFUSAL)
        await store.keep(("", "k3"), Answer("m3"))
        epoch = StoredAnswers(store).epoch
    async with JournaledStore.open(SqliteJournal(tmp_path), ManualClock()) as again:
        assert await again.recall(("ann", "k\0é")) == Answer("m", '{"é": 1}'.encode())
        assert await again.recall(("", "k2")) == REFUSAL
        assert await again.recall(("", "k3")) == Answer("m3")
        assert StoredAnswers(again).epoch == epoch


async def test_a_restart_makes_no_answer_older(tmp_path: Path) -> None:
    """Neither by the time that passed without the registry, nor by a clock that begins elsewhere."""
    for number in range(5):
        clock = ManualClock()
        clock.advance(number * 10 * TTL)
        async with JournaledStore.open(SqliteJournal(tmp_path), clock) as store:
            await do(store, keyed(registration(f"s{number}"), f"k{number}"))
            clock.advance(TTL / 4)
            await store.keep(("", f"r{number}"), REFUSAL)
            kept = [await store.recall(("", f"k{each}")) for each in range(number + 1)]
            assert kept == [None if number - each >= 4 else ANSWER for each in range(number + 1)]
