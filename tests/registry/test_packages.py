"""Packages in a registry that runs: uploaded, kept once, listed, fetched, removed; signed; on a disk that fills up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.registry.archives import make_package, packed
from tests.registry.faulty import FaultyFiles
from typing_extensions import override

from duologue import CallOptions, FailedPrecondition, serve
from duologue_registry.clock import ManualClock
from duologue_registry.packages.checking import digest_of
from duologue_registry.packages.files import Files
from duologue_registry.packages.signing import SignaturePolicy, Subject, new_key, sign
from duologue_registry.serving.app import open_shelf
from duologue_registry.serving.service import Registry
from duologue_registry.serving.shelf import Shelf
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.memory import MemoryJournal
from duologue_registry.storing.port import Batch, DiskFull, Journal
from duologue_registry.storing.sqlite import SqliteJournal
from service_registry_sdk import (
    BadPackage,
    Local,
    ManagedProcess,
    NoSpace,
    PackageExists,
    PackageInUse,
    PackageNotFound,
    PackageRemoved,
    PackageUploaded,
    RegistryClient,
    Remote,
    SignatureRefused,
)

pytestmark = pytest.mark.anyio

TRUST_NOBODY = SignaturePolicy.read(None)


class House:
    """A registry with packages, and the folders that it has."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = ""

    def blobs(self) -> list[str]:
        return sorted(path.name for path in (self.directory / "packages/blobs").rglob("*") if path.is_file())

    def incoming(self) -> list[Path]:
        return list((self.directory / "packages/incoming").iterdir())


@asynccontextmanager
async def open_house(
    directory: Path, journal: Journal, policy: SignaturePolicy = TRUST_NOBODY, files: Files | None = None
) -> AsyncGenerator[House]:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(JournaledStore.open(journal, ManualClock()))
        if files is None:
            shelf = await stack.enter_async_context(open_shelf(directory, policy, store))
        else:
            shelf = Shelf(directory / "packages", policy, files)
            await shelf.open(store)
        server = await stack.enter_async_context(serve(Registry(store, clock=ManualClock(), shelf=shelf)))
        house = House(directory)
        house.url = f"ws://127.0.0.1:{server.port}"
        yield house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House]:
    with anyio.fail_after(30):
        async with open_house(tmp_path / "data", SqliteJournal(tmp_path / "data")) as house:
            yield house


@pytest.fixture
async def registry(house: House) -> AsyncGenerator[RegistryClient]:
    async with RegistryClient.open(house.url) as registry:
        yield registry


async def test_a_package_is_kept_listed_fetched_and_removed(
    house: House, registry: RegistryClient, tmp_path: Path
) -> None:
    path = make_package(tmp_path, config__x="1")
    size, sha256 = digest_of(path)
    async with registry.events.package_uploaded(package_manifest_name="web-api") as uploaded:
        info = await registry.upload_package(path, name="web-api", version="1.4.0")
        event = await anext(uploaded)
    assert event == PackageUploaded(package=info)
    assert (info.size, info.sha256, info.uploaded_by, info.signed_by) == (size, sha256, "anonymous", None)
    assert (house.blobs(), house.incoming()) == ([sha256], [])
    assert (await registry.list_packages()).packages == [info]
    assert (await registry.list_packages(name="other")).packages == []
    async with registry.download_package(name="web-api", version="1.4.0") as download:
        assert await download.save(tmp_path / "fetched") == info
    assert (tmp_path / "fetched").read_bytes() == path.read_bytes()
    async with registry.events.package_removed() as removed:
        await registry.remove_package(name="web-api", version="1.4.0", reason="old")
        told = await anext(removed)
    assert told == PackageRemoved(name="web-api", version="1.4.0", reason="old", revision=2)
    assert (house.blobs(), (await registry.list_packages()).packages) == ([], [])
    with pytest.raises(PackageNotFound):
        await registry.remove_package(name="web-api", version="1.4.0")
    with pytest.raises(PackageNotFound):
        async with registry.download_package(name="web-api", version="1.4.0") as download:
            await download.result()


async def test_pages_of_packages(registry: RegistryClient, tmp_path: Path) -> None:
    for patch in range(3):
        path = make_package(tmp_path, version=f"1.0.{patch}")
        await registry.upload_package(path, name="web-api", version=f"1.0.{patch}")
    page = await registry.list_packages(limit=2)
    rest = await registry.list_packages(limit=2, cursor=page.next_cursor)
    versions = [info.manifest.version for info in [*page.packages, *rest.packages]]
    assert (versions, rest.next_cursor) == (["1.0.0", "1.0.1", "1.0.2"], None)


async def test_a_version_has_one_content(house: House, registry: RegistryClient, tmp_path: Path) -> None:
    first = make_package(tmp_path / "1", config__x="1")
    other = make_package(tmp_path / "2", config__x="2")
    info = await registry.upload_package(first, name="web-api", version="1.4.0")
    assert await registry.upload_package(first, name="web-api", version="1.4.0") == info
    with pytest.raises(PackageExists) as refused:
        await registry.upload_package(other, name="web-api", version="1.4.0")
    assert refused.value.details.sha256 == info.sha256
    assert (house.blobs(), house.incoming()) == ([info.sha256], [])


