"""`backup`, `restore`, `check`, `prune` and `status`, as they are typed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .exits import Target
from .options import DIRECTORY, EXISTING_FILE, FILE, as_json, client

if TYPE_CHECKING:
    from service_registry_sdk import Retention


def keeping(function: Any) -> Any:
    """Give a command the options that say what to keep."""
    for option in reversed(
        (
            click.option(
                "--keep-log",
                metavar="N|AGE",
                multiple=True,
                help="Keep the newest N entries of the log, or those of the last AGE, such as 30d, 12h or 90min; given"
                " twice, what both would keep.  [default: all]",
            ),
            click.option(
                "--keep-packages",
                metavar="N",
                type=click.IntRange(min=1),
                help="Keep the newest N packages of each service beside those that are needed.  [default: all]",
            ),
        )
    ):
        function = option(function)
    return function


def retention(keep_log: tuple[str, ...], keep_packages: int | None) -> Retention:
    """What was typed."""
    from service_registry_sdk import Retention

    from ..serving.tokens import lifetime_of

    keep: dict[str, Any] = {"packages": keep_packages}
    for text in keep_log:
        try:
            if text.isascii() and text.isdigit() and int(text) > 0:
                keep["log_entries"] = int(text)
            else:
                keep["log_age"] = lifetime_of(text)
        except ValueError:
            raise click.UsageError(f"--keep-log {text}: a number such as 100000, or an age such as 30d") from None
    return Retention(**keep)


@click.command(epilog="\b\nExample:\n  duologue-registry backup /var/backups/registry-$(date +%F).tar")
@click.argument("file", type=FILE)
@client
def backup(target: Target, file: Path) -> None:
    """Copy all that a running registry keeps into FILE, which must not be there yet.

    It is as it was at one moment, and written whole or not at all. Tokens are not in it.
    """
    from .backups import backup_command

    backup_command(target, file)


@click.command(epilog="\b\nExample:\n  duologue-registry restore registry-2026-11-26.tar --into ./restored")
@click.argument("file", type=EXISTING_FILE)
@click.option("--into", type=DIRECTORY, required=True, help="A directory that holds no registry.")
@as_json
def restore(file: Path, into: Path, *, as_json: bool) -> None:
    """Put the backup FILE into a directory, whole or not at all, to be served from there.

    It begins a new epoch: who was subscribed is told that the history is another, and reads everything anew.
    """
    from .backups import restore_command

    restore_command(file, into, as_json=as_json)


@click.command(epilog="\b\nExample:\n  duologue-registry check --data ./data --json")
@click.argument("backup", type=EXISTING_FILE, required=False)
@click.option("--data", type=DIRECTORY, help="Directory of the data.  [default: the user's own]")
@as_json
def check(backup: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Look through the data of a registry that does not run, or through the backup BACKUP, and change nothing.

    The database, the log and whether it has gaps, services, packages and agents against what the log tells, packages
    against their digests, the tokens. Exit codes: 0 sound, 1 damaged or not a registry's, 3 in use.
    """
    from .backups import check_command

    if backup is not None and data is not None:
        raise click.UsageError("BACKUP is one thing to check, --data another: give one of them")
    check_command(data, backup, as_json=as_json)


@click.command(epilog="\b\nExample:\n  duologue-registry prune --keep-log 30d --keep-packages 5 --dry-run")
@keeping
@click.option("--dry-run", is_flag=True, help="Say what would go, and let it be.")
@client
def prune(target: Target, keep_log: tuple[str, ...], keep_packages: int | None, *, dry_run: bool) -> None:
    """Remove the oldest part of a running registry's log, and packages that nothing needs.

    A package that a service is registered with, that a node runs or could go back to stays. Who is subscribed and
    further behind than the log goes back is told so, and reads everything anew.
    """
    from .backups import prune_command

    keep = retention(keep_log, keep_packages)
    if not keep_log and keep_packages is None:
        raise click.UsageError("say what to keep: --keep-log, --keep-packages or both")
    prune_command(target, keep, dry_run=dry_run)


@click.command(epilog="\b\nExample:\n  duologue-registry status --json")
@client
def status(target: Target) -> None:
    """Say how a running registry does: its log, its services, whether it takes changes, whether leases end."""
    from .backups import status_command

    status_command(target)


UPKEEP = (backup, restore, check, prune, status)
