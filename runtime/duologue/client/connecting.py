"""What a client asks for when it connects, as a declared protocol says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from websockets.uri import WebSocketURI

from ..connection.greeting import Greeting
from ..net.handshake import Asked
from ..wire import Envelope, plain

_VARIABLE: Final = re.compile(r"\$([a-z][a-z0-9_]*)")


async def asked(uri: WebSocketURI, token: str | None, greeting: Greeting | None) -> Asked:
    """What a client asks for at a URL. Raises `GreetingFailed` where a value is missing."""
    if greeting is None:
        return Asked(uri=uri, token=token)
    envelope, connect = greeting.envelope, greeting.envelope.connect
    path = uri.path if uri.path not in ("", "/") else await _text(connect.get("path", uri.path), greeting)
    query = urlencode({name: await _text(value, greeting) for name, value in connect.get("query", {}).items()})
    return Asked(
        uri=replace(uri, path=path, query="&".join(part for part in (uri.query, query) if part)),
        token=None if places_token(envelope) else token,
        subprotocols=tuple(connect.get("subprotocol", ())),
        headers={name: await _text(value, greeting) for name, value in connect.get("headers", {}).items()},
    )


def places_token(envelope: Envelope) -> bool:
    """Whether the protocol has a place of its own for the token."""
    told = [envelope.connect, envelope.request, envelope.handshake, envelope.after]
    return '"$token"' in json.dumps(told) or "$token" in json.dumps(envelope.connect)


async def _text(template: str, greeting: Greeting) -> str:
    for name in _VARIABLE.findall(template):
        await greeting.settle(name)

    def told(found: re.Match[str]) -> str:
        return str(plain(greeting.variables[found[1]]))

    return _VARIABLE.sub(told, template)
