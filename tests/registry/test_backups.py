"""A backup of a registry that runs: consistent, and put back whole or not at all."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import sys
import tarfile
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from tests.registry.archives import make_package
from tests.registry.callers import register
from tests.registry.disks.disk import Folder
from tests.registry.disks.recording import Recorder
from tests.registry.test_packages import House, open_house

from duologue import HistoryLost, Position
from duologue_registry.storing.backups import BackupError, restore
from duologue_registry.storing.checking import check_directory
from duologue_registry.storing.port import DiskFull
from duologue_registry.storing.schema import FILE_NAME, RESTORING, SCHEMA_VERSION
from duologue_registry.storing.sqlite import SqliteJournal
from duologue_registry.storing.store import StoreError
from service_registry_sdk import BackupInfo, NoSpace, RegistryClient, ServiceState

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House]:
    with anyio.fail_after(30):
        async with open_house(tmp_path / "data", SqliteJournal(tmp_path / "data")) as house:
            yield house


@pytest.fixture
async def registry(house: House) -> AsyncGenerator[RegistryClient]:
    async with RegistryClient.open(house.url) as registry:
        yield registry


async def back_up(registry: RegistryClient, path: Path) -> BackupInfo:
    async with registry.back_up() as download:
        return await download.save(path)


async def fill(registry: RegistryClient, folder: Path) -> None:
    for number in range(3):
        await register(registry, f"s{number}")
        await registry.update_state(name=f"s{number}", state=ServiceState.RUNNING)
    await registry.upload_package(make_package(folder, config__x="1"), name="web-api", version="1.4.0")
    await registry.upload_package(
        make_package(folder, version="1.5.0", config__x="2" * 5000), name="web-api", version="1.5.0"
    )


@pytest.fixture
async def backup(registry: RegistryClient, tmp_path: Path) -> Path:
    await fill(registry, tmp_path)
    await back_up(registry, tmp_path / "backup.tar")
    return tmp_path / "backup.tar"


def sound(directory: Path) -> dict[str, int]:
    """What is there, and that it goes together."""
    report = check_directory(directory)
    assert report.problems == []
    return report.seen


async def test_what_was_there_is_there_again(
    house: House, registry: RegistryClient, backup: Path, tmp_path: Path
) -> None:
    before = await registry.list_services()
    await register(registry, "later")
    info = restore(backup, tmp_path / "restored")
    assert (info.services, info.packages, info.revision) == (3, 2, before.revision)
    assert sound(tmp_path / "restored")["packages"] == 2
    assert not (tmp_path / "restored" / RESTORING).exists()
    assert not list((house.directory / "packages" / "outgoing").iterdir())
    async with open_house(tmp_path / "restored", SqliteJournal(tmp_path / "restored")) as again:
        async with RegistryClient.open(again.url) as other:
            assert await other.list_services() == before
            async with other.download_package(name="web-api", version="1.5.0") as download:
                await download.save(tmp_path / "fetched")
            assert (await other.get_registry_status()).epoch == info.epoch


async def test_who_was_subscribed_is_told_that_the_history_is_another(
    registry: RegistryClient, backup: Path, tmp_path: Path
) -> None:
    epoch = (await registry.get_registry_status()).epoch
    restore(backup, tmp_path / "restored")
    async with open_house(tmp_path / "restored", SqliteJournal(tmp_path / "restored")) as again:
        async with RegistryClient.open(again.url) as other:
            assert (await other.get_registry_status()).epoch != epoch
            with pytest.raises(HistoryLost):
                async with other.events.service_registered(since=Position(epoch, 2)) as events:
                    await anext(events)


async def test_a_backup_under_load_is_of_one_moment(house: House, registry: RegistryClient, tmp_path: Path) -> None:
    """Whatever was acknowledged before is in it, and nothing is there by half."""
    acknowledged = 0

    async def work(name: str) -> None:
        nonlocal acknowledged
        number = 0
        while True:
            number += 1
            entry = await register(registry, f"{name}-{number}")
            acknowledged = max(acknowledged, entry.revision)
            await registry.update_state(name=f"{name}-{number}", state=ServiceState.RUNNING)

    async with anyio.create_task_group() as tasks:
        for name in "abcd":
            tasks.start_soon(work, name)
        for number in range(4):
            await anyio.sleep(0.05)
            before = acknowledged
            info = await back_up(registry, tmp_path / f"{number}.tar")
            restore(tmp_path / f"{number}.tar", tmp_path / str(number))
            assert before <= info.revision
            assert sound(tmp_path / str(number))["revision"] == info.revision
        tasks.cancel_scope.cancel()
    assert acknowledged > 20


async def test_a_package_that_goes_meanwhile_is_in_it(
    house: House, registry: RegistryClient, backup: Path, tmp_path: Path
) -> None:
    async with registry.back_up() as download:
        first = await anext(download)
        await registry.remove_package(name="web-api", version="1.4.0")
        rest = b"".join([piece async for piece in download])
    (tmp_path / "later.tar").write_bytes(first + rest)
    assert restore(tmp_path / "later.tar", tmp_path / "restored").packages == 2
    assert len(house.blobs()) == 1


async def test_without_space_nothing_changes(
    house: House, registry: RegistryClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(registry)

    def full(self: SqliteJournal, path: Path) -> None:
        raise DiskFull("no space")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteJournal, "copy_to", full)
        with pytest.raises(NoSpace):
            await back_up(registry, tmp_path / "backup.tar")
    assert not (tmp_path / "backup.tar").exists()
    assert not list((house.directory / "packages" / "outgoing").iterdir())
    await register(registry, "another")
    assert (await back_up(registry, tmp_path / "backup.tar")).services == 2


# ------------------------------------------------------------------------------------------------- refused, all of them
def holding(data: bytes) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.write_bytes(data)

    return replace


def truncated(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def flipped(at: float) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[int(len(data) * at)] ^= 0xFF
        path.write_bytes(data)

    return flip


def rewritten(change: Callable[[dict[str, bytes]], None]) -> Callable[[Path], None]:
    def rewrite(path: Path) -> None:
        with tarfile.open(path) as archive:
            members = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]  # all are files
        change(members)
        with tarfile.open(path, "w") as archive:
            for name, data in members.items():
                (path.parent / "member").write_bytes(data)
                archive.add(path.parent / "member", name)

    return rewrite


def without(suffix: str) -> Callable[[dict[str, bytes]], None]:
    def drop(members: dict[str, bytes]) -> None:
        del members[next(name for name in members if suffix in name)]

    return drop


def newer(members: dict[str, bytes]) -> None:
    members["backup.json"] = members["backup.json"].replace(b'"format": 1', b'"format": 2')


def another_revision(members: dict[str, bytes]) -> None:
    members["backup.json"] = members["backup.json"].replace(b'"revision": ', b'"revision": 1')


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (holding(b"Dear diary"), "no backup"),
        (holding(b""), "no backup"),
        (truncated, "damaged"),
        (flipped(0.012), "damaged"),
        (flipped(0.5), "not what was written"),
        (flipped(0.9), "damaged"),
        (rewritten(without(FILE_NAME)), "it lacks"),
        (rewritten(without("blobs")), "it lacks"),
        (rewritten(without("backup.json")), "begin with"),
        (rewritten(lambda members: members.update({"../../evil": b"x"})), "damaged"),
        (rewritten(newer), "upgrade"),
        (rewritten(another_revision), "another database"),
    ],
)
async def test_a_damaged_backup_is_refused(
    backup: Path, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(backup)
    with pytest.raises(BackupError, match=said) as refusal:
        restore(backup, tmp_path / "restored")
    assert "\n" not in str(refusal.value)
    assert not list((tmp_path / "restored").iterdir())


async def test_every_flipped_byte_is_seen_or_does_no_harm(backup: Path, tmp_path: Path) -> None:
    """In padding and times there may be anything."""
    whole, chance = backup.read_bytes(), random.Random(0)
    refused = 0
    for number in range(60):
        flipped(chance.random())(backup)
        try:
            restore(backup, tmp_path / str(number))
        except BackupError:
            refused += 1
        else:
            assert sound(tmp_path / str(number))["services"] == 3
        backup.write_bytes(whole)
    assert refused > 30


async def test_a_directory_in_use_is_refused(house: House, backup: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="holds no registry"):
        restore(backup, house.directory)
    restore(backup, tmp_path / "restored")
    with pytest.raises(BackupError, match="holds no registry"):
        restore(backup, tmp_path / "restored")


async def test_a_backup_of_a_newer_version(backup: Path, tmp_path: Path) -> None:
    def upgrade(members: dict[str, bytes]) -> None:
        (tmp_path / "db").write_bytes(members[FILE_NAME])
        with closing(sqlite3.connect(tmp_path / "db")) as db:
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        data = (tmp_path / "db").read_bytes()
        said = json.loads(members["backup.json"])
        said["files"][FILE_NAME] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        members["backup.json"] = json.dumps(said).encode()
        members[FILE_NAME] = data

    rewritten(upgrade)(backup)
    with pytest.raises(BackupError, match="newer duologue-registry"):
        restore(backup, tmp_path / "restored")


# --------------------------------------------------------------------------------------------------------- interrupted
def all_or_nothing(left: Folder, place: Path, backup: Path) -> bool:
    """Whether an interrupted restore has left all of it; if not, no registry begins there, and it can be run again."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    left.write(place)
    into = place / "restored"
    done = (into / FILE_NAME).exists()
    if not done:
        if (into / RESTORING).exists():
            with pytest.raises(StoreError, match="was interrupted"):
                SqliteJournal(into).load()
        restore(backup, into)
    assert sound(into)["packages"] == 2
    return done


async def test_a_restore_that_is_killed_or_loses_power_at_each_step(
    backup: Path, recorder: Recorder, scratch: Path
) -> None:
    root = scratch / "restoring"
    root.mkdir()
    command = [sys.executable, "-m", "duologue_registry", "restore", str(backup), "--into", str(root / "restored")]
    recording = recorder.record(root, command)
    chance, disk, seen = random.Random(0), recording.disk(), set[bool]()
    for op in recording.ops:
        disk.apply(op)
        if op.kind != "w":  # between two writes to the same file nothing happens that a kill could change
            seen.add(all_or_nothing(disk.killed(), scratch / "left", backup))
        if chance.random() < 0.3:
            seen.add(all_or_nothing(disk.cut(chance), scratch / "left", backup))
    assert seen == {True, False}
