"""`check` sees what is wrong with what a registry keeps, and says what; the commands say what to do."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.registry.disks.disk import Folder
from tests.registry.disks.recording import Recorder
from tests.registry.test_backups import fill
from tests.registry.test_cli import in_process, ok, refused
from tests.registry.test_packages import open_house
from tests.registry.test_power_cuts import RECOVER
from tests.registry.test_store_sqlite import SCHEMA_1

from duologue_registry.storing.checking import check_directory
from duologue_registry.storing.schema import FILE_NAME, SCHEMA_VERSION
from duologue_registry.storing.sqlite import SqliteJournal
from service_registry_sdk import RegistryClient

DOCUMENT = Path(__file__).parents[2] / "docs/registry.md"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The data of a registry that has stopped."""
    folder = tmp_path_factory.mktemp("original")

    async def serve() -> None:
        with anyio.fail_after(30):
            async with open_house(folder / "data", SqliteJournal(folder / "data")) as house:
                async with RegistryClient.open(house.url) as registry:
                    await fill(registry, folder)
                    await registry.deregister_service(name="s2")

    anyio.run(serve)
    return Folder.of(folder / "data")


@pytest.fixture
def data(original: Folder, tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    original.write(tmp_path / "data")
    return tmp_path / "data"


def problems(data: Path) -> list[str]:
    return check_directory(data).problems


def test_all_is_well(data: Path) -> None:
    before = Folder.of(data).files
    report = check_directory(data)
    assert report.problems == []
    assert report.seen == {"services": 2, "revision": 9, "log entries": 13, "packages": 2}
    assert Folder.of(data).files == before


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("DELETE FROM log WHERE seq = 3", "the log has 12 entries"),
        ("UPDATE log SET revision = 1 WHERE seq = 5", "log: entry 5 has revision 1, after one with"),
        ("UPDATE log SET event = 'nonsense' WHERE seq = 5", "nonsense"),
        ("UPDATE log SET data = '{}' WHERE seq = 5", "database"),
        ("UPDATE log SET at = 9223372036854775807 WHERE seq = 5", "database: date value out of range"),
        ("DELETE FROM registry", "database"),
        ("DELETE FROM services WHERE name = 's0'", "service s0 is not there"),
        ("UPDATE services SET entry = replace(entry, 'running', 'failed') WHERE name = 's1'", "service s1: its state"),
        ("UPDATE services SET entry = replace(entry, '10.0.0.7', '10.0.0.8')", "its endpoints"),
        (
            "INSERT INTO services SELECT 's9', 99, 0, replace(entry, 's0', 's9') FROM services WHERE name = 's0'",
            "service s9 is there, and the log does not tell of it",
        ),
        (
            "INSERT INTO services SELECT 's2', 99, 0, replace(entry, 's0', 's2') FROM services WHERE name = 's0'",
            "service s2 is there, and the log tells that it was removed",
        ),
        ("DELETE FROM documents WHERE id = 'web-api 1.4.0'", "package web-api 1.4.0 is not as the log tells"),
        ("UPDATE registry SET revision = 100", "up to revision"),
        ("DROP TABLE answers", "answers"),
    ],
)
def test_what_does_not_go_together(data: Path, script: str, said: str) -> None:
    with closing(sqlite3.connect(data / FILE_NAME)) as db:
        db.executescript(script)
    found = problems(data)
    assert any(said in problem for problem in found), found
    assert not any("\n" in problem for problem in found)


def test_damaged_pages(data: Path) -> None:
    with (data / FILE_NAME).open("r+b") as file:
        file.seek(8192)
        file.write(bytes(range(256)) * 16)
    assert any(problem.startswith("database: ") for problem in problems(data))


def blobs(data: Path) -> list[Path]:
    return [path for path in (data / "packages" / "blobs").rglob("*") if path.is_file()]


def test_a_package_that_is_gone_or_another(data: Path) -> None:
    gone, other = blobs(data)
    gone.unlink()
    other.write_bytes(b"x")
    found = problems(data)
    assert len(found) == 2
    assert any("No such file" in problem for problem in found)
    assert any("has SHA-256" in problem for problem in found)


