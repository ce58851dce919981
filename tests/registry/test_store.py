"""What every store promises; each test runs on each of them, on each event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from typing_extensions import override

from duologue import CallError, Event, Internal, LogEntry
from duologue_registry.clock import ManualClock
from duologue_registry.rules.model import Change, Command, Outcome
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.memory import MemoryJournal
from duologue_registry.storing.port import Journal
from duologue_registry.storing.sqlite import SqliteJournal
from duologue_registry.storing.store import AuditQuery, Committed, Request, Store
from service_registry_sdk import (
    DeregisterServiceParams,
    Endpoint,
    EndpointProtocol,
    HealthReport,
    HealthStatus,
    Local,
    ManagedProcess,
    ReadOnly,
    RegisterServiceParams,
    ReportHealthParams,
    ServiceNotFound,
    ServiceRegistered,
    ServiceState,
    ServiceStateChanged,
    UpdateStateParams,
)

pytestmark = pytest.mark.anyio

HTTP = Endpoint(name="public", address="10.0.0.7:8080", protocol=EndpointProtocol.HTTP)


def registration(name: str = "api", **changes: Any) -> RegisterServiceParams:
    fields: dict[str, Any] = {"version": "1.0.0", "execution": ManagedProcess(command=["bin/api"]), "location": Local()}
    return RegisterServiceParams(name=name, **{**fields, **changes})


def request(command: Command, actor: str = "ann", key: str | None = None) -> Request:
    return Request(command=command, actor=actor, key=key)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return MemoryJournal() if request.param == "memory" else SqliteJournal(tmp_path / "data")


@pytest.fixture
async def store(journal: Journal, clock: ManualClock) -> AsyncGenerator[Store]:
    with anyio.fail_after(30):
        async with JournaledStore.open(journal, clock) as store:
            yield store


async def do(store: Store, command: Command, *, key: str | None = None) -> Outcome:
    (answer,) = await store.commit([request(command, key=key)])
    assert isinstance(answer, Outcome), answer
    return answer


async def all_events(store: Store) -> list[Event]:
    entries = await store.tail(0, 10_000)
    assert entries is not None
    assert [entry.seq for entry in entries] == list(range(1, store.position.seq + 1))
    return [entry.event for entry in entries]


async def test_an_empty_store(store: Store) -> None:
    assert (store.revision, store.position.seq, list(store.snapshot())) == (0, 0, [])
    assert store.position.epoch
    assert store.read_only is None
    assert await store.tail(0, 10) == []
    assert await store.audit(AuditQuery(limit=10)) == []
    assert store.get("api") is None


async def test_a_commit_is_seen_everywhere(store: Store, clock: ManualClock) -> None:
    clock.advance(0.123456)
    outcome = await do(store, registration(endpoints=[HTTP]), key="k1")
    assert store.get("api") == outcome.record
    assert list(store.snapshot()) == [outcome.record]
    assert (store.revision, store.position.seq) == (1, 2)
    assert await all_events(store) == list(outcome.events)
    newest, oldest = await store.audit(AuditQuery(limit=10))
    assert (oldest.seq, oldest.at, oldest.actor, oldest.revision) == (1, clock.now(), "ann", 1)
    assert (oldest.request_key, oldest.reason, oldest.event) == ("k1", None, "service_registered")
    assert oldest.data == json.loads(ServiceRegistered(entry=outcome.entry).to_wire())
    assert (newest.seq, newest.event) == (2, "endpoint_updated")


async def test_answers_come_in_order_and_a_refusal_hinders_nobody(store: Store) -> None:
    answers = await store.commit(
        [
            request(registration("a")),
            request(DeregisterServiceParams(name="none")),
            request(UpdateStateParams(name="a", state=ServiceState.RUNNING)),
            request(registration("a")),
            request(registration("b")),
        ]
    )
    assert [type(answer) for answer in answers] == [Outcome, ServiceNotFound, Outcome, Outcome, Outcome]
    changes = [answer.change for answer in answers if isinstance(answer, Outcome)]
    assert changes == [Change.SERVICE, Change.SERVICE, Change.NOTHING, Change.SERVICE]
    assert [record.entry.name for record in store.snapshot()] == ["a", "b"]
    assert store.revision == 3
    assert len(await all_events(store)) == 3


async def test_nothing_in_nothing_out(store: Store) -> None:
    assert list(await store.commit([])) == []
    with pytest.raises(ServiceNotFound):
        await do_refused(store, DeregisterServiceParams(name="none"))
    assert store.position.seq == 0


async def do_refused(store: Store, command: Command) -> None:
    (answer,) = await store.commit([request(command)])
    assert isinstance(answer, CallError)
    raise answer


async def test_removed_and_registered_again_in_one_commit(store: Store) -> None:
    await store.commit([request(registration("a")), request(registration("b"))])
    await store.commit([request(DeregisterServiceParams(name="a")), request(registration("a", version="2.0.0"))])
    assert [(record.entry.name, record.born) for record in store.snapshot()] == [("b", 2), ("a", 4)]


async def test_a_new_version_keeps_its_place(store: Store) -> None:
    await store.commit([request(registration("a")), request(registration("b"))])
    await do(store, registration("a", version="2.0.0"))
    assert [record.entry.name for record in store.snapshot()] == ["a", "b"]


async def test_health_reports_are_kept_and_not_logged(store: Store, clock: ManualClock) -> None:
    await do(store, registration())
    report = HealthReport(
        check="http", status=HealthStatus.WARNING, checked_at=clock.now(), took=timedelta(milliseconds=12)
    )
    await do(store, ReportHealthParams(name="api", report=report))
    record = store.get("api")
    assert record is not None
    assert record.health == {"http": report}
    assert (store.revision, store.position.seq) == (1, 1)


async def test_tail_in_pieces(store: Store) -> None:
    await store.commit([request(registration(f"s{number}")) for number in range(10)])
    seen: list[LogEntry] = []
    while entries := await store.tail(len(seen), 3):
        assert len(entries) <= 3
        seen += entries
    assert [entry.seq for entry in seen] == list(range(1, 11))
    assert await store.tail(10, 3) == []
    assert await store.tail(99, 3) == []


async def test_audit_filters(store: Store, clock: ManualClock) -> None:
    start = clock.now()
    await do(store, registration("a"))
    clock.advance(10)
    await store.commit([request(registration("b"), actor="bob")])
    clock.advance(10)
    await do(store, UpdateStateParams(name="a", state=ServiceState.FAILED, reason="burnt"))

    async def seqs(**filters: Any) -> list[int]:
        defaults: dict[str, Any] = {"limit": 10}
        found = await store.audit(AuditQuery(**{**defaults, **filters}))
        return [record.seq for record in found]

    assert await seqs() == [3, 2, 1]
    assert await seqs(limit=2) == [3, 2]
    assert await seqs(before=3) == [2, 1]
    assert await seqs(before=1) == []
    assert await seqs(service="a") == [3, 1]
    assert await seqs(actor="bob") == [2]
    assert await seqs(since=start + timedelta(seconds=10)) == [3, 2]
    assert await seqs(until=start + timedelta(seconds=10)) == [1]
    assert await seqs(service="a", since=start + timedelta(seconds=1), limit=1) == [3]
    (record,) = await store.audit(AuditQuery(limit=1))
    assert (record.reason, record.at) == ("burnt", start + timedelta(seconds=20))


async def test_listeners_are_told_before_the_callers(store: Store) -> None:
    told: list[Committed] = []
    store.on_commit(told.append)
    await do(store, registration("a"))
    assert [entry.seq for committed in told for entry in committed.entries] == [1]
    await do(store, registration("a"))
    assert len(told) == 1, "nothing was changed, and nothing is told"


async def test_many_callers_at_once(store: Store) -> None:
    """Every caller gets its own answer; listeners see one order, which is the log's."""
    told: list[LogEntry] = []
    store.on_commit(lambda committed: told.extend(committed.entries))
    answered: list[int] = []

    async def caller(number: int) -> None:
        outcome = await do(store, registration(f"s{number}"))
        assert outcome.name == f"s{number}"
        await do(store, UpdateStateParams(name=f"s{number}", state=ServiceState.RUNNING))
        answered.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(300):
            tasks.start_soon(caller, number)
    assert sorted(answered) == list(range(300))
    assert store.revision == 600
    assert [entry.event for entry in told] == await all_events(store)
    assert [entry.seq for entry in told] == list(range(1, 601))


