"""An archive becomes a folder: all of it, checked before the first byte is written, or none of it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from service_registry_sdk import BadPackage

from .archive import LIMITS, MARK, WHOLE, ArchiveLimits, read_archive
from .checking import Checked, check_file, digest_of
from .files import Files


def check_whole(archive: Path, size: int, sha256: str, limits: ArchiveLimits = LIMITS) -> Checked:
    """Compare size and digest, then look at everything in the archive.

    Raises:
        BadPackage: It is not the archive that was announced, or no package.
    """
    found = digest_of(archive)
    if found != (size, sha256):
        reason = f"{found[0]} bytes with the SHA-256 {found[1]}, and announced were {size} with {sha256}"
        raise BadPackage(member=WHOLE, reason=reason)
    return check_file(archive, limits)


def unpack(archive: Path, folder: Path, sha256: str, files: Files, limits: ArchiveLimits = LIMITS) -> None:
    """Write the members of a checked archive into a new folder, and sync all of it.

    Every path is below the folder, which is new, and nothing in it is a link: so nothing is written elsewhere.

    Raises:
        BadPackage: It is no package after all; what is in the folder then is of no use.
        OSError: It cannot be written.
    """
    made = {folder: None}
    files.make_directory(folder)
    with archive.open("rb") as file:
        for member, content in read_archive(file, limits):
            path = folder / member.path
            for directory in _missing(folder, path if member.is_directory else path.parent, made):
                files.make_directory(directory)
                made[directory] = None
            if not member.is_directory:
                files.write(path, content, executable=member.is_executable)
    files.write(folder / MARK, [sha256.encode()])
    for directory in reversed(made):
        files.sync(directory)


def unpacked_digest(folder: Path) -> str | None:
    """The digest of the archive that a folder was made of; None when it was not made here."""
    try:
        return (folder / MARK).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return None


def _missing(folder: Path, directory: Path, made: Collection[Path]) -> list[Path]:
    missing: list[Path] = []
    while directory != folder and directory not in made:
        missing.append(directory)
        directory = directory.parent
    return missing[::-1]
