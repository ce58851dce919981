"""Archives of people who mean harm, and of broken disks: refused by name and reason, at once, and leaving nothing."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from tests.registry.archives import GOOD, MANIFEST, START, entry, info_of, make_package, packed, tar
from tests.registry.faulty import QuickFiles
from tests.registry.hostile_packages import CASES, OUTSIDE, Case

from duologue_registry.packages.archive import ArchiveLimits, Member, read_archive
from duologue_registry.packages.checking import check_file
from duologue_registry.packages.installer import Installer
from duologue_registry.packages.unpacking import unpack
from service_registry_sdk import BadPackage, PackageInfo

SECONDS = 2.0
MEMORY = 64 << 20


@pytest.fixture(scope="module")
def good_info(tmp_path_factory: pytest.TempPathFactory) -> PackageInfo:
    return info_of(make_package(tmp_path_factory.mktemp("good")))


def announced(info: PackageInfo, data: bytes) -> PackageInfo:
    """The same package, if it had these bytes: whoever sends a bad archive knows its digest."""
    return info.model_copy(update={"size": len(data), "sha256": hashlib.sha256(data).hexdigest()})


def tree(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        yield path.relative_to(folder).as_posix()


def refused(case: Case, error: BadPackage) -> None:
    details = error.details
    assert case.member in details.member, (details.member, details.reason)
    assert case.reason in details.reason, (details.member, details.reason)
    details.to_wire()  # it can be told


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_archive_that_means_harm_is_refused(case: Case, good_info: PackageInfo, tmp_path: Path) -> None:
    data = case.make()
    archive = tmp_path / "archive"
    archive.write_bytes(data)
    installer = Installer(tmp_path / "root", QuickFiles())
    installer.prepare()
    before = set(tree(tmp_path))
    began = time.process_time()
    with pytest.raises(BadPackage) as caught:
        installer.stage(archive, announced(good_info, data))
    assert time.process_time() - began < SECONDS
    refused(case, caught.value)
    assert set(tree(tmp_path)) == before
    assert not Path("/tmp", OUTSIDE).exists()
    assert installer.current("web-api") is None


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_nothing_is_written_elsewhere_even_where_nobody_checked_before(case: Case, tmp_path: Path) -> None:
    """The extractor alone, without the look through the archive that comes before it."""
    archive, inner = tmp_path / "archive", tmp_path / "a" / "b" / "staging"
    inner.parent.mkdir(parents=True)
    archive.write_bytes(case.make())
    folder = inner / "unpacked"
    inner.mkdir()
    with suppress(BadPackage):  # what is wrong with the package, and not with its archive, is found elsewhere
        unpack(archive, folder, "0" * 64, QuickFiles(), ArchiveLimits(members=50, slack=1 << 20))
        assert case.name in OF_THE_PACKAGE
    outside = [path for path in tree(tmp_path) if not path.startswith("a/b/staging/unpacked")]
    assert sorted(outside) == ["a", "a/b", "a/b/staging", "archive"]
    assert not any(path.is_symlink() or path.stat().st_mode & 0o7000 for path in folder.rglob("*"))
    assert not Path("/tmp", OUTSIDE).exists()


OF_THE_PACKAGE = {case.name for case in CASES if case.name.startswith(("manifest", "no", "gzip of zeros"))}


def test_there_are_at_least_sixty_of_them() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


# --------------------------------------------------------------------------------------------------------------- memory
MEASURE = """
import json, resource, sys
from pathlib import Path
from duologue_registry.packages.checking import check_file
from service_registry_sdk import BadPackage
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
worst = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        check_file(path)
    except BadPackage:
        pass
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base
    worst[path.name] = grown * 1024
