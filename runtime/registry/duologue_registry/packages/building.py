"""Building packages: the same files give the same bytes, whoever builds them, whenever and wherever."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from service_registry_sdk import BadPackage, PackageManifest

from .archive import CHUNK
from .checking import Checked, check_archive, digest_of
from .manifest import FILE_NAME, parse_manifest

LEFT_OUT: Final = frozenset({".git", ".hg", ".svn", "__pycache__", ".DS_Store"})
"""What tools leave in a folder, and no service needs."""


@dataclass(frozen=True, slots=True)
class Built:
    """A package that was built."""

    path: Path
    size: int
    sha256: str
    checked: Checked


def build_package(directory: Path, output: Path | None = None) -> Built:
    """Make `name-version.tar.gz` of a folder; beside the folder, unless `output` says where.

    The bytes depend on the paths, the contents and whether a file can be executed, and on the zlib that compresses.

    Raises:
        BadPackage: What is in the folder would make no package.
        OSError: It cannot be read, or the package cannot be written.
    """
    manifest = _manifest_in(directory)
    target = (output or directory.absolute().parent) / f"{manifest.name}-{manifest.version}.tar.gz"
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            _write(directory, file, leave_out={target.resolve(), partial.resolve()})
            file.seek(0)
            checked = check_archive(file)
        partial.chmod(0o644)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return Built(target, *digest_of(target), checked)


def _manifest_in(directory: Path) -> PackageManifest:
    try:
        return parse_manifest((directory / FILE_NAME).read_bytes())
    except FileNotFoundError:
        raise BadPackage(member=FILE_NAME, reason=f"there is none in {directory}") from None


def _write(directory: Path, file: BinaryIO, leave_out: set[Path]) -> None:
    # The name and the time that gzip would write down are not the package's.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0) as out:
        for path in sorted(_below(directory, leave_out), key=lambda path: path.relative_to(directory).as_posix()):
            _write_member(path, path.relative_to(directory).as_posix(), out)
        out.write(bytes(2 * tarfile.BLOCKSIZE))


def _below(directory: Path, leave_out: set[Path]) -> Iterator[Path]:
    for path in directory.iterdir():
        if path.name in LEFT_OUT or path.resolve() in leave_out:
            continue
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _below(path, leave_out)


def _write_member(path: Path, name: str, out: gzip.GzipFile) -> None:
    found = path.lstat()
    entry = tarfile.TarInfo(name)  # of no owner, and of no time
    entry.mode = 0o755 if found.st_mode & 0o100 else 0o644
    if stat.S_ISDIR(found.st_mode):
        entry.type = tarfile.DIRTYPE
    elif stat.S_ISREG(found.st_mode):
        entry.size = found.st_size
    else:
        raise BadPackage(member=name, reason="it is neither a regular file nor a directory: put a copy in its place")
    try:
        out.write(entry.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict"))
    except ValueError as error:  # a name that is too long, or no text
        raise BadPackage(member=ascii(name)[1:-1], reason=f"it cannot be packed: {error}") from None
    if entry.isreg():
        _write_content(path, entry.size, name, out)


def _write_content(path: Path, size: int, name: str, out: io.BufferedIOBase | gzip.GzipFile) -> None:
    left = size
    with path.open("rb") as file:
        while left and (data := file.read(min(CHUNK, left))):
            out.write(data)
            left -= len(data)
        if left or file.read(1):
            raise BadPackage(member=name, reason="it changed while it was packed: try again")
    out.write(bytes(-size % tarfile.BLOCKSIZE))