async def test_what_is_no_package_is_refused_and_not_kept(
    house: House, registry: RegistryClient, tmp_path: Path
) -> None:
    with pytest.raises(BadPackage, match="checksum"):
        await registry.upload_package(packed(b"rubbish" * 100), name="web-api", version="1.4.0")
    with pytest.raises(BadPackage, match=r"it says web-api 1.4.0, and the package was to be other 1.4.0"):
        await registry.upload_package(make_package(tmp_path), name="other", version="1.4.0")
    assert (house.blobs(), house.incoming()) == ([], [])


async def test_what_a_service_runs_is_not_removed(registry: RegistryClient, tmp_path: Path) -> None:
    for version in ("1.4.0", "1.5.0"):
        await registry.upload_package(make_package(tmp_path, version=version), name="web-api", version=version)
    execution = ManagedProcess(command=["scripts/start.sh"])
    await registry.register_service(name="web-api", version="1.5.0", execution=execution, location=Local())
    with pytest.raises(PackageInUse):
        await registry.remove_package(name="web-api", version="1.5.0")
    await registry.remove_package(name="web-api", version="1.4.0")


async def test_what_a_service_of_a_node_runs_is_not_removed(registry: RegistryClient, tmp_path: Path) -> None:
    await registry.upload_package(make_package(tmp_path), name="web-api", version="1.4.0")
    execution, location = ManagedProcess(command=["scripts/start.sh"]), Remote(host="h", node="web-1")
    await registry.register_service(name="web-api@web-1", version="1.4.0", execution=execution, location=location)
    with pytest.raises(PackageInUse, match="web-api@web-1 is registered with it"):
        await registry.remove_package(name="web-api", version="1.4.0")
    await registry.deregister_service(name="web-api@web-1")
    await registry.remove_package(name="web-api", version="1.4.0")


async def test_a_registry_without_a_place_for_packages_says_so(tmp_path: Path) -> None:
    with anyio.fail_after(10):
        async with JournaledStore.open(MemoryJournal(), ManualClock()) as store, serve(Registry(store)) as server:
            async with RegistryClient.open(f"ws://127.0.0.1:{server.port}") as registry:
                with pytest.raises(FailedPrecondition, match="without a place for packages"):
                    await registry.upload_package(make_package(tmp_path), name="web-api", version="1.4.0")


