"""What Autobahn|Testsuite asks of both ends: a server and a client that say again what they hear.

They stand on `Link` and the drivers, which carry every connection of the runtime; above them nothing echoes.

    python -m tests.conformance.autobahn.echo server
    python -m tests.conformance.autobahn.echo client ws://127.0.0.1:9001 AGENT

A last argument `compressed` lets both offer and take compression, for texts of any size.
"""

from __future__ import annotations

import sys
from typing import Final

import anyio
from websockets.client import ClientProtocol
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from duologue import CloseCode, Deflate, Limits
from duologue.drivers import current
from duologue.drivers.port import Accepted, Socket, wake
from duologue.net.compression import client_extensions, server_extensions
from duologue.net.handshake import WEBSOCKET_LOGGER
from duologue.net.link import Link

LIMITS: Final = Limits(frame=16 << 20)
"""The suite's largest message."""

COMPRESSION: Final = Deflate(threshold=0) if sys.argv[-1] == "compressed" else None


class Echo:
    """The owner of one link."""

    def __init__(self, protocol: ClientProtocol | ServerProtocol) -> None:
        self.link = Link(protocol, current(), LIMITS)
        self.link.owner = self
        self.heard: list[bytes] = []

    async def run(self, socket: Socket) -> None:
        await socket.run(self.link, self.link.high_water)

    def on_request(self, request: Request) -> None:
        assert isinstance(self.link.protocol, ServerProtocol)
        self.link.respond(self.link.protocol.accept(request))

    def on_open(self, subprotocol: str | None) -> None: ...

    def on_message(self, data: bytes) -> None:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            self.link.close(CloseCode.INVALID_DATA, str(error))
        else:
            self.heard = [data]
            self._say(data)

    def on_binary(self, data: bytes) -> None:
        self._say(data, binary=True)

    def _say(self, data: bytes, *, binary: bool = False) -> None:
        if self.link.is_open:
            self.link.send(data, binary=binary)

    def on_pass_end(self) -> None:
        self.link.flush()

    def on_room(self) -> None: ...
    def on_closed(self, code: int, reason: str) -> None: ...


async def serve() -> None:
    """Echo for whoever connects, until standard input ends."""
    executor = current()
    listener = await executor.listen("127.0.0.1", 0, tls=None, handshake=LIMITS.handshake)
    print(listener.addresses[0][1], flush=True)
    async with executor.scope() as scope:
        ended = executor.future()

        async def accept() -> None:
            while True:
                protocol = ServerProtocol(
                    extensions=server_extensions(COMPRESSION), max_size=LIMITS.frame, logger=WEBSOCKET_LOGGER
                )
                scope.spawn(meet, Echo(protocol), await listener.accept())

        async def wait() -> None:
            await anyio.wait_readable(sys.stdin)
            wake(ended)

        scope.spawn(accept)
        scope.spawn(wait)
        await ended
        await listener.aclose()


async def meet(echo: Echo, accepted: Accepted) -> None:
    secured = await accepted.secured(echo.link)
    if secured is not None:
        await echo.run(secured)


async def visit(url: str, path: str) -> list[bytes]:
    """Connect, echo until the server ends the connection; returns the last message."""
    uri = parse_uri(url + path)
    protocol = ClientProtocol(
        uri, extensions=client_extensions(COMPRESSION), max_size=LIMITS.frame, logger=WEBSOCKET_LOGGER
    )
    protocol.send_request(protocol.connect())
    echo = Echo(protocol)
    socket = await current().connect(uri.host, uri.port, tls=None, server_hostname=None, limit=LIMITS.handshake)
    await echo.run(socket)
    return echo.heard


async def ask(url: str, agent: str) -> None:
    """Go through all cases that the suite's server has."""
    [count] = await visit(url, "/getCaseCount")
    for case in range(1, int(count) + 1):
        await visit(url, f"/runCase?case={case}&agent={agent}")
    await visit(url, f"/updateReports?agent={agent}")


if __name__ == "__main__":
    if sys.argv[1] == "server":
        anyio.run(serve)
    else:
        anyio.run(ask, sys.argv[2], sys.argv[3])
