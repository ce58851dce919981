"""Memory and SQLite do the same, whatever is asked of them in whatever order, restarts included."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from typing_extensions import override

from duologue import CallError
from duologue_registry.clock import ManualClock
from duologue_registry.rules.folding import Folded, differences
from duologue_registry.rules.model import Command, ExpireLease, Outcome, RemoveExpired
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.memory import MemoryJournal
from duologue_registry.storing.port import Journal
from duologue_registry.storing.sqlite import SqliteJournal
from duologue_registry.storing.store import AuditQuery, Request, Store
from service_registry_sdk import (
    DeregisterServiceParams,
    Endpoint,
    EndpointProtocol,
    HealthReport,
    HealthStatus,
    Local,
    ManagedProcess,
    RegisterServiceParams,
    ReportHealthParams,
    ServiceState,
    UpdateStateParams,
)

NAMES = st.sampled_from(["a", "b", "c", "d"])
REVISIONS = st.none() | st.integers(0, 12)
REASONS = st.none() | st.text(max_size=8)


@st.composite
def commands(draw: st.DrawFn, clock: ManualClock) -> Command:
    name = draw(NAMES)
    match draw(st.integers(0, 9)):
        case 0 | 1 | 2:
            return RegisterServiceParams(
                name=name,
                version=draw(st.sampled_from(["1.0.0", "2.0.0"])),
                execution=ManagedProcess(command=["run"], pid=draw(st.none() | st.integers(1, 3))),
                location=Local(),
                endpoints=draw(
                    st.sampled_from([[], [Endpoint(name="e", address="h:1", protocol=EndpointProtocol.HTTP)]])
                ),
                depends_on=draw(st.lists(NAMES, max_size=2)),
                metadata=draw(st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2)),
                lease=draw(st.none() | st.just(timedelta(seconds=5))),
                if_revision=draw(REVISIONS),
            )
        case 3:
            return DeregisterServiceParams(name=name, reason=draw(REASONS), if_revision=draw(REVISIONS))
        case 4 | 5 | 6:
            state = draw(st.sampled_from(ServiceState))
            return UpdateStateParams(name=name, state=state, reason=draw(REASONS))
        case 7:
            report = HealthReport(
                check=draw(st.sampled_from(["http", "tcp"])),
                status=draw(st.sampled_from(HealthStatus)),
                checked_at=clock.now() + timedelta(seconds=draw(st.integers(-3, 3))),
                output=draw(st.none() | st.text(max_size=5)),
            )
            return ReportHealthParams(name=name, report=report)
        case 8:
            return ExpireLease(name)
        case _:
            return RemoveExpired(name)


class Stores(RuleBasedStateMachine):
    """The memory store is the model. It is never restarted, the SQLite store is, at any moment."""

    @initialize()
    def begin(self) -> None:
        self.clock = ManualClock()
        self.stack = ExitStack()
        self.directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.portal = self.stack.enter_context(start_blocking_portal())
        self.memory = self.stack.enter_context(self._open(MemoryJournal()))
        self.begin_sqlite()

    def begin_sqlite(self) -> None:
        self.sqlite_stack = ExitStack()
        self.sqlite = self.sqlite_stack.enter_context(self._open(SqliteJournal(self.directory)))

    def _open(self, journal: Journal) -> AbstractContextManager[Store]:
        return self.portal.wrap_async_context_manager(JournaledStore.open(journal, self.clock))

    @override
    def teardown(self) -> None:
        if hasattr(self, "sqlite"):
            self.sqlite_stack.close()
            self.stack.close()

    @rule(data=st.data(), seconds=st.floats(0, 5))
    def commit(self, data: st.DataObject, seconds: float) -> None:
        self.clock.advance(seconds)
        wanted = [
            Request(command=command, actor=data.draw(st.sampled_from(["ann", "bob"])), key=data.draw(REASONS))
            for command in data.draw(st.lists(commands(self.clock), min_size=1, max_size=4))
        ]
        ours, theirs = self.portal.call(self.memory.commit, wanted), self.portal.call(self.sqlite.commit, wanted)
        assert _plain(ours) == _plain(theirs)

    @rule(first=st.integers(1, 40))
    def forget(self, first: int) -> None:
        for store in (self.memory, self.sqlite):
            self.portal.call(store.forget_log, first)
        assert self.memory.first == self.sqlite.first

    @rule(seconds=st.floats(0, 20))
    def first_since(self, seconds: float) -> None:
        at = ManualClock().now() + timedelta(seconds=seconds)
        assert self.portal.call(self.memory.first_since, at) == self.portal.call(self.sqlite.first_since, at)

    @rule()
    def restart(self) -> None:
        epoch = self.sqlite.position.epoch
        self.sqlite_stack.close()
        self.begin_sqlite()
        assert self.sqlite.position.epoch == epoch

    @rule(after=st.integers(0, 40), limit=st.integers(1, 10))
    def tail(self, after: int, limit: int) -> None:
        assert self.portal.call(self.memory.tail, after, limit) == self.portal.call(self.sqlite.tail, after, limit)

    @rule(
        limit=st.integers(1, 10),
        before=st.none() | st.integers(1, 40),
        service=st.none() | NAMES,
        actor=st.sampled_from([None, "ann"]),
        since=st.none() | st.floats(0, 20),
        until=st.none() | st.floats(0, 20),
    )
    def audit(self, since: float | None, until: float | None, **filters: Any) -> None:
        start = ManualClock().now()
        query = AuditQuery(
            **filters,
            since=None if since is None else start + timedelta(seconds=since),
            until=None if until is None else start + timedelta(seconds=until),
        )
        assert self.portal.call(self.memory.audit, query) == self.portal.call(self.sqlite.audit, query)

    @invariant()
    def they_hold_the_same(self) -> None:
        if hasattr(self, "sqlite"):
            assert self.memory.revision == self.sqlite.revision
            assert self.memory.position.seq == self.sqlite.position.seq
            assert self.memory.snapshot() == self.sqlite.snapshot()

    @invariant()
    def it_is_what_the_log_tells(self) -> None:
        if hasattr(self, "sqlite"):
            folded = Folded(is_complete=self.memory.first == 1)
            query = AuditQuery(limit=10_000)
            entries = self.portal.call(self.memory.tail, self.memory.first - 1, 10_000) or ()
            for record, entry in zip(reversed(self.portal.call(self.memory.audit, query)), entries, strict=True):
                folded.add(entry.event, record.at, record.revision)
            assert list(differences(folded, self.memory.snapshot(), {})) == []


def _plain(answers: Sequence[Outcome | CallError]) -> list[object]:
    return [(type(answer), str(answer)) if isinstance(answer, CallError) else answer for answer in answers]


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=20, stateful_step_count=25)
