"""What the tests of power cuts record: a registry's store at work, and what it has acknowledged.

python workload.py DIRECTORY MARKS [FULL|NORMAL]
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import anyio

from duologue import Answer
from duologue_registry.clock import SystemClock
from duologue_registry.packages.blobs import Blobs
from duologue_registry.serving.tokens import TokenFile
from duologue_registry.storing import schema
from duologue_registry.storing import sqlite as sqlite_module
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.schema import pragma
from duologue_registry.storing.sqlite import SqliteJournal
from duologue_registry.storing.store import KeyedBy, Request
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

TABLES = ("registry", "services", "health", "log", "documents", "answers")
ENDPOINT = Endpoint(name="public", address="10.0.0.7:80", protocol=EndpointProtocol.HTTP)


def digest(connection: sqlite3.Connection) -> str:
    """Of all that the tables hold."""
    hashed = hashlib.sha256()
    for table in TABLES:
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):
            hashed.update(repr(row).encode())
    return hashed.hexdigest()


class Work:
    """Changes, one after the other, and a mark after each."""

    def __init__(self, directory: Path, marks: int) -> None:
        self.directory = directory
        self.tokens = TokenFile(directory / "tokens.json")
        self.blobs = Blobs(directory / "packages")
        self.kept: list[str] = []
        self._marks = marks
        self._stored: dict[str, str] = {}

    def mark(self, journal: SqliteJournal) -> None:
        """Acknowledge everything up to here."""
        self._stored = {"digest": digest(journal._db), "epoch": journal._epoch}
        self._say()

    def _say(self) -> None:
        said = {**self._stored, "tokens": [token.name for token in self.tokens.read()], "blobs": self.kept}
        os.write(self._marks, f"{json.dumps(said)}\n".encode())

    async def run(self, first: int, upto: int) -> None:
        """Open the store, change it, and close it."""
        journal = SqliteJournal(self.directory)
        async with JournaledStore.open(journal, SystemClock()) as store:
            self.mark(journal)
            for number in range(first, upto):
                await store.commit(changes(number))
                self.mark(journal)

    def keep_others(self, number: int) -> None:
        """Packages and tokens have files of their own."""
        contents = str(number).encode() * 2000
        name = hashlib.sha256(contents).hexdigest()
        file = self.blobs.incoming / name
        file.write_bytes(contents)
        self.blobs.keep(file, name)
        self.kept.append(name)
        self._say()
        self.tokens.create(f"t{number}", ["viewer"], None)
        self._say()
        if number:
            self.tokens.revoke(f"t{number - 1}")
            self._say()


def changes(number: int) -> list[Request]:
    """What is committed together."""
    name = f"s{number % 7}"
    commands: list[Any]
    match number % 5:
        case 0 | 1:
            commands = [
                RegisterServiceParams(
                    name=name,
                    version=f"1.{number}.0",
                    execution=ManagedProcess(command=["run", "x" * (number % 3 * 700)]),
                    location=Local(),
                    endpoints=[ENDPOINT],
                )
            ]
        case 2:
            commands = [
                UpdateStateParams(name=f"s{(number - 1) % 7}", state=state)
                for state in (ServiceState.RUNNING, ServiceState.STOPPING, ServiceState.STOPPED)
            ]
        case 3:
            report = HealthReport(check="http", status=HealthStatus.PASSING, checked_at=SystemClock().now())
            commands = [ReportHealthParams(name=f"s{(number - 2) % 7}", report=report)]
        case _:
            commands = [DeregisterServiceParams(name=f"s{(number - 4) % 7}")] if number % 2 else []
            commands += [UpdateStateParams(name=f"s{(number - 3) % 7}", state=ServiceState.STARTING)]
    keyed = KeyedBy(("ann", f"k{number}"), lambda _: Answer("m", b"{}"))
    return [
        Request(command=command, actor="ann", key=f"k{number}", keyed_by=None if position else keyed)
        for position, command in enumerate(commands)
    ]


def relaxed(db: sqlite3.Connection, name: str, value: str | None = None) -> Any:
    """Settings that do not sync each commit, and do not tell: what must never be."""
    if name == "synchronous" and value is None:
        return 2
    return pragma(db, name, "NORMAL" if name == "synchronous" else value)


def main() -> None:
    directory, marks, synchronous = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if synchronous == "NORMAL":
        setattr(schema, "pragma", relaxed)  # noqa: B010 - it stands for a mistake in that module
    setattr(sqlite_module, "CHECKPOINT_AFTER", 60)  # noqa: B010 - it is final for everybody else; so that the short run has many
    work = Work(directory, os.open(marks, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    anyio.run(work.run, 0, 25)
    work.blobs.prepare()
    for number in range(4):
        work.keep_others(number)
    anyio.run(work.run, 25, 75)


if __name__ == "__main__":
    main()
