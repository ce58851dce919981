"""The SQLite file of a registry: whose it is, its tables, and how it is opened by one process alone."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from .store import StoreError

FILE_NAME: Final = "registry.sqlite3"
RESTORING: Final = "restoring"
"""The folder of a restore that is under way, or was interrupted."""

APPLICATION_ID: Final = 0x44554F52  # "DUOR", where `file` and SQLite look for whose database it is
SCHEMA_VERSION: Final = 4
OLDEST_SQLITE: Final = (3, 37, 0)  # strict tables

_ANSWERS: Final = """
CREATE TABLE answers (
    identity TEXT NOT NULL, key TEXT NOT NULL, mark TEXT NOT NULL, data BLOB, error BLOB, at REAL NOT NULL,
    PRIMARY KEY (identity, key)) STRICT, WITHOUT ROWID;
"""
_DOCUMENTS: Final = """
CREATE TABLE documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, born INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (kind, id)) STRICT;
"""
SCHEMA: Final = f"""
CREATE TABLE registry (
    id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, revision INTEGER NOT NULL,
    first INTEGER NOT NULL DEFAULT 1) STRICT;
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

_FIRST: Final = "ALTER TABLE registry ADD COLUMN first INTEGER NOT NULL DEFAULT 1;"
MIGRATIONS: Final = {1: _ANSWERS, 2: _DOCUMENTS, 3: _FIRST}
"""What leads from a schema to the next. Version 1 kept no answers: clients were told another epoch for their keys."""


UNREADABLE: Final = (OSError, sqlite3.Error, ValueError, LookupError, TypeError, ArithmeticError)
"""What reading a file may raise that holds something else than was written: `ValidationError` is a `ValueError`."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for this process alone, with the settings that durability rests on.

    Raises:
        StoreError: SQLite cannot be had so.
        sqlite3.Error: Somebody else has it open, or it is no database.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: Python has to be linked to 3.37 or newer")
    if (path.parent / RESTORING).exists() and not path.exists():
        raise StoreError(
            f"a restore into {path.parent} was interrupted: run it again, or remove {path.parent / RESTORING} to begin"
            " with an empty registry"
        )
    if not path.exists():  # services tell their environments; what SQLite puts beside it has the same mode
        with suppress(OSError):  # SQLite will say what is wrong
            path.touch(mode=0o600)
    # The threads that use it take turns; `timeout=0`: whoever else has the file keeps it for as long as he runs.
    db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        _settle(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _settle(db: sqlite3.Connection, path: Path) -> None:
    pragma(db, "locking_mode", "EXCLUSIVE")
    pragma(db, "journal_mode", "WAL")
    pragma(db, "synchronous", "FULL")
    pragma(db, "wal_autocheckpoint", "0")  # SQLite's own overlooks errors; ours is in `write`
    # In exclusive mode the first write takes the lock and keeps it.
    db.execute("BEGIN EXCLUSIVE")
    db.execute("COMMIT")
    settings = {"locking_mode": "exclusive", "journal_mode": "wal", "synchronous": 2}
    for name, wanted in settings.items():
        if (actual := pragma(db, name)) != wanted:
            raise StoreError(f"{path}: SQLite runs with {name}={actual} here, and only {wanted} is safe")


def prepare(db: sqlite3.Connection, path: Path) -> int:
    """Make the tables, if there are none.

    Returns:
        The schema version that the file had; 0 when it was empty.

    Raises:
        StoreError: It is not ours, or newer than this version.
        sqlite3.DatabaseError: It is damaged.
    """
    if pragma(db, "application_id") == 0 and db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
        db.executescript(f"BEGIN;{SCHEMA}")
        db.execute("INSERT INTO registry (id, epoch, revision) VALUES (1, ?, 0)", (secrets.token_hex(8),))
        db.execute("COMMIT")
        return 0
    version = check_ours(db, path)
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(str(found))
    return version


def carry_over(db: sqlite3.Connection) -> None:
    """Bring the tables of an earlier version to this one.

    Each step is one transaction: a process that is killed leaves the file as it was before the step, or after it.
    """
    for older in range(pragma(db, "user_version"), SCHEMA_VERSION):
        db.executescript(f"BEGIN; {MIGRATIONS[older]} PRAGMA user_version = {older + 1}; COMMIT;")


def check_ours(db: sqlite3.Connection, path: Path) -> int:
    """The schema version of a file that is a registry's.

    Raises:
        StoreError: It is not, or newer than this version.
    """
    if pragma(db, "application_id") != APPLICATION_ID:
        raise StoreError(f"{path} is a database of something else; name another directory")
    version = int(pragma(db, "user_version"))
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer duologue-registry (schema {version}, this one knows {SCHEMA_VERSION}):"
            " upgrade duologue-registry, or put back a backup of this version with `duologue-registry restore FILE"
            " --into DIR`"
        )
    return version


def pragma(db: sqlite3.Connection, name: str, value: str | None = None) -> Any:
    """Read a setting, or set it; the answer, if there is one."""
    row = db.execute(f"PRAGMA {name}" if value is None else f"PRAGMA {name}={value}").fetchone()
    return row[0] if row else None


def check_writable(path: Path) -> None:
    """Say so before SQLite opens the file for reading alone, and fails with a less telling error later on."""
    for needed in (path.parent, path):
        if needed.exists() and not os.access(needed, os.W_OK):
            raise PermissionError(f"no right to write {needed}")


def is_full(error: BaseException) -> bool:
    """Whether there was no space for something that SQLite wanted to write; it says so before it syncs."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def explain(path: Path, error: Exception) -> str:
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
        f"{path} is damaged ({str(error).splitlines()[0]}); nothing of it was thrown away."
        f" `duologue-registry check --data {path.parent}` says what is wrong; put back a backup with `duologue-registry"
        f" restore FILE --into DIR`, or save what can be read with `sqlite3 {path} .recover`"
    )
