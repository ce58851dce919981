"""Uploads under way belong to whoever began them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.runtime.files import PUT, FilesClient, FilesPeer, Named, Shelf
from tests.runtime.support import until
from tests.security.vaults import BOUND, token_of

from duologue import CallOptions, Identity, Ran, ResourceExhausted, Server, StaticTokens, serve
from duologue.calling.calls import Arrivals
from duologue.drivers.memory import MemoryNetwork
from duologue.session.decisions import OutgoingCall
from duologue.wire import UploadForm

pytestmark = pytest.mark.anyio

DATA = bytes(5000)
FORM = UploadForm(len(DATA), hashlib.sha256(DATA).hexdigest())
PEOPLE = StaticTokens.of({token_of(name): Identity(name=name, token_id=f"{name}'s") for name in ("ada", "eve")})


@asynccontextmanager
async def shelf(**held: Any) -> AsyncGenerator[tuple[Shelf, Server[FilesPeer]]]:
    service = Shelf(**held)
    with MemoryNetwork().use(), anyio.fail_after(BOUND):
        async with serve(service, "memory", 0, authenticator=PEOPLE) as server:
            yield service, server


async def begin(client: FilesClient, key: str = "k") -> OutgoingCall:
    """Place the one call, up to where the server says from which byte on it wants the rest."""
    call = await client.connection.calls.begin(
        PUT, Named(name="file"), Arrivals(), None, CallOptions(key=key), upload=FORM
    )
    await until(lambda: call.outflow)
    return call


def offset(call: OutgoingCall) -> int:
    assert call.outflow is not None
    return call.outflow.sent


async def leave_half(client: FilesClient, service: Shelf) -> None:
    """Upload 1000 bytes, then lose the connection."""
    call = await begin(client)
    client.connection.session.transfers.upload(call, DATA[:1000])
    client.connection.outlet.touch()
    await until(lambda: [held.received for held in service.uploads._held.values()] == [1000])
    client.connection.abort()
    await until(lambda: [held.holder for held in service.uploads._held.values()] == [None])


async def test_nobody_goes_on_with_somebody_else_s_upload() -> None:
    async with shelf() as (service, server):
        url = f"ws://memory:{server.port}"
        async with FilesClient.open(url, token=token_of("ada")) as ada:
            await leave_half(ada, service)
            async with FilesClient.open(url, token=token_of("eve")) as eve:
                assert offset(await begin(eve)) == 0
                await ada.connected()
                assert offset(await begin(ada)) == 1000, "what is held is hers"


@pytest.mark.parametrize("whom", ["ada", "ada's"])
async def test_the_uploads_of_the_revoked_are_dropped(whom: str) -> None:
    async with shelf() as (service, server):
        async with FilesClient.open(f"ws://memory:{server.port}", token=token_of("ada")) as ada:
            await leave_half(ada, service)
            paths = [held._path for held in service.uploads._held.values() if held._path is not None]
            assert [path.exists() for path in paths] == [True]
            server.revoke("eve's")
            assert [path.exists() for path in paths] == [True]
            server.revoke(whom)
            assert service.uploads._held == {}
            assert [path.exists() for path in paths] == [False]


async def test_an_upload_that_is_coming_when_it_is_revoked_is_dropped_too() -> None:
    async with shelf() as (service, server):
        async with FilesClient.open(f"ws://memory:{server.port}", token=token_of("ada")) as ada:
            await begin(ada)
            server.revoke("ada")
            await until(lambda: not service.uploads._held)
            assert service.runs == []


async def test_who_declares_much_and_sends_nothing_takes_neither_all_the_room_nor_files(tmp_path: Path) -> None:
    async with shelf(folder=tmp_path, capacity=4 * len(DATA)) as (service, server):
        url = f"ws://memory:{server.port}"
        async with (
            FilesClient.open(url, token=token_of("eve")) as eve,
            FilesClient.open(url, token=token_of("ada")) as ada,
        ):
            for key in "ab":
                await begin(eve, key)
            with pytest.raises(ResourceExhausted, match="uploads of 10000 bytes of this identity") as caught:
                await eve.put(DATA, name="more")
            assert caught.value.ran is Ran.NO
            assert list(tmp_path.iterdir()) == []
            await ada.put(DATA, name="file")
            eve.connection.abort()
            await until(lambda: not service.uploads._held)
    assert service.runs == ["file"]
