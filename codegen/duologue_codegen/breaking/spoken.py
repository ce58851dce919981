"""Declared wire formats, spoken by the runtime's own codecs: what one version says, as the other hears it.

The runtime is imported when a package is run, and by nothing else here: generating takes none of it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Coroutine, Generator
from importlib import import_module
from types import coroutine
from typing import Any, Final, TypeAlias

from .. import ir
from .findings import Framed
from .packages import Package

Heard: TypeAlias = tuple[object, ...]
"""What a message says: the same for both versions where they understand each other."""

UNHEARD: Final[Heard] = ()

_OTHER: Final = {ir.Side.CLIENT: ir.Side.SERVER, ir.Side.SERVER: ir.Side.CLIENT}


def said(package: Package, framed: Framed) -> bytes | None:
    """A message as the end of a package says it; None where its protocol has no such."""
    wire, codec = import_module("duologue.wire"), _codec(package, framed.sender)
    id, payload = codec.id_of(1), json.dumps(framed.payload).encode()
    try:
        match framed.part:
            case "request":
                return bytes(codec.request(wire.Capabilities(extensions=False), id, framed.name, payload))
            case "result":
                return bytes(codec.result(id, payload, action=framed.name))
            case "error":
                return bytes(codec.failure(id, _error(package, framed), action=framed.name)) or None
            case "cancel":
                return bytes(codec.cancel(id)) if codec.says_cancel else None
            case _:
                return bytes(codec.event(framed.name, payload))
    except wire.NotCarried:
        return None


def _error(package: Package, framed: Framed) -> Any:
    wire, raw = import_module("duologue.wire"), import_module("msgspec").Raw
    declared = next((error for error in package.protocol.errors if error.code == framed.name), None)
    if declared is None:
        return wire.ErrorBody("unimplemented", "unimplemented", "there is none")
    details = raw(json.dumps(framed.payload).encode())
    return wire.ErrorBody(declared.code, str(declared.status), "text", details=details)


def heard(package: Package, framed: Framed, text: bytes) -> Heard:
    """What the other end of a package makes of a message."""
    wire, codec = import_module("duologue.wire"), _codec(package, _OTHER[framed.sender])
    try:
        message = codec.decode(text)
    except wire.BadMessage:
        return UNHEARD
    error = message.error if isinstance(message.error, wire.ErrorBody) else None
    told = None if error is None else (error.code, str(error.status))
    names = (message.id or None, message.action or None, message.event or None, message.cancel or None)
    route, params, data = (_plain(part) for part in (message.route, message.params, message.data))
    return (*names, told, message.acked, route, params, data)


def _plain(raw: Any) -> Any:
    return json.loads(bytes(raw)) if isinstance(raw, import_module("msgspec").Raw) else None


def _codec(package: Package, end: ir.Side) -> Any:
    return import_module("duologue.session.speech").Speech(package.table, str(end)).codec({})


# ------------------------------------------------------------------------------------------------------- two that meet
def refusal(client: Package, server: Package, stage: str) -> str | None:
    """Why a client does not come to a server's first call; None where it does."""
    failed = import_module("duologue.connection.ear").GreetingFailed
    refused = import_module("duologue.errors").CallError
    ours, theirs = _greeting(client, ir.Side.CLIENT), _greeting(server, ir.Side.SERVER)
    try:
        if stage == "connect":
            return _connect(ours, server.table.wire.connect)
        return _shake(ours, theirs) or _introduce(client, server)
    except (failed, refused) as error:
        return str(error)


def _greeting(package: Package, end: ir.Side) -> Any:
    """An end that has a value for everything, and that nobody's word is wrong to."""
    envelope = package.table.wire
    hooks: dict[str, Any] = dict.fromkeys(envelope.hooks, "value")
    checks = {step["check"] for step in envelope.handshake if "check" in step and str(end) not in step}
    hooks |= dict.fromkeys(checks, _yes)
    token = "token" if end is ir.Side.CLIENT else None
    return import_module("duologue.connection.greeting").Greeting(envelope, str(end), hooks, token)


def _yes(_: object) -> bool:
    return True


def _connect(client: Any, connect: Any) -> str | None:
    net, http = import_module("duologue.net.handshake"), import_module("websockets.http11")
    uri = import_module("websockets.uri").parse_uri("ws://server")
    asked = _run(import_module("duologue.client.connecting").asked(uri, "token", client))
    request = net.client_protocol(asked, import_module("duologue").Limits()).connect()
    if asked.token is not None:
        request.headers["Authorization"] = f"Bearer {asked.token}"
    for name, value in asked.headers.items():
        request.headers[name] = value
    heard = http.Request(asked.uri.resource_name, request.headers)
    net.check_asked(heard, connect)
    shown = net.credentials_of(heard, "", None, connect).token
    return (
        None
        if shown == "token" or _shows_token(client.envelope)
        else f"the token is not found where it is shown: {shown}"
    )


def _shows_token(envelope: Any) -> bool:
    """Whether it is not in the request that clients show their token."""
    return bool(import_module("duologue.connection.greeting").asks_for_token(envelope)) or "$token" in str(
        envelope.after
    )


def _shake(client: Any, server: Any) -> str | None:
    """Let both say their messages in turn; None where both come to the end, and have heard all."""
    to_server, to_client = list[bytes](), list[bytes]()
    ends = [client.run(to_server.append, _ear(to_client)), server.run(to_client.append, _ear(to_server))]
    idle = 0
    while ends and idle < 2 * len(ends):
        end, before = ends.pop(0), len(to_server) + len(to_client)
        try:
            end.send(None)
        except StopIteration:
            idle = 0
        else:
            ends.append(end)
            idle = 0 if len(to_server) + len(to_client) != before else idle + 1
    for end in ends:
        end.close()
    if ends:
        return "each waits for what the other does not say"
    return "something is said that the other does not hear" if to_server or to_client else None


def _introduce(client: Package, server: Package) -> str | None:
    """Whether the server has the calls that the client begins with."""
    known = {action.name for action in server.table.client_actions}
    missing = [call["call"] for call in client.table.wire.after if call["call"] not in known]
    return f"no action is called {missing[0]}" if missing else None


def _ear(said: list[bytes]) -> Callable[[], Awaitable[bytes]]:
    async def hear() -> bytes:
        while not said:
            await _pause()
        return said.pop(0)

    return hear


@coroutine
def _pause() -> Generator[None]:
    yield


def _run(running: Coroutine[Any, Any, Any]) -> Any:
    """The result of what waits for nothing."""
    try:
        running.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("nobody is there to wait for")
