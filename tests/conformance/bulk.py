"""Servers of bytes in processes of their own: ours, and what one would write by hand on `websockets` in its place.

    python -m tests.conformance.bulk KIND LOOP

prints the port and serves until its standard input ends. KIND is `ours`; `bare`, which takes bytes and does nothing
with them; or `checked`, which does what an upload of ours does: it writes them to a file and compares their digest.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import anyio
from tests.runtime.files import FilesPeer, Named, Shelf, Stored
from typing_extensions import override
from websockets.asyncio.client import connect as connect_bare
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_bare

from duologue import ByteSink, Call, Upload, serve

ROOT: Final = Path(__file__).parents[2]
PIECE: Final = 64 * 1024
MIB: Final = 1024 * 1024
LOOPS: Final[dict[str, tuple[str, dict[str, bool]]]] = {
    "asyncio": ("asyncio", {"use_uvloop": False}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}


class Warehouse(Shelf):
    """Takes what comes and keeps none of it; gives as many bytes as the name says."""

    @override
    async def put(self, call: Call[FilesPeer], params: Named, body: Upload) -> Stored:
        self.runs.append(params.name)
        return Stored(name=params.name, size=body.size, sha256=body.sha256)

    @override
    async def get(self, call: Call[FilesPeer], params: Named, out: ByteSink) -> Stored:
        size = int(params.name)
        for start in range(0, size, PIECE):
            await out.send(bytes(min(PIECE, size - start)))
        return Stored(name=params.name, size=size, sha256="")


async def _serve_ours() -> None:
    async with serve(Warehouse(), "127.0.0.1", 0) as server:
        await _announce(server.port)


async def _serve_by_hand(check: bool) -> None:
    async def handle(socket: ServerConnection) -> None:
        async for order in socket:
            size, digest = str(order).split()
            await (_take_checked(socket, int(size), digest) if check else _take(socket, int(size)))
            await socket.send("done")

    async with serve_bare(handle, "127.0.0.1", 0, compression=None) as server:
        await _announce(next(iter(server.sockets)).getsockname()[1])


async def _take(socket: ServerConnection, size: int) -> None:
    while size:
        size -= len(await socket.recv())


async def _take_checked(socket: ServerConnection, size: int, expected: str) -> None:
    digest = hashlib.sha256()
    with tempfile.TemporaryFile(buffering=0) as file:
        while size:
            data = await socket.recv(decode=False)
            file.write(data)
            digest.update(data)
            size -= len(data)
    assert digest.hexdigest() == expected


async def _announce(port: int) -> None:
    print(port, flush=True)
    await anyio.wait_readable(sys.stdin)


@contextmanager
def serving(kind: str, loop: str) -> Generator[int]:
    """The port of a server in another process."""
    command = [sys.executable, "-m", "tests.conformance.bulk", kind, loop]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(20)


async def send_by_hand(port: int, body: bytes, *, check: bool) -> None:
    """Send bytes to a `bare` or a `checked` server, and wait until it has them all."""
    digest = await _digest(body) if check else "-"
    async with connect_bare(f"ws://127.0.0.1:{port}", compression=None, proxy=None) as socket:
        await socket.send(f"{len(body)} {digest}")
        for piece in _pieces(body, PIECE):
            await socket.send(piece)
        assert await socket.recv() == "done"


async def _digest(body: bytes) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(body, 4 * PIECE):
        digest.update(piece)
        await anyio.lowlevel.checkpoint()
    return digest.hexdigest()


def _pieces(body: bytes, size: int) -> Any:
    view = memoryview(body)
    return (view[start : start + size] for start in range(0, len(body), size))


def main(kind: str, loop: str) -> None:
    backend, options = LOOPS[loop]
    if kind == "ours":
        anyio.run(_serve_ours, backend=backend, backend_options=options)
    else:
        anyio.run(_serve_by_hand, kind == "checked", backend=backend, backend_options=options)


if __name__ == "__main__":
    main(*sys.argv[1:])
