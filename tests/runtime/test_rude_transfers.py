"""Peers that do not keep to the order of uploads and downloads: it costs their call, seldom their connection."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.runtime.files import FilesClient, FilesPeer, Named, Shelf, Stored
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.runtime.support import BOUND, until
from typing_extensions import override

from duologue import Call, CallError, DataLoss, NotFound, NotSent, Ran, Server, Upload, serve
from duologue.handling.uploads import HeldUpload
from duologue.wire import PAYLOAD, PieceKind, encode_piece

pytestmark = pytest.mark.anyio

BODY = b"abcdefghij"
SHA = hashlib.sha256(BODY).hexdigest()
FORM = {"size": 10, "sha256": SHA}
HELLO = {"hello": {"protocol": "files", "version": "1.0.0", "api": 1, "session": "raw", "gen": 1}}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where uploads are held; after the test nothing is left there."""
    held = tmp_path / "held"
    held.mkdir()
    yield held
    assert list(held.iterdir()) == []


@asynccontextmanager
async def rude(shelf: Shelf, *offer: str) -> AsyncGenerator[tuple[Raw, Server[FilesPeer]]]:
    """A hand-made client of a shelf that has said hello, or one that knows the three plain shapes alone."""
    with anyio.fail_after(BOUND):
        async with serve(shelf, "127.0.0.1", 0) as server, raw_client(server.port, offer or ("duologue.v1",)) as raw:
            if not offer:
                assert "hello" in await raw.hear()
                await raw.say(HELLO)
            yield raw, server


def put(id: str = "1", stream: int = 1, **more: Any) -> dict[str, Any]:
    request = {"id": id, "action": "put", "params": {"name": "x"}, "key": f"k{id}", "stream": stream, "upload": FORM}
    return {**request, **more}


def data(offset: int, payload: bytes = b"", kind: PieceKind = PieceKind.DATA, stream: int = 1) -> bytes:
    return encode_piece(kind, stream, offset, payload)


def end(offset: int = 10, payload: bytes = b"", stream: int = 1) -> bytes:
    return data(offset, payload, PieceKind.END, stream)


async def test_an_upload_by_hand(folder: Path) -> None:
    shelf = Shelf(folder=folder)
    async with rude(shelf) as (raw, _):
        await raw.say(put())
        assert await raw.hear() == {"id": "1", "ack": {"offset": 0, "window": 1 << 20}}
        await raw.say_bytes(data(0, BODY[:4]), data(4), data(4, BODY[4:]), end())
        answer = await raw.hear()
        assert (answer["data"], answer["error"]) == ({"name": "x", "size": 10, "sha256": SHA}, None)
    assert shelf.kept == {"x": BODY}


async def test_what_comes_in_one_read_is_written_with_one_look_for_its_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[HeldUpload] = []
    find = HeldUpload._open

    def note(held: HeldUpload) -> int:
        opened.append(held)
        return find(held)

    monkeypatch.setattr(HeldUpload, "_open", note)
    shelf = Shelf(folder=folder)
    async with rude(shelf) as (raw, _):
        await raw.say(put())
        await raw.hear()
        await raw.say_bytes(data(0, BODY[:4]), data(4, BODY[4:9]))
        await until(lambda: bool(opened))
        await raw.say_bytes(data(9, BODY[9:]), end())
        assert (await raw.hear())["error"] is None
    assert shelf.kept == {"x": BODY}
    assert len(opened) == 2


OUT_OF_TURN: dict[str, list[bytes]] = {
    "a hole": [data(0, BODY[:4]), data(5, BODY[5:]), end()],
    "bytes again": [data(0, BODY[:4]), data(3, BODY[3:]), end()],
    "more than was declared": [data(0, BODY + b"!")],
    "the end too early": [data(0, BODY[:4]), end(4)],
    "the end too late": [data(0, BODY), end(11)],
    "bytes with the end": [data(0, BODY[:9]), end(9, BODY[9:])],
    "a stop": [data(0, BODY[:4]), data(4, b"", PieceKind.ABORT)],
    "other bytes": [data(0, BODY[::-1]), end()],
}


