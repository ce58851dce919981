"""Installing: the old version is active or the new one, whole, whatever happens on the way."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.registry.archives import info_of, make_package
from tests.registry.faulty import FaultyFiles, Killed, QuickFiles
from typing_extensions import override

from duologue_registry.packages.files import DiskFiles
from duologue_registry.packages.installer import Installer, NothingToGoBackTo
from duologue_registry.packages.unpacking import unpacked_digest
from service_registry_sdk import BadPackage, NoSpace, PackageInfo

OLDER, OLD, NEW, NEWER = "1.0.0", "1.1.0", "1.2.0", "1.3.0"


class Packages:
    """Four versions of a package, and a folder to install them in."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._paths = {
            version: make_package(folder, "api", version, config__version=version, bin__api=version * 1000)
            for version in (OLDER, OLD, NEW, NEWER)
        }
        self.infos: dict[str, PackageInfo] = {version: info_of(path) for version, path in self._paths.items()}

    def install(self, installer: Installer, version: str) -> None:
        installer.stage(self._paths[version], self.infos[version])
        installer.activate("api", version)

    def start(self, *versions: str) -> Installer:
        """An installer that has installed these."""
        installer = Installer(self.root, QuickFiles())
        installer.prepare()
        for version in versions:
            self.install(installer, version)
        return installer

    def check(self) -> tuple[str | None, str | None]:
        """Active and previous version, as a process sees them that starts now; what is there is whole."""
        installer = Installer(self.root, QuickFiles())
        installer.prepare()
        for version in installer.installed("api"):
            folder = installer.folder("api", version)
            assert (folder / "config/version").read_text() == version
            assert (folder / "bin/api").read_text() == version * 1000
            assert os.access(folder / "scripts/start.sh", os.X_OK)
            assert unpacked_digest(folder) == self.infos[version].sha256
        current, previous = installer.current("api"), installer.previous("api")
        if current is not None:
            assert (self.root / "api/current/config/version").read_text() == current
        assert previous is None or installer.folder("api", previous).is_dir()
        return current, previous


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return Packages(tmp_path_factory.mktemp("built"))


@pytest.fixture
def packages(built: Packages, tmp_path: Path) -> Packages:
    built.root = tmp_path / "root"
    return built


def test_the_first_installation(packages: Packages) -> None:
    packages.start(OLD)
    assert packages.check() == (OLD, None)


def test_the_version_before_is_kept_and_gone_back_to(packages: Packages) -> None:
    installer = packages.start(OLDER, OLD, NEW)
    assert packages.check() == (NEW, OLD)
    assert installer.roll_back("api") == OLD
    assert packages.check() == (OLD, OLDER)
    packages.install(installer, NEWER)
    assert packages.check() == (NEWER, OLD)
    packages.install(installer, OLD)
    assert packages.check() == (OLD, NEWER)


def test_there_may_be_nothing_to_go_back_to(packages: Packages) -> None:
    installer = packages.start(OLD)
    with pytest.raises(NothingToGoBackTo, match=f"before {OLD}"):
        installer.roll_back("api")
    with pytest.raises(NothingToGoBackTo):
        installer.roll_back("nothing")


def test_installing_again_changes_nothing(packages: Packages) -> None:
    installer = packages.start(OLD, NEW)
    installer_with_steps = Installer(packages.root, files := FaultyFiles())
    packages.install(installer_with_steps, NEW)
    assert files.steps == []
    assert (installer.current("api"), installer.previous("api")) == (NEW, OLD)


def test_one_version_has_one_content(packages: Packages, tmp_path: Path) -> None:
    installer = packages.start(OLD)
    other = make_package(tmp_path, "api", OLD, config__version="other")
    with pytest.raises(BadPackage, match="other contents"):
        installer.stage(other, info_of(other))
    assert packages.check() == (OLD, None)


def test_another_package_than_was_announced_is_refused(packages: Packages, tmp_path: Path) -> None:
    installer = packages.start(OLD)
    other = make_package(tmp_path, "evil", NEW)
    lying = info_of(other).model_copy(update={"manifest": packages.infos[NEW].manifest})
    with pytest.raises(BadPackage, match=f"it says evil {NEW}, and the package was to be api {NEW}"):
        installer.stage(other, lying)
    assert packages.check() == (OLD, None)


# ---------------------------------------------------------------------------------------------------- killed on the way
def act_and_count(packages: Packages, act: Callable[[Installer], object], before: list[str]) -> int:
    packages.start(*before)
    act(Installer(packages.root, files := FaultyFiles()))
    return len(files.steps)


