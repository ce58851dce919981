"""The `token` commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from ..serving.app import default_directory
from ..serving.tokens import FILE_NAME, Token, TokenFile, TokensError, lifetime_of
from .display import echo_json, printable, table
from .exits import REFUSED, fail


def token_file(data: Path | None, tokens: Path | None = None) -> TokenFile:
    """The file that is meant: named itself, or in its data directory."""
    return TokenFile(tokens or (data or default_directory()).absolute() / FILE_NAME)


def create_command(name: str, roles: Sequence[str], expires: str | None, data: Path | None, *, as_json: bool) -> None:
    try:
        lifetime = None if expires is None else lifetime_of(expires)
    except ValueError as error:
        raise click.UsageError(f"--expires: {error}") from None
    file = token_file(data)
    try:
        token = file.create(name, roles, lifetime)
    except TokensError as error:
        fail(REFUSED, str(error))
    if as_json:
        echo_json({"name": name, "roles": list(roles), "token": token})
        return
    click.echo(token)
    click.echo("It is shown this once. Give it to commands as DUOLOGUE_TOKEN, to programs as `token=`.", err=True)


def list_command(data: Path | None, *, as_json: bool) -> None:
    try:
        tokens = token_file(data).read()
    except TokensError as error:
        fail(REFUSED, str(error))
    if as_json:
        for token in tokens:
            echo_json({"name": token.name, "roles": list(token.roles), "expires_at": _time(token.expires_at)})
    elif tokens:
        click.echo("\n".join(table(("NAME", "ROLES", "CREATED", "EXPIRES"), map(_row, tokens))))


def revoke_command(name: str, data: Path | None) -> None:
    try:
        token_file(data).revoke(name)
    except TokensError as error:
        fail(REFUSED, str(error))
    click.echo(f"{name} is revoked")


def _row(token: Token) -> list[str]:
    expires = "never" if token.expires_at is None else _time(token.expires_at)
    return [
        printable(token.name),
        printable(", ".join(token.roles)),
        str(_time(token.created_at)),
        "expired" if token.is_expired() else str(expires),
    ]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")
