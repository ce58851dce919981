"""Versions of packages on one machine: installed beside each other, one of them active, the one before it kept.

::

    ROOT/.staging/                    what is being unpacked; of no use to anybody
    ROOT/web-api/web-api-1.4.0/       a version, whole; it got its name when all of it was on disk
    ROOT/web-api/current -> …         the active version; replaced at once
    ROOT/web-api/versions             the versions that were activated, the newest first

`current` alone says what is active. `versions` is written before it is replaced, and the version to go back to is the
one that follows the active one in it: so whatever moment the machine stops at, both are the old ones or the new ones.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from service_registry_sdk import BadPackage, PackageInfo

from .archive import LIMITS, WHOLE, ArchiveLimits
from .blobs import typed_space
from .checking import check_named
from .files import DiskFiles, Files, make_directories
from .unpacking import check_whole, unpack, unpacked_digest

CURRENT: Final = "current"
VERSIONS: Final = "versions"
STAGING: Final = ".staging"


class NothingToGoBackTo(Exception):
    """There is no version that was active before."""


class Installer:
    """The packages below one folder. One process uses it at a time.

    Args:
        node: Whose disk it is, for `NoSpace`.
    """

    def __init__(
        self, root: Path, files: Files | None = None, *, node: str | None = None, limits: ArchiveLimits = LIMITS
    ) -> None:
        self.root: Final = root
        self._files = files or DiskFiles()
        self._node = node
        self._limits = limits

    def prepare(self) -> None:
        """Make the folders, and throw away what was being unpacked, or replaced, when the last process ended."""
        make_directories(self._files, self.root)
        self._files.remove(self.root / STAGING)
        self._files.make_directory(self.root / STAGING)
        for home in self._homes():
            for leftover in home.glob(".*.new"):
                self._files.remove(leftover)

    # ------------------------------------------------------------------------------------------------------ what is
    def current(self, name: str) -> str | None:
        """The active version of a package."""
        try:
            target = (self.root / name / CURRENT).readlink().name
        except OSError:
            return None
        return target.removeprefix(f"{name}-")

    def previous(self, name: str) -> str | None:
        """The version that was active before the active one, and is still there."""
        later = self._versions(name)
        current = self.current(name)
        earlier = later[later.index(current) + 1 :] if current in later else []
        return next((version for version in earlier if self.folder(name, version).is_dir()), None)

    def folder(self, name: str, version: str) -> Path:
        """Where a version is, or would be."""
        return self.root / name / f"{name}-{version}"

    def installed(self, name: str) -> list[str]:
        """The versions that are there, whole."""
        home = self.root / name
        found = home.glob(f"{name}-*") if home.is_dir() else ()
        return sorted(path.name.removeprefix(f"{name}-") for path in found if path.is_dir())

    def has(self, info: PackageInfo) -> bool:
        """Whether a version is there, whole.

        Raises:
            BadPackage: One with other contents is.
        """
        folder = self.folder(info.manifest.name, info.manifest.version)
        if folder.is_dir():
            self._check_same(folder, info)
        return folder.is_dir()

    # ---------------------------------------------------------------------------------------------------- what changes
    def stage(self, archive: Path, info: PackageInfo) -> Path:
        """Unpack a version and put it beside the others; the active one stays active. Returns its folder.

        What is there already, made of the same archive, is left as it is.

        Raises:
            BadPackage: The archive is not the package that it is said to be, or none; nothing was written.
            NoSpace: The disk is full; what was unpacked is removed.
        """
        name, version = info.manifest.name, info.manifest.version
        target = self.folder(name, version)
        if self.has(info):
            return target
        check_named(check_whole(archive, info.size, info.sha256, self._limits), name, version)
        staged = self.root / STAGING / secrets.token_hex(8)
        try:
            with typed_space(self._node):
                unpack(archive, staged, info.sha256, self._files, self._limits)
                make_directories(self._files, target.parent)
                self._files.rename(staged, target)
                self._files.sync(target.parent)
        except Exception:
            self._files.remove(staged)
            raise
        return target

    def activate(self, name: str, version: str) -> None:
        """Make a version that is there the active one.

        Raises:
            NoSpace: The disk is full; the active version stays active.
        """
        current, home = self.current(name), self.root / name
        if version == current:
            return
        known = self._versions(name)
        before = known[known.index(current) :] if current in known else []
        with typed_space(self._node):
            self._replace_text(home / VERSIONS, [version, *(each for each in before if each != version)])
            self._point(home, self.folder(name, version).name)

    def roll_back(self, name: str) -> str:
        """Make the version active that was so before; returns it.

        Raises:
            NothingToGoBackTo: There is none.
            NoSpace: The disk is full; the active version stays active.
        """
        version = self.previous(name)
        if version is None:
            raise NothingToGoBackTo(f"{name}: no version was active before {self.current(name) or 'now'}")
        with typed_space(self._node):
            self._point(self.root / name, self.folder(name, version).name)
        return version

    def go_back(self, name: str, version: str) -> None:
        """Make a version that is there the active one, as `roll_back` does: what was active is not gone back to.

        Raises:
            NoSpace: The disk is full; the active version stays active.
        """
        if self.current(name) == version:
            return
        home = self.root / name
        with typed_space(self._node):
            if version not in self._versions(name):
                self._replace_text(home / VERSIONS, [version])
            self._point(home, self.folder(name, version).name)

    def clear(self, name: str) -> None:
        """Leave no version of a package, active or not."""
        home = self.root / name
        if home.is_dir():
            self._files.remove(home / CURRENT)
            self._files.remove(home / VERSIONS)
            self._files.sync(home)
            self.collect(name)

    def collect(self, name: str, keep: Sequence[str] = ()) -> list[str]:
        """Remove the versions that are neither active, nor gone back to next, nor named; returns them."""
        wanted = {self.current(name), self.previous(name), *keep}
        unwanted = [version for version in self.installed(name) if version not in wanted]
        for version in unwanted:
            folder = self.folder(name, version)
            staged = self.root / STAGING / secrets.token_hex(8)
            self._files.rename(folder, staged)  # at once: nobody finds half of a version
            self._files.remove(staged)
        return unwanted

    # ---------------------------------------------------------------------------------------------------------- helpers
    def _homes(self) -> list[Path]:
        return [path for path in self.root.iterdir() if path.is_dir() and path.name != STAGING]

    def _check_same(self, folder: Path, info: PackageInfo) -> None:
        found = unpacked_digest(folder)
        if found != info.sha256:
            reason = f"{folder.name} is installed, with other contents (SHA-256 {found}): give these another version"
            raise BadPackage(member=WHOLE, reason=reason)

    def _versions(self, name: str) -> list[str]:
        try:
            return (self.root / name / VERSIONS).read_text("ascii").split()
        except (OSError, UnicodeDecodeError):
            return []

    def _replace_text(self, path: Path, lines: Sequence[str]) -> None:
        new = path.with_name(f".{path.name}.new")
        self._files.remove(new)
        self._files.write(new, ["".join(f"{line}\n" for line in lines).encode("ascii")])
        self._files.rename(new, path)
        self._files.sync(path.parent)

    def _point(self, home: Path, target: str) -> None:
        new = home / f".{CURRENT}.new"
        self._files.remove(new)
        self._files.link(new, target)
        self._files.rename(new, home / CURRENT)
        self._files.sync(home)
