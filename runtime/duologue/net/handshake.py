"""The opening handshake (RFC 6455, section 4): the library's protocol objects, and what they say when it fails."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from msgspec import Struct, field
from typing_extensions import override
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHeaderValue
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol
from websockets.uri import WebSocketURI

from ..auth import Credentials
from ..errors import CallError, InvalidArgument, NotFound, Status, Unauthenticated
from ..limits import Limits
from ..wire import SUBPROTOCOL, Connect
from .compression import Deflate, client_extensions, server_extensions


class _QuietLogger(logging.LoggerAdapter[logging.Logger]):
    """The library's DEBUG log prints headers and payloads, tokens among them; INFO says what observers tell better."""

    @override
    def isEnabledFor(self, level: int) -> bool:
        return level > logging.INFO and super().isEnabledFor(level)

    @override
    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, kwargs


WEBSOCKET_LOGGER: Final = _QuietLogger(logging.getLogger("duologue.websocket"))


BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
"""RFC 6750, section 2.1; the scheme's case does not matter (RFC 9110, section 11.1)."""

HTTP_STATUS: Final[Mapping[Status, int]] = {
    Status.INVALID_ARGUMENT: 400,
    Status.UNAUTHENTICATED: 401,
    Status.PERMISSION_DENIED: 403,
    Status.NOT_FOUND: 404,
    Status.RESOURCE_EXHAUSTED: 429,
    Status.UNAVAILABLE: 503,
}
"""How a handshake is refused; with 500 for what is not listed."""

ANY_ORIGIN: Final = "*"

_one_for_all: Final = lru_cache(maxsize=64)
"""What all connections of a server have in common is there once."""

VARIABLE: Final = re.compile(r"\$([a-z][a-z0-9_]*)")
"""A variable in the texts of a declared protocol's `connect`."""


class Asked(Struct, frozen=True, kw_only=True):
    """What the request of a handshake holds, besides what each has.

    Attributes:
        token: Shown as a bearer token.
    """

    uri: WebSocketURI
    token: str | None = None
    subprotocols: Sequence[str] = (SUBPROTOCOL,)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def client_protocol(asked: Asked, limits: Limits, compression: Deflate | None = None) -> ClientProtocol:
    """A client's end, its request about to leave. Raises ValueError for what cannot stand in a header."""
    protocol = ClientProtocol(
        asked.uri,
        extensions=client_extensions(compression),
        subprotocols=[Subprotocol(name) for name in asked.subprotocols] or None,
        max_size=limits.frame,
        logger=WEBSOCKET_LOGGER,
    )
    request = protocol.connect()
    bearer = {} if asked.token is None else {"Authorization": f"Bearer {asked.token}"}
    for name, value in {**bearer, **asked.headers}.items():
        request.headers.pop(name, None)  # as that of a user whom the URL names
        try:
            request.headers[name] = value
        except InvalidHeaderValue:  # it shows the value, which may be a secret
            kind = "the token" if name in bearer else "its value"
            raise ValueError(
                f"{kind} cannot stand in the header `{name}`: it has a line break, or is no plain text"
            ) from None
    protocol.send_request(request)
    return protocol


def server_protocol(
    limits: Limits,
    origins: Sequence[str],
    compression: Deflate | None = None,
    subprotocols: Sequence[str] = (SUBPROTOCOL,),
) -> ServerProtocol:
    """A server's end, which waits for a request; of browsers it takes those that show a page of these origins."""
    return ServerProtocol(
        origins=_taken(tuple(origins)),
        extensions=server_extensions(compression),
        subprotocols=_offered(tuple(subprotocols)),
        select_subprotocol=_first_of(tuple(subprotocols)),
        max_size=limits.frame,
        logger=WEBSOCKET_LOGGER,
    )


def open_protocol(limit: int) -> ServerProtocol:
    """A server's end of a connection whose handshake is over, and which has no extensions."""
    return ServerProtocol(state=OPEN, max_size=limit, logger=WEBSOCKET_LOGGER)


