"""Uploads over real sockets, on every event loop: what arrives, how they end, and that a handler runs once."""

from __future__ import annotations

import gc
import hashlib
import io
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.runtime.files import ClientShelf, FilesClient, FilesPeer, Named, Shelf, Stored, shelving
from tests.runtime.proxy import Cut, Direction, Proxy, proxied
from tests.runtime.support import BOUND, out_of_time, until
from typing_extensions import override

from duologue import (
    Aborted,
    Body,
    Call,
    CallError,
    CallOptions,
    DataLoss,
    DeadlineExceeded,
    Internal,
    Limits,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Ran,
    ResourceExhausted,
    Upload,
    serve,
)
from duologue.handling.receiving import Receiving
from duologue.wire import PAYLOAD

pytestmark = pytest.mark.anyio

WINDOW = 64 * 1024
NARROW = Limits(bulk_window=WINDOW)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where uploads are held; after the test nothing is left there."""
    held = tmp_path / "held"
    held.mkdir()
    yield held
    assert list(held.iterdir()) == []


Caller = FilesClient | FilesPeer


@asynccontextmanager
async def calling(shelf: Shelf, caller: str, limits: Limits | None = None) -> AsyncGenerator[Caller]:
    """Whoever may call a shelf: a client whose server has it, or a server whose client has it."""
    if caller == "client":
        async with shelving(shelf, limits=limits) as (_, client):
            yield client
    else:
        lobby = Shelf()
        async with shelving(lobby, guest=shelf, limits=limits) as (_, client):
            await client.ping(name="here")
            yield lobby.peers[0]


@asynccontextmanager
async def struck(shelf: Shelf, *cuts: Cut | None, limits: Limits = NARROW) -> AsyncGenerator[tuple[FilesClient, Proxy]]:
    """A client of a shelf, whose connections are cut, one after the other; the last one stands."""
    with anyio.fail_after(BOUND):
        async with (
            serve(shelf, "127.0.0.1", 0, limits=limits) as server,
            proxied(server.port) as proxy,
            FilesClient.open(f"ws://127.0.0.1:{proxy.port}", limits=limits) as client,
        ):
            proxy.cuts = iter(cuts)
            proxy.cut_after(next(proxy.cuts, None))
            yield client, proxy


def body_of(size: int) -> bytes:
    return b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(size // 32 + 1))[:size]


class Slow(Shelf):
    """Its handlers wait until they are told to go on.

    Attributes:
        stopped_puts: Handlers of uploads that were cancelled.
    """

    def __init__(self, **held: Any) -> None:
        super().__init__(**held)
        self.go_on = anyio.Event()
        self.stopped_puts = 0

    @override
    async def put(self, call: Call[FilesPeer], params: Named, body: Upload) -> Stored:
        try:
            stored = await super().put(call, params, body)
            await self.go_on.wait()
        except BaseException:
            self.stopped_puts += 1
            raise
        return stored


# ------------------------------------------------------------------------------------------------------- what arrives
SIZES = [0, 1, PAYLOAD - 1, PAYLOAD, PAYLOAD + 1, 3 * WINDOW + 7]


@pytest.mark.parametrize("caller", ["client", "server"])
async def test_what_arrives_is_what_was_sent(caller: str, folder: Path) -> None:
    shelf = (Shelf if caller == "client" else ClientShelf)(folder=folder)
    async with calling(shelf, caller, NARROW) as files:
        for size in SIZES:
            body = body_of(size)
            stored = await files.put(body, name=f"{size}")
            assert stored == Stored(name=f"{size}", size=size, sha256=hashlib.sha256(body).hexdigest())
            assert shelf.kept[f"{size}"] == body
        assert shelf.runs == [f"{size}" for size in SIZES]
        assert list(folder.iterdir()) == []


async def test_several_uploads_share_a_connection(folder: Path) -> None:
    shelf = Shelf(folder=folder)
    bodies = {f"{number}": body_of(number * 50_000) for number in range(8)}
    async with shelving(shelf, limits=NARROW) as (_, client), anyio.create_task_group() as tasks:
        for name, body in bodies.items():

            async def put(name: str = name, body: bytes = body) -> None:
                await client.put(body, name=name)

            tasks.start_soon(put)
    assert shelf.kept == bodies


class Chunks:
    """An asynchronous iterable that can be asked more than once."""

    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self.chunks = chunks
        self.error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            await anyio.lowlevel.checkpoint()
            yield chunk
        if self.error is not None:
            raise self.error


BODY = body_of(200_000)


def bodies(folder: Path) -> dict[str, Body]:
    path = folder.parent / "body"
    path.write_bytes(BODY)
    half = io.BytesIO(b"before it" + BODY)
    half.seek(9)
    return {
        "bytes": BODY,
        "bytearray": bytearray(BODY),
        "memoryview": memoryview(b"x" + BODY)[1:],
        "memoryview of numbers": memoryview(BODY).cast("I"),
        "path": path,
        "file from where it stands": half,
        "iterable": Chunks(BODY[:1], b"", BODY[1:100_000], BODY[100_000:]),
    }


async def test_a_body_may_be_bytes_a_file_or_a_stream(folder: Path) -> None:
    shelf = Shelf(folder=folder)
    async with shelving(shelf, limits=NARROW) as (_, client):
        for kind, body in bodies(folder).items():
            await client.put(body, name=kind)
            assert shelf.kept[kind] == BODY, kind
        with (folder.parent / "body").open("rb") as file:
            await client.put(file, name="binary file")
        assert shelf.kept["binary file"] == BODY


async def test_what_is_no_body_is_refused_before_anything_is_sent(folder: Path) -> None:
    shelf = Shelf(folder=folder)
    reading, writing = os.pipe()
    async with shelving(shelf) as (_, client):
        sent = client.connection.session._requested
        with (
            os.fdopen(reading, "rb") as pipe,
            os.fdopen(writing, "wb"),
            (folder.parent / "text").open("w+") as text,
        ):
            for body, hint in (
                ("body.bin", "str cannot be uploaded: give bytes, a pathlib.Path"),
                (5, "int cannot be uploaded"),
                ([b"x"], "list cannot be uploaded"),
                (pipe, "cannot seek cannot be uploaded: give an async iterable"),
                (text, "text cannot be uploaded: open it with mode 'rb'"),
            ):
                wrong: Any = body
                with pytest.raises(TypeError, match=hint):
                    await client.put(wrong, name="x")
        with pytest.raises(FileNotFoundError):
            await client.put(folder / "nowhere", name="x")
        with pytest.raises(TypeError):
            await client.put(Chunks("text"), name="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert client.connection.session._requested == sent
    assert shelf.runs == []


async def test_a_body_that_raises_raises_and_nothing_is_sent(folder: Path) -> None:
    shelf = Shelf(folder=folder)
    async with shelving(shelf) as (_, client):
        with pytest.raises(LookupError, match="no more"):
            await client.put(Chunks(b"x", error=LookupError("no more")), name="x")
        assert client.connection.session._requested == 0


class Spoilt(io.BytesIO):
    """A file that is not, when it is sent, what it was when it was measured."""

    def __init__(self, body: bytes, then: bytes | Exception) -> None:
        super().__init__(body)
        self._then = then
        self._measured = False

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data and size:
            if self._measured and isinstance(self._then, Exception):
                raise self._then
            self._measured = True
            self.seek(0)
            self.truncate()
            if isinstance(self._then, bytes):
                self.write(self._then)
            return b""
        return data


@pytest.mark.parametrize("caller", ["client", "server"])
async def test_a_body_that_changes_never_gets_to_the_handler(caller: str, folder: Path) -> None:
    shelf = (Shelf if caller == "client" else ClientShelf)(folder=folder)
    cases: list[tuple[bytes | Exception, type[CallError], str]] = [
        (BODY[:-1] + b"!", DataLoss, "do not have the digest"),
        (BODY[:-1], Aborted, "the body has become shorter: 199999 of 200000 bytes can be read"),
        (b"", Aborted, "the body has become shorter: 0 of 200000"),
        (OSError(5, "Input/output error"), Aborted, "the body cannot be read: .*Input/output error"),
    ]
    async with calling(shelf, caller, NARROW) as files:
        for then, kind, text in cases:
            with pytest.raises(kind, match=text) as caught:
                await files.put(Spoilt(BODY, then), name="x")
            assert caught.value.ran is Ran.NO
        await until(lambda: not list(folder.iterdir()))
        await files.put(BODY, name="good")
    assert shelf.runs == ["good"]


async def test_a_file_that_is_closed_meanwhile_is_the_callers_own_error(folder: Path) -> None:
    shelf = Shelf(folder=folder)

    class Closing(Spoilt):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            if self._measured:
                self.close()
            return super().read(size)

    async with shelving(shelf) as (server, client):
        with pytest.raises(ValueError, match="closed file"):
            await client.put(Closing(BODY, BODY), name="x")
        await until(lambda: not server.connections[0].session.incoming)
    assert shelf.runs == []


# ------------------------------------------------------------------------------------------------- what is refused
@pytest.mark.parametrize("caller", ["client", "server"])
async def test_what_is_refused_is_refused_before_a_byte_is_sent(caller: str, folder: Path) -> None:
    shelf = (Shelf if caller == "client" else ClientShelf)(folder=folder, capacity=1000)

    async with calling(shelf, caller) as files:
        with pytest.raises(ResourceExhausted, match=r"uploads of \d+ bytes .* are under way") as caught:
            await files.put(BODY, name="x")
        assert caught.value.ran is Ran.NO
        with pytest.raises(ResourceExhausted, match="put_small takes at most 10") as caught:
            await files.put_small(b"x" * 11, name="x")
        assert caught.value.ran is Ran.NO
        assert list(folder.iterdir()) == []
        await files.put_small(b"x" * 10, name="fits")
    assert shelf.runs == ["fits"]


# --------------------------------------------------------------------------------------------------- how handlers end
async def test_an_error_of_the_handler_reaches_the_caller_and_leaves_no_file(folder: Path) -> None:
    class Picky(Shelf):
        @override
        async def put(self, call: Call[FilesPeer], params: Named, body: Upload) -> Stored:
            self.runs.append(params.name)
            if params.name == "boom":
                raise RuntimeError("the password is swordfish")
            raise NotFound(params.name)

    shelf = Picky(folder=folder)
    async with shelving(shelf) as (_, client):
        with pytest.raises(NotFound, match="this") as caught:
            await client.put(BODY, name="this")
        assert caught.value.ran is Ran.YES
        with pytest.raises(Internal, match="incident") as failed:
            await client.put(BODY, name="boom")
        assert (failed.value.ran, "swordfish" in str(failed.value)) == (Ran.YES, False)
        assert list(folder.iterdir()) == []
    assert shelf.runs == ["this", "boom"]


async def test_a_handler_may_keep_the_file_by_moving_it(folder: Path) -> None:
    class Keeper(Shelf):
        @override
        async def put(self, call: Call[FilesPeer], params: Named, body: Upload) -> Stored:
            os.replace(body.path, folder.parent / params.name)  # noqa: PTH105 - as its documentation says
            return Stored(name=params.name, size=body.size, sha256=body.sha256)

    async with shelving(Keeper(folder=folder)) as (_, client):
        await client.put(BODY, name="moved")
    assert (folder.parent / "moved").read_bytes() == BODY


@pytest.mark.usefixtures("only_new_objects")
async def test_a_handler_that_keeps_what_it_was_given_keeps_nothing_of_the_upload(folder: Path) -> None:
    kept: list[Call[FilesPeer]] = []

    class Keeper(Shelf):
        @override
        async def put(self, call: Call[FilesPeer], params: Named, body: Upload) -> Stored:
            kept.append(call)
            return await super().put(call, params, body)

    async with shelving(Keeper(folder=folder)) as (_, client):
        await client.put(BODY, name="this")
    gc.collect()
    assert len(kept) == 1
    assert [one for one in gc.get_objects() if isinstance(one, Receiving)] == []


@pytest.mark.usefixtures("only_new_objects")
async def test_a_handler_may_read_a_part_of_it_or_read_it_twice(folder: Path) -> None:
    class Skimmer(Shelf):
        @override
        async def put(self, call: Call[FilesPeer], params: Named, body: Upload) -> Stored:
            async for first in body:
                assert 0 < len(first) <= PAYLOAD
                assert BODY.startswith(first)
                break
            assert await body.read() == await body.read() == BODY
            return Stored(name=params.name, size=body.size, sha256=body.sha256)

    async with shelving(Skimmer(folder=folder)) as (_, client):
        await client.put(BODY, name="x")
    gc.collect()  # a file that was left open would be warned of


async def test_what_was_stored_elsewhere_is_found_where_it_was_put(folder: Path) -> None:
    """Without a folder of its own a service holds uploads where temporary files are."""
    paths: list[Path] = []

    class Where(Shelf):
        @override
        async def put(self, call: Call[FilesPeer], params: Named, body: Upload) -> Stored:
            paths.append(body.path)
            return await super().put(call, params, body)

    async with shelving(Where()) as (_, client):
        await client.put(BODY, name="x")
    assert paths[0].parent == Path(tempfile.gettempdir())
    assert not paths[0].exists()


# ------------------------------------------------------------------------------------------------------------- cuts
async def test_an_upload_goes_on_where_it_was_cut(quick_back_off: None, folder: Path) -> None:
    shelf, body = Shelf(folder=folder), body_of(20 * WINDOW)
    cuts = [Cut(Direction.UP, after) for after in (2000, 1000 + WINDOW, 100_000, 300_000, 5, 99_999)]
    async with struck(shelf, *cuts) as (client, proxy):
        await client.put(body, name="x")
        assert (proxy.cut_short, shelf.runs, shelf.kept["x"]) == (len(cuts), ["x"], body)
        overhead = 2000 * (len(cuts) + 1)  # handshakes and requests; and fourteen bytes and a header a piece
        assert proxy.passed[Direction.UP] <= len(body) * 1.01 + overhead + len(cuts) * WINDOW


@pytest.mark.parametrize("after", range(20, 900, 80))
async def test_a_cut_of_what_the_server_says_costs_no_second_run(
    after: int, quick_back_off: None, folder: Path
) -> None:
    """Cut somewhere from its asking for bytes to its answer, and on the next connections in the handshake or later."""
    shelf, body = Shelf(folder=folder), body_of(3 * WINDOW)
    async with struck(shelf, *[Cut(Direction.DOWN, after)] * 3) as (client, proxy):
        with suppress(OutcomeUnknown):
            await client.put(body, name="x", timeout=10)
        assert (shelf.runs, shelf.kept["x"]) == (["x"], body)
        assert proxy.passed[Direction.UP] <= len(body) * 1.01 + 4 * 2000 + 3 * WINDOW


async def test_a_lost_connection_that_the_server_knows_nothing_of_costs_nothing(
    quick_back_off: None, folder: Path
) -> None:
    shelf, body = Shelf(folder=folder), body_of(10 * WINDOW)
    async with struck(shelf) as (client, proxy), anyio.create_task_group() as tasks:
        proxy.rate = 1_000_000
        results: list[Stored] = []

        async def put() -> None:
            results.append(await client.put(body, name="x"))

        tasks.start_soon(put)
        for done in (2, 4, 6):
            await until(lambda done=done: proxy.passed[Direction.UP] > done * WINDOW)  # type: ignore[misc]
            proxy.half_open()
        proxy.rate = None
        await until(lambda: results)
        assert (proxy.accepted, shelf.runs, shelf.kept["x"]) == (4, ["x"], body)
        assert proxy.passed[Direction.UP] <= len(body) * 1.01 + 4 * 2000 + 3 * WINDOW


async def test_what_cannot_be_gone_on_with_begins_anew(quick_back_off: None, folder: Path) -> None:
    shelf, body = Shelf(folder=folder), body_of(4 * WINDOW)
    async with struck(shelf, *[Cut(Direction.UP, 3 * WINDOW)] * 2) as (client, proxy):
        await client.put_once(body, name="x")
        assert (shelf.runs, shelf.kept["x"]) == (["x"], body)
        assert proxy.passed[Direction.UP] > 10 * WINDOW


# ------------------------------------------------------------------------------------------------------ giving up
@pytest.mark.parametrize("caller", ["client", "server"])
@pytest.mark.parametrize("how", ["cancelled", "out of time"])
async def test_giving_up_while_the_handler_runs_stops_it(how: str, caller: str, folder: Path) -> None:
    class SlowGuest(Slow, ClientShelf):
        pass

    shelf = (Slow if caller == "client" else SlowGuest)(folder=folder)
    async with calling(shelf, caller) as files:
        if how == "cancelled":
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: files.put(BODY, name="x"))
                await until(lambda: shelf.runs)
                tasks.cancel_scope.cancel()
        else:
            late = await out_of_time(lambda timeout: files.put(BODY, name="x", timeout=timeout), lambda: shelf.runs)
            assert late.ran is not Ran.NO
        await until(lambda: shelf.stopped_puts)
        await until(lambda: not list(folder.iterdir()))
    assert shelf.runs == ["x"]


@pytest.mark.parametrize("how", ["cancelled", "out of time"])
async def test_giving_up_under_way_leaves_nothing(how: str, folder: Path) -> None:
    shelf = Shelf(folder=folder)
    async with struck(shelf) as (client, proxy):
        proxy.rate = 100_000
        if how == "cancelled":
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: client.put(BODY, name="x"))
                await until(lambda: list(folder.iterdir()))
                tasks.cancel_scope.cancel()
        else:
            with pytest.raises(DeadlineExceeded) as caught:
                await client.put(BODY, name="x", timeout=0.3)
            assert caught.value.ran is Ran.NO
        proxy.rate = None
        await until(lambda: not list(folder.iterdir()))
        await client.put(BODY, name="again")
    assert shelf.runs == ["again"]


async def test_a_timeout_while_the_body_is_read_is_told_as_what_never_left(folder: Path) -> None:
    closed: list[bool] = []

    async def endless() -> AsyncIterator[bytes]:
        try:
            yield b"x"
            await anyio.sleep_forever()
        finally:
            closed.append(True)

    shelf = Shelf(folder=folder)
    async with shelving(shelf) as (_, client):
        with pytest.raises(NotSent, match="timeout passed while the body was read") as caught:
            await client.put(endless(), name="x", timeout=0.05)
        assert (caught.value.ran, closed) == (Ran.NO, [True])
        with pytest.raises(NotSent):
            await client.put(BODY, name="x", timeout=-1)
        assert client.connection.session._requested == 0


async def test_a_timeout_before_anything_was_asked_for(folder: Path) -> None:
    """Whose key is its own knows that nothing ran; whose is not does not."""
    shelf = Shelf(folder=folder)
    async with struck(shelf) as (client, proxy):
        proxy.stalled = True
        for options, ran in ((None, Ran.NO), (CallOptions(key="ours"), Ran.UNKNOWN)):
            with pytest.raises(DeadlineExceeded) as caught:
                await client.put(BODY, name="x", timeout=0.1, options=options)
            assert caught.value.ran is ran
        proxy.stalled = False
        await client.put(BODY, name="y")
    assert shelf.runs == ["y"]


async def test_a_timeout_while_there_is_no_connection(quick_back_off: None, folder: Path) -> None:
    shelf = Shelf(folder=folder)
    async with struck(shelf, Cut(Direction.UP, 100_000)) as (client, proxy):
        proxy.refusing = True
        with pytest.raises(NotSent) as caught:
            await client.put(BODY, name="x", timeout=0.5)
        assert caught.value.ran is Ran.NO
        proxy.refusing = False
        assert len(list(folder.iterdir())) == 1, "it could still be gone on with"
    assert shelf.runs == []


async def test_a_server_that_stops_leaves_no_file(folder: Path) -> None:
    shelf, limits = Shelf(folder=folder), Limits(bulk_window=WINDOW, drain=0.2, close=0.2)
    with anyio.fail_after(BOUND):
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(serve(shelf, "127.0.0.1", 0, limits=limits))
            proxy = await stack.enter_async_context(proxied(server.port))
            client = await stack.enter_async_context(FilesClient.open(f"ws://127.0.0.1:{proxy.port}"))
            proxy.rate = 100_000
            async with anyio.create_task_group() as tasks:

                async def put() -> None:
                    with pytest.raises((NotSent, CallError)) as caught:
                        await client.put(BODY, name="x", timeout=0.8)
                    assert caught.value.ran is Ran.NO

                tasks.start_soon(put)
                await until(lambda: list(folder.iterdir()))
                await server.aclose()
                await until(lambda: not list(folder.iterdir()))
    assert shelf.runs == []


async def test_a_service_whose_other_server_stops_still_holds(quick_back_off: None, folder: Path) -> None:
    shelf = Shelf(folder=folder)
    async with serve(shelf, "127.0.0.1", 0) as other, struck(shelf, Cut(Direction.UP, 100_000)) as (client, proxy):
        proxy.refusing = True
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.put(BODY, name="x"))
            await until(lambda: proxy.cut_short)
            await other.aclose()
            await until(lambda: [held for held in shelf.uploads._held.values() if held.holder is None])
            proxy.refusing = False
        assert proxy.passed[Direction.UP] < len(BODY) + WINDOW + 4000
    assert shelf.runs == ["x"]


async def test_any_asynchronous_iterator_is_a_body() -> None:
    class Chunks(AsyncIterator[bytes]):
        def __init__(self, *chunks: bytes) -> None:
            self._chunks = list(chunks)

        @override
        async def __anext__(self) -> bytes:
            if not self._chunks:
                raise StopAsyncIteration
            return self._chunks.pop(0)

    shelf = Shelf()
    async with shelving(shelf) as (_, client):
        await client.put(Chunks(b"one", b"", b"two"), name="it")
    assert shelf.kept == {"it": b"onetwo"}
