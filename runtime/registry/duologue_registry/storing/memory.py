"""A journal in memory: for tests and for registries that need not outlive their process."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from typing_extensions import override

from duologue import Answer, LogEntry, Position
from service_registry_sdk import AuditRecord

from .port import Batch, Journal, Loaded, Logged, NoCopy
from .store import AuditQuery, Key


class MemoryJournal(Journal):
    """Keeps the log; everything is lost with the process, so that each has an epoch of its own."""

    blocks = False

    def __init__(self) -> None:
        self._epoch = secrets.token_hex(8)
        self._log: list[Logged] = []
        self._first = 1
        self._answers: dict[Key, Answer] = {}

    @override
    def load(self) -> Loaded:
        return Loaded(Position(self._epoch, 0), 0, ())

    @override
    def write(self, batch: Batch) -> None:
        self._log += batch.logged
        for key in batch.forgotten:
            del self._answers[key]
        self._answers.update({kept.key: kept.answer for kept in batch.kept})

    @override
    def tail(self, after: int, upto: int, limit: int) -> Sequence[LogEntry]:
        # Numbers have no gaps: an entry stands at its number less that of the first.
        start = after + 1 - self._first
        return [LogEntry(logged.seq, logged.event) for logged in self._log[start : start + min(limit, upto - after)]]

    @override
    def audit(self, query: AuditQuery) -> Sequence[AuditRecord]:
        newest_first = reversed(self._log if query.before is None else self._log[: max(query.before - self._first, 0)])
        found: list[AuditRecord] = []
        for logged in newest_first:
            if len(found) == query.limit:
                break
            if _matches(logged, query):
                found.append(_record(logged))
        return found

    @override
    def recall(self, key: Key) -> Answer | None:
        return self._answers.get(key)

    @override
    def first_since(self, at: datetime) -> int | None:
        return next((logged.seq for logged in self._log if logged.at >= at), None)

    @override
    def forget_log(self, first: int) -> None:
        del self._log[: first - self._first]
        self._first = first

    @override
    def copy_to(self, path: Path) -> None:
        raise NoCopy("this registry keeps everything in memory: there is nothing on disk to make a backup of")

    @override
    def close(self) -> None:
        pass


def _matches(logged: Logged, query: AuditQuery) -> bool:
    return (
        (query.service is None or logged.service == query.service)
        and (query.actor is None or logged.actor == query.actor)
        and (query.since is None or logged.at >= query.since)
        and (query.until is None or logged.at < query.until)
    )


def _record(logged: Logged) -> AuditRecord:
    return AuditRecord(
        seq=logged.seq,
        at=logged.at,
        actor=logged.actor,
        revision=logged.revision,
        reason=logged.reason,
        request_key=logged.request_key,
        event=logged.event.event_name,
        data=json.loads(logged.event.to_wire()),
    )