async def test_a_restart_keeps_what_is_known_and_sweeps_the_rest(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with anyio.fail_after(30):
        async with open_house(data, SqliteJournal(data)) as house, RegistryClient.open(house.url) as registry:
            info = await registry.upload_package(make_package(tmp_path), name="web-api", version="1.4.0")
        stray = data / "packages/blobs/ab/abcd"
        stray.parent.mkdir()
        stray.write_bytes(b"of a registry that was killed before it was known")
        (data / "packages/incoming/upload-x").write_bytes(b"half of one")
        async with open_house(data, SqliteJournal(data)) as house, RegistryClient.open(house.url) as registry:
            assert (await registry.list_packages()).packages == [info]
            assert (house.blobs(), house.incoming()) == ([info.sha256], [])
            (record,) = (await registry.list_events()).records
            assert record.event == "package_uploaded"


async def test_an_upload_that_was_sent_again_has_the_same_answer(registry: RegistryClient, tmp_path: Path) -> None:
    path, options = make_package(tmp_path), CallOptions(key="k")
    first = await registry.upload_package(path, name="web-api", version="1.4.0", options=options)
    assert await registry.upload_package(path, name="web-api", version="1.4.0", options=options) == first
    assert len((await registry.list_events()).records) == 1


# ----------------------------------------------------------------------------------------------------------- signatures
@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "key"
    return path, new_key(path)


def subject_of(path: Path) -> Subject:
    return Subject("web-api", "1.4.0", *digest_of(path))


async def test_a_signature_is_bound_to_one_package(tmp_path: Path, key: tuple[Path, str]) -> None:
    trusted = tmp_path / "trusted"
    trusted.write_text(f"# who may\nann {key[1]}\n")
    path, other = make_package(tmp_path / "1"), make_package(tmp_path / "2", config__x="2")
    good, stranger = sign(key[0], subject_of(path)), tmp_path / "stranger"
    new_key(stranger)
    with anyio.fail_after(30):
        async with open_house(tmp_path / "data", MemoryJournal(), SignaturePolicy.read(trusted)) as house:
            async with RegistryClient.open(house.url) as registry:
                for body, signature in (
                    (path, None),
                    (path, b"x" * 64),
                    (path, b""),
                    (path, sign(stranger, subject_of(path))),
                    (path, sign(key[0], Subject("web-api", "1.4.1", *digest_of(path)))),
                    (path, sign(key[0], Subject("web", "1.4.0", *digest_of(path)))),
                    (other, good),
                ):
                    with pytest.raises(SignatureRefused):
                        await registry.upload_package(body, name="web-api", version="1.4.0", signature=signature)
                assert house.blobs() == []
                info = await registry.upload_package(path, name="web-api", version="1.4.0", signature=good)
    assert (info.signed_by, info.signature) == ("ann", good)


@pytest.mark.parametrize(
    "changed",
    [{"name": "b"}, {"version": "1.0.1"}, {"size": 2}, {"sha256": "1" * 64}],
    ids=lambda changed: next(iter(changed)),
)
def test_each_part_of_what_is_signed_counts(tmp_path: Path, key: tuple[Path, str], changed: dict[str, Any]) -> None:
    trusted = tmp_path / "trusted"
    trusted.write_text(f"ann {key[1]}\n")
    policy, subject = SignaturePolicy.read(trusted), Subject("a", "1.0.0", 1, "0" * 64)
    signature = sign(key[0], subject)
    assert policy.check(subject, signature) == "ann"
    with pytest.raises(SignatureRefused):
        policy.check(replace(subject, **changed), signature)


def test_unsigned_packages_can_be_allowed_and_bad_signatures_cannot(tmp_path: Path, key: tuple[Path, str]) -> None:
    trusted = tmp_path / "trusted"
    trusted.write_text(f"ann {key[1]}\n")
    policy, subject = SignaturePolicy.read(trusted, allow_unsigned=True), Subject("a", "1.0.0", 1, "0" * 64)
    assert policy.check(subject, None) is None
    assert policy.check(subject, sign(key[0], subject)) == "ann"
    with pytest.raises(SignatureRefused):
        policy.check(subject, b"x" * 64)


# ---------------------------------------------------------------------------------------------------------- a full disk
async def test_a_full_disk_at_any_step_of_keeping_is_told_and_got_over(tmp_path: Path) -> None:
    path = make_package(tmp_path)
    with anyio.fail_after(30):
        refused = 0
        for step in range(4):  # sync, make, sync, rename
            files = FaultyFiles()
            data = tmp_path / f"data-{step}"
            async with open_house(data, MemoryJournal(), files=files) as house:
                async with RegistryClient.open(house.url) as registry:
                    files.fill(after=step)
                    try:
                        await registry.upload_package(path, name="web-api", version="1.4.0")
                    except NoSpace:
                        refused += 1
                        assert (house.blobs(), (await registry.list_packages()).packages) == ([], [])
                    files.has_space = True
                    await registry.upload_package(path, name="web-api", version="1.4.0")
                    assert len(house.blobs()) == 1
    assert refused == 4


class Filled(MemoryJournal):
    """A journal whose disk is full while `is_full`."""

    is_full = False

    @override
    def write(self, batch: Batch) -> None:
        if self.is_full:
            raise DiskFull("no space")
        super().write(batch)


async def test_what_could_not_be_committed_is_not_kept_and_can_be_sent_again(tmp_path: Path) -> None:
    path, journal, options = make_package(tmp_path), Filled(), CallOptions(key="k")
    with anyio.fail_after(30):
        async with open_house(tmp_path / "data", journal) as house, RegistryClient.open(house.url) as registry:
            journal.is_full = True
            with pytest.raises(NoSpace):
                await registry.upload_package(path, name="web-api", version="1.4.0", options=options)
            assert house.blobs() == []
            journal.is_full = False
            info = await registry.upload_package(path, name="web-api", version="1.4.0", options=options)
            assert house.blobs() == [info.sha256]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = os.name == "posix" and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    if not mounted:
        pytest.skip("this user cannot mount a small disk; the test above fills one by a fault of its port")
    yield place
    subprocess.run(["umount", "-l", place], check=True, timeout=20)


def fill(disk: Path) -> Path:
    """Leave nothing of a disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return ballast


async def test_a_disk_that_really_is_full(small_disk: Path, tmp_path: Path) -> None:
    """Uploading, and committing: told as `no_space`, and done once there is space, by the same process."""
    large = make_package(tmp_path / "large", config__x=os.urandom(4 << 20))
    small = make_package(tmp_path / "small")
    data = small_disk / "data"
    with anyio.fail_after(60):
        async with open_house(data, SqliteJournal(data)) as house, RegistryClient.open(house.url) as registry:
            with pytest.raises(NoSpace):
                await registry.upload_package(large, name="web-api", version="1.4.0")
            ballast = fill(small_disk)
            execution = ManagedProcess(command=["x" * 20_000])
            with pytest.raises(NoSpace):
                await registry.register_service(name="a", version="1.0.0", execution=execution, location=Local())
            with pytest.raises(NoSpace):
                await registry.upload_package(small, name="web-api", version="1.4.0")
            assert (await registry.list_services()).services == []
            ballast.unlink()
            await registry.upload_package(small, name="web-api", version="1.4.0")
            entry = await registry.register_service(name="a", version="1.0.0", execution=execution, location=Local())
            assert entry.revision == 2
        async with open_house(data, SqliteJournal(data)) as house, RegistryClient.open(house.url) as registry:
            assert [one.name for one in (await registry.list_services()).services] == ["a"]
            assert len((await registry.list_packages()).packages) == 1