@pytest.mark.parametrize("case", list(OUT_OF_TURN))
async def test_what_is_out_of_turn_costs_the_call_alone(case: str, folder: Path) -> None:
    shelf = Shelf(folder=folder)
    async with rude(shelf) as (raw, _):
        await raw.say(put(deadline=5000))
        await raw.hear()
        await raw.say_bytes(*OUT_OF_TURN[case])
        error = (await raw.hear())["error"]
        expected = "data_loss" if case in ("other bytes", "the end too early") else "aborted"
        assert (error["status"], error["ran"]) == (expected, False)
        assert list(folder.iterdir()) == []
        await raw.say_bytes(data(0, BODY), end(), data(0, BODY, PieceKind.ABORT))
        await raw.say(put("2", 3))
        assert (await raw.hear())["ack"]["offset"] == 0
        await raw.say_bytes(data(0, BODY, stream=3), end(stream=3))
        assert (await raw.hear())["error"] is None
    assert shelf.runs == ["x"]


@pytest.mark.parametrize("rest", [[data(4, BODY[4:]), end()], []], ids=["all in one read", "the end later"])
async def test_a_disk_that_is_full_costs_the_call_and_what_still_comes_is_let_go(
    rest: list[bytes], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    shelf = Shelf(folder=folder)
    async with rude(shelf) as (raw, _):
        await raw.say(put())
        await raw.hear()
        with monkeypatch.context() as patch:
            patch.setattr("duologue.handling.uploads.os.write", full)
            await raw.say_bytes(data(0, BODY[:4]), *rest)
            error = (await raw.hear())["error"]
        assert (error["code"], error["ran"]) == ("no_space", False)
        assert list(folder.iterdir()) == []
        await raw.say(put("2", 3))
        assert (await raw.hear())["ack"]["offset"] == 0
        await raw.say_bytes(data(0, BODY, stream=3), end(stream=3))
        assert (await raw.hear())["error"] is None
    assert shelf.runs == ["x"]


class Patient(Shelf):
    """Keeps nothing before it may."""

    def __init__(self, **held: Any) -> None:
        super().__init__(**held)
        self.has_begun, self.may_end = anyio.Event(), anyio.Event()

    @override
    async def put(self, call: Call[FilesPeer], params: Named, body: Upload) -> Stored:
        self.has_begun.set()
        await self.may_end.wait()
        return await super().put(call, params, body)


async def test_bytes_of_a_call_that_waits_for_anothers_handler_change_nothing(folder: Path) -> None:
    shelf = Patient(folder=folder)
    async with rude(shelf) as (raw, _):
        await raw.say(put())
        await raw.hear()
        await raw.say_bytes(data(0, BODY), end())
        await shelf.has_begun.wait()
        await raw.say(put("2", 3, key="k1"), {"id": "3", "action": "ping", "params": {"name": "x"}})
        assert (await raw.hear())["id"] == "3"  # and so the one before it waits by now
        await raw.say_bytes(data(0, BODY[::-1], stream=3), end(stream=3))
        shelf.may_end.set()
        answers = {answer["id"]: answer["error"] for answer in [await raw.hear(), await raw.hear()]}
        assert answers == {"1": None, "2": None}
    assert (shelf.kept, shelf.runs) == ({"x": BODY}, ["x"])


@pytest.mark.parametrize("when", ["with the request", "later"])
async def test_bytes_that_nobody_asked_for_end_the_call(when: str, folder: Path) -> None:
    shelf = Shelf(folder=folder)
    async with rude(shelf) as (raw, _):
        await raw.say(put())
        assert await raw.hear()
        if when == "with the request":
            raw.protocol.send_text(json.dumps(put("2", 3)).encode())
            await raw.say_bytes(data(0, BODY, stream=3))
            error = (await raw.hear())["error"]
            assert (error["status"], error["ran"]) == ("aborted", False)
        else:
            await raw.say_bytes(data(0, BODY, stream=99), data(0, BODY, stream=4))
        await raw.say_bytes(data(0, BODY), end())
        assert (await raw.hear())["error"] is None
    assert shelf.runs == ["x"]


async def test_bytes_for_another_kind_of_action_do_nothing(folder: Path) -> None:
    shelf = Shelf(folder=folder)
    shelf.kept["x"] = BODY
    async with rude(shelf) as (raw, _):
        await raw.say({"id": "1", "action": "ping", "params": {"name": "x"}, "stream": 1, "upload": FORM, "key": "k"})
        await raw.say_bytes(data(0, BODY), end())
        assert (await raw.hear())["data"] == "x"
        await raw.say({"id": "2", "action": "get", "params": {"name": "x"}, "stream": 3, "credit": 4})
        assert bytes((await raw.hear_frame(2)).data) == data(0, BODY[:4], stream=3)  # type: ignore[arg-type]
        await raw.say_bytes(data(0, BODY, stream=3))
        await raw.say({"id": "2", "credit": 100})
        assert bytes((await raw.hear_frame(2)).data) == data(4, BODY[4:], stream=3)  # type: ignore[arg-type]


async def test_what_is_no_piece_closes_the_connection(folder: Path) -> None:
    for message in (b"", b"\x01\x01", b"\x02" + bytes(13), data(0, bytes(PAYLOAD + 1))):
        async with rude(Shelf(folder=folder)) as (raw, _):
            await raw.say(put())
            await raw.hear()
            await raw.say_bytes(message)
            assert await raw.until_closed() == 4400


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (put(upload=None), "invalid_argument"),
        (put(upload={"size": 10}), "invalid_argument"),
        (put(upload={"size": -1, "sha256": SHA}), "invalid_argument"),
        (put(upload={"size": 10, "sha256": SHA.upper()}), "invalid_argument"),
        (put(upload={"size": 10, "sha256": SHA[:-1]}), "invalid_argument"),
        (put(stream=0), "invalid_argument"),
        (put(stream=2), "invalid_argument"),
        (put(stream=2**32), "invalid_argument"),
        (put(upload={"size": 2**53 - 1, "sha256": SHA}), "resource_exhausted"),
        (put(params={"name": 5}), "invalid_argument"),
        ({key: value for key, value in put().items() if key != "upload"}, "failed_precondition"),
        ({key: value for key, value in put().items() if key != "stream"}, "failed_precondition"),
        ({key: value for key, value in put().items() if key != "key"}, "failed_precondition"),
        ({"id": "1", "action": "get", "params": {"name": "x"}, "credit": 5}, "failed_precondition"),
        ({"id": "1", "action": "get", "params": {"name": "x"}, "stream": 1}, "failed_precondition"),
    ],
)
async def test_a_request_that_lacks_something_is_refused_unrun(
    request_: dict[str, Any], status: str, folder: Path
) -> None:
    shelf = Shelf(folder=folder)
    async with rude(shelf) as (raw, _):
        await raw.say(request_)
        error = (await raw.hear())["error"]
        assert (error["status"], error["ran"]) == (status, False)
        await raw.say({"id": "9", "action": "ping", "params": {"name": "still here"}})
        assert (await raw.hear())["data"] == "still here"
    assert shelf.runs == []


