"""What writes a batch into the tables of the SQLite file: each row once, and many with one statement.

SQLite lets go of the interpreter for each step of a statement, and comes back only when the event loop lets it: what a
batch costs is the number of its statements. Of what a batch changes several times the last counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Final, TypeAlias

from duologue import Model
from service_registry_sdk import HealthReport

from ..rules.documents import Document, DocumentKey
from ..rules.model import Change, Outcome, Record
from .answers import Kept
from .port import Batch, Logged
from .rows import to_microseconds

Statement: TypeAlias = tuple[str, Sequence[object]]

MOST_ROWS: Final = 32
"""Of one statement; there is one for each power of two, so that they stay prepared."""

_LOG: Final = "INSERT INTO log VALUES "
_SERVICES: Final = "INSERT INTO services VALUES "
_KEEP_PLACE: Final = " ON CONFLICT (name) DO UPDATE SET lease_lost = excluded.lease_lost, entry = excluded.entry"
"""Another row in its place would be written into all indexes."""

_HEALTH: Final = "INSERT OR REPLACE INTO health VALUES "
_DOCUMENTS: Final = "INSERT INTO documents VALUES "
_KEEP_BIRTH: Final = " ON CONFLICT DO UPDATE SET data = excluded.data"
_ANSWERS: Final = "INSERT INTO answers VALUES "


def statements(batch: Batch) -> Iterator[Statement]:
    """What writes a batch, within a transaction."""
    last = _Last()
    for outcome in batch.outcomes:
        last.add(outcome)
    yield from last.statements()
    yield from _rows(_LOG, map(_log_row, batch.logged))
    if batch.outcomes:
        yield "UPDATE registry SET revision = ?", (batch.outcomes[-1].revision,)
    for key in batch.forgotten:
        yield "DELETE FROM answers WHERE identity = ? AND key = ?", key
    yield from _rows(_ANSWERS, map(_answer_row, batch.kept))


@dataclass(slots=True)
class _Last:
    """What is so after a batch, of all that it changes.

    Attributes:
        removed: Services that are gone, or were before one of the same name came.
        gone: Documents, in the same way.
        documents: With the revision of their birth, if they are new.
        without_health: Services of which nothing that was reported before counts any more.
    """

    removed: dict[str, None] = field(default_factory=dict[str, None])
    services: dict[str, Record] = field(default_factory=dict[str, Record])
    without_health: dict[str, None] = field(default_factory=dict[str, None])
    health: dict[str, dict[str, HealthReport]] = field(default_factory=dict[str, "dict[str, HealthReport]"])
    gone: dict[DocumentKey, None] = field(default_factory=dict[DocumentKey, None])
    documents: dict[DocumentKey, tuple[int, Document]] = field(
        default_factory=dict[DocumentKey, "tuple[int, Document]"]
    )

    def add(self, outcome: Outcome) -> None:
        for written in outcome.documents:
            if written.document is None:
                self.documents.pop(written.key, None)
                self.gone[written.key] = None
            else:
                born, _ = self.documents.get(written.key, (outcome.revision, None))
                self.documents[written.key] = (born, written.document)
        if outcome.change is Change.HEALTH and outcome.report is not None:
            self.health.setdefault(outcome.name, {})[outcome.report.check] = outcome.report
        elif outcome.change is Change.SERVICE:
            self._add_service(outcome.name, outcome.record)

    def _add_service(self, name: str, record: Record | None) -> None:
        if record is None:
            self.services.pop(name, None)
            self.removed[name] = None
        else:
            self.services[name] = record
        if record is None or not record.health:
            self.health.pop(name, None)
            self.without_health[name] = None

    def statements(self) -> Iterator[Statement]:
        yield from (("DELETE FROM documents WHERE kind = ? AND id = ?", key) for key in self.gone)
        documents = ((*key, born, _text(document)) for key, (born, document) in self.documents.items())
        yield from _rows(_DOCUMENTS, documents, _KEEP_BIRTH)
        yield from (("DELETE FROM services WHERE name = ?", (name,)) for name in self.removed)
        services = ((name, each.born, int(each.lease_lost), _text(each.entry)) for name, each in self.services.items())
        yield from _rows(_SERVICES, services, _KEEP_PLACE)
        yield from _rows("DELETE FROM health WHERE service IN (VALUES ", ((name,) for name in self.without_health), ")")
        health = (
            (name, check, _text(report)) for name, reports in self.health.items() for check, report in reports.items()
        )
        yield from _rows(_HEALTH, health)


def _rows(before: str, rows: Iterable[Sequence[object]], after: str = "") -> Iterator[Statement]:
    """As few statements as it takes; `before` and `after` stand around the rows of each."""
    left = list(rows)
    while left:
        count = min(MOST_ROWS, 1 << len(left).bit_length() - 1)
        yield _sql(before, len(left[0]), count, after), list(chain.from_iterable(left[:count]))
        del left[:count]


@cache
def _sql(before: str, columns: int, count: int, after: str) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"{before}{', '.join([row] * count)}{after}"


def _log_row(logged: Logged) -> Sequence[object]:
    return (
        logged.seq,
        to_microseconds(logged.at),
        logged.actor,
        logged.revision,
        logged.reason,
        logged.request_key,
        logged.service,
        logged.event.event_name,
        _text(logged.event),
    )


def _answer_row(kept: Kept) -> Sequence[object]:
    return *kept.key, kept.answer.mark, kept.answer.data, kept.answer.error_json(), kept.at


def _text(model: Model) -> str:
    return model.to_wire().decode()
