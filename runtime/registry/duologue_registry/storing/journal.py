"""The store of one process: the state is in memory, and every change of it goes into a journal first.

Journals (`memory`, `sqlite`) only write and read; what is decided, and in which order, is the same for all of them.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread
from typing_extensions import TypeVarTuple, Unpack, override

from duologue import Answer as KeyedAnswer
from duologue import CallError, FailedPrecondition, Internal, LogEntry, Position, Ran, Unknown
from service_registry_sdk import AuditRecord, NoSpace, ReadOnly

from ..clock import Clock
from ..rules.deciding import decide
from ..rules.documents import D, Document, DocumentKey
from ..rules.model import Change, Outcome, Record
from ..tasks import background
from .answers import Kept, KnownKeys
from .draft import Draft, Overlay
from .port import Batch, DiskFull, Journal, Loaded, Logged, NoCopy
from .store import Answer, AuditQuery, Committed, Key, Listener, Request, Store

logger = logging.getLogger(__name__)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(slots=True, eq=False)
class _Waiting:
    requests: Sequence[Request]
    keep: tuple[Key, KeyedAnswer] | None = None
    answers: Sequence[Answer] | None = None
    error: CallError | None = None

    @property
    def leaves(self) -> list[Key]:
        """The keys under which there will be an answer."""
        keys = [request.keyed_by.key for request in self.requests if request.keyed_by is not None]
        return keys if self.keep is None else [*keys, self.keep[0]]

    @property
    def size(self) -> int:
        return max(1, len(self.requests))


@dataclass(slots=True, eq=False)
class _Group:
    """What shares a commit."""

    waiting: list[_Waiting] = field(default_factory=list[_Waiting])
    size: int = 0
    leaves: list[Key] = field(default_factory=list[Key])
    written: anyio.Event = field(default_factory=anyio.Event)


class JournaledStore(Store):
    """State in memory, made durable by a journal; one process.

    Group commit: one task decides and writes, in transactions; while one is being written, requests gather for the
    next. Callers only wait, so that a cancelled one leaves nothing half done.
    """

    FORGET_AT_ONCE: Final = 5_000  # of a log that is pruned, in one transaction: others wait meanwhile
    MOST_IN_ONE_COMMIT: Final = 128
    LONGEST_HOLD: Final = 0.002  # seconds that the rules have the event loop before others get it

    def __init__(self, journal: Journal, loaded: Loaded, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._records = {record.entry.name: record for record in loaded.records}
        self._documents = dict(loaded.documents)
        self._revision = loaded.revision
        self._position = loaded.position
        self._first = loaded.first
        self._keys = KnownKeys(loaded.keys, clock)
        self._pending: dict[Key, _Group] = {}
        self._failure: str | None = None
        self._queue: deque[_Group] = deque()
        self._queued = anyio.Event()
        self._is_closing = False
        self._all_written = anyio.Event()
        self._limiter = anyio.CapacityLimiter(1)
        self._listeners: list[Listener] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, journal: Journal, clock: Clock) -> AsyncGenerator[JournaledStore]:
        """Load what the journal holds, and take commits while the block runs.

        Raises:
            StoreError: It cannot be opened, or must not be.
        """
        loaded = await anyio.to_thread.run_sync(journal.load) if journal.blocks else journal.load()
        store = cls(journal, loaded, clock)
        async with background() as tasks:
            tasks.start_soon(store._write_all)
            try:
                yield store
            finally:
                await store._close()

    @property
    @override
    def position(self) -> Position:
        return self._position

    @property
    @override
    def revision(self) -> int:
        return self._revision

    @property
    @override
    def read_only(self) -> str | None:
        return self._failure

    @override
    def get(self, name: str, /) -> Record | None:
        return self._records.get(name)

    @override
    def document(self, key: DocumentKey, /) -> Document | None:
        return self._documents.get(key)

    @override
    def documents(self, kind: type[D], /) -> Sequence[D]:
        return [document for document in self._documents.values() if isinstance(document, kind)]

    @override
    def snapshot(self) -> Sequence[Record]:
        return tuple(self._records.values())

    @override
    def on_commit(self, listener: Listener) -> None:
        self._listeners.append(listener)

    @property
    @override
    def first(self) -> int:
        return self._first

    @override
    async def tail(self, after: int, limit: int) -> Sequence[LogEntry] | None:
        if after < self._first - 1:
            return None
        # Up to the position that has been told: a commit may be on disk and not yet in our state.
        entries = await self._io(self._journal.tail, after, self._position.seq, limit)
        return None if after < self._first - 1 else entries  # some went meanwhile

    @override
    async def audit(self, query: AuditQuery) -> Sequence[AuditRecord]:
        return await self._io(self._journal.audit, query)

    @override
    async def first_since(self, at: datetime) -> int | None:
        return await self._io(self._journal.first_since, at)

    @override
    async def forget_log(self, first: int) -> None:
        while self._first < min(first, self._position.seq):
            if self._failure is not None:
                raise ReadOnly(reason=self._failure)
            # From here on nobody reads what is about to go.
            self._first = min(first, self._position.seq, self._first + self.FORGET_AT_ONCE)
            try:
                with anyio.CancelScope(shield=True):
                    await self._io(self._journal.forget_log, self._first)
            except DiskFull as error:
                logger.error("The log was not pruned, for want of space: %s", error)  # noqa: TRY400 - nothing to trace
                raise NoSpace from None
            except Exception as error:
                self._fail((), error)
                raise ReadOnly(reason=f"writing failed: {error}") from error

    @override
    async def copy_to(self, path: Path) -> None:
        try:
            with anyio.CancelScope(shield=True):  # the thread goes on anyway, and has the connection
                await self._io(self._journal.copy_to, path)
        except DiskFull:
            raise NoSpace from None
        except NoCopy as error:
            raise FailedPrecondition(str(error)) from None

    async def _io(self, function: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        if not self._journal.blocks:
            return function(*args)
        return await anyio.to_thread.run_sync(function, *args, limiter=self._limiter)

    async def _close(self) -> None:
        """Wait for the write that is under way, refuse the rest, and let go of the journal."""
        with anyio.CancelScope(shield=True):
            self._failure = self._failure or "it is shutting down"
            self._is_closing = True
            self._queued.set()
            await self._all_written.wait()
            await self._io(self._journal.close)

    # ------------------------------------------------------------------------------------------------------- commit
    @override
    async def commit(self, requests: Iterable[Request]) -> Sequence[Answer]:
        if self._failure is not None:
            raise ReadOnly(reason=self._failure)
        mine = _Waiting(tuple(requests))
        await self._wait_for(mine)
        if mine.answers is None:
            raise mine.error or Internal("the change was not decided")
        return mine.answers

    @override
    async def keep(self, key: Key, answer: KeyedAnswer) -> None:
        if self._failure is None and key not in self._keys:
            await self._wait_for(_Waiting((), keep=(key, answer)))

    @override
    async def recall(self, key: Key) -> KeyedAnswer | None:
        while (pending := self._pending.get(key)) is not None:
            await pending.written.wait()
        if key not in self._keys:
            return None
        if self._failure is None:
            return await self._io(self._journal.recall, key)
        error = ReadOnly(reason=self._failure)
        error.ran = Ran.NO  # this attempt; of an earlier one it says nothing
        raise error

    async def _wait_for(self, mine: _Waiting) -> None:
        if not self._queue or self._queue[-1].size + mine.size > self.MOST_IN_ONE_COMMIT:
            self._queue.append(_Group())
        group = self._queue[-1]
        group.waiting.append(mine)
        group.size += mine.size
        for key in mine.leaves:
            group.leaves.append(key)
            self._pending[key] = group
        self._queued.set()
        await group.written.wait()

    async def _write_all(self) -> None:
        with anyio.CancelScope(shield=True):  # what has been asked is written, applied and told: closing ends it
            while self._queue or not self._is_closing:
                await self._queued.wait()
                self._queued = anyio.Event()
                while self._queue:
                    await self._write(self._queue.popleft())
        self._all_written.set()

    async def _write(self, group: _Group) -> None:
        """Give each of them answers or an error. A mistake of our own costs this group its answers, and no more."""
        try:
            await self._commit_group(group)
        except Exception:
            logger.exception("The registry could not decide a change")
        for key in group.leaves:
            if self._pending.get(key) is group:
                del self._pending[key]
        group.written.set()

    async def _commit_group(self, group: _Group) -> None:
        if self._failure is not None:
            for waiting in group.waiting:
                waiting.error = ReadOnly(reason=self._failure)
            return
        batch, answers = await self._decide(group.waiting)
        entries: Sequence[LogEntry] = ()
        if batch.outcomes or batch.kept:
            batch = replace(batch, forgotten=self._keys.outdated())
            try:
                await self._io(self._journal.write, batch)
            except DiskFull as error:
                self._refuse(group.waiting, error)
                return
            except Exception as error:  # noqa: BLE001 - whatever it was, what is on disk is unknown from here on
                self._keys.turn_over(
                    batch.kept, batch.forgotten
                )  # they may be there: nobody is to be told they are not
                self._fail(group.waiting, error)
                return
            self._keys.turn_over(batch.kept, batch.forgotten)
            entries = self._apply(batch)
        for waiting, given in zip(group.waiting, answers, strict=True):
            waiting.answers = given
        if batch.outcomes:
            for listener in self._listeners:
                listener(Committed(batch.outcomes, entries))

    async def _decide(self, group: Sequence[_Waiting]) -> tuple[Batch, list[list[Answer]]]:
        draft = Draft(Overlay(self._records, self._documents, self._revision), self._clock.now())
        answers: list[list[Answer]] = []
        since = time.perf_counter()
        for waiting in group:
            if time.perf_counter() - since > self.LONGEST_HOLD:
                await anyio.lowlevel.checkpoint()
                since = time.perf_counter()
            answers.append([self._decide_one(request, draft) for request in waiting.requests])
            if waiting.keep is not None and not self._has_answer(waiting.keep[0], draft):
                draft.kept[waiting.keep[0]] = Kept(*waiting.keep, at=self._keys.now())
        return Batch(draft.outcomes, draft.logged, tuple(draft.kept.values())), answers

    def _decide_one(self, request: Request, draft: Draft) -> Answer:
        keyed_by = request.keyed_by
        try:
            if keyed_by is not None and self._has_answer(keyed_by.key, draft):
                raise FailedPrecondition("there is an answer under this idempotency key already", ran=Ran.NO)
            outcome = decide(draft.overlay, request.command, draft.now)
            answer = None if keyed_by is None else keyed_by.answer(outcome)
        except CallError as refusal:
            return refusal
        if keyed_by is not None and answer is not None:
            draft.kept[keyed_by.key] = Kept(keyed_by.key, answer, self._keys.now())
        if outcome.change is not Change.NOTHING:
            draft.overlay.apply(outcome)
            draft.outcomes.append(outcome)
        if outcome.is_mutation:
            draft.logged += self._log(self._position.seq + len(draft.logged), request, outcome, draft.now)
        return outcome

    def _has_answer(self, key: Key, draft: Draft) -> bool:
        return key in self._keys or key in draft.kept

    @staticmethod
    def _log(last: int, request: Request, outcome: Outcome, now: datetime) -> list[Logged]:
        return [
            Logged(
                seq=seq,
                at=now,
                actor=request.actor,
                revision=outcome.revision,
                service=outcome.name,
                event=event,
                reason=outcome.reason,
                request_key=request.key,
            )
            for seq, event in enumerate(outcome.events, last + 1)
        ]

    def _apply(self, batch: Batch) -> Sequence[LogEntry]:
        for outcome in batch.outcomes:
            if outcome.record is not None:
                self._records[outcome.name] = outcome.record
            elif outcome.change is Change.SERVICE:
                del self._records[outcome.name]
            for key, document in ((written.key, written.document) for written in outcome.documents):
                if document is not None:
                    self._documents[key] = document
                else:
                    self._documents.pop(key, None)
            self._revision = outcome.revision
        if batch.logged:
            self._position = Position(self._position.epoch, batch.logged[-1].seq)
        return [LogEntry(entry.seq, entry.event) for entry in batch.logged]

    def _refuse(self, group: Sequence[_Waiting], error: DiskFull) -> None:
        """Nothing was written, so there is nothing to be in doubt about: it can be asked for again."""
        logger.error("A change was refused, for want of space: %s", error)
        for waiting in group:
            waiting.error = NoSpace()

    def _fail(self, group: Sequence[_Waiting], error: Exception) -> None:
        """Stop writing for good: after a failed fsync nobody knows what is on disk, and asking again does not help."""
        self._failure = f"writing failed: {error}"
        logger.critical("The registry is read-only until it is restarted: %s", self._failure, exc_info=error)
        for waiting in group:
            waiting.error = Unknown(
                f"The disk failed while the change was being written ({error}); a restart shows whether it was kept."
            )
