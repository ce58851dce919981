"""What the `package` commands do."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click
from typing_extensions import override

from duologue import CallOptions
from service_registry_sdk import BadPackage, PackageInfo, PackageManifest, RegistryClient

from ..packages.building import build_package
from ..packages.checking import Checked, check_file, digest_of
from ..packages.signing import KeysError, Subject, is_key_name, new_key, sign
from .display import age, echo_json, printable, size_text, table
from .exits import REFUSED, Target, fail
from .services import PAGE, talk


# ---------------------------------------------------------------------------------------------------------------- local
def build_command(directory: Path, output: Path | None, *, as_json: bool) -> None:
    try:
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
        built = build_package(directory, output)
    except BadPackage as error:
        _refuse(directory, error)
    except OSError as error:
        fail(REFUSED, f"the package cannot be built: {error}")
    told = {"path": str(built.path), "size": built.size, "sha256": built.sha256}
    if as_json:
        echo_json(told)
    else:
        click.echo("\n".join(_lines(told | {"members": len(built.checked.members)})))


def inspect_command(file: Path, *, as_json: bool) -> None:
    checked, size, sha256 = _check(file)
    if as_json:
        members = [
            {"path": member.path, "size": member.size, "directory": member.is_directory} for member in checked.members
        ]
        manifest = checked.manifest.model_dump(mode="json", by_alias=True, exclude_none=True)
        echo_json({"manifest": manifest, "size": size, "sha256": sha256, "members": members})
        return
    manifest_lines = _manifest_lines(checked.manifest)
    click.echo("\n".join([*_lines({**manifest_lines, "size": size_text(size), "sha256": sha256}), ""]))
    rows = [
        [("x" if one.is_executable and not one.is_directory else "-"), str(one.size), printable(one.path)]
        for one in checked.members
        if not one.is_directory
    ]
    click.echo("\n".join(table(("RUN", "SIZE", "FILE"), rows)))


def keygen_command(file: Path, name: str) -> None:
    if not is_key_name(name):
        raise click.UsageError(f"--name {name!r}: a trusted key is called by one word without `#`, such as me")
    try:
        public = new_key(file)
    except KeysError as error:
        fail(REFUSED, str(error))
    click.echo(f"{name} {public}")
    click.echo(f"{file} is the private key: whoever has it can sign as {name}.", err=True)


def _check(file: Path) -> tuple[Checked, int, str]:
    try:
        return check_file(file), *digest_of(file)
    except BadPackage as error:
        _refuse(file, error)


def _refuse(what: Path, error: BadPackage) -> NoReturn:
    fail(REFUSED, f"{what}: {printable(error.message)} [{error.code}]")


def _manifest_lines(manifest: PackageManifest) -> dict[str, str]:
    lines = {
        "name": manifest.name,
        "version": manifest.version,
        "about": manifest.description or "",
        "type": str(manifest.type),
        "ports": ", ".join(f"{name}={port}" for name, port in manifest.ports.items()),
        "depends on": ", ".join(manifest.depends_on),
        "requires": ", ".join(f"{name} {wanted}" for name, wanted in manifest.requires.items()),
        "health": "" if manifest.health is None else manifest.health.probe.kind,
    }
    return {name: printable(text) for name, text in lines.items() if text}


def _lines(told: dict[str, Any]) -> list[str]:
    return [f"{click.style(f'{name:<10}', dim=True)}  {text}" for name, text in told.items()]


# --------------------------------------------------------------------------------------------------------------- upload
class TrackedFile(io.FileIO):
    """A file that tells how far it has been read, once it has been read to its end: that was to measure it."""

    def __init__(self, path: Path, moved: Callable[[int], None]) -> None:
        super().__init__(path)
        self._moved = moved
        self._is_measured = False

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size) or b""
        if self._is_measured and data:
            self._moved(self.tell())
        self._is_measured = self._is_measured or (size != 0 and not data)
        return data


def upload_command(target: Target, file: Path, key: Path | None) -> None:
    checked, size, sha256 = _check(file)
    subject = Subject(checked.manifest.name, checked.manifest.version, size, sha256)
    try:
        signature = None if key is None else sign(key, subject)
    except KeysError as error:
        fail(REFUSED, str(error))
    info, was_there = talk(target, partial(_upload, target, file, subject, signature), bounded=False)
    if target.json:
        echo_json(info, already_there=was_there)
    else:
        done = "is there already" if was_there else "is uploaded"
        click.echo(f"{info.manifest.name} {info.manifest.version} {done}: {size_text(size)}, sha256 {sha256}")


async def _upload(
    target: Target, file: Path, subject: Subject, signature: bytes | None, registry: RegistryClient
) -> tuple[PackageInfo, bool]:
    there = await _find(registry, subject)
    if there is not None:
        return there, True
    # Named by what is sent: the same command, run again, goes on with what the registry holds of it already.
    key = hashlib.sha256(subject.message() + (signature or b"")).hexdigest()
    with _progress(subject.size, shown=not target.json) as moved:
        while True:
            with TrackedFile(file, moved) as body:
                info = await registry.upload_package(
                    body,
                    name=subject.name,
                    version=subject.version,
                    signature=signature,
                    options=CallOptions(key=key),
                )
            if await _find(registry, subject) is not None:
                return info, False
            # The answer of an upload that was removed since: its key has been used up.
            key = hashlib.sha256(key.encode()).hexdigest()


async def _find(registry: RegistryClient, subject: Subject) -> PackageInfo | None:
    cursor: str | None = None
    while True:
        page = await registry.list_packages(name=subject.name, limit=PAGE, cursor=cursor)
        for info in page.packages:
            if (info.manifest.version, info.sha256) == (subject.version, subject.sha256):
                return info
        cursor = page.next_cursor
        if cursor is None:
            return None


@contextmanager
def _progress(size: int, *, shown: bool) -> Generator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal; what it gives is told how far things are."""
    if not (shown and sys.stderr.isatty()):
        yield lambda _: None
        return
    with click.progressbar(length=size, label="uploading", file=sys.stderr) as bar:

        def moved(position: int) -> None:
            bar.update(position - bar.pos)

        yield moved


