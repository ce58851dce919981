"""A journal in one SQLite file.

One connection writes, reads and checkpoints, in exclusive mode: a second process is refused by SQLite's own lock,
which the kernel takes back from a killed one, and versions before 3.51.3 can corrupt a write-ahead log that two
connections checkpoint at once. `synchronous=FULL` syncs the log in every commit; `NORMAL` loses acknowledged changes
in a power cut.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from typing_extensions import override

from duologue import Answer, Event, LogEntry, Model, Position
from service_registry_sdk import (
    AgentAttached,
    AuditRecord,
    DeploymentProgress,
    EndpointUpdated,
    HealthReport,
    PackageInstalled,
    PackageRemoved,
    PackageUninstalled,
    PackageUploaded,
    ServiceCommanded,
    ServiceDeregistered,
    ServiceEntry,
    ServiceRegistered,
    ServiceStateChanged,
)

from ..disk import make_directory
from ..rules.documents import KINDS
from ..rules.model import Change, Outcome, Record
from .head import HeadFile
from .journal import Batch, DiskFull, Journal, Loaded, Logged
from .store import AuditQuery, Key, StoreError

logger = logging.getLogger(__name__)

FILE_NAME: Final = "registry.sqlite3"
APPLICATION_ID: Final = 0x44554F52  # "DUOR", where `file` and SQLite look for whose database it is
SCHEMA_VERSION: Final = 3
OLDEST_SQLITE: Final = (3, 37, 0)  # strict tables
CHECKPOINT_AFTER: Final = 2_000  # statements; some megabytes of write-ahead log

_ANSWERS: Final = """
CREATE TABLE answers (
    identity TEXT NOT NULL, key TEXT NOT NULL, mark TEXT NOT NULL, data BLOB, error BLOB, at REAL NOT NULL,
    PRIMARY KEY (identity, key)) STRICT, WITHOUT ROWID;
