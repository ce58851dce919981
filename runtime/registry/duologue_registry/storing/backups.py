"""Backups: everything that is kept, as it was at one moment, in one file.

A backup is a tar archive: `backup.json` says what it holds, with a SHA-256 of each file, then come `registry.sqlite3`
and the archives of the packages. Tokens are not in it, nor the answers of calls: they belong to an epoch that is over.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tarfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import IO, Any, Final

from pydantic import ValidationError

from duologue import DataLoss, Position
from service_registry_sdk import BackupInfo, PackageInfo

from ..disk import make_directory, sync
from ..packages.blobs import FOLDER as PACKAGES
from ..packages.blobs import Blobs
from ..packages.checking import digest_of
from ..packages.files import DiskFiles
from .head import HeadFile
from .rows import read_all
from .schema import FILE_NAME, RESTORING, carry_over, check_ours
from .store import StoreError

FORMAT: Final = 1
MANIFEST: Final = "backup.json"
_CHUNK: Final = 1024 * 1024
_LARGEST_MANIFEST: Final = 64 * 1024 * 1024


class BackupError(Exception):
    """A backup that cannot be made, or put back; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a backup: what it is called in it, and where it is."""

    name: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that is about to be written."""

    info: BackupInfo
    members: tuple[Member, ...]

    def blocks(self) -> Iterator[bytes]:
        """The archive, piece by piece; no piece is empty.

        Raises:
            DataLoss: A package is not what it was.
        """
        files = {member.name: {"size": member.size, "sha256": member.sha256} for member in self.members}
        manifest = {"format": FORMAT, **json.loads(self.info.to_wire()), "files": files}
        text = json.dumps(manifest, indent=2).encode()
        yield _header(MANIFEST, len(text), self.info.created_at) + text + _padding(len(text))
        for member in self.members:
            yield _header(member.name, member.size, self.info.created_at)
            yield from _checked(member)
            if padding := _padding(member.size):
                yield padding
        yield bytes(2 * tarfile.BLOCKSIZE)


def gather(copy: Path, blobs: Blobs, staging: Path) -> Backup:
    """Make a backup of a copy of the database, and of the packages that it knows.

    They are linked into `staging`, on the same disk: what is removed from now on is in the backup all the same.

    Raises:
        DataLoss: A package is not on the disk.
    """
    info, packages = _forget_answers(copy)
    members = [Member(FILE_NAME, copy, *digest_of(copy))]
    for sha256, size in sorted({package.sha256: package.size for package in packages}.items()):
        linked = staging / sha256
        try:
            linked.hardlink_to(blobs.path(sha256))
        except FileNotFoundError:
            raise DataLoss(f"the package with SHA-256 {sha256} is not on the registry's disk") from None
        members.append(Member(f"{PACKAGES}/{blobs.path(sha256).relative_to(blobs.directory)}", linked, size, sha256))
    return Backup(info, tuple(members))


def _forget_answers(copy: Path) -> tuple[BackupInfo, list[PackageInfo]]:
    with closing(sqlite3.connect(copy, isolation_level=None)) as db:
        db.execute("DELETE FROM answers")
        loaded = read_all(db)
    packages = [document for document in loaded.documents.values() if isinstance(document, PackageInfo)]
    info = BackupInfo(
        created_at=datetime.now(UTC),
        epoch=loaded.position.epoch,
        seq=loaded.position.seq,
        revision=loaded.revision,
        services=len(loaded.records),
        packages=len(packages),
    )
    return info, packages


def _header(name: str, size: int, at: datetime) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(at.timestamp())
    return member.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _checked(member: Member) -> Iterator[bytes]:
    damaged = DataLoss(f"{member.name} is damaged on the registry's disk: `duologue-registry check` says more")
    with member.path.open("rb") as file:
        yield from _verified(file, member.size, member.sha256, damaged)


def _verified(source: IO[bytes], size: int, sha256: str, otherwise: Exception) -> Iterator[bytes]:
    """What is read, piece by piece; raises at the end where it is not what it should be."""
    digest, read = hashlib.sha256(), 0
    while block := source.read(_CHUNK):
        digest.update(block)
        read += len(block)
        yield block
    if (read, digest.hexdigest()) != (size, sha256):
        raise otherwise


