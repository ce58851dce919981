"""What the SQLite store promises beyond the others: it is all there again after a restart, or it says why not."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.conftest import BACKENDS

from duologue import Answer, CallError, UnknownValue
from duologue_registry.clock import ManualClock
from duologue_registry.rules.model import AddPackage, AttachAgent, Change, ExpireLease, Outcome
from duologue_registry.storing.answers import Kept
from duologue_registry.storing.head import FILE_NAME as HEAD
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.port import Batch, Logged
from duologue_registry.storing.schema import FILE_NAME, SCHEMA_VERSION, pragma
from duologue_registry.storing.sqlite import SqliteJournal
from duologue_registry.storing.store import AuditQuery, KeyedBy, Request, StoreError
from service_registry_sdk import (
    AgentInfo,
    DeregisterServiceParams,
    Endpoint,
    EndpointProtocol,
    HealthReport,
    HealthStatus,
    Local,
    ManagedProcess,
    PackageInfo,
    PackageManifest,
    ReadOnly,
    RegisterServiceParams,
    RemovePackageParams,
    ReportHealthParams,
    ServiceDeregistered,
    ServiceKind,
    ServiceState,
    UnknownExecutionInfo,
    UpdateStateParams,
)

pytestmark = pytest.mark.anyio

everywhere = pytest.mark.parametrize("anyio_backend", BACKENDS.values(), ids=BACKENDS)
"""For what hands work to threads and waits for it; what stands in a file is the same whoever reads it."""


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return BACKENDS["asyncio"]


ANSWER = Answer("m", b"{}")


def registration(name: str = "api", **changes: Any) -> RegisterServiceParams:
    fields: dict[str, Any] = {"version": "1.0.0", "execution": ManagedProcess(command=["bin/api"]), "location": Local()}
    return RegisterServiceParams(name=name, **{**fields, **changes})


def package(version: str) -> PackageInfo:
    return PackageInfo(
        manifest=PackageManifest(name="api", version=version, type=ServiceKind.MANAGED_PROCESS),
        size=1,
        sha256="0" * 64,
        uploaded_at=ManualClock().now(),
        uploaded_by="ann",
        revision=0,
    )


def open_store(directory: Path) -> AbstractAsyncContextManager[JournaledStore]:
    return JournaledStore.open(SqliteJournal(directory), ManualClock())


async def do(store: JournaledStore, *commands: Any) -> None:
    for answer in await store.commit([Request(command=command, actor="ann") for command in commands]):
        assert isinstance(answer, Outcome), answer


async def fill(directory: Path, *commands: Any) -> None:
    async with open_store(directory) as store:
        await do(store, *commands)


async def refusal(directory: Path) -> str:
    with pytest.raises(StoreError) as error:
        await fill(directory)
    message = str(error.value)
    assert "\n" not in message
    assert str(directory) in message
    return message


@everywhere
async def test_everything_is_there_again(tmp_path: Path) -> None:
    clock = ManualClock()
    report = HealthReport(check="http", status=UnknownValue("on-fire"), checked_at=clock.now())
    commands = [
        registration("a", lease=timedelta(seconds=5), metadata={"é": "ü"}),
        registration("b", execution=UnknownExecutionInfo.model_validate({"kind": "wasm", "module": "x.wasm"})),
        registration("c"),
        UpdateStateParams(name="b", state=ServiceState.RUNNING),
        ReportHealthParams(name="b", report=report),
        ExpireLease("a"),
        registration("c", version="2.0.0"),
    ]
    async with open_store(tmp_path) as store:
        await do(store, *commands)
        before = (store.revision, store.position, store.snapshot())
        log, audit = await store.tail(0, 100), await store.audit(AuditQuery(limit=100))

    async with open_store(tmp_path) as again:
        assert (again.revision, again.position, again.snapshot()) == before
        assert [record.lease_lost for record in again.snapshot()] == [True, False, False]
        assert await again.tail(0, 100) == log
        assert await again.audit(AuditQuery(limit=100)) == audit
        await do(again, registration("d"))
        assert again.position.seq == before[1].seq + 1


async def test_nobody_else_may_read_what_it_keeps(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await do(store, registration())
        files = [path for path in tmp_path.iterdir() if path.is_file()]
        assert {path.stat().st_mode & 0o077 for path in files} == {0}
        assert len(files) >= 3, "the database, its log and the head"


async def test_health_of_a_former_life_does_not_come_back(tmp_path: Path) -> None:
    report = HealthReport(check="http", status=UnknownValue("on-fire"), checked_at=ManualClock().now())
    await fill(
        tmp_path,
        registration(),
        ReportHealthParams(name="api", report=report),
        registration(version="2.0.0"),
    )
    async with open_store(tmp_path) as again:
        assert [dict(record.health) for record in again.snapshot()] == [{}]


async def test_the_settings_that_durability_rests_on(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    journal.load()
    assert pragma(journal._db, "journal_mode") == "wal"
    assert pragma(journal._db, "synchronous") == 2
    assert pragma(journal._db, "locking_mode") == "exclusive"
    journal.close()


async def test_the_directory_is_made_for_its_user_alone(tmp_path: Path) -> None:
    await fill(tmp_path / "some" / "where")
    assert (tmp_path / "some" / "where").stat().st_mode & 0o777 == 0o700


HOLD = """
import sys
from pathlib import Path
from duologue_registry.storing.sqlite import SqliteJournal
SqliteJournal(Path(sys.argv[1])).load()
print("open", flush=True)
sys.stdin.read()
"""


async def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    async with await anyio.open_process([sys.executable, "-c", HOLD, str(tmp_path)]) as first:
        assert first.stdout is not None
        assert (await first.stdout.receive()).startswith(b"open")
        assert "is in use" in await refusal(tmp_path)
        first.kill()
    await fill(tmp_path, registration())


@everywhere
async def test_a_second_store_in_the_same_process_is_refused(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        assert "is in use" in await refusal(tmp_path)
        await do(store, registration())


async def damage(directory: Path, script: str) -> None:
    with sqlite3.connect(directory / FILE_NAME) as connection:
        connection.executescript(script)
    connection.close()


async def test_a_newer_file(tmp_path: Path) -> None:
    await fill(tmp_path, registration())
    await damage(tmp_path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    message = await refusal(tmp_path)
    assert "newer" in message
    assert "upgrade duologue-registry" in message


SCHEMA_1 = """
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
PRAGMA application_id = 0x44554F52;
PRAGMA user_version = 1;
INSERT INTO registry VALUES (1, 'e1', 1);
INSERT INTO services VALUES ('api', 1, 0, '{"name": "api", "version": "1.0.0", "state": "registered", "revision": 1,
    "execution": {"kind": "process", "command": ["bin/api"]}, "location": {"kind": "local"},
    "registered_at": "2026-01-01T00:00:00Z", "last_state_change": "2026-01-01T00:00:00Z"}');
