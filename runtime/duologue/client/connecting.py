"""What a client asks for when it connects, as a declared protocol says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from websockets.uri import WebSocketURI

from ..net.handshake import VARIABLE, Asked
from ..wire import Envelope, plain

if TYPE_CHECKING:
    from ..connection.greeting import Greeting


async def asked(uri: WebSocketURI, token: str | None, greeting: Greeting | None) -> Asked:
    """What a client asks for at a URL. Raises `GreetingFailed` where a value is missing."""
    if greeting is None:
        return Asked(uri=uri, token=token)
    envelope, connect = greeting.envelope, greeting.envelope.connect
    path = uri.path if uri.path not in ("", "/") else await _text(connect.get("path", uri.path), greeting)
    query = urlencode(await _texts(connect.get("query", {}), greeting))
    return Asked(
        uri=replace(uri, path=path or uri.path, query="&".join(part for part in (uri.query, query) if part)),
        token=None if places_token(envelope) else token,
        subprotocols=tuple(connect.get("subprotocol", ())),
        headers=await _texts(connect.get("headers", {}), greeting),
    )


def places_token(envelope: Envelope) -> bool:
    """Whether the protocol has a place of its own for the token."""
    told = [envelope.connect, envelope.request, envelope.handshake, envelope.after]
    return '"$token"' in json.dumps(told) or "$token" in json.dumps(envelope.connect)


async def _texts(templates: Mapping[str, str], greeting: Greeting) -> dict[str, str]:
    filled = {name: await _text(value, greeting) for name, value in templates.items()}
    return {name: value for name, value in filled.items() if value is not None}


async def _text(template: str, greeting: Greeting) -> str | None:
    """A template, filled; None where a hook gives no value for it."""
    for name in VARIABLE.findall(template):
        await greeting.settle(name)
        if name not in greeting.variables:
            return None
    return VARIABLE.sub(lambda found: str(plain(greeting.variables[found[1]])), template)