def token_in(request: Request, connect: Connect) -> str | None:
    """The token that a request shows where a declared protocol has a place of its own for it.

    Raises:
        InvalidArgument: Nobody asks for that.
    """
    query = parse_qs(_target(request).query)
    for name, template in connect.get("query", {}).items():
        if template == "$token" and name in query:
            return query[name][0]
    for name, template in connect.get("headers", {}).items():
        before, placed, after = template.partition("$token")
        for value in request.headers.get_all(name) if placed else ():
            if value.startswith(before) and value.endswith(after):
                return value[len(before) : len(value) - len(after)]
    return None


def check_asked(request: Request, connect: Connect) -> None:
    """Refuse a client that asks for something else than a declared protocol has.

    A path may have more before it, where a server is reached by several; a client may offer no subprotocol.

    Raises:
        CallError: What it asks for, and what there is.
    """
    url, path = _target(request), connect.get("path")
    if path is not None and re.search(_pattern(path) + "$", url.path) is None:
        raise NotFound(f"there is nothing at this path: the protocol is spoken at {path}")
    ours = connect.get("subprotocol", ())
    offered = [name.strip() for value in request.headers.get_all("Sec-WebSocket-Protocol") for name in value.split(",")]
    if ours and offered and not set(ours).intersection(offered):
        raise InvalidArgument(f"none of these subprotocols is spoken: there is {', '.join(ours)}")
    query = parse_qs(url.query, keep_blank_values=True)
    for name, value in connect.get("query", {}).items():
        if not VARIABLE.search(value) and value not in query.get(name, ()):
            raise InvalidArgument(f"the query has to have {name}={value}")


def _target(request: Request) -> SplitResult:
    """What a request asks for, in parts. Raises `InvalidArgument` where it has none, as `//[`."""
    try:
        return urlsplit(request.path)
    except ValueError:
        raise InvalidArgument("what is asked for is no path") from None


def _pattern(path: str) -> str:
    """A path as an expression; a variable is a part of it."""
    return "[^/]+".join(map(re.escape, VARIABLE.split(path)[::2]))


def credentials_of(
    request: Request, address: str, certificate: Mapping[str, Any] | None, connect: Connect | None = None
) -> Credentials:
    """What a request shows; `connect` is what clients of a declared protocol ask for.

    Raises:
        Unauthenticated: There is an `Authorization` that is no bearer token.
    """
    placed = None if connect is None else token_in(request, connect)
    given = request.headers.get_all("Authorization")
    bearer = BEARER.fullmatch(given[0]) if len(given) == 1 else None
    if given and bearer is None and "authorization" not in map(str.lower, (connect or {}).get("headers", {})):
        raise Unauthenticated("one `Authorization: Bearer` is taken, with a token of RFC 6750")
    return Credentials(
        token=placed if placed is not None or bearer is None else bearer[1],
        certificate=certificate,
        address=address,
        origin=request.headers.get("Origin"),
        path=request.path.partition("?")[0],
    )


def refusal(protocol: ServerProtocol, error: CallError, *, shown: bool = True) -> Response:
    """The answer to a handshake that fails; `shown` says whether there was a token."""
    response = protocol.reject(HTTP_STATUS.get(error.status, 500), f"{error.message}\n")
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if shown else "Bearer"
    return response


@_one_for_all
def _taken(origins: tuple[str, ...]) -> list[Origin | None] | None:
    return None if ANY_ORIGIN in origins else [None, *map(Origin, origins)]


@_one_for_all
def _offered(subprotocols: tuple[str, ...]) -> list[Subprotocol] | None:
    return [Subprotocol(name) for name in subprotocols] or None


@_one_for_all
def _first_of(ours: tuple[str, ...]) -> Callable[[ServerProtocol, Sequence[Subprotocol]], Subprotocol | None]:
    """The best of ours that is offered; a client that offers others, or none, is not refused for it."""

    def select(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return next((Subprotocol(name) for name in ours if name in offered), None)

    return select
