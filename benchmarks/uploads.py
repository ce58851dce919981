"""The same bytes to a server: as an upload of duologue, and as bare binary messages of `websockets`."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any, ClassVar, Final

from pydantic import TypeAdapter
from typing_extensions import override
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets

from duologue import (
    Bound,
    Call,
    Client,
    Effect,
    Params,
    Peer,
    Protocol,
    Service,
    Upload,
    UploadAction,
    serve,
    uploading,
)

from .worker import Commands

PIECE: Final = 64 * 1024
"""Bytes of a message by hand: as many as duologue puts into one."""


class PutParams(Params):
    """None."""


PUT: Final = UploadAction(
    name="put", params=PutParams, result=TypeAdapter(int), effect=Effect.KEYED, max_size=2**40, timeout=120.0
)
FILES: Final = Protocol(name="files", version="1.0.0", api_level=1, client_actions=(PUT,))


class FilesPeer(Peer):
    """Calls nothing."""


class FilesClient(Client):
    """Puts."""

    protocol: ClassVar[Protocol] = FILES

    async def put(self, body: bytes) -> int:
        return await self._upload(PUT, PutParams(), body, None, None)


class Files(Service[FilesPeer]):
    """Takes what is put, on disk and checked, and says how much it was."""

    protocol: ClassVar[Protocol] = FILES
    peer_type: ClassVar[type[Peer]] = FilesPeer

    async def put(self, call: Call[FilesPeer], params: PutParams, body: Upload) -> int:
        return body.size

    @override
    def handlers(self) -> Sequence[Bound]:
        return (uploading(PUT, self.put),)


@asynccontextmanager
async def serve_duologue() -> AsyncGenerator[Commands]:
    async with serve(Files(), "127.0.0.1", 0) as server:

        async def port() -> int:
            return server.port

        yield {"port": port}


@asynccontextmanager
async def send_duologue(*, port: int) -> AsyncGenerator[Commands]:
    async with FilesClient.open(f"ws://127.0.0.1:{port}") as client:

        async def send(size: int) -> float:
            body = bytes(size)
            begun = time.perf_counter()
            assert await client.put(body) == size
            return time.perf_counter() - begun

        yield {"send": send}


@asynccontextmanager
async def serve_bare(*, careful: bool = False) -> AsyncGenerator[Commands]:
    """A program: takes bytes; a careful one hashes them into a file, as duologue does."""

    async def handle(socket: ServerConnection) -> None:
        while True:
            wanted, digest = (await socket.recv(decode=True)).split()
            with _file(careful=careful) as file:
                size, ours = 0, hashlib.sha256()
                while size < int(wanted):
                    piece = await socket.recv(decode=False)
                    size += len(piece)
                    if careful:
                        file.write(piece)
                        ours.update(piece)
            assert not careful or ours.hexdigest() == digest
            await socket.send(str(size))

    async with serve_websockets(handle, "127.0.0.1", 0, compression=None) as server:

        async def port() -> int:
            return int(next(iter(server.sockets)).getsockname()[1])

        yield {"port": port}


def _file(*, careful: bool) -> AbstractContextManager[Any]:
    return tempfile.TemporaryFile(buffering=0) if careful else nullcontext()


@asynccontextmanager
async def send_bare(*, port: int, careful: bool = False) -> AsyncGenerator[Commands]:
    """A program: sends bytes, with their digest if it is careful."""
    async with connect(f"ws://127.0.0.1:{port}", compression=None, proxy=None) as socket:

        async def send(size: int) -> float:
            body = bytes(size)
            begun = time.perf_counter()
            await socket.send(f"{size} {hashlib.sha256(body).hexdigest() if careful else '-'}")
            for start in range(0, size, PIECE):
                await socket.send(body[start : start + PIECE])
            assert int(await socket.recv()) == size
            return time.perf_counter() - begun

        yield {"send": send}
