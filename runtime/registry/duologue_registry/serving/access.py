"""Who may do what at a registry that runs: the tokens of its file, as they are at each moment."""

from __future__ import annotations

import ipaddress
import logging
from typing import Any, Final

import anyio

from duologue import Anonymous, Authenticator, Credentials, Identity, Server, StaticTokens

from .tokens import Token, TokenFile, TokensError

logger = logging.getLogger(__name__)

LOOK_EVERY: Final = 0.5
"""Seconds between two looks at the file: a revoked token ends so much later at the latest."""


class FileTokens:
    """Knows the tokens of a file, and notices when it changes."""

    def __init__(self, file: TokenFile) -> None:
        """Raises `TokensError` when the file cannot be read."""
        self.file = file
        self._state = file.state()
        self._tokens = {token.digest: token for token in file.read()}
        self._known = _static(self._tokens)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._tokens)

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Whose token it is."""
        return await self._known.authenticate(credentials)

    def reload(self) -> list[str]:
        """Take in what has changed; the ids of the tokens that are no more.

        Raises:
            TokensError: The file cannot be read; what was known before stays.
        """
        state = self.file.state()
        if state == self._state:
            return []
        tokens = {token.digest: token for token in self.file.read()}
        gone = [digest for digest, token in self._tokens.items() if tokens.get(digest) != token]
        self._tokens, self._known = tokens, _static(tokens)
        self._state = state  # only now: what could not be read is read again
        return gone

    async def follow(self, server: Server[Any]) -> None:
        """Look after the file until cancelled: who was revoked is closed out."""
        said: str | None = None
        while True:
            await anyio.sleep(LOOK_EVERY)
            try:
                gone = self.reload()
            except TokensError as error:
                if str(error) != said:  # it is looked at twice a second until somebody does what it says
                    said = str(error)
                    logger.error("The tokens stay as they were: %s", said)  # noqa: TRY400 - it says what to do
                continue
            said = None
            for token_id in gone:
                server.revoke(token_id)


def _static(tokens: dict[str, Token]) -> StaticTokens:
    return StaticTokens({digest: token.identity for digest, token in tokens.items()})


class AccessRefused(Exception):
    """The registry is not to be served like that; the message says why, and what to do."""


def told(authenticator: Authenticator, host: str) -> str:
    """Who is let in, for whoever has started the registry."""
    if isinstance(authenticator, FileTokens):
        return f"whoever has a token of {authenticator.file.path}"
    return "everybody on this machine" if is_loopback(host) else "EVERYBODY who can connect"


def authenticator_of(host: str, tokens: FileTokens | None, *, insecure: bool) -> Authenticator:
    """Who may connect: whoever has a token where there are any, else whoever is on this machine.

    Raises:
        AccessRefused: Everybody could connect, and nobody has said in so many words that this is meant.
    """
    if tokens and insecure:
        raise AccessRefused(f"--insecure-no-tokens: there are tokens in {tokens.file.path}; leave out one or the other")
    if tokens:
        return tokens
    if insecure or is_loopback(host):
        return Anonymous.all()
    raise AccessRefused(
        f"--host {host} is no loopback address, and there are no tokens: everybody who reaches it could do"
        " everything. Create one with `duologue-registry token create NAME --role operator`, or say"
        " --insecure-no-tokens if that is meant"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect there."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