ACTS: dict[str, tuple[list[str], Callable[[Packages, Installer], object], set[tuple[str | None, str | None]]]] = {
    "first": ([], lambda packages, installer: packages.install(installer, OLD), {(None, None), (OLD, None)}),
    "second": ([OLD], lambda packages, installer: packages.install(installer, NEW), {(OLD, None), (NEW, OLD)}),
    "third": (
        [OLDER, OLD],
        lambda packages, installer: packages.install(installer, NEW),
        {(OLD, OLDER), (NEW, OLD)},
    ),
    "back": ([OLDER, OLD, NEW], lambda _, installer: installer.roll_back("api"), {(NEW, OLD), (OLD, OLDER)}),
    "collect": ([OLDER, OLD, NEW], lambda _, installer: installer.collect("api"), {(NEW, OLD)}),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_kill_leaves_the_old_or_the_new_version_active(packages: Packages, tmp_path: Path, act: str) -> None:
    before, run, allowed = ACTS[act]
    packages.root = tmp_path / "counted"
    steps = act_and_count(packages, lambda installer: run(packages, installer), before)
    seen: set[tuple[str | None, str | None]] = set()
    for step in range(steps):
        packages.root = tmp_path / str(step)
        packages.start(*before)
        with pytest.raises(Killed):
            run(packages, Installer(packages.root, FaultyFiles(kill_at=step)))
        found = packages.check()
        assert found in allowed, f"killed at step {step} of {steps}: {found}"
        seen.add(found)
        run(packages, packages.start())  # and the next one works
        assert not list((packages.root / ".staging").iterdir())
    assert seen == allowed or act == "collect", "the kills did not fall on both sides of the change"


def test_what_was_not_synced_is_not_relied_upon(packages: Packages) -> None:
    """Contents and names are synced before the rename that makes them count: a power cut is no worse than a kill."""

    class Ordered(QuickFiles):
        """Knows what a power cut would lose."""

        def __init__(self) -> None:
            self.lost: set[Path] = set()

        @override
        def make_directory(self, path: Path) -> None:
            super().make_directory(path)
            self.lost |= {path, path.parent}

        @override
        def write(self, path: Path, blocks: object, *, executable: bool = False) -> None:
            super().write(path, blocks, executable=executable)  # type: ignore[arg-type]  # handed on as it came
            self.lost.add(path.parent)

        @override
        def sync(self, path: Path) -> None:
            super().sync(path)
            self.lost.discard(path)

        @override
        def rename(self, old: Path, new: Path) -> None:
            inside = {path for path in self.lost if old in (path, *path.parents)}
            assert not inside, f"{new} would be there after a power cut, and not what is in it: {inside}"
            super().rename(old, new)
            self.lost |= {new.parent}

        @override
        def link(self, path: Path, target: str) -> None:
            super().link(path, target)
            assert path.parent not in self.lost, "the version that it points to may be gone after a power cut"

    files = Ordered()
    installer = Installer(packages.root, files)
    installer.prepare()
    for version in (OLDER, OLD, NEW):
        packages.install(installer, version)
    assert files.lost <= {packages.root / ".staging", packages.root}


# ---------------------------------------------------------------------------------------------------------- a full disk
def test_a_full_disk_at_any_step_leaves_the_old_version_active(packages: Packages, tmp_path: Path) -> None:
    packages.root = tmp_path / "counted"
    steps = act_and_count(packages, lambda installer: packages.install(installer, NEW), [OLD])
    refused = 0
    for step in range(steps):
        packages.root = tmp_path / str(step)
        packages.start(OLD)
        files = FaultyFiles(full_at=step)
        installer = Installer(packages.root, files, node="web-1")
        error: NoSpace | None = None
        try:
            packages.install(installer, NEW)
        except NoSpace as raised:
            error = raised
        if error is not None:  # the last steps need no space
            refused += 1
            assert error.details.node == "web-1"
            assert (installer.current("api"), installer.previous("api")) == (OLD, None)
            assert not list((packages.root / ".staging").iterdir())
        files.has_space = True
        packages.install(installer, NEW)  # the same one, which was not started anew
        assert packages.check() == (NEW, OLD)
    assert refused > 10


def test_other_errors_of_the_disk_are_not_taken_for_a_full_one(packages: Packages) -> None:
    class Broken(DiskFiles):
        @override
        def rename(self, old: Path, new: Path) -> None:
            raise OSError(errno.EIO, "Input/output error")

    packages.start(OLD)
    with pytest.raises(OSError, match="Input/output") as caught:
        packages.install(Installer(packages.root, Broken()), NEW)
    assert not isinstance(caught.value, NoSpace)
    assert packages.check() == (OLD, None)


# ----------------------------------------------------------------------------------------------------------- collecting
def test_what_is_gone_back_to_is_never_collected(packages: Packages) -> None:
    installer = packages.start(OLDER, OLD, NEW, NEWER)
    assert installer.collect("api", keep=[OLDER]) == [OLD]
    assert packages.check() == (NEWER, NEW)
    assert installer.installed("api") == [OLDER, NEW, NEWER]
    installer.roll_back("api")
    assert installer.collect("api") == [NEWER]
    assert packages.check() == (NEW, OLDER)
    assert installer.collect("api") == []
    assert installer.collect("nothing") == []


def test_what_was_staged_and_never_activated_is_collected(packages: Packages) -> None:
    installer = packages.start(OLD)
    installer.stage(packages._paths[NEW], packages.infos[NEW])
    assert packages.check() == (OLD, None)
    assert installer.collect("api") == [NEW]
