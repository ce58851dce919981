"""What a client of a declared protocol goes on saying, so that its server knows that it is there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import anyio

from ..calling.calls import CallOptions
from ..errors import CallError
from ..wire import Envelope, Keepalive, plain

if TYPE_CHECKING:
    from ..connection.connection import Connection

_LOG: Final = logging.getLogger("duologue")


def keepalive_of(envelope: Envelope | None) -> Callable[[Connection], Coroutine[Any, Any, None]] | None:
    """What is to run on each connection; None for a protocol that asks for nothing."""
    if envelope is None or envelope.keepalive is None:
        return None
    keepalive = envelope.keepalive

    async def keep_alive(connection: Connection) -> None:
        while True:
            await anyio.sleep(keepalive["every"])
            try:
                await _say(connection, keepalive)
            except CallError as error:  # whether the connection is still good is for its link to find out
                _LOG.warning("keepalive %s failed: %s", keepalive["action"], error)

    return keep_alive


async def _say(connection: Connection, keepalive: Keepalive) -> None:
    from ..wire.templates import compiled

    action, variables = keepalive["action"], connection.variables
    params = compiled(keepalive.get("params", {})).fill(variables) or b"{}"
    raw = compiled(keepalive["route"]).fill(variables) if "route" in keepalive else None
    route: int | str | None = None if raw is None else plain(raw)
    if connection.sends(action):
        connection.outlet.send_event(connection.codec.event(action, params, route=route))
    else:
        await connection.calls.ask(action, params, keepalive["every"], CallOptions(route=route))
