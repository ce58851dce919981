"""The commands of whoever looks after a registry: `backup`, `restore`, `check`, `prune` and `status`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from duologue import DataLoss
from service_registry_sdk import BackupInfo, PackageRef, PruneResult, RegistryClient, RegistryStatus, Retention

from ..serving.app import default_directory
from ..serving.tokens import TokensError
from ..storing.backups import BackupError, part_of, restore, settle
from ..storing.checking import InUse, Report, check_directory
from ..storing.store import StoreError
from .display import echo_json, printable, size_text
from .exits import REFUSED, UNREACHABLE, Target, fail
from .services import talk
from .tokens import token_file

_TELL_EVERY: Final = 2.0  # seconds: who waits is told how far it has come


def backup_command(target: Target, file: Path) -> None:
    part = part_of(file)

    async def conversation(registry: RegistryClient) -> BackupInfo:
        async with registry.back_up() as download:
            return await download.save(part)

    if file.exists():
        fail(REFUSED, f"{file} is there already: a backup replaces nothing; name another file, or remove it")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        info = talk(target, conversation, bounded=False)
        part.chmod(0o600)
        settle(part, file)
    except FileExistsError:
        fail(REFUSED, f"{file} is there already, since a moment ago: a backup replaces nothing")
    except DataLoss as error:
        fail(REFUSED, str(error))
    except OSError as error:
        part.unlink(missing_ok=True)
        fail(REFUSED, f"{file} cannot be written: {error.strerror or error}")
    size = file.stat().st_size
    if target.json:
        echo_json(info, path=str(file), size=size)
    else:
        click.echo(f"{file}: {size_text(size)}, {_holds(info)}")


def restore_command(file: Path, into: Path, *, as_json: bool) -> None:
    into = into.absolute()
    try:
        info = restore(file, into)
    except BackupError as error:
        fail(REFUSED, str(error))
    if as_json:
        echo_json(info, path=str(into))
        return
    click.echo(f"{into}: {_holds(info)}, as of {info.created_at:%Y-%m-%d %H:%M:%S} UTC; epoch {info.epoch}")
    click.echo(f"Serve it with `duologue-registry serve --data {into}`; subscribers begin anew.", err=True)
    if not token_file(into).path.exists():
        click.echo("Tokens are not in a backup: put back tokens.json, or create new ones.", err=True)


def check_command(data: Path | None, backup: Path | None, *, as_json: bool) -> None:
    try:
        report = _check_backup(backup) if backup is not None else _check(data)
    except InUse as error:
        fail(UNREACHABLE, str(error))
    except (StoreError, BackupError) as error:
        fail(REFUSED, str(error))
    if as_json:
        echo_json({"sound": not report.problems, "problems": report.problems, **report.seen})
    else:
        seen = ", ".join(f"{count} {what}" for what, count in report.seen.items()) or "nothing could be read"
        for problem in report.problems:
            click.secho(printable(problem), fg="red")
        click.echo(f"{'sound' if not report.problems else 'DAMAGED'}: {seen}")
    if report.problems:
        raise SystemExit(REFUSED)


def _check(data: Path | None) -> Report:
    report = check_directory((data or default_directory()).absolute(), Progress())
    try:
        report.seen["tokens"] = len(token_file(data).read())
    except TokensError as error:
        report.problems.append(f"tokens: {error}")
    return report


def _check_backup(backup: Path) -> Report:
    """Restore it, and look at what comes of it."""
    beside = backup.parent if os.access(backup.parent, os.W_OK) else None
    with TemporaryDirectory(dir=beside, prefix=".duologue-check-") as folder:
        restore(backup, Path(folder) / "restored")
        return check_directory(Path(folder) / "restored", Progress())


class Progress:
    """Says how far a long check has come, on a terminal or in a log, and nothing of a short one."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, what: str, done: int, whole: int) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY:
            self._told = now
            print(f"checking {what}" + (f": {done} of {whole}" if whole else ""), file=sys.stderr, flush=True)  # noqa: T201


def prune_command(target: Target, keep: Retention, *, dry_run: bool) -> None:
    result = talk(target, lambda registry: registry.prune(keep=keep, dry_run=dry_run, timeout=600), bounded=False)
    if target.json:
        echo_json(result, dry_run=dry_run)
        return
    for line in _pruned(result, dry_run=dry_run):
        click.echo(line)


def _pruned(result: PruneResult, *, dry_run: bool) -> list[str]:
    verb = "would go" if dry_run else "are gone"
    lines = [f"{result.log_entries} entries of the log {verb}; the oldest is number {result.first}"]
    lines += [f"{_package(each)} {'would go' if dry_run else 'is gone'}" for each in result.packages]
    return lines


def _package(each: PackageRef) -> str:
    return f"package {each.name} {each.version}, {size_text(each.size)},"


def status_command(target: Target) -> None:
    status = talk(target, lambda registry: registry.get_registry_status())
    if target.json:
        echo_json(status)
        return
    lines = [
        ("revision", str(status.revision)),
        ("log", f"entries {status.log.first} to {status.log.last}, epoch {status.epoch}"),
        ("services", str(status.services)),
        ("packages", str(status.packages)),
        ("agents", f"{status.agents} attached"),
        ("changes", click.style(f"refused: {status.read_only}", fg="red") if status.read_only else "taken"),
        ("leases", _leases(status)),
    ]
    for name, text in lines:
        click.echo(f"{click.style(f'{name:<9}', dim=True)}  {text}")


def _leases(status: RegistryStatus) -> str:
    protection = status.protection
    if protection.active and protection.until is not None:
        ran_out = f"{protection.overdue} of {protection.leases} ran out at once"
        return click.style(f"{ran_out}; none ends until {protection.until:%H:%M:%S} UTC", fg="yellow")
    return f"{protection.leases} held"


def _holds(info: BackupInfo) -> str:
    return f"{info.services} services, {info.packages} packages, log up to {info.seq}"