@pytest.mark.parametrize("action", ["put", "get"])
async def test_a_plain_caller_is_told_what_it_needs(action: str, folder: Path) -> None:
    async with rude(Shelf(folder=folder), "other") as (raw, _):
        await raw.say({"id": "1", "action": action, "params": {"name": "x"}, "key": "k", "stream": 1, "upload": FORM})
        error = (await raw.hear())["error"]
        assert (error["status"], error["ran"]) == ("failed_precondition", False)
        assert "which needs the subprotocol duologue.v1" in error["message"]
        await raw.say_bytes(data(0, BODY))
        assert await raw.until_closed() == 1003


@pytest.mark.parametrize("what", ["upload", "download"])
async def test_a_plain_peer_is_never_asked(what: str) -> None:
    lobby = Shelf()
    async with rude(lobby, "other") as (raw, server):
        await until(server.peers)
        [peer] = server.peers()
        call = peer.put(BODY, name="x") if what == "upload" else peer.get(name="x").result()
        with pytest.raises(NotSent, match=r"the other end does not speak duologue\.v1") as caught:
            await call
        assert caught.value.ran is Ran.NO
        await raw.say({"id": "1", "action": "ping", "params": {"name": "x"}})
        assert (await raw.hear())["id"] == "1", "nothing was said before"


