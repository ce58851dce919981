"""An HTTP request by hand, for handshakes that no client would make."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import anyio
from tests.security.vaults import World

UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: vault\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str


async def ask(world: World, *headers: str, path: str = "/") -> Answer:
    """The answer to a handshake with these header lines; the connection is closed then."""
    request = UPGRADE.format(path=path) + "".join(f"{line}\r\n" for line in headers) + "\r\n"
    async with await anyio.connect_tcp("127.0.0.1", world.server.port) as stream:
        await stream.send(request.encode("latin-1"))
        data = b""
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            while b"\r\n\r\n" not in data or not data.startswith(b"HTTP/1.1 101"):
                data += await stream.receive()
    head, _, body = data.decode("latin-1").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(first.split()[1]), found, body)