async def test_a_caller_that_gives_up_leaves_no_half(store: Store) -> None:
    """Cancelled callers: their change is there whole or not at all, and the next caller is served."""

    async def caller(number: int) -> None:
        with anyio.move_on_after(0.0001 * number):
            await store.commit([request(registration(f"s{number}", endpoints=[HTTP]))])

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(caller, number)
    await do(store, registration("last"))
    events = await all_events(store)
    registered = [event.entry.name for event in events if isinstance(event, ServiceRegistered)]
    assert sorted(registered) == sorted(record.entry.name for record in store.snapshot())
    assert len(events) == 2 * len(registered) - 1


async def test_a_closed_store_takes_nothing(journal: Journal, clock: ManualClock) -> None:
    async with JournaledStore.open(journal, clock) as store:
        await do(store, registration("a"))
    with pytest.raises(ReadOnly, match="shutting down"):
        await do(store, registration("b"))


async def test_closing_waits_for_the_commit_under_way(journal: Journal, clock: ManualClock) -> None:
    ends: list[str] = []

    async def caller(store: Store, number: int) -> None:
        try:
            await do(store, registration(f"s{number}"))
            ends.append("done")
        except ReadOnly:
            ends.append("refused")

    async with anyio.create_task_group() as tasks, JournaledStore.open(journal, clock) as store:
        for number in range(300):
            tasks.start_soon(caller, store, number)
        await anyio.sleep(0.002)
    assert len(ends) == 300
    assert ends.count("done") == store.revision