# --------------------------------------------------------------------------------------------------------- rude servers
@asynccontextmanager
async def facing(*says: bytes | dict[str, Any]) -> AsyncGenerator[FilesClient]:
    """A client whose server answers the first request with these, and says nothing more."""

    async def handle(raw: Raw) -> None:
        await raw.say({"hello": {**HELLO["hello"], "session": "server", "gen": 0}})
        await raw.hear()
        await raw.hear()
        for say in says:
            await (raw.say(say) if isinstance(say, dict) else raw.say_bytes(say))
        await raw.until_closed()

    with anyio.fail_after(BOUND):
        async with raw_server(handle) as port, FilesClient.open(f"ws://127.0.0.1:{port}") as client:
            yield client


@pytest.mark.parametrize(
    "says",
    [
        [{"id": "1", "ack": {"offset": 11, "window": 5}}],
        [{"id": "1", "ack": {"offset": 0, "window": 5}}, {"id": "1", "ack": {"offset": 9, "window": 5}}],
    ],
)
async def test_an_ack_that_cannot_be_ends_the_connection(says: list[dict[str, Any]]) -> None:
    async with facing(*says) as client:
        with pytest.raises(CallError) as caught:
            await client.put(BODY, name="x", timeout=5)
        closed = client.connection.closed
        assert closed is not None
        assert closed.close_code == 4400
        assert caught.value.ran is Ran.NO


async def test_an_answer_before_all_was_sent_is_the_answer() -> None:
    answer = {"id": "1", "data": {"name": "x", "size": 10, "sha256": SHA}, "error": None}
    async with facing({"id": "1", "ack": {"offset": 0, "window": 4}}, answer) as client:
        assert (await client.put(BODY, name="x")).size == 10


ANSWER = {"id": "1", "data": {"name": "x", "size": 10, "sha256": SHA}, "error": None}
DIGEST = bytes.fromhex(SHA)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ([data(0, BODY), end(10, DIGEST[::-1]), ANSWER], "do not have the digest"),
        ([data(0, BODY), end(10, DIGEST[:-1]), ANSWER], "do not have the digest"),
        ([data(0, BODY), end(10), ANSWER], "do not have the digest"),
        ([data(0, BODY), ANSWER], "do not have the digest"),
        ([data(0, BODY[:-1] + b"!"), end(10, DIGEST), ANSWER], "do not have the digest"),
        ([data(1, BODY)], "10 bytes at 1 are out of turn"),
        ([data(0, BODY), data(5, BODY)], "10 bytes at 5 are out of turn"),
        ([data(0, BODY), end(9, DIGEST)], "at 9 are out of turn"),
    ],
)
async def test_a_download_that_is_not_whole_has_no_result(says: list[Any], reason: str) -> None:
    async with facing(*says) as client:
        with pytest.raises(DataLoss, match=reason):
            await client.get(name="x", timeout=5).result()


async def test_a_download_beyond_what_was_granted_is_cut_off() -> None:
    pieces = [data(number * PAYLOAD, bytes(PAYLOAD)) for number in range(17)]
    async with facing(*pieces) as client, client.get(name="x", timeout=5) as download:
        await anyio.sleep(0.2)
        with pytest.raises(DataLoss, match="65536 bytes at 1048576 are out of turn"):
            await download.result()


async def test_a_download_whose_handler_failed_on_its_side_fails_on_ours() -> None:
    failure = {"id": "1", "data": None, "error": {"code": "not_found", "status": "not_found", "message": "gone"}}
    async with facing(data(0, BODY), data(10, b"", PieceKind.ABORT), failure) as client:
        download = client.get(name="x")
        assert await anext(download) == BODY
        with pytest.raises(NotFound, match="gone"):
            await anext(download)


@pytest.mark.parametrize(
    ("more", "following"),
    [({"credit": 1}, {"id": "9", "credit": 9}), ({"stream": 9}, data(0, b"x", stream=9))],
    ids=["credit", "bytes"],
)
async def test_a_built_in_action_gives_and_takes_nothing_a_piece_at_a_time(
    more: dict[str, Any], following: dict[str, Any] | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with rude(Shelf()) as (raw, server):
        request = {"id": "9", "action": "authenticate", "params": {"token": "x"}, **more}
        if isinstance(following, bytes):
            await raw.say(request)
            await raw.say_bytes(following)
        else:
            await raw.say(request, following)
        await until(lambda: not server.connections or not server.connections[0].session.incoming)
    assert "Traceback" not in caplog.text