INSERT INTO log VALUES (1, 0, 'ann', 1, NULL, 'k', 'api', 'service_deregistered', '{"name": "api", "revision": 1}');
"""


async def test_a_file_of_the_first_schema(tmp_path: Path) -> None:
    """It is carried over, once, and goes on where it was."""
    await damage(tmp_path, SCHEMA_1)
    for turn in range(2):
        async with open_store(tmp_path) as store:
            assert (store.position.epoch, store.position.seq, store.revision) == ("e1", 1 + turn, 1 + turn)
            assert [record.entry.name for record in store.snapshot()][:1] == ["api"]
            assert (await store.recall(("", "k")), await store.recall(("", "k0"))) == (None, ANSWER if turn else None)
            keyed_by = KeyedBy(("", f"k{turn}"), lambda _: ANSWER)
            await store.commit([Request(command=registration(f"s{turn}"), actor="ann", keyed_by=keyed_by)])


async def test_a_failed_carrying_over_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await damage(tmp_path, SCHEMA_1)
    with monkeypatch.context() as patch:
        patch.setattr(
            "duologue_registry.storing.schema.MIGRATIONS", {1: "CREATE TABLE answers (x); CREATE TABLE log (x);"}
        )
        await refusal(tmp_path)
    async with open_store(tmp_path) as store:
        assert store.revision == 1


async def test_a_file_of_something_else(tmp_path: Path) -> None:
    await damage(tmp_path, "CREATE TABLE recipes (name TEXT)")
    assert "something else" in await refusal(tmp_path)


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("Dear diary, today I registered a service. " * 100)
    message = await refusal(tmp_path)
    assert "damaged" in message
    assert ".recover" in message
    assert (tmp_path / FILE_NAME).read_text().startswith("Dear diary")


async def test_overwritten_pages(tmp_path: Path) -> None:
    await fill(tmp_path, *(registration(f"s{number}") for number in range(200)))
    with (tmp_path / FILE_NAME).open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(8192))
    assert "damaged" in await refusal(tmp_path)


async def test_a_schema_that_is_no_text(tmp_path: Path) -> None:
    await fill(tmp_path, registration())
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE services", b"CREATE T\xffBLE services"))
    assert "damaged" in await refusal(tmp_path)


async def test_a_truncated_file(tmp_path: Path) -> None:
    await fill(tmp_path, *(registration(f"s{number}") for number in range(200)))
    os.truncate(tmp_path / FILE_NAME, 20_000)
    assert "damaged" in await refusal(tmp_path)


async def test_damage_where_loading_does_not_look(tmp_path: Path) -> None:
    """The last page holds the end of a long log entry, which nobody reads at start."""
    await fill(tmp_path, registration(metadata={"long": "x" * 40_000}))
    path = tmp_path / FILE_NAME
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 4096)
        file.write(b"\xff\xff\xff\xf0")
    assert "damaged" in await refusal(tmp_path)


async def test_of_what_one_transaction_changes_again_and_again_the_last_is_kept(tmp_path: Path) -> None:
    """In rows more than one statement takes, and in the order of birth."""
    clock = ManualClock()

    def report(name: str, output: str) -> ReportHealthParams:
        found = HealthReport(check="http", status=HealthStatus.PASSING, checked_at=clock.now(), output=output)
        return ReportHealthParams(name=name, report=found)

    names = [f"s{number}" for number in range(77)]
    first = [*map(registration, names), *(report(name, "first") for name in names)]
    packages = [package(version) for version in ("1.0.0", "2.0.0", "3.0.0")]
    async with open_store(tmp_path) as store:
        await do(store, *first, *map(AddPackage, packages))
        await do(
            store,
            *(report(name, "second") for name in names[5:]),
            *(registration(name, version="1.1.0") for name in names[40:]),
            report("s50", "third"),
            report("s0", "second"),
            DeregisterServiceParams(name="s1"),
            registration("s1"),
            DeregisterServiceParams(name="s2"),
            registration("s2"),
            DeregisterServiceParams(name="s2"),
            AttachAgent("web-1", ()),
            AttachAgent("web-1", ()),
            RemovePackageParams(name="api", version="1.0.0"),
            AddPackage(packages[0]),
            RemovePackageParams(name="api", version="3.0.0"),
            AddPackage(package("4.0.0")),
            RemovePackageParams(name="api", version="4.0.0"),
        )
        services = list(store.snapshot())
        documents = [*store.documents(PackageInfo), *store.documents(AgentInfo)]
    assert [each.manifest.version for each in documents if isinstance(each, PackageInfo)] == ["2.0.0", "1.0.0"]
    assert (len(services), sum(not each.health for each in services)) == (
        76,
        37,
    )  # all of a new version but s50, and s1
    async with open_store(tmp_path) as store:
        assert list(store.snapshot()) == services
        assert [*store.documents(PackageInfo), *store.documents(AgentInfo)] == documents


@everywhere
async def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    journal.load()
    now = ManualClock().now()

    def batch(*numbers: int) -> Batch:
        event = ServiceDeregistered(name="x", revision=1)
        logged = [Logged(seq=seq, at=now, actor="ann", revision=1, service="x", event=event) for seq in numbers]
        return Batch([Outcome(name="x", change=Change.SERVICE, record=None, revision=1)], logged)

    journal.write(batch(1, 2))
    with pytest.raises(sqlite3.IntegrityError):
        journal.write(batch(3, 2))
    assert [record.seq for record in journal.audit(AuditQuery(limit=10))] == [2, 1]
    journal.write(batch(3))
    assert [record.seq for record in journal.audit(AuditQuery(limit=10))] == [3, 2, 1]
    journal.close()


async def test_an_effect_without_its_answer_is_none(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    journal.load()
    now = ManualClock().now()

    def batch(seq: int) -> Batch:
        event = ServiceDeregistered(name="x", revision=1)
        logged = [Logged(seq=seq, at=now, actor="ann", revision=1, service="x", event=event)]
        outcome = Outcome(name="x", change=Change.SERVICE, record=None, revision=1)
        return Batch([outcome], logged, [Kept(("", "k"), ANSWER, 0.0)])

    journal.write(batch(1))
    with pytest.raises(sqlite3.IntegrityError):
        journal.write(batch(2))
    assert [record.seq for record in journal.audit(AuditQuery(limit=10))] == [1]
    journal.close()


@pytest.mark.parametrize(
    "script",
    [
        "DELETE FROM log WHERE seq = 2",
        "DELETE FROM log WHERE seq = 1",
        "DELETE FROM log WHERE seq = 3",
        "UPDATE registry SET revision = 2",
        "UPDATE services SET entry = '{}' WHERE name = 'b'",
        "UPDATE services SET entry = 'x' WHERE name = 'b'",
        "DELETE FROM registry",
        "INSERT INTO documents (kind, id, born, data) SELECT 'nonsense', 'x', 9, '{}'",
    ],
)
async def test_a_file_that_contradicts_itself(tmp_path: Path, script: str) -> None:
    await fill(tmp_path, *map(registration, "abc"))
    await damage(tmp_path, script)
    assert "damaged" in await refusal(tmp_path)


async def test_what_is_in_the_way_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written" in await refusal(tmp_path / "file")
    (tmp_path / "data" / FILE_NAME).mkdir(parents=True)
    assert "cannot be written" in await refusal(tmp_path / "data")


OPEN_AS_NOBODY = """
import os, sys
from pathlib import Path
from duologue_registry.storing.sqlite import SqliteJournal
from duologue_registry.storing.store import StoreError
if os.geteuid() == 0:  # root may write anywhere
    os.setuid(65534)