# ---------------------------------------------------------------------------------------------------------- put back
def restore(file: Path, into: Path) -> BackupInfo:
    """Put a backup into a directory that holds no registry, as a new epoch; wholly or not at all.

    Everything is unpacked and checked beside; the database gets its name at the very end. What an interrupted run has
    left, the next one throws away, and until then no registry begins there.

    Raises:
        BackupError: The backup is damaged, or there is a registry already.
    """
    staging = into / RESTORING
    try:
        make_directory(into)
        _check_free(into)
        with _fresh(staging):
            manifest = _unpack(file, staging)
            info = _begin_epoch(staging / FILE_NAME, manifest)
        _put_in_place(staging, into, Position(info.epoch, info.seq))
    except StoreError as error:
        raise BackupError(str(error)) from None
    except OSError as error:
        raise BackupError(f"{error.filename or into}: {error.strerror or error}; nothing was restored") from None
    except (tarfile.TarError, sqlite3.Error, ValidationError, KeyError, TypeError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise BackupError(f"{file} is no backup, or damaged ({said}); nothing was restored: take another") from None
    return info


def _check_free(into: Path) -> None:
    taken = [into / FILE_NAME, into / f"{FILE_NAME}-wal"]
    if not (into / RESTORING).exists():  # else they are of a restore that was interrupted
        taken += into.glob(f"{PACKAGES}/blobs/*")
    there = next((path for path in taken if path.exists()), None)
    if there is not None:
        raise BackupError(f"{there} is there: restore into a directory that holds no registry, or move that one away")


@contextmanager
def _fresh(staging: Path) -> Generator[None]:
    """An empty folder, which is gone again when the block fails."""
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    sync(staging.parent)
    try:
        yield
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _unpack(file: Path, staging: Path) -> dict[str, Any]:
    with tarfile.open(file, "r:") as archive:
        first = archive.next()
        if first is None or first.name != MANIFEST or first.size > _LARGEST_MANIFEST:
            raise ValueError(f"it does not begin with {MANIFEST}")
        manifest: dict[str, Any] = json.loads(_contents(archive, first).read())
        if manifest["format"] != FORMAT:
            raise BackupError(
                f"{file} has format {manifest['format']}, this version knows {FORMAT}: upgrade duologue-registry"
            )
        files: dict[str, Any] = dict(manifest["files"])
        while (member := archive.next()) is not None:
            expected = files.pop(member.name)
            _unpack_one(_contents(archive, member), staging / _placed(member.name), member.name, expected)
    if files or manifest["files"].get(FILE_NAME) is None:
        raise ValueError(f"it lacks {', '.join(files) or FILE_NAME}")
    return manifest


def _contents(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    found = archive.extractfile(member) if member.isreg() else None
    if found is None:
        raise ValueError(f"{member.name} is no file")
    return found


def _placed(name: str) -> Path:
    """Where a file belongs; nothing but what `gather` writes has a place."""
    if name == FILE_NAME:
        return Path(FILE_NAME)
    sha256 = name.rpartition("/")[2]
    path = Blobs(Path(PACKAGES)).path(sha256)
    if len(sha256) != 64 or not sha256.isalnum() or path.as_posix() != name:
        raise ValueError(f"{name} does not belong there")
    return path


def _unpack_one(source: IO[bytes], target: Path, name: str, expected: dict[str, Any]) -> None:
    make_directory(target.parent)
    otherwise = ValueError(f"{name} is not what was written")
    DiskFiles().write(target, _verified(source, expected["size"], expected["sha256"], otherwise))
    sync(target.parent)


def _begin_epoch(path: Path, manifest: dict[str, Any]) -> BackupInfo:
    """Carry the database over to this version, where it is older, and let it begin a new epoch."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        check_ours(db, path)
        carry_over(db)
        db.execute("UPDATE registry SET epoch = ?", (token_hex(8),))
        loaded = read_all(db)
    sync(path)
    said = BackupInfo.model_validate({key: value for key, value in manifest.items() if key not in ("format", "files")})
    if (said.seq, said.revision) != (loaded.position.seq, loaded.revision):
        raise ValueError(f"{MANIFEST} tells of another database")
    return said.model_copy(update={"epoch": loaded.position.epoch})


def _put_in_place(staging: Path, into: Path, position: Position) -> None:
    head = HeadFile(into)
    head.begin(position)
    head.close()
    if (staging / PACKAGES).is_dir():
        shutil.rmtree(into / PACKAGES, ignore_errors=True)  # empty folders, and uploads that never ended
        (staging / PACKAGES).rename(into / PACKAGES)
    sync(into)
    (staging / FILE_NAME).rename(into / FILE_NAME)  # from here on it is there
    sync(into)
    shutil.rmtree(staging, ignore_errors=True)


def part_of(target: Path) -> Path:
    """Where a backup is written until it is whole."""
    return target.with_name(f"{target.name}.part")


def settle(part: Path, target: Path) -> None:
    """Give what was written its name, unless there is something of that name.

    Raises:
        FileExistsError: There is.
    """
    try:
        sync(part)
        target.hardlink_to(part)
        sync(target.parent)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