"""
_DOCUMENTS: Final = """
CREATE TABLE documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, born INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (kind, id)) STRICT;
"""
_SCHEMA: Final = f"""
CREATE TABLE registry (id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
CREATE TABLE services (
    name TEXT PRIMARY KEY, born INTEGER NOT NULL UNIQUE, lease_lost INTEGER NOT NULL, entry TEXT NOT NULL) STRICT;
CREATE TABLE health (
    service TEXT NOT NULL, check_name TEXT NOT NULL, report TEXT NOT NULL,
    PRIMARY KEY (service, check_name)) STRICT, WITHOUT ROWID;
CREATE TABLE log (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, revision INTEGER NOT NULL, reason TEXT,
    request_key TEXT, service TEXT NOT NULL, event TEXT NOT NULL, data TEXT NOT NULL) STRICT;
CREATE INDEX log_by_service ON log (service, seq);
{_ANSWERS}
{_DOCUMENTS}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""

_MIGRATIONS: Final = {1: _ANSWERS, 2: _DOCUMENTS}
"""What leads from a schema to the next. Version 1 kept no answers: clients were told another epoch for their keys."""

_EVENTS: Final[dict[str, type[Event]]] = {
    event.event_name: event
    for event in (
        ServiceRegistered,
        ServiceDeregistered,
        ServiceStateChanged,
        EndpointUpdated,
        PackageUploaded,
        PackageRemoved,
        AgentAttached,
        PackageInstalled,
        ServiceCommanded,
        PackageUninstalled,
        DeploymentProgress,
    )
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class SqliteJournal(Journal):
    """The file `registry.sqlite3` in a directory of its own."""

    blocks = True

    def __init__(self, directory: Path) -> None:
        self.path: Final = directory / FILE_NAME
        self._connection: sqlite3.Connection | None = None
        self._since_checkpoint = 0
        self._head = HeadFile(directory)
        self._epoch = ""

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.ProgrammingError(f"{self.path} is not open")
        return self._connection

    # --------------------------------------------------------------------------------------------------------- open
    @override
    def load(self) -> Loaded:
        """Open the file, making it if there is none, and read the state.

        Raises:
            StoreError: Somebody else has it open, it is damaged, not ours, newer than this version, or unwritable.
        """
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: Python has to be linked to 3.37 or newer")
        try:
            make_directory(self.path.parent)
            _check_writable(self.path)
            self._connect()
            version = self._check_and_create()
            return self._check_epoch(self._read_all(), version)
        except StoreError:
            self.close()
            raise
        except (OSError, sqlite3.Error, ValidationError) as error:
            self.close()
            raise StoreError(_explain(self.path, error)) from error

    def _connect(self) -> None:
        # The threads that use it take turns; `timeout=0`: whoever else has the file keeps it for as long as he runs.
        self._connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        self._pragma("locking_mode", "EXCLUSIVE")
        self._pragma("journal_mode", "WAL")
        self._pragma("synchronous", "FULL")
        self._pragma("wal_autocheckpoint", "0")  # SQLite's own overlooks errors; ours is in `write`
        # In exclusive mode the first write takes the lock and keeps it.
        self._db.execute("BEGIN EXCLUSIVE")
        self._db.execute("COMMIT")
        settings = {"locking_mode": "exclusive", "journal_mode": "wal", "synchronous": 2}
        for name, wanted in settings.items():
            if (actual := self._pragma(name)) != wanted:
                raise StoreError(f"{self.path}: SQLite runs with {name}={actual} here, and only {wanted} is safe")

    def _check_and_create(self) -> int:
        """Returns the schema version that the file had; 0 when there was none."""
        created = False
        if self._pragma("application_id") == 0 and self._one("SELECT count(*) FROM sqlite_schema")[0] == 0:
            self._db.executescript(f"BEGIN;{_SCHEMA}")
            self._db.execute("INSERT INTO registry VALUES (1, ?, 0)", (secrets.token_hex(8),))
            self._db.execute("COMMIT")
            created = True
        if self._pragma("application_id") != APPLICATION_ID:
            raise StoreError(f"{self.path} is a database of something else; name another directory")
        version = self._pragma("user_version")
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} was written by a newer duologue-registry (schema {version}, this one knows"
                f" {SCHEMA_VERSION}): upgrade duologue-registry"
            )
        found = self._one("PRAGMA quick_check(1)")[0]
        if found != "ok":
            raise sqlite3.DatabaseError(str(found))
        for older in range(version, SCHEMA_VERSION):
            self._db.executescript(f"BEGIN; {_MIGRATIONS[older]} PRAGMA user_version = {older + 1}; COMMIT;")
        return 0 if created else int(version)

    def _read_all(self) -> Loaded:
        epoch, revision = self._one("SELECT epoch, revision FROM registry")
        count, first, last, newest = self._one(
            "SELECT count(*), coalesce(min(seq), 1), coalesce(max(seq), 0), coalesce(max(revision), 0) FROM log"
        )
        if first != 1 or count != last or newest != revision:
            raise sqlite3.DatabaseError(
                f"the log has {count} entries numbered {first} to {last}, up to revision {newest} of {revision}"
            )
        health: dict[str, dict[str, HealthReport]] = {}
        for service, check, report in self._db.execute("SELECT service, check_name, report FROM health"):
            health.setdefault(service, {})[check] = HealthReport.from_wire(report)
        records = [
            Record(
                entry=ServiceEntry.from_wire(entry),
                born=born,
                lease_lost=bool(lease_lost),
                health=health.get(name, {}),
            )
            for name, born, lease_lost, entry in self._db.execute(
                "SELECT name, born, lease_lost, entry FROM services ORDER BY born"
            )
        ]
        answers = self._db.execute("SELECT identity, key, at FROM answers ORDER BY at")
        keys = {(identity, key): at for identity, key, at in answers}
        found = self._db.execute("SELECT kind, id, data FROM documents ORDER BY born")
        documents = {(kind, id_): KINDS[kind].from_wire(data) for kind, id_, data in found}
        return Loaded(Position(epoch, last), revision, records, documents, keys)

    def _check_epoch(self, loaded: Loaded, version: int) -> Loaded:
        """Begin a new epoch when this is another file than the one that was written to last.

        Nothing of what its clients know, positions and keys, would be right.
        """
        head, position = self._head.read(), loaded.position
        if head is None:  # files of version 1 have none, and one that is empty may have lost it in a crash
            same = version < 2 or position.seq == 0
        else:
            same = version == 0 or (head.epoch == position.epoch and head.seq <= position.seq)
        if not same:
            position = Position(secrets.token_hex(8), position.seq)
            self._db.execute("UPDATE registry SET epoch = ?", (position.epoch,))
            logger.warning("%s is a copy, or an older one was put back: its clients begin anew", self.path)
        self._head.begin(position)
        self._epoch = position.epoch
        return replace(loaded, position=position)

    # -------------------------------------------------------------------------------------------------------- write
    @override
    def write(self, batch: Batch) -> None:
        statements = list(_statements(batch))
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in statements:
                self._db.execute(sql, values)
            self._db.execute("COMMIT")
        except BaseException as error:
            # An error here would hide the one that matters; SQLite may have rolled back by itself.
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            if _is_full(error) and not self._db.in_transaction:
                raise DiskFull(f"{self.path}: {error}") from error
            raise
        if batch.logged:
            self._head.write(Position(self._epoch, batch.logged[-1].seq))
        self._since_checkpoint += len(statements)
        if self._since_checkpoint >= CHECKPOINT_AFTER:
            self._checkpoint()

    def _checkpoint(self) -> None:
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            if not _is_full(error):
                raise
            return  # all of it is in the write-ahead log, and stays there until there is space
        self._since_checkpoint = 0

    @override
    def close(self) -> None:
        self._head.close()
        if self._connection is not None:
            # A disk that fails now has nothing to lose: what was acknowledged is in the write-ahead log.
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    # --------------------------------------------------------------------------------------------------------- read
    @override
    def tail(self, after: int, upto: int, limit: int) -> Sequence[LogEntry]:
        rows = self._db.execute(
            "SELECT seq, event, data FROM log WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?", (after, upto, limit)
        )
        return [LogEntry(seq, _EVENTS[event].from_wire(data)) for seq, event, data in rows]

    @override
    def audit(self, query: AuditQuery) -> Sequence[AuditRecord]:
        conditions = {
            "seq < ?": query.before,
            "service = ?": query.service,
            "actor = ?": query.actor,
            "at >= ?": query.since and _to_microseconds(query.since),
            "at < ?": query.until and _to_microseconds(query.until),
        }
        given = {condition: value for condition, value in conditions.items() if value is not None}
        rows = self._db.execute(
            "SELECT seq, at, actor, revision, reason, request_key, event, data FROM log WHERE "  # noqa: S608 - our own text
            + " AND ".join(["TRUE", *given])
            + " ORDER BY seq DESC LIMIT ?",
            (*given.values(), query.limit),
        )
        return [_audit_record(row) for row in rows]

    @override
    def recall(self, key: Key) -> Answer | None:
        row = self._db.execute("SELECT mark, data, error FROM answers WHERE identity = ? AND key = ?", key).fetchone()
        return None if row is None else Answer.restore(*row)

    def _pragma(self, name: str, value: str | None = None) -> Any:
        row = self._db.execute(f"PRAGMA {name}" if value is None else f"PRAGMA {name}={value}").fetchone()
        return row[0] if row else None

    def _one(self, sql: str) -> Any:
        return self._db.execute(sql).fetchone()


# ---------------------------------------------------------------------------------------------------------- statements
def _statements(batch: Batch) -> Iterator[tuple[str, tuple[object, ...]]]:
    for outcome in batch.outcomes:
        yield from _outcome_statements(outcome)
    for logged in batch.logged:
        yield _log_statement(logged)
    if batch.outcomes:
        yield "UPDATE registry SET revision = ?", (batch.outcomes[-1].revision,)
    for key in batch.forgotten:
        yield "DELETE FROM answers WHERE identity = ? AND key = ?", key
    for kept in batch.kept:
        yield (
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)",
            (*kept.key, kept.answer.mark, kept.answer.data, kept.answer.error_json(), kept.at),
        )


