"""Where a `JournaledStore` writes, as a port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from duologue import Answer as KeyedAnswer
from duologue import Event, LogEntry, Position
from service_registry_sdk import AuditRecord

from ..rules.documents import Document, DocumentKey
from ..rules.model import Outcome, Record
from .answers import Kept
from .store import AuditQuery, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An entry of the log, with its audit record."""

    seq: int
    at: datetime
    actor: str
    revision: int
    service: str
    event: Event
    reason: str | None = None
    request_key: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction writes, and which answers it forgets."""

    outcomes: Sequence[Outcome]
    logged: Sequence[Logged]
    kept: Sequence[Kept] = ()
    forgotten: Sequence[Key] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a journal holds when it is opened.

    `records` and `documents` are in order of birth, `keys` in that of their time. `first` is the number of the oldest
    entry of the log, or of the one that will be its first.
    """

    position: Position
    revision: int
    records: Sequence[Record]
    documents: Mapping[DocumentKey, Document] = field(default_factory=dict[DocumentKey, Document])
    keys: Mapping[Key, float] = field(default_factory=dict[Key, float])
    first: int = 1


class DiskFull(Exception):
    """There is no space for a batch; the journal is as it was before."""


class NoCopy(Exception):
    """There is nothing that a backup could be made of."""


class Journal(Protocol):
    """Where a `JournaledStore` writes. Called by one thread at a time; any exception of `write` but `DiskFull` ends all
    writing."""

    blocks: bool
    """Whether its calls wait for a disk, and so belong into a thread."""

    def load(self) -> Loaded: ...

    def write(self, batch: Batch) -> None:
        """Write all of it or nothing, and return when it would survive a power cut.

        Raises:
            DiskFull: Nothing was written, for certain.
        """
        ...

    def tail(self, after: int, upto: int, limit: int) -> Sequence[LogEntry]: ...

    def audit(self, query: AuditQuery) -> Sequence[AuditRecord]: ...

    def recall(self, key: Key) -> KeyedAnswer | None: ...

    def first_since(self, at: datetime) -> int | None:
        """The number of the oldest entry that is not older than this; None when all are."""
        ...

    def forget_log(self, first: int) -> None:
        """Forget the entries with a lower number. As durable, and as likely to fail, as `write`."""
        ...

    def copy_to(self, path: Path) -> None:
        """Write all that is kept to a new SQLite file.

        Raises:
            DiskFull: There is no space for it; nothing is there.
            NoCopy: This journal keeps nothing that could be copied.
        """
        ...

    def close(self) -> None: ...
