"""Making connections: from a URL to the end of the opening handshake."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, TypeAlias

import anyio
from websockets.exceptions import InvalidURI
from websockets.uri import WebSocketURI, parse_uri

from ..connection.connection import Connection
from ..connection.ear import GreetingFailed
from ..connection.party import Party
from ..drivers.port import Executor, Socket
from ..errors import ConnectFailed
from ..limits import Limits
from ..net.compression import Deflate
from ..net.handshake import client_protocol
from ..net.link import Link
from .connecting import asked

if TYPE_CHECKING:
    from ..connection.greeting import Greeting

Token: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""A bearer token, or where to get one: it is asked anew for every connection."""


def redacted(url: str) -> str:
    """A URL as it may be shown: without its user and its query, where secrets may be."""
    scheme, separator, rest = url.rpartition("://")
    shown = rest.partition("?")[0].partition("#")[0]
    authority, slash, path = shown.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


class Dialer:
    """Makes connections to one URL."""

    def __init__(
        self,
        url: str,
        token: Token | None,
        tls: ssl.SSLContext | None,
        limits: Limits,
        compression: Deflate | None = None,
    ) -> None:
        try:
            self._uri: WebSocketURI = parse_uri(url)
        except (InvalidURI, ValueError) as error:
            why = error.msg if isinstance(error, InvalidURI) else error
            text = f"{redacted(url)} is no URL: {why}; one looks like ws://127.0.0.1:8080 or wss://example.org/path"
            raise ValueError(text) from None
        if tls is not None and not self._uri.secure:
            raise ValueError(f"a TLS context was given, but {redacted(url)} is not a wss:// URL")
        self._tls = (tls or ssl.create_default_context()) if self._uri.secure else None
        self._token = token
        self._limits = limits
        self._compression = compression

    @property
    def renewable(self) -> bool:
        """Whether asking for the token anew may give another."""
        return callable(self._token)

    async def dial(self, executor: Executor, party: Party) -> tuple[Connection, Socket]:
        """Connect and shake hands.

        Raises:
            ConnectFailed: It did not succeed; the message says how far it came.
            ValueError: The token, or another value of a header, cannot stand in one.
        """
        uri, limit = self._uri, self._limits.handshake
        where = f"{uri.host}:{uri.port}"
        token, envelope = await self.ask_token(), party.speech.envelope
        greeting: Greeting | None = None
        if envelope is not None:
            from ..connection.greeting import Greeting

            greeting = Greeting(envelope, "client", party.hooks, token)
        try:
            request = await asked(uri, token, greeting)
            link = Link(client_protocol(request, self._limits, self._compression), executor, self._limits)
            socket = await executor.connect(uri.host, uri.port, tls=self._tls, server_hostname=uri.host, limit=limit)
        except GreetingFailed as error:
            raise ConnectFailed(str(error)) from error
        except TimeoutError:
            raise ConnectFailed(f"{where} did not answer within {limit:g} s") from None
        except OSError as error:
            raise ConnectFailed(f"cannot connect to {where}: {_reason(error)}") from error
        with anyio.move_on_after(limit):  # the handshake itself, and the server's first word after it
            return await _introduced(link, party, greeting, socket), socket
        raise ConnectFailed(f"{where} did not finish the handshake within {limit:g} s")

    async def ask_token(self) -> str | None:
        """The token to show now, None when there is none to be shown."""
        if self._token is None:
            return None
        token = self._token() if callable(self._token) else self._token
        return str(await token if isawaitable(token) else token)


def _reason(error: OSError) -> str:
    """Why there is no connection. What speaks no TLS hangs up on it, which asyncio tells without a word, or answers."""
    if not str(error) or isinstance(error, ssl.SSLEOFError) or getattr(error, "reason", "") == "WRONG_VERSION_NUMBER":
        return "no TLS was spoken there; if the server has none, its URL begins with ws://"
    return error.strerror or str(error)


async def _introduced(link: Link, party: Party, greeting: Greeting | None, socket: Socket) -> Connection:
    if greeting is not None:
        from .introduction import ClientIntroduction

        return await ClientIntroduction(link, party, greeting).carry_out(socket)
    connection = Connection(link, party)
    await connection.establish(socket)
    return connection