def _outcome_statements(outcome: Outcome) -> Iterator[tuple[str, tuple[object, ...]]]:
    for written in outcome.documents:
        if written.document is None:
            yield "DELETE FROM documents WHERE kind = ? AND id = ?", written.key
        else:
            values = (*written.key, outcome.revision, _text(written.document))
            yield (
                "INSERT INTO documents VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data",
                values,
            )
    if outcome.change is not Change.DOCUMENT:
        yield from _service_statements(outcome)


def _service_statements(outcome: Outcome) -> Iterator[tuple[str, tuple[object, ...]]]:
    record, report = outcome.record, outcome.report
    if outcome.change is Change.HEALTH and report is not None:
        yield "INSERT OR REPLACE INTO health VALUES (?, ?, ?)", (outcome.name, report.check, _text(report))
        return
    if record is None:
        yield "DELETE FROM services WHERE name = ?", (outcome.name,)
    else:
        yield (
            "INSERT OR REPLACE INTO services VALUES (?, ?, ?, ?)",
            (outcome.name, record.born, int(record.lease_lost), _text(record.entry)),
        )
    if record is None or not record.health:
        yield "DELETE FROM health WHERE service = ?", (outcome.name,)


def _log_statement(logged: Logged) -> tuple[str, tuple[object, ...]]:
    return "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (
        logged.seq,
        _to_microseconds(logged.at),
        logged.actor,
        logged.revision,
        logged.reason,
        logged.request_key,
        logged.service,
        logged.event.event_name,
        _text(logged.event),
    )