print(json.dumps(worst))
"""


def test_memory_stays_small_whatever_comes(tmp_path: Path) -> None:
    large = [case for case in CASES if case.name.startswith(("bomb", "too many", "PAX of", "manifest: "))]
    for number, case in enumerate(large):
        (tmp_path / f"{number:03}").write_bytes(case.make())
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    grown = json.loads(measured.stdout)
    assert len(grown) == len(large) > 15
    assert max(grown.values()) < MEMORY, grown


# ---------------------------------------------------------------------------------------------------- broken on the way
@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.long)])
def test_every_truncation_is_refused(tmp_path: Path, step: int) -> None:
    data = packed(tar([*GOOD, entry("config/big", random.Random(1).randbytes(1000))]))
    path = tmp_path / "archive"
    for length in [*range(0, len(data), step), *range(len(data) - 12, len(data))]:
        path.write_bytes(data[:length])
        with pytest.raises(BadPackage):
            check_file(path)


def contents(path: Path) -> list[tuple[Member, bytes]]:
    with path.open("rb") as file:
        return [(member, b"".join(content)) for member, content in read_archive(file)]


@pytest.mark.parametrize("bits", [(0, 5), pytest.param(range(8), marks=pytest.mark.long)], ids=["two", "all"])
def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path, bits: Sequence[int]) -> None:
    """A few mean nothing, in gzip's header above all; the others are covered by its CRC."""
    data = packed(tar(GOOD))
    path = tmp_path / "archive"
    path.write_bytes(data)
    whole, unnoticed = contents(path), set[int]()
    for position in range(len(data)):
        for bit in bits:
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            path.write_bytes(flipped)
            with suppress(BadPackage):
                assert contents(path) == whole
                unnoticed.add(position)
    assert len(unnoticed) < 20


def test_no_flipped_bit_gets_past_the_digest(tmp_path: Path) -> None:
    package = make_package(tmp_path)
    info, data = info_of(package), package.read_bytes()
    installer = Installer(tmp_path / "root", QuickFiles())
    installer.prepare()
    chance = random.Random(2)
    for position in [*range(16), *(chance.randrange(len(data)) for _ in range(40))]:
        flipped = bytearray(data)
        flipped[position] ^= 1 << chance.randrange(8)
        package.write_bytes(flipped)
        with pytest.raises(BadPackage, match="SHA-256"):
            installer.stage(package, info)
    assert list(tree(installer.root)) == [".staging"]


@pytest.mark.parametrize("count", [200, pytest.param(20_000, marks=pytest.mark.long)])
def test_any_bytes_are_a_package_or_refused(tmp_path: Path, count: int) -> None:
    chance = random.Random(3)
    path = tmp_path / "archive"
    good = tar(GOOD)
    for _ in range(count):
        changed = bytearray(good)
        for _ in range(chance.randint(1, 12)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        path.write_bytes(packed(bytes(changed)))
        with suppress(BadPackage):
            check_file(path)


# --------------------------------------------------------------------------------------------------------- what is fine
def test_a_package_of_plain_tar_is_taken(tmp_path: Path) -> None:
    """Of GNU tar, told which members there are."""
    sources = tmp_path / "sources"
    (sources / "scripts").mkdir(parents=True)
    (sources / "manifest.yaml").write_text(MANIFEST.format(name="web-api", version="1.4.0"))
    (sources / "scripts/start.sh").write_text(START)
    (sources / "scripts/start.sh").chmod(0o755)
    path = tmp_path / "plain.tar.gz"
    subprocess.run(["tar", "czf", path, "-C", sources, "manifest.yaml", "scripts"], check=True, timeout=20)
    assert check_file(path).manifest.name == "web-api"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_what_is_unpacked_is_what_was_packed(tmp_path: Path) -> None:
    contents: dict[str, str | bytes] = {
        "bin__api": random.Random(4).randbytes(200_000),
        "config__empty": b"",
        "config__ümläut": "straße".encode(),
        "config__block": b"x" * 512,
    }
    package = make_package(tmp_path, "web-api", "1.4.0", **contents)
    installer = Installer(tmp_path / "root", QuickFiles())
    installer.prepare()
    folder = installer.stage(package, info_of(package))
    for path, data in contents.items():
        assert (folder / path.replace("__", "/")).read_bytes() == data
    assert (folder / "bin/api").stat().st_mode & 0o7777 == 0o755
    assert (folder / "config/block").stat().st_mode & 0o7777 == 0o644
