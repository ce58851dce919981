"""Looking through all that a registry keeps: is it whole, and does it go together?"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from service_registry_sdk import PackageInfo

from ..packages.blobs import FOLDER as PACKAGES
from ..packages.blobs import Blobs
from ..packages.checking import digest_of
from ..rules.documents import Document, DocumentKey
from ..rules.folding import Folded, differences
from .port import Loaded
from .rows import from_microseconds, log_entry, read_all
from .schema import FILE_NAME, MIGRATIONS, SCHEMA_VERSION, UNREADABLE, check_ours, connect
from .store import StoreError

Progress: TypeAlias = Callable[[str, int, int], None]
"""Is told what is looked at, how far that has come, and how much there is; of what cannot be counted it is 0 of 0."""

_MOST_PROBLEMS: Final = 100  # of one kind: a report is to be read
_TELL_EVERY: Final = 10_000


class InUse(Exception):
    """A registry runs on it."""


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        problems: In words, one each; none when all is well.
        seen: How many of each there are.
    """

    problems: list[str] = field(default_factory=list[str])
    seen: dict[str, int] = field(default_factory=dict[str, int])


def _tell_nobody(what: str, done: int, whole: int) -> None:
    pass


def check_directory(directory: Path, progress: Progress = _tell_nobody) -> Report:
    """Look through the data of a registry that does not run. Nothing is changed.

    Raises:
        InUse: A registry runs on it.
        StoreError: There is none, it is not ours, or newer than this version.
    """
    report, path = Report(), directory / FILE_NAME
    if not path.is_file():
        raise StoreError(f"there is no {path}: name the directory of a registry's data")
    try:
        with closing(connect(path)) as db:
            check_ours(db, path)
            progress("database", 0, 0)
            report.problems += _integrity(db)
            with _as_this_version(db):
                loaded = read_all(db)
                report.seen = {"services": len(loaded.records), "revision": loaded.revision}
                _check_state(db, loaded, report, progress)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise InUse(f"{path} is in use: stop the registry, or check a backup of it") from None
        report.problems.append(f"database: {error}")
    except UNREADABLE as error:
        report.problems.append(f"database: {str(error).splitlines()[0]}")
    else:
        _check_packages(loaded.documents, Blobs(directory / PACKAGES), report, progress)
    return report


def _integrity(db: sqlite3.Connection) -> list[str]:
    found = [str(row[0]) for row in db.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})")]
    return [] if found == ["ok"] else [f"database: {line}" for each in found for line in each.splitlines()]


@contextmanager
def _as_this_version(db: sqlite3.Connection) -> Generator[None]:
    """Look at a file of an earlier version as it will be carried over; it stays as it is."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    db.executescript("BEGIN;" + "".join(MIGRATIONS[older] for older in range(version, SCHEMA_VERSION)))
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def _check_state(db: sqlite3.Connection, loaded: Loaded, report: Report, progress: Progress) -> None:
    """Fold the log, and compare what comes of it with what is kept."""
    folded, count = Folded(is_complete=loaded.first == 1), loaded.position.seq - loaded.first + 1
    report.seen["log entries"] = count
    before = 0
    rows = db.execute("SELECT seq, event, data, at, revision FROM log ORDER BY seq")
    for number, (seq, event, data, at, revision) in enumerate(rows):
        if number % _TELL_EVERY == 0:
            progress("log", number, count)
        if revision < before:
            report.problems.append(f"log: entry {seq} has revision {revision}, after one with {before}")
        before = revision
        folded.add(log_entry((seq, event, data)).event, from_microseconds(at), revision)
    progress("log", count, count)
    found = differences(folded, loaded.records, loaded.documents)
    report.problems += [f"state: {each}" for _, each in zip(range(_MOST_PROBLEMS), found, strict=False)]


def _check_packages(
    documents: Mapping[DocumentKey, Document], blobs: Blobs, report: Report, progress: Progress
) -> None:
    packages = [document for document in documents.values() if isinstance(document, PackageInfo)]
    report.seen["packages"] = len(packages)
    for number, info in enumerate(packages):
        progress("packages", number, len(packages))
        wrong = _wrong_with(blobs.path(info.sha256), info)
        if wrong is not None:
            report.problems.append(f"package {info.manifest.name} {info.manifest.version}: {wrong}")
    progress("packages", len(packages), len(packages))


def _wrong_with(path: Path, info: PackageInfo) -> str | None:
    try:
        _, sha256 = digest_of(path)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None if sha256 == info.sha256 else f"{path} has SHA-256 {sha256}, and should have {info.sha256}"