def _audit_record(row: tuple[Any, ...]) -> AuditRecord:
    seq, at, actor, revision, reason, request_key, event, data = row
    return AuditRecord(
        seq=seq,
        at=_EPOCH + at * _MICROSECOND,
        actor=actor,
        revision=revision,
        reason=reason,
        request_key=request_key,
        event=event,
        data=json.loads(data),
    )


def _text(model: Model) -> str:
    return model.to_wire().decode()


def _to_microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


# -------------------------------------------------------------------------------------------------------- the outside
def _check_writable(path: Path) -> None:
    """Say so before SQLite opens the file for reading alone, and fails with a less telling error later on."""
    for needed in (path.parent, path):
        if needed.exists() and not os.access(needed, os.W_OK):
            raise PermissionError(f"no right to write {needed}")


def _is_full(error: BaseException) -> bool:
    """Whether there was no space for something that SQLite wanted to write; it says so before it syncs."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _explain(path: Path, error: Exception) -> str:
    """One line: what, where, and what to do."""
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return (
            f"{path} is in use: another duologue-registry serves from this directory; end it, or name another directory"
        )
    if isinstance(error, OSError) or (
        isinstance(error, sqlite3.OperationalError) and ("readonly" in str(error) or "unable to open" in str(error))
    ):
        return f"{path} cannot be written ({error}): give this user the right to, or name another directory"
    if isinstance(error, sqlite3.OperationalError):
        return f"{path} cannot be opened: {error}"
    return (
        f"{path} is damaged ({str(error).splitlines()[0]}); nothing of it was thrown away. Put back a copy of it, save"
        f" what can be read with `sqlite3 {path} .recover`, or move it away to begin with an empty registry"
    )
