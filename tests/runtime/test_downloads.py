"""Downloads over real sockets, on every event loop: bytes in order, inside the reader's window, checked at the end."""

from __future__ import annotations

import errno
import hashlib
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.runtime.files import ClientShelf, FilesClient, FilesPeer, Named, Shelf, Stored, shelving
from tests.runtime.proxy import Cut, Direction, proxied
from tests.runtime.support import BOUND, until
from typing_extensions import override

from duologue import (
    ByteSink,
    Call,
    CallError,
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    Internal,
    Limits,
    NotFound,
    OutcomeUnknown,
    Ran,
    ResourceExhausted,
    serve,
)
from duologue.wire import PAYLOAD

pytestmark = pytest.mark.anyio

WINDOW = 64 * 1024
NARROW = Limits(bulk_window=WINDOW)


def body_of(size: int) -> bytes:
    return b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(size // 32 + 1))[:size]


BODY = body_of(5 * WINDOW + 3)
SIZES = [0, 1, PAYLOAD - 1, PAYLOAD, PAYLOAD + 1, 3 * WINDOW + 7]


class Giving(Shelf):
    """Gives what its tests want to see.

    Attributes:
        sent: Bytes that the handlers of downloads got rid of.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0

    @override
    async def get(self, call: Call[FilesPeer], params: Named, out: ByteSink) -> Stored:
        match params.name:
            case "endless":
                return await self._give_on(out)
            case "half":
                await out.send(BODY[:100_000])
                raise NotFound("the other half")
            case "broken":
                await out.send(BODY[:100_000])
                raise RuntimeError("the password is swordfish")
            case "text":
                wrong: Any = "text"
                await out.send(wrong)
            case "two tasks":
                async with anyio.create_task_group() as tasks:
                    for byte in b"ab":
                        tasks.start_soon(out.send, bytes([byte]) * 100_000)
            case "views":
                await out.send(bytearray(BODY[:7]))
                await out.send(memoryview(BODY[7:11]).cast("I"))
                await out.send(b"")
                await out.send(memoryview(BODY)[11:])
            case _:
                return await super().get(call, params, out)
        return Stored(name=params.name, size=0, sha256="")

    async def _give_on(self, out: ByteSink) -> Stored:
        try:
            while True:
                await out.send(bytes(1000))
                self.sent += 1000
        except BaseException:
            self.stopped += 1
            raise


class GivingGuest(Giving, ClientShelf):
    pass


Caller = FilesClient | FilesPeer


@asynccontextmanager
async def calling(caller: str, limits: Limits = NARROW) -> AsyncGenerator[tuple[Giving, Caller]]:
    """A shelf, and who may call it: a client whose server has it, or a server whose client has it."""
    if caller == "client":
        shelf = Giving()
        async with shelving(shelf, limits=limits) as (_, client):
            yield shelf, client
    else:
        lobby, guest = Shelf(), GivingGuest()
        async with shelving(lobby, guest=guest, limits=limits) as (_, client):
            await client.ping(name="here")
            yield guest, lobby.peers[0]


def wrong_digest(sink: ByteSink) -> bytes:
    return bytes(32)


# -------------------------------------------------------------------------------------------------------- what arrives
@pytest.mark.parametrize("caller", ["client", "server"])
async def test_what_arrives_is_what_was_sent(caller: str) -> None:
    async with calling(caller) as (shelf, files):
        for size in SIZES:
            shelf.kept["x"] = body = body_of(size)
            async with files.get(name="x") as download:
                got = [data async for data in download]
                assert b"".join(got) == body
                assert all(0 < len(data) <= PAYLOAD for data in got)
                assert await download.result() == Stored(name="x", size=size, sha256=hashlib.sha256(body).hexdigest())
                assert [data async for data in download] == []


async def test_a_handler_may_send_any_kind_of_bytes() -> None:
    async with calling("client") as (_, files), files.get(name="views") as download:
        assert b"".join([data async for data in download]) == BODY


async def test_what_each_task_of_a_handler_sends_stays_together() -> None:
    async with calling("client") as (_, files), files.get(name="two tasks") as download:
        got = b"".join([data async for data in download])
        assert got in (b"a" * 100_000 + b"b" * 100_000, b"b" * 100_000 + b"a" * 100_000)


async def test_the_result_alone_drops_the_bytes_and_checks_them() -> None:
    async with calling("client") as (shelf, files):
        shelf.kept["x"] = BODY
        assert (await files.get(name="x").result()).size == len(BODY)
        async with files.get(name="x") as download:
            assert BODY.startswith(await anext(download))
            assert (await download.result()).size == len(BODY)


async def test_several_downloads_share_a_connection_with_calls() -> None:
    async with calling("client") as (shelf, files):
        shelf.kept["x"] = BODY
        async with files.get(name="x") as one, files.get(name="x") as two:
            got = {one: b"", two: b""}
            for _ in range(4):
                for download in (one, two):
                    got[download] += await anext(download)
                assert await files.ping(name="on") == "on"
            for download in (one, two):
                assert got[download] + b"".join([data async for data in download]) == BODY


async def test_what_waits_to_be_read_keeps_no_call_waiting() -> None:
    """A reader with a whole window before it lets the answer to a call go first."""
    async with calling("client", Limits(bulk_window=16 * PAYLOAD)) as (shelf, files):
        shelf.kept["x"] = body_of(12 * PAYLOAD)
        order: list[str] = []

        async def ping() -> None:
            await files.ping(name="x")
            order.append("answer")

        async with files.get(name="x") as download, anyio.create_task_group() as tasks:
            await until(download._arrivals.done)
            tasks.start_soon(ping)
            async for _ in download:
                order.append("piece")  # noqa: PERF401 - in between the answer is noted
        assert order.index("answer") < len(order) - 1, order


# ---------------------------------------------------------------------------------------------------------- how it ends
@pytest.mark.parametrize("caller", ["client", "server"])
@pytest.mark.parametrize(
    ("name", "kind", "text", "before"),
    [
        ("nothing", NotFound, "nothing", 0),
        ("half", NotFound, "the other half", 100_000),
        ("broken", Internal, "incident", 100_000),
        ("text", Internal, "incident", 0),
    ],
)
async def test_an_error_comes_after_the_bytes_before_it(
    name: str, kind: type[CallError], text: str, before: int, caller: str
) -> None:
    async with calling(caller) as (_, files), files.get(name=name) as download:
        got = b""
        while len(got) < before:
            got += await anext(download)
        with pytest.raises(kind, match=text) as caught:
            await anext(download)
        assert (got, caught.value.ran) == (BODY[:before], Ran.YES)
        with pytest.raises(kind):
            await download.result()


async def test_more_than_the_action_may_give_is_not_sent() -> None:
    async with calling("client") as (shelf, files):
        shelf.kept["enough"], shelf.kept["more"] = BODY[:150_000], BODY[:150_001]
        assert (await files.get_small(name="enough").result()).size == 150_000
        with pytest.raises(ResourceExhausted, match="more than the 150000 bytes that get_small may give"):
            await files.get_small(name="more").result()


async def test_bytes_that_were_changed_on_the_way_have_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ByteSink, "digest", wrong_digest)
    async with calling("client") as (shelf, files):
        shelf.kept["x"] = BODY
        async with files.get(name="x") as download:
            with pytest.raises(DataLoss, match="get: the bytes do not have the digest that their sender told"):
                b"".join([data async for data in download])
            with pytest.raises(DataLoss):
                await download.result()


@pytest.mark.parametrize("caller", ["client", "server"])
@pytest.mark.parametrize("how", ["left", "cancelled", "out of time"])
async def test_a_reader_who_stops_stops_the_handler(how: str, caller: str) -> None:
    async with calling(caller) as (shelf, files):
        if how == "left":
            async with files.get(name="endless") as download:
                await anext(download)
            with pytest.raises(Cancelled):
                await download.result()
        elif how == "cancelled":
            with anyio.move_on_after(0.1):
                await files.get(name="endless").result()
        else:
            with pytest.raises(DeadlineExceeded) as caught:
                await files.get(name="endless", timeout=0.1).result()
            assert caught.value.ran is not Ran.NO
        await until(lambda: shelf.stopped == 1)
        shelf.kept["x"] = BODY
        assert (await files.get(name="x").result()).size == len(BODY)


@pytest.mark.parametrize("caller", ["client", "server"])
async def test_a_reader_who_takes_his_time_holds_the_handler_at_his_window(caller: str) -> None:
    async with calling(caller) as (shelf, files), files.get(name="endless") as download:
        await until(lambda: shelf.sent >= WINDOW - 1000)
        await anyio.sleep(0.05)
        assert shelf.sent <= WINDOW
        read = 0
        while read < WINDOW:
            read += len(await anext(download))
        await until(lambda: shelf.sent > WINDOW)
        await anyio.sleep(0.05)
        assert shelf.sent <= 2 * WINDOW + read


# --------------------------------------------------------------------------------------------------------------- cuts
async def test_a_download_is_asked_for_again_before_its_first_byte_and_never_after(quick_back_off: None) -> None:
    shelf = Giving()
    shelf.kept["x"] = BODY
    with anyio.fail_after(BOUND):
        async with (
            serve(shelf, "127.0.0.1", 0, limits=NARROW) as server,
            proxied(server.port) as proxy,
            FilesClient.open(f"ws://127.0.0.1:{proxy.port}", limits=NARROW) as client,
        ):
            proxy.cut_after(Cut(Direction.UP, 40))
            assert (await client.get(name="x").result()).size == len(BODY)
            assert proxy.accepted == 2

            async with client.get(name="x") as download:
                assert BODY.startswith(await anext(download))
                proxy.cut()
                with pytest.raises(OutcomeUnknown):
                    await download.result()
            await client.connected()
            async with client.get(name="endless"):
                await until(lambda: shelf.sent)
                proxy.cut()
            await until(lambda: shelf.stopped == 1)


# --------------------------------------------------------------------------------------------------------------- save
@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "saved"


async def test_a_download_is_saved_when_all_of_it_is_there(target: Path) -> None:
    async with calling("client") as (shelf, files):
        shelf.kept["x"] = BODY
        target.write_bytes(b"what was there before")
        assert (await files.get(name="x").save(target)).size == len(BODY)
        assert target.read_bytes() == BODY
        await files.get(name="x").save(str(target))
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("why", ["nothing", "half", "changed", "cancelled"])
async def test_a_download_that_fails_changes_no_file(why: str, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with calling("client") as (shelf, files):
        shelf.kept["changed"] = BODY
        if why == "changed":
            monkeypatch.setattr(ByteSink, "digest", wrong_digest)
        target.write_bytes(b"what was there before")
        if why == "cancelled":
            with anyio.move_on_after(0.1):
                await files.get(name="endless").save(target)
            await until(lambda: shelf.stopped)
        else:
            with pytest.raises(CallError):
                await files.get(name=why).save(target)
    assert target.read_bytes() == b"what was there before"
    assert list(target.parent.iterdir()) == [target]


class FullDisk(io.FileIO):
    def __init__(self, path: Path) -> None:
        super().__init__(path, "xb")
        self._room = 2000

    @override
    def write(self, data: Any, /) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = super().write(bytes(data)[: self._room])
        self._room -= written
        return written


async def test_a_disk_that_is_full_ends_the_call_and_leaves_nothing(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, mode: str) -> io.BufferedWriter:
        return io.BufferedWriter(FullDisk(path))

    async with calling("client") as (shelf, files):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", full)
            with pytest.raises(OSError, match="No space left"):
                await files.get(name="endless").save(target)
        await until(lambda: shelf.stopped == 1)
        with pytest.raises(FileNotFoundError):
            await files.get(name="endless").save(target.parent / "nowhere" / "saved")
    assert list(target.parent.iterdir()) == []


async def test_who_gives_bytes_though_the_caller_is_gone_is_told() -> None:
    told: list[str] = []

    class Stubborn(Shelf):
        @override
        async def get(self, call: Call[FilesPeer], params: Named, out: ByteSink) -> Stored:
            await out.send(b"first")
            with suppress(BaseException):
                await anyio.sleep_forever()
            try:
                with anyio.CancelScope(shield=True):
                    await out.send(b"second")
            except Cancelled as error:
                told.append(str(error))
            return Stored(name="", size=0, sha256="")

    async with shelving(Stubborn()) as (_, client), client.get(name="it") as download:
        assert await anext(download) == b"first"
        client.connection.abort()
        await until(lambda: told)
        with pytest.raises(OutcomeUnknown):
            await anext(download)
    assert told == ["the caller is gone"]