async def test_closing_answers_who_has_only_just_asked(journal: Journal, clock: ManualClock) -> None:
    """Whatever the moment: nobody is left waiting."""
    ends: list[Exception | Outcome] = []

    async def caller(store: Store) -> None:
        try:
            ends.append(await do(store, registration()))
        except ReadOnly as error:
            ends.append(error)

    with anyio.fail_after(30):
        for patience in [*range(8)] * 3:  # trio runs the tasks of a turn in an order of its own each time
            async with anyio.create_task_group() as tasks, JournaledStore.open(journal, clock) as store:
                tasks.start_soon(caller, store)
                for _ in range(patience):
                    await anyio.lowlevel.checkpoint()
    assert len(ends) == 24


async def test_a_journal_does_not_read_past_what_has_been_told(store: Store, journal: Journal) -> None:
    await store.commit([request(registration(f"s{number}")) for number in range(5)])
    assert [entry.seq for entry in journal.tail(1, 3, 10)] == [2, 3]


async def test_what_the_block_raises_is_raised_as_it_is(journal: Journal, clock: ManualClock) -> None:
    with pytest.raises(ZeroDivisionError):
        async with JournaledStore.open(journal, clock):
            raise ZeroDivisionError


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_task_that_is_cancelled_the_hard_way(journal: Journal, clock: ManualClock) -> None:
    """asyncio's own `Task.cancel` knows no shields; it must not come between a write and its being applied."""
    async with JournaledStore.open(journal, clock) as store:
        for number in range(50):
            task = asyncio.ensure_future(do(store, registration(f"s{number}", endpoints=[HTTP])))
            await anyio.sleep(0.0001 * (number % 20))
            task.cancel()
        await do(store, registration("last"))
        assert store.read_only is None
        assert len(await all_events(store)) == 2 * len(store.snapshot()) - 1


class Broken(MemoryJournal):
    """A journal whose disk fails at the chosen write."""

    def __init__(self, fails_at: int) -> None:
        super().__init__()
        self.writes_left = fails_at

    @override
    def write(self, batch: Any) -> None:
        self.writes_left -= 1
        if self.writes_left == 0:
            raise OSError("fsync: Input/output error")
        super().write(batch)


async def test_a_failing_disk_ends_all_writing(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    journal = Broken(fails_at=2)
    told: list[Committed] = []
    async with JournaledStore.open(journal, clock) as store:
        store.on_commit(told.append)
        await do(store, registration("a"))
        with pytest.raises(CallError, match="The disk failed"):
            await do(store, registration("b"))
        assert store.get("b") is None
        assert (store.revision, store.position.seq, len(told)) == (1, 1, 1)
        with pytest.raises(ReadOnly, match="fsync"):
            await do(store, registration("c"))
        assert journal.writes_left == 0, "it was not tried again"
    assert store.read_only is not None
    assert "fsync" in store.read_only
    assert "read-only until it is restarted" in caplog.text
    assert [record.entry.name for record in store.snapshot()] == ["a"]
    assert await all_events(store) == [event for committed in told for event in committed.outcomes[0].events]


async def test_an_error_of_our_own_reaches_its_callers_and_nobody_else(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("duologue_registry.storing.journal.decide", broken)
        with pytest.raises(Internal):
            await store.commit([request(registration("a"))])
    assert "ZeroDivisionError" in caplog.text
    await do(store, registration("b"))
    assert [record.entry.name for record in store.snapshot()] == ["b"]


async def test_events_read_back_are_the_events_told(store: Store) -> None:
    told: list[LogEntry] = []
    store.on_commit(lambda committed: told.extend(committed.entries))
    await do(store, registration("a", endpoints=[HTTP], metadata={"é": "ü"}, lease=timedelta(seconds=12.5)))
    await do(store, UpdateStateParams(name="a", state=ServiceState.RUNNING))
    await do(store, registration("a", version="2.0.0"))
    await do(store, DeregisterServiceParams(name="a"))
    assert [entry.event for entry in told] == await all_events(store)
    assert any(isinstance(entry.event, ServiceStateChanged) for entry in told)
