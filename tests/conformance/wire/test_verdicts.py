"""What counts as a message: one table, and the same verdicts from a generated server and a generated client."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.conformance.wire.sdk import Served, Serving, sdk
from tests.conformance.wire.tables import table
from tests.runtime.raw import Raw, raw_client, raw_server
from websockets.exceptions import ConnectionClosed

from duologue import serve

HELLO = {"protocol": "vectors", "version": "1.0.0", "api": 1, "session": "raw", "gen": 1}
ROWS: list[dict[str, Any]] = table("verdicts")


def message(parts: list[str | dict[str, Any]]) -> bytes:
    """The bytes that a row sends."""
    return b"".join(part.encode() if isinstance(part, str) else _bytes(part) for part in parts)


def _bytes(part: dict[str, Any]) -> bytes:
    return bytes.fromhex(part["hex"]) if "hex" in part else part["repeat"].encode() * part["times"]


async def verdict(peer: Raw, data: bytes) -> str:
    """Send a message, and a call that a later task answers: what the other end says of the first."""
    await peer.say_text(data)
    await peer.say(id="after", action="measure")
    heard: list[dict[str, Any]] = []
    try:
        while not heard or heard[-1].get("id") != "after":
            heard.append(await peer.hear())
    except ConnectionClosed as error:
        return f"closed {error.rcvd.code if error.rcvd is not None else 1006}"
    assert len(heard) <= 2, heard
    return "ignored" if len(heard) == 1 else kind(heard[0], data)


def kind(answer: dict[str, Any], data: bytes) -> str:
    error = answer["error"]
    if error is None:
        return "result"
    if error["status"] == "unimplemented":
        return "taken"
    assert (error["status"], error["ran"]) == ("invalid_argument", False), answer
    assert answer["id"] is None or answer["id"].encode() in data
    return "nameless" if answer["id"] is None else "refused"


async def greet(peer: Raw) -> None:
    await peer.say(hello=HELLO)
    assert "hello" in await peer.hear()


async def of_a_server(data: bytes) -> str:
    async with serve(Serving()) as server, raw_client(server.port) as peer:
        await greet(peer)
        return await verdict(peer, data)


async def of_a_client(data: bytes) -> str:
    verdicts: list[str] = []
    said = anyio.Event()

    async def handle(peer: Raw) -> None:
        await greet(peer)
        verdicts.append(await verdict(peer, data))
        said.set()
        await peer.until_closed()

    async with raw_server(handle) as port:
        async with sdk.VectorsClient.open(f"ws://127.0.0.1:{port}", serve=Served()):
            await said.wait()
    return verdicts[0]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # no event loop decides here
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
async def test_both_ends_give_the_verdict(row: dict[str, Any]) -> None:
    with anyio.fail_after(20):
        data = message(row["send"])
        assert {"server": await of_a_server(data), "client": await of_a_client(data)} == dict.fromkeys(
            ("server", "client"), row["verdict"]
        )


def test_rows_have_names_of_their_own_and_are_many() -> None:
    assert len({row["name"] for row in ROWS}) == len(ROWS) >= 40
    assert {row["verdict"].split()[0] for row in ROWS} == {
        "taken",
        "result",
        "refused",
        "nameless",
        "ignored",
        "closed",
    }