# ----------------------------------------------------------------------------------------------------------- the others
def list_command(target: Target, name: str | None) -> None:
    async def conversation(registry: RegistryClient) -> list[PackageInfo]:
        page = await registry.list_packages(name=name, limit=PAGE)
        found = page.packages
        while page.next_cursor is not None:
            page = await registry.list_packages(name=name, limit=PAGE, cursor=page.next_cursor)
            found += page.packages
        return found

    found = talk(target, conversation)
    if target.json:
        for info in found:
            echo_json(info)
    elif found:
        click.echo("\n".join(table(("NAME", "VERSION", "TYPE", "SIZE", "UPLOADED", "BY", "SIGNED"), map(_row, found))))
    else:
        click.echo("no packages", err=True)


def _row(info: PackageInfo) -> list[str]:
    manifest = info.manifest
    signed = info.signed_by or ("unchecked" if info.signature else "-")
    uploaded = f"{age(info.uploaded_at)} ago"
    return [
        manifest.name,
        manifest.version,
        str(manifest.type),
        size_text(info.size),
        uploaded,
        printable(info.uploaded_by),
        printable(signed),
    ]


def download_command(target: Target, name: str, version: str, output: Path) -> None:
    path = output / f"{name}-{version}.tar.gz"

    async def conversation(registry: RegistryClient) -> PackageInfo:
        async with registry.download_package(name=name, version=version) as download:
            return await download.save(path)

    try:
        output.mkdir(parents=True, exist_ok=True)
        info = talk(target, conversation, bounded=False)
    except OSError as error:
        fail(REFUSED, f"{path} cannot be written: {error.strerror or error}")
    if digest_of(path) != (info.size, info.sha256):
        path.unlink()
        fail(REFUSED, f"{path}: the bytes are not those that were uploaded; the file is removed")
    if target.json:
        echo_json(info, path=str(path))
    else:
        click.echo(f"{path}: {size_text(info.size)}, sha256 {info.sha256}")


def remove_command(target: Target, name: str, version: str, reason: str | None) -> None:
    talk(target, lambda registry: registry.remove_package(name=name, version=version, reason=reason))
    if target.json:
        echo_json({"name": name, "version": version})
    else:
        click.echo(f"{name} {version} is removed")