def test_a_long_check_tells_how_far_it_has_come(data: Path) -> None:
    told: list[tuple[str, int, int]] = []

    def tell(what: str, done: int, whole: int) -> None:
        told.append((what, done, whole))

    check_directory(data, tell)
    assert [what for what, _, _ in told] == ["database", "log", "log", "packages", "packages", "packages"]
    assert told[-1] == ("packages", 2, 2)


# ------------------------------------------------------------------------------------------------------- earlier files
def schema_1(root: Path) -> None:
    with closing(sqlite3.connect(root / FILE_NAME)) as db:
        db.executescript(SCHEMA_1.replace('"kind": "process"', '"kind": "managed_process"'))


def version(data: Path) -> int:
    with closing(sqlite3.connect(data / FILE_NAME)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_an_earlier_file_is_checked_as_it_is(tmp_path: Path) -> None:
    schema_1(tmp_path)
    assert check_directory(tmp_path).seen["services"] == 1
    assert version(tmp_path) == 1


def test_carrying_over_goes_on_after_a_kill_at_each_step(recorder: Recorder, scratch: Path) -> None:
    root = scratch / "earlier"
    root.mkdir()
    schema_1(root)
    recording = recorder.record(root, [sys.executable, "-c", RECOVER, str(root)])
    disk, place, seen = recording.disk(), scratch / "carried", set[int]()
    for number, op in enumerate(recording.ops):
        left = disk.killed()
        folder = place / str(number)
        folder.mkdir(parents=True)
        left.write(folder)
        seen.add(version(folder))
        journal = SqliteJournal(folder)
        loaded = journal.load()
        assert (loaded.position.epoch, loaded.revision, loaded.first) == ("e1", 1, 1)
        journal.close()
        assert version(folder) == SCHEMA_VERSION
        disk.apply(op)
    assert seen == {1, 2, 3, 4}


# --------------------------------------------------------------------------------------------------------- as commands
def test_commands_and_their_exit_codes(start_registry: Any, data_directory: Path, tmp_path: Path) -> None:
    registry, backup = start_registry("--data", str(data_directory)), str(tmp_path / "backup.tar")
    assert "is in use" in refused(in_process("check", "--data", str(data_directory)), 3)
    assert re.search(r"^\| 3 \|.*`check`", DOCUMENT.read_text(), re.MULTILINE), "where the codes of all commands stand"
    assert "3 registry unreachable (`check`: data in use)" in " ".join(ok(in_process("--help")).split())
    assert json.loads(ok(in_process("backup", backup, "--url", registry.url, "--json")))["revision"] == 0
    assert "replaces nothing" in refused(in_process("backup", backup, "--url", registry.url), 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "data"]
    assert ok(in_process("check", backup)).startswith("sound: 0 services")
    registry.stop()
    assert json.loads(ok(in_process("check", "--data", str(data_directory), "--json")))["sound"] is True
    (data_directory / "tokens.json").write_text("{}")
    damaged = in_process("check", "--data", str(data_directory), "--json")
    assert damaged.returncode == 1
    assert "tokens.json" in json.loads(damaged.stdout)["problems"][0]
    refused(in_process("check", "--data", str(tmp_path)), 1)
    refused(in_process("check", backup, "--data", str(tmp_path)), 2)
    refused(in_process("backup", str(tmp_path / "other.tar"), "--url", registry.url), 3)
    restored = in_process("restore", backup, "--into", str(tmp_path / "restored"))
    assert "Tokens are not in a backup" in restored.stderr
    assert "nothing was restored" in refused(in_process("restore", __file__, "--into", str(tmp_path / "x")), 1)


def test_serve_names_the_command_that_helps(data: Path) -> None:
    (data / FILE_NAME).write_bytes(b"Dear diary, " * 1000)
    assert "duologue-registry restore FILE --into" in refused(in_process("serve", "--data", str(data), "--port=0"), 1)
