"""What may not be left over, in either end: looked for from inside, when all has come to rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from duologue import Connection, Service

if TYPE_CHECKING:
    from tests.simulation.world import World


def at_rest(world: World) -> list[str]:
    """No call, deadline, waiter or handler is left; each client has one connection, and the server no other."""
    found = [f"client {name}: {leak}" for name, one in _client_connections(world) for leak in of_connection(one)]
    found += [f"server: {leak}" for one in world.host.server.connections for leak in of_connection(one)]
    connections, sessions = len(world.host.server.connections), len(world.host.server._clients)
    if {connections, sessions} != {len(world.clients)}:
        found.append(f"{connections} connections and {sessions} sessions of {len(world.clients)} clients")
    if world.service.keyed._runs:
        found.append(f"keyed handlers at rest: {list(world.service.keyed._runs)}")
    ends = {"server": world.service, **{f"client {index}": client for index, client in enumerate(world.clients)}}
    for name, held in ((name, _uploads_of(end)) for name, end in ends.items()):
        if held:
            found.append(f"{name}: uploads {held}")
    running = [run.mark for run in world.ledger.runs if run.ended is None]
    if running:
        found.append(f"handlers at rest: {running}")
    return found


def without_readers(world: World) -> list[str]:
    """No subscription outlives its stream, at either end."""
    found = [f"client {index}: streams" for index, client in enumerate(world.clients) if client.hub.streams]
    for one in world.host.server.connections:
        left = one._subscriptions._subscriptions if one._subscriptions is not None else {}
        if left:
            found.append(f"server: subscriptions {list(left)}")
    listeners = {name: len(those) for name, those in world.service.publisher._listeners.items() if those}
    if listeners:
        found.append(f"server: listeners {listeners}")
    return found


def without_clients(world: World) -> list[str]:
    """No connection and no session outlives its client."""
    server = world.host.server
    return [
        f"server: {what} {left}"
        for what, left in (("connections", list(server.connections)), ("sessions", len(server._clients)))
        if left
    ]


def in_folder(world: World) -> list[str]:
    """No file outlives its upload."""
    folder = world.ledger.folder
    return [] if folder is None else [f"the file {path.name}" for path in folder.iterdir()]


def _uploads_of(end: Any) -> list[str]:
    """The keys under which a server's service, or a client, still holds uploads."""
    uploads = end.uploads if isinstance(end, Service) else end._uploads
    return [key for _, key in uploads._held]


def _client_connections(world: World) -> Iterator[tuple[int, Connection]]:
    for index, client in enumerate(world.clients):
        yield index, client.connection


def of_connection(connection: Connection) -> Iterator[str]:
    session = connection.session
    if connection.closed is not None:
        yield f"not connected: {connection.closed}"
    if session.outgoing:
        yield f"calls {list(session.outgoing)}"
    if session.incoming:
        yield f"calls of the peer {list(session.incoming)}"
    if len(session.deadlines):
        yield f"{len(session.deadlines)} deadlines"
    if connection.outlet.waiters or connection.calls._places:
        yield "waiters"
    if connection._handlers._lingering.keys:
        yield f"{connection._handlers._lingering.keys} handlers"
