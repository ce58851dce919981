"""A journal in one SQLite file.

One connection writes, reads and checkpoints, in exclusive mode: a second process is refused by SQLite's own lock,
which the kernel takes back from a killed one, and versions before 3.51.3 can corrupt a write-ahead log that two
connections checkpoint at once. `synchronous=FULL` syncs the log in every commit; `NORMAL` loses acknowledged changes
in a power cut.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from typing_extensions import override

from duologue import Answer, LogEntry, Position
from service_registry_sdk import AuditRecord

from ..disk import make_directory
from .head import HeadFile
from .port import Batch, DiskFull, Journal, Loaded
from .rows import audit_record, log_entry, position_of, read_all, to_microseconds
from .schema import FILE_NAME, UNREADABLE, carry_over, check_writable, connect, explain, is_full, prepare
from .statements import Statement, statements
from .store import AuditQuery, Key, StoreError

logger = logging.getLogger(__name__)

CHECKPOINT_AFTER: Final = 2_000  # rows, more or less; some megabytes of write-ahead log


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
        try:
            make_directory(self.path.parent)
            check_writable(self.path)
            self._connection = connect(self.path)
            version = prepare(self._db, self.path)
            if version == 1:  # it has no head: from the next version on that would mean that it is a copy
                self._head.begin(position_of(self._db))
            carry_over(self._db)
            return self._check_epoch(read_all(self._db), version)
        except StoreError:
            self.close()
            raise
        except UNREADABLE as error:
            self.close()
            raise StoreError(explain(self.path, error)) from error

    def _check_epoch(self, loaded: Loaded, version: int) -> Loaded:
        """Begin a new epoch when this is another file than the one that was written to last.

        Nothing of what its clients know, positions and keys, would be right.
        """
        head, position = self._head.read(), loaded.position
        if head is None:  # one that is empty may have lost it in a crash
            same = position.seq == 0
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
        self._since_checkpoint += len(batch.outcomes) + len(batch.logged) + len(batch.forgotten) + len(batch.kept)
        self._transact(statements(batch))
        if batch.logged:
            self._head.write(Position(self._epoch, batch.logged[-1].seq))

    def _transact(self, writing: Iterable[Statement]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in writing:
                self._db.execute(sql, values)
            self._db.execute("COMMIT")
        except BaseException as error:
            # An error here would hide the one that matters; SQLite may have rolled back by itself.
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            if is_full(error) and not self._db.in_transaction:
                raise DiskFull(f"{self.path}: {error}") from error
            raise
        if self._since_checkpoint >= CHECKPOINT_AFTER:
            self._checkpoint()

    def _checkpoint(self) -> None:
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            if not is_full(error):
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
        return [log_entry(row) for row in rows]

    @override
    def audit(self, query: AuditQuery) -> Sequence[AuditRecord]:
        conditions = {
            "seq < ?": query.before,
            "service = ?": query.service,
            "actor = ?": query.actor,
            "at >= ?": query.since and to_microseconds(query.since),
            "at < ?": query.until and to_microseconds(query.until),
        }
        given = {condition: value for condition, value in conditions.items() if value is not None}
        rows = self._db.execute(
            "SELECT seq, at, actor, revision, reason, request_key, event, data FROM log WHERE "  # noqa: S608 - our own text
            + " AND ".join(["TRUE", *given])
            + " ORDER BY seq DESC LIMIT ?",
            (*given.values(), query.limit),
        )
        return [audit_record(row) for row in rows]

    @override
    def recall(self, key: Key) -> Answer | None:
        row = self._db.execute("SELECT mark, data, error FROM answers WHERE identity = ? AND key = ?", key).fetchone()
        return None if row is None else Answer.restore(*row)

    # -------------------------------------------------------------------------------------- what is kept, and copied
    @override
    def first_since(self, at: datetime) -> int | None:
        # Numbers are in the order of time, but for a clock that was put back: the oldest that is young enough counts.
        row = self._db.execute(
            "SELECT seq FROM log WHERE at >= ? ORDER BY seq LIMIT 1", (to_microseconds(at),)
        ).fetchone()
        return None if row is None else int(row[0])

    @override
    def forget_log(self, first: int) -> None:
        self._transact([("DELETE FROM log WHERE seq < ?", (first,)), ("UPDATE registry SET first = ?", (first,))])

    @override
    def copy_to(self, path: Path) -> None:
        try:
            self._db.execute("VACUUM INTO ?", (str(path),))
        except sqlite3.Error as error:
            path.unlink(missing_ok=True)
            if is_full(error):
                raise DiskFull(f"{path}: {error}") from error
            raise
