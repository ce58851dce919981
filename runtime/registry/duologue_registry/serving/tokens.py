"""The tokens of a registry: a file that only its owner can read, which knows them by their digests."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from duologue import Identity, hash_token, new_token
from service_registry_sdk import RegistryService

from ..disk import make_directory, sync

FILE_NAME: Final = "tokens.json"
FORMAT: Final = 1
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
RESERVED: Final = ("anonymous", "registry")
"""Names that the audit log uses for others."""

_UNITS: Final = {"min": 60, "h": 3600, "d": 86_400}


class TokensError(Exception):
    """The tokens cannot be read, or not changed so; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token."""

    name: str
    digest: str
    roles: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None

    @property
    def identity(self) -> Identity:
        """Whose token it is, as the server sees it."""
        return Identity(name=self.name, roles=frozenset(self.roles), expires_at=self.expires_at, token_id=self.digest)

    def is_expired(self) -> bool:
        """Whether its time is up."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


class TokenFile:
    """The file with the tokens."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def state(self) -> object:
        """What tells a changed file from an unchanged one, also where only its mode was changed.

        Raises:
            TokensError: It cannot be found out.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TokensError(f"{self.path} cannot be read: {error.strerror}") from None
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size

    def read(self) -> list[Token]:
        """All tokens; none when there is no file.

        Raises:
            TokensError: It cannot be read, or others may change it.
        """
        try:
            mode = self.path.stat().st_mode
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise TokensError(f"{self.path} cannot be read: {error}") from None
        if os.name == "posix" and mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise TokensError(f"others may change {self.path}, and so give themselves rights: chmod 600 it")
        try:
            return [_token_of(entry) for entry in _entries(json.loads(text))]
        except (KeyError, TypeError, ValueError) as error:
            raise TokensError(
                f"{self.path} does not hold tokens of format {FORMAT} ({error}): put back a copy, or remove it and"
                " create new tokens"
            ) from None

    def create(self, name: str, roles: Sequence[str], lifetime: timedelta | None) -> str:
        """Add a token; returns it, which nobody can do again.

        Raises:
            TokensError: The name or a role cannot be had.
        """
        if not NAME.fullmatch(name) or name in RESERVED:
            wanted = "lower-case letters, digits, `.`, `_` and `-`, at most 63 of them"
            raise TokensError(f"{name!r} is no name for a token: it has {wanted}, and is not {' or '.join(RESERVED)}")
        known = RegistryService.protocol.roles
        for role in roles:
            if role not in known:
                raise TokensError(f"{role!r} is no role; there are {', '.join(known)}")
        with self._changing() as tokens:
            if any(token.name == name for token in tokens):
                raise TokensError(f"there is a token called {name} already: revoke it first, or choose another name")
            now, drawn = datetime.now(UTC), new_token()
            expires_at = None if lifetime is None else now + lifetime
            tokens.append(Token(name, hash_token(drawn), tuple(dict.fromkeys(roles)), now, expires_at))
        return drawn

    def revoke(self, name: str) -> None:
        """Remove a token: a registry that runs closes within a second what was opened with it.

        Raises:
            TokensError: There is none of that name.
        """
        there = [token.name for token in self.read()]
        if name not in there:
            raise TokensError(f"no token is called {name}; there are: {', '.join(there) or 'none'}")
        with self._changing() as tokens:
            tokens[:] = [token for token in tokens if token.name != name]

    @contextmanager
    def _changing(self) -> Generator[list[Token]]:
        """All tokens, to be changed: what they are at the end of the block replaces the file.

        What is written first is also the lock against others who do the same. It is taken before the tokens are read:
        who had read them earlier would bring back what another one has revoked meanwhile.
        """
        folder, new = self.path.parent, self.path.with_name(f"{self.path.name}.new")
        try:
            make_directory(folder)
        except OSError as error:
            raise TokensError(f"{folder} cannot be made: {error.strerror}") from None
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise TokensError(f"{new} is there: another command is at work; when none is, remove it") from None
        except OSError as error:
            raise TokensError(f"{new} cannot be written: {error.strerror}") from None
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                tokens = self.read()
                yield tokens
                json.dump({"format": FORMAT, "tokens": [_entry_of(token) for token in tokens]}, file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except BaseException as error:
            new.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise TokensError(f"{self.path} cannot be written: {error.strerror}") from None
            raise
        sync(folder)  # or a power cut could bring back a token that was revoked


def lifetime_of(text: str) -> timedelta:
    """A duration such as `30d`, `12h` or `90min`. Raises `ValueError`."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})(min|h|d)", text)
    if found is None:
        raise ValueError(f"{text!r} is no lifetime; one looks like 30d, 12h or 90min")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def _entries(document: Any) -> list[dict[str, Any]]:
    if document["format"] != FORMAT:
        raise ValueError(f"it says format {document['format']}")
    return list(document["tokens"])


def _entry_of(token: Token) -> dict[str, Any]:
    return {
        "name": token.name,
        "sha256": token.digest,
        "roles": list(token.roles),
        "created_at": token.created_at.isoformat(),
        "expires_at": None if token.expires_at is None else token.expires_at.isoformat(),
    }


def _token_of(entry: dict[str, Any]) -> Token:
    expires_at = entry["expires_at"]
    token = Token(
        name=entry["name"],
        digest=entry["sha256"],
        roles=tuple(entry["roles"]),
        created_at=datetime.fromisoformat(entry["created_at"]),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
    )
    if token.name in RESERVED or not re.fullmatch("[0-9a-f]{64}", token.digest):
        raise ValueError(f"the entry of {token.name!r} is none")
    _ = token.identity  # raises for what cannot be one
    return token
