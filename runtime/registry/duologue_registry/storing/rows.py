"""How what the registry remembers looks in the tables of its SQLite file."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from duologue import Event, LogEntry, Position
from service_registry_sdk import (
    AgentAttached,
    AuditRecord,
    DeploymentProgress,
    EndpointUpdated,
    ExpiryPaused,
    ExpiryResumed,
    HealthReport,
    LogPruned,
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

from ..rules.documents import KINDS
from ..rules.model import Record
from .port import Loaded

EVENTS: Final[dict[str, type[Event]]] = {
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
        LogPruned,
        ExpiryPaused,
        ExpiryResumed,
    )
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def read_all(db: sqlite3.Connection) -> Loaded:
    """Everything but the log and the answers.

    Raises:
        sqlite3.DatabaseError: The log has gaps, or is not that of this state.
        ValidationError: Something in it is none of ours.
    """
    epoch, revision, first = db.execute("SELECT epoch, revision, first FROM registry").fetchone()
    last = _check_log(db, revision, first)
    health: dict[str, dict[str, HealthReport]] = {}
    for service, check, report in db.execute("SELECT service, check_name, report FROM health"):
        health.setdefault(service, {})[check] = HealthReport.from_wire(report)
    records = [
        Record(
            entry=ServiceEntry.from_wire(entry),
            born=born,
            lease_lost=bool(lease_lost),
            health=health.get(name, {}),
        )
        for name, born, lease_lost, entry in db.execute(
            "SELECT name, born, lease_lost, entry FROM services ORDER BY born"
        )
    ]
    answers = db.execute("SELECT identity, key, at FROM answers ORDER BY at")
    keys = {(identity, key): at for identity, key, at in answers}
    found = db.execute("SELECT kind, id, data FROM documents ORDER BY born")
    documents = {(kind, id_): KINDS[kind].from_wire(data) for kind, id_, data in found}
    return Loaded(Position(epoch, last), revision, records, documents, keys, first)


def position_of(db: sqlite3.Connection) -> Position:
    """How far the log has come, in a file of any version."""
    return Position(*db.execute("SELECT epoch, (SELECT coalesce(max(seq), 0) FROM log) FROM registry").fetchone())


def _check_log(db: sqlite3.Connection, revision: int, first: int) -> int:
    """Returns the number of the newest entry."""
    count, oldest, last, newest = db.execute(
        "SELECT count(*), coalesce(min(seq), 1), coalesce(max(seq), 0), coalesce(max(revision), 0) FROM log"
    ).fetchone()
    if oldest != first or count != last - first + 1 or newest != revision:
        raise sqlite3.DatabaseError(
            f"the log has {count} entries numbered {oldest} to {last} and should begin with {first}, and reaches up to"
            f" revision {newest} of {revision}"
        )
    return int(last)


def log_entry(row: tuple[int, str, str]) -> LogEntry:
    """An entry of the log, from its number, the name of its event, and its data."""
    seq, event, data = row
    return LogEntry(seq, EVENTS[event].from_wire(data))


def audit_record(row: tuple[Any, ...]) -> AuditRecord:
    """A record of the audit log."""
    seq, at, actor, revision, reason, request_key, event, data = row
    return AuditRecord(
        seq=seq,
        at=from_microseconds(at),
        actor=actor,
        revision=revision,
        reason=reason,
        request_key=request_key,
        event=event,
        data=json.loads(data),
    )


def from_microseconds(at: int) -> datetime:
    """The time that was kept so."""
    return _EPOCH + at * _MICROSECOND


def to_microseconds(at: datetime) -> int:
    """How times are kept: since 1970."""
    return (at - _EPOCH) // _MICROSECOND
