"""Whether an archive is a package, and which: everything about it is looked at, and nothing is written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from service_registry_sdk import BadPackage, PackageManifest, ScriptProbe, ServiceKind

from .archive import CHUNK, LIMITS, WHOLE, ArchiveLimits, Member, read_archive
from .manifest import FILE_NAME, MOST_BYTES, parse_manifest

START: Final = "scripts/start.sh"


@dataclass(frozen=True, slots=True)
class Checked:
    """What is in a package.

    Attributes:
        unpacked: Bytes of all its files.
    """

    manifest: PackageManifest
    members: tuple[Member, ...]
    unpacked: int


def check_archive(file: BinaryIO, limits: ArchiveLimits = LIMITS) -> Checked:
    """Read an archive from beginning to end.

    Raises:
        BadPackage: It is no package: which member, and why.
    """
    text: bytes | None = None
    members: list[Member] = []
    for member, content in read_archive(file, limits):
        members.append(member)
        if member.path == FILE_NAME and not member.is_directory:
            if member.size > MOST_BYTES:
                raise BadPackage(member=FILE_NAME, reason=f"it is larger than {MOST_BYTES} bytes")
            text = b"".join(content)
    if text is None:
        raise BadPackage(member=WHOLE, reason=f"there is no {FILE_NAME} at its top")
    manifest = parse_manifest(text)
    _check_scripts(manifest, {member.path: member for member in members})
    return Checked(manifest, tuple(members), sum(member.size for member in members))


def check_file(path: Path, limits: ArchiveLimits = LIMITS) -> Checked:
    """`check_archive` of a file."""
    with path.open("rb") as file:
        return check_archive(file, limits)


def check_named(checked: Checked, name: str, version: str) -> None:
    """Raise `BadPackage` where the package is not the one that somebody says it is."""
    manifest = checked.manifest
    if (manifest.name, manifest.version) != (name, version):
        reason = f"it says {manifest.name} {manifest.version}, and the package was to be {name} {version}"
        raise BadPackage(member=FILE_NAME, reason=reason)


def digest_of(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    size, digest = 0, hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            size += len(data)
            digest.update(data)
    return size, digest.hexdigest()


def _check_scripts(manifest: PackageManifest, members: dict[str, Member]) -> None:
    needed = [START] if manifest.type is ServiceKind.MANAGED_PROCESS else []
    if manifest.health is not None and isinstance(manifest.health.probe, ScriptProbe):
        needed.append(manifest.health.probe.path)
    for path in needed:
        member = members.get(path)
        if member is None or member.is_directory:
            raise BadPackage(member=path, reason=f"it is missing, and {FILE_NAME} needs it")
        if not member.is_executable:
            raise BadPackage(member=path, reason=f"it cannot be executed: chmod +x {path}, and build again")