try:
    SqliteJournal(Path(sys.argv[1])).load()
except StoreError as error:
    print(error)
"""


def _let_everybody_in(directory: Path) -> None:
    """To read."""
    directory.chmod(0o555)
    for file in directory.iterdir():
        file.chmod(0o444)
    for parent in directory.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o555)


@pytest.mark.parametrize("filled", [True, False])
async def test_a_directory_that_may_not_be_written(tmp_path: Path, *, filled: bool) -> None:
    if filled:
        await fill(tmp_path, registration())
    _let_everybody_in(tmp_path)
    ran = await anyio.run_process([sys.executable, "-c", OPEN_AS_NOBODY, str(tmp_path)])
    assert ran.stderr == b""
    assert b"cannot be written" in ran.stdout


@everywhere
async def test_a_commit_that_the_disk_refuses(tmp_path: Path) -> None:
    """A real refusal: the file may not grow. What was acknowledged before is there after a restart, and whole."""
    resource = pytest.importorskip("resource", reason="file size limits are a POSIX feature")
    async with open_store(tmp_path) as store:
        await do(store, registration("a"))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        wal = (tmp_path / f"{FILE_NAME}-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (wal + 100, limits[1]))
        try:
            with pytest.raises(CallError, match="The disk failed"):
                await do(store, registration("b"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        with pytest.raises(ReadOnly):
            await do(store, registration("c"))
        assert [record.entry.name for record in store.snapshot()] == ["a"]
        assert len(await store.tail(0, 10) or ()) == 1
    async with open_store(tmp_path) as again:
        assert [record.entry.name for record in again.snapshot()] == ["a"]


async def test_the_write_ahead_log_is_folded_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue_registry.storing.sqlite.CHECKPOINT_AFTER", 100)
    async with open_store(tmp_path) as store:
        for number in range(60):
            await do(store, registration(f"s{number}"))
        assert (tmp_path / f"{FILE_NAME}-wal").stat().st_size < 1_000_000
        assert (tmp_path / FILE_NAME).stat().st_size > 20_000


async def test_protocols_of_endpoints_survive(tmp_path: Path) -> None:
    endpoints = [
        Endpoint(name="a", address="x:1", protocol=EndpointProtocol.GRPC),
        Endpoint(name="b", address="x:2", protocol=UnknownValue("quic")),
    ]
    await fill(tmp_path, registration(endpoints=endpoints))
    async with open_store(tmp_path) as again:
        (record,) = again.snapshot()
        assert record.entry.endpoints == endpoints
        assert isinstance(record.entry.endpoints[0].protocol, EndpointProtocol)


# ----------------------------------------------------------------------------------------------- another file than last
async def epoch_of(directory: Path) -> str:
    async with open_store(directory) as store:
        return store.position.epoch


@pytest.mark.parametrize("how", ["copied over", "replaced"])
async def test_an_older_copy_that_is_put_back_is_another_epoch(tmp_path: Path, how: str) -> None:
    """Else the keys and positions that clients have would stand for something else."""
    await fill(tmp_path, registration("a"))
    shutil.copy(tmp_path / FILE_NAME, tmp_path / "copy")
    epoch = await epoch_of(tmp_path)
    await fill(tmp_path, registration("b"))
    assert await epoch_of(tmp_path) == epoch
    if how == "copied over":
        shutil.copy(tmp_path / "copy", tmp_path / FILE_NAME)
    else:
        (tmp_path / "copy").replace(tmp_path / FILE_NAME)
    restored = await epoch_of(tmp_path)
    assert restored != epoch
    await fill(tmp_path, registration("b"), registration("c"))
    assert await epoch_of(tmp_path) == restored


async def test_so_is_a_copy_elsewhere(tmp_path: Path) -> None:
    await fill(tmp_path / "one", registration("a"))
    (tmp_path / "two").mkdir()
    shutil.copy(tmp_path / "one" / FILE_NAME, tmp_path / "two")
    assert await epoch_of(tmp_path / "two") != await epoch_of(tmp_path / "one")


async def test_a_copy_of_an_earlier_epoch(tmp_path: Path) -> None:
    await fill(tmp_path, registration("a"))
    shutil.copy(tmp_path / FILE_NAME, tmp_path / "copy")
    epochs = [await epoch_of(tmp_path)]
    (tmp_path / HEAD).unlink()
    epochs.append(await epoch_of(tmp_path))
    shutil.copy(tmp_path / "copy", tmp_path / FILE_NAME)
    epochs.append(await epoch_of(tmp_path))
    assert len(set(epochs)) == 3


async def test_a_new_file_beside_an_old_head(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await fill(tmp_path, registration("a"))
    epoch = await epoch_of(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    another = await epoch_of(tmp_path)
    assert another != epoch
    assert await epoch_of(tmp_path) == another
    assert caplog.text == ""


@pytest.mark.parametrize("text", ["", "nonsense", "e1 x", "\0" * 64])
async def test_a_head_that_says_nothing(tmp_path: Path, text: str) -> None:
    await fill(tmp_path, registration("a"))
    epoch = await epoch_of(tmp_path)
    (tmp_path / HEAD).write_text(text)
    another = await epoch_of(tmp_path)
    assert another != epoch
    assert await epoch_of(tmp_path) == another


async def test_a_head_that_lags_behind_does_no_harm(tmp_path: Path) -> None:
    """As after a power cut: it is not synced."""
    await fill(tmp_path, registration("a"))
    head = (tmp_path / HEAD).read_bytes()
    await fill(tmp_path, registration("b"), registration("c"))
    epoch = await epoch_of(tmp_path)
    (tmp_path / HEAD).write_bytes(head)
    assert await epoch_of(tmp_path) == epoch
