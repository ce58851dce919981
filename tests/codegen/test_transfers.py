"""The golden `files`, run: what its client uploads its service has, and what it downloads is what was uploaded."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from tests.codegen.golden.files.expected.files_sdk import (
    FilesClient,
    FilesPeer,
    FilesPeerService,
    FilesService,
    FolderGetParams,
    FolderPutParams,
    GetParams,
    Kept,
    NoFile,
    PutParams,
)

from duologue import Body, ByteSink, Call, ResourceExhausted, Server, Upload, serve
from duologue.testing import MemoryNetwork

pytestmark = pytest.mark.anyio

BOUND = 20.0
MEGABYTE = random.Random(7).randbytes(1_000_000)
PIECE = 30_000


def told(name: str, content: bytes) -> Kept:
    return Kept(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())


class Files:
    """What either end keeps, and its handlers."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.remarks: list[str] = []

    async def put(self, call: Call[Any], params: PutParams, body: Upload) -> Kept:
        self.remarks.append(params.body_)
        return await self._take(params.name, body)

    async def get(self, call: Call[Any], params: GetParams, out: ByteSink) -> Kept:
        return await self._give(params.name, out)

    async def folder_put(self, call: Call[Any], params: FolderPutParams, body: Upload) -> Kept:
        return await self._take(f"folder/{params.name}", body)

    async def folder_get(self, call: Call[Any], params: FolderGetParams, out: ByteSink) -> Kept:
        return await self._give(f"folder/{params.name}", out)

    async def _take(self, name: str, body: Upload) -> Kept:
        self.kept[name] = b"".join([piece async for piece in body])
        return Kept(name=name, size=body.size, sha256=body.sha256)

    async def _give(self, name: str, out: ByteSink) -> Kept:
        if name not in self.kept:
            raise NoFile(name=name)
        for start in range(0, len(self.kept[name]), PIECE):
            await out.send(self.kept[name][start : start + PIECE])
        return told(name, self.kept[name])


class Shelf(Files, FilesService):
    """A server's files."""


class Drawer(Files, FilesPeerService):
    """A client's files."""


@asynccontextmanager
async def connected(shelf: Shelf, drawer: Drawer | None = None) -> AsyncGenerator[tuple[FilesClient, FilesPeer]]:
    """Both ends of one connection over sockets, for at most `BOUND` seconds."""
    with anyio.fail_after(BOUND):
        async with (
            serve(shelf, "127.0.0.1", 0) as server,
            FilesClient.open(url_of(server), serve=drawer) as client,
        ):
            [peer] = server.peers()
            yield client, peer


def url_of(server: Server[FilesPeer]) -> str:
    return f"ws://127.0.0.1:{server.port}"


async def both_ways(caller: FilesClient | FilesPeer, files: Files) -> None:
    """A megabyte up and down, at the root and in the namespace."""
    assert await caller.put(MEGABYTE, name="a", body_="a remark") == told("a", MEGABYTE)
    assert await caller.folder.put(MEGABYTE[1:], name="a") == told("folder/a", MEGABYTE[1:])
    assert files.kept == {"a": MEGABYTE, "folder/a": MEGABYTE[1:]}
    assert files.remarks == ["a remark"]
    async with caller.get(name="a") as download:
        assert b"".join([piece async for piece in download]) == MEGABYTE
        assert await download.result() == told("a", MEGABYTE)
    async with caller.folder.get(name="a") as download:
        assert b"".join([piece async for piece in download]) == MEGABYTE[1:]
        assert await download.result() == told("folder/a", MEGABYTE[1:])


async def test_a_client_uploads_and_downloads() -> None:
    shelf = Shelf()
    async with connected(shelf) as (client, _):
        await both_ways(client, shelf)


async def test_a_server_uploads_and_downloads() -> None:
    shelf, drawer = Shelf(), Drawer()
    async with connected(shelf, drawer) as (_, peer):
        await both_ways(peer, drawer)
    assert shelf.kept == {}


async def test_bytes_cross_a_network_in_memory() -> None:
    with MemoryNetwork().use():
        await test_a_client_uploads_and_downloads()


async def pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(MEGABYTE), PIECE):
        yield MEGABYTE[start : start + PIECE]


def a_path(folder: Path) -> Path:
    path = folder / "file"
    path.write_bytes(MEGABYTE)
    return path


BODIES: dict[str, Callable[[Path], Body]] = {
    "bytes": lambda _: MEGABYTE,
    "bytearray": lambda _: bytearray(MEGABYTE),
    "memoryview": lambda _: memoryview(MEGABYTE),
    "path": a_path,
    "file": lambda _: io.BytesIO(MEGABYTE),
    "iterable": lambda _: pieces(),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_every_kind_of_body_is_uploaded(kind: str, tmp_path: Path) -> None:
    shelf = Shelf()
    async with connected(shelf) as (client, _):
        assert await client.put(BODIES[kind](tmp_path), name=kind) == told(kind, MEGABYTE)
    assert shelf.kept == {kind: MEGABYTE}


async def test_a_download_is_saved(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.kept["a"] = MEGABYTE
    async with connected(shelf) as (client, _), client.get(name="a") as download:
        assert await download.save(tmp_path / "copy") == told("a", MEGABYTE)
    assert (tmp_path / "copy").read_bytes() == MEGABYTE


async def test_a_download_ends_in_a_declared_error() -> None:
    async with connected(Shelf()) as (client, _):
        with pytest.raises(NoFile, match="There is no file lost"):
            async with client.get(name="lost") as download:
                await download.result()


async def test_the_largest_size_is_that_of_the_spec() -> None:
    shelf = Shelf()
    async with connected(shelf) as (client, _):
        most = bytes(2 << 20)
        assert (await client.put(most, name="most")).size == len(most)
        with pytest.raises(ResourceExhausted, match=f"put takes at most {len(most)}"):
            await client.put(most + b"x", name="more")
    assert set(shelf.kept) == {"most"}


def test_synchronous_code_uploads_and_downloads(tmp_path: Path) -> None:
    shelf = Shelf()
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(serve(shelf, "127.0.0.1", 0)) as server,
        FilesClient.open_sync(url_of(server)) as client,
    ):
        assert client.put(MEGABYTE, name="a", timeout=BOUND) == told("a", MEGABYTE)
        assert client.folder.put(a_path(tmp_path), name="a", timeout=BOUND) == told("folder/a", MEGABYTE)
        assert shelf.kept == {"a": MEGABYTE, "folder/a": MEGABYTE}
        with client.get(name="a", timeout=BOUND) as download:
            assert b"".join(download) == MEGABYTE
            assert download.result() == told("a", MEGABYTE)
        with client.folder.get(name="a", timeout=BOUND) as download:
            assert b"".join(download) == MEGABYTE
