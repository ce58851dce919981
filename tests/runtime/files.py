"""A protocol that moves bytes both ways, written by hand in the form of generated code, and a service of it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final, cast

import anyio
from pydantic import TypeAdapter
from tests.runtime.support import BOUND
from typing_extensions import override

from duologue import (
    Action,
    Body,
    Bound,
    ByteSink,
    Call,
    CallOptions,
    Client,
    Download,
    DownloadAction,
    Effect,
    HeldUploads,
    Limits,
    Model,
    NotFound,
    Params,
    Peer,
    Protocol,
    Server,
    Service,
    SyncClient,
    SyncDownload,
    Upload,
    UploadAction,
    downloading,
    serve,
    unary,
    uploading,
)

MIB: Final = 1024 * 1024


class Named(Params):
    name: str


class Stored(Model):
    name: str
    size: int
    sha256: str


PUT: Final = UploadAction(
    name="put", params=Named, result=TypeAdapter(Stored), effect=Effect.KEYED, max_size=300 * MIB, timeout=None
)
PUT_ONCE: Final = UploadAction(
    name="put_once",
    params=Named,
    result=TypeAdapter(Stored),
    effect=Effect.KEYED,
    max_size=300 * MIB,
    resumable=False,
    timeout=30.0,
)
PUT_SMALL: Final = UploadAction(
    name="put_small", params=Named, result=TypeAdapter(Stored), effect=Effect.KEYED, max_size=10
)
GET: Final = DownloadAction(
    name="get", params=Named, result=TypeAdapter(Stored), effect=Effect.SAFE, max_size=300 * MIB, timeout=None
)
GET_SMALL: Final = DownloadAction(
    name="get_small", params=Named, result=TypeAdapter(Stored), effect=Effect.SAFE, max_size=150_000
)
PING: Final = Action(name="ping", params=Named, result=TypeAdapter(str), effect=Effect.SAFE)
FILES: Final = Protocol(
    name="files",
    version="1.0.0",
    api_level=1,
    client_actions=(PUT, PUT_ONCE, PUT_SMALL, GET, GET_SMALL, PING),
    server_actions=(PUT, PUT_ONCE, PUT_SMALL, GET, GET_SMALL, PING),
)


class _Files(Peer):
    """What either end may call."""

    async def put(
        self, body: Body, /, *, name: str, timeout: float | None = None, options: CallOptions | None = None
    ) -> Stored:
        return await self._upload(PUT, Named(name=name), body, timeout, options)

    async def put_once(self, body: Body, /, *, name: str, options: CallOptions | None = None) -> Stored:
        return await self._upload(PUT_ONCE, Named(name=name), body, None, options)

    async def put_small(self, body: Body, /, *, name: str) -> Stored:
        return await self._upload(PUT_SMALL, Named(name=name), body, None, None)

    def get(self, *, name: str, timeout: float | None = None) -> Download[Stored]:
        return self._download(GET, Named(name=name), timeout, None)

    def get_small(self, *, name: str) -> Download[Stored]:
        return self._download(GET_SMALL, Named(name=name), None, None)

    async def ping(self, *, name: str) -> str:
        return await self._call(PING, Named(name=name), None, None)


class FilesPeer(_Files):
    pass


class FilesClient(Client, _Files):
    protocol: ClassVar[Protocol] = FILES


class SyncFiles(SyncClient):
    def put(self, body: Body, /, *, name: str) -> Stored:
        return self._upload(PUT, Named(name=name), body, None, None)

    def get(self, *, name: str) -> SyncDownload[Stored]:
        return self._download(GET, Named(name=name), None, None)


class Shelf(Service[FilesPeer]):
    """Keeps what is put, and gives it back.

    Attributes:
        runs: Names of what was put, once for each time that a handler started.
        answer_after: Seconds that a handler takes after it has read its upload.
        stopped: How many downloads were stopped before their end.
    """

    protocol: ClassVar[Protocol] = FILES
    peer_type: ClassVar[type[Peer]] = FilesPeer

    def __init__(self, **held: Any) -> None:
        self.kept: dict[str, bytes] = {}
        self.runs: list[str] = []
        self.answer_after = 0.0
        self.stopped: int = 0
        self.peers: list[FilesPeer] = []
        self._options = held

    @override
    def hold_uploads(self) -> HeldUploads:
        return HeldUploads(**self._options)

    async def put(self, call: Call[FilesPeer], params: Named, body: Upload) -> Stored:
        self.runs.append(params.name)
        self.kept[params.name] = data = await body.read()
        assert hashlib.sha256(data).hexdigest() == body.sha256
        await anyio.sleep(self.answer_after)
        return Stored(name=params.name, size=body.size, sha256=body.sha256)

    async def get(self, call: Call[FilesPeer], params: Named, out: ByteSink) -> Stored:
        if params.name not in self.kept:
            raise NotFound(params.name)
        data = self.kept[params.name]
        try:
            for start in range(0, len(data), 100_000):
                await out.send(data[start : start + 100_000])
        except BaseException:
            self.stopped += 1
            raise
        return Stored(name=params.name, size=len(data), sha256=out.digest().hex())

    async def ping(self, call: Call[FilesPeer], params: Named) -> str:
        self.peers.append(call.peer)
        return params.name

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            uploading(PUT, self.put),
            uploading(PUT_ONCE, self.put),
            uploading(PUT_SMALL, self.put),
            downloading(GET, self.get),
            downloading(GET_SMALL, self.get),
            unary(PING, self.ping),
        )


class ClientShelf(Shelf):
    """The same, served by a client."""

    peer_type: ClassVar[type[Peer]] = FilesClient


@asynccontextmanager
async def shelving(
    shelf: Shelf, *, guest: Shelf | None = None, limits: Limits | None = None, bound: float = BOUND
) -> AsyncGenerator[tuple[Server[FilesPeer], FilesClient]]:
    """A server and a client of it, for at most `bound` seconds."""
    with anyio.fail_after(bound):
        async with (
            serve(shelf, "127.0.0.1", 0, limits=limits) as server,
            FilesClient.open(f"ws://127.0.0.1:{server.port}", serve=cast("Any", guest), limits=limits) as client,
        ):
            yield server, client
