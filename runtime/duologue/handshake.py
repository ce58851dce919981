"""The opening handshake (RFC 6455, section 4): the library's protocol objects, and what they say when it fails."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping, Sequence
from typing import Any, Final

from typing_extensions import override
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from .errors import ConnectFailed, ConnectionClosed
from .limits import Limits
from .wire import SUBPROTOCOL


class _QuietLogger(logging.LoggerAdapter[logging.Logger]):
    """The library's DEBUG log prints headers and payloads, tokens among them; it is never on."""

    @override
    def isEnabledFor(self, level: int) -> bool:
        return level > logging.DEBUG and super().isEnabledFor(level)

    @override
    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, kwargs


WEBSOCKET_LOGGER: Final = _QuietLogger(logging.getLogger("duologue.websocket"))


def client_protocol(uri: WebSocketURI, token: str | None, limits: Limits) -> ClientProtocol:
    """A client's end, its request about to leave."""
    protocol = ClientProtocol(
        uri,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        max_size=limits.frame,
        logger=WEBSOCKET_LOGGER,
    )
    request = protocol.connect()
    if token is not None:
        request.headers["Authorization"] = f"Bearer {token}"
    protocol.send_request(request)
    return protocol


def server_protocol(limits: Limits) -> ServerProtocol:
    """A server's end, which waits for a request."""
    return ServerProtocol(
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        select_subprotocol=_our_subprotocol,
        max_size=limits.frame,
        logger=WEBSOCKET_LOGGER,
    )


def failure_of(protocol: ClientProtocol | ServerProtocol, closed: ConnectionClosed) -> ConnectFailed:
    """Why the opening handshake did not succeed."""
    error = protocol.handshake_exc
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return ConnectFailed(f"the server answered the handshake with HTTP status {status}", status_code=status)
    if error is not None:
        return ConnectFailed(f"the opening handshake failed: {error}")
    return ConnectFailed(closed.reason or str(closed))


def _our_subprotocol(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Ours if it is offered; a client that offers others, or none, is served the plain contract."""
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None
