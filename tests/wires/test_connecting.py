"""What a spec says of connecting: clients ask for it, and servers are there for nothing else."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, serving, url
from websockets.exceptions import InvalidStatus

from duologue import Call, ConnectFailed
from duologue.connection.ear import GreetingFailed
from duologue.connection.greeting import Greeting
from duologue.wire import Envelope

pytestmark = pytest.mark.anyio
ledger: Any = sdk("ledger")
sentry: Any = sdk("sentry")
HOOKS: dict[str, Any] = {"branch": "north", "teller": None}


class Ledger(ledger.LedgerService):  # type: ignore[misc]
    async def total(self, call: Call[Any], params: Any) -> int:
        return 5


async def test_a_client_asks_for_what_the_spec_says() -> None:
    asked: list[str] = []

    async def handle(server: Raw) -> None:
        assert server.request is not None
        asked.extend((server.request.path, str(server.protocol.subprotocol)))
        assert "X-Teller" not in server.request.headers  # whose value its hook leaves out
        await server.until_closed()

    with anyio.fail_after(BOUND):
        async with raw_server(handle, ["ledger.v2"]) as port, ledger.LedgerClient.open(url(port), hooks=HOOKS):
            pass
        async with serving(Ledger()) as server, ledger.LedgerClient.open(url(server.port), hooks=HOOKS) as client:
            assert await client.total() == 5
    assert asked == ["/branch/north/ledger?v=2", "ledger.v2"]


@pytest.mark.parametrize("path", ["/branch/north/ledger?v=2", "/behind/a/proxy/branch/south/ledger?x=1&v=2&teller="])
@pytest.mark.parametrize("offer", [["ledger.v2"], ["ledger.v3", "ledger.v2"], []])
async def test_a_server_takes_who_asks_for_it(path: str, offer: list[str]) -> None:
    async with serving(Ledger()) as server, raw_client(server.port, offer, path) as client:
        await client.say({"id": "1", "do": "total"})
        assert await client.hear() == {"id": "1", "ok": 5}


@pytest.mark.parametrize(
    ("path", "offer", "status", "told"),
    [
        ("/", ["ledger.v2"], 404, "the protocol is spoken at /branch/$branch/ledger"),
        ("/branch/north/east/ledger?v=2", ["ledger.v2"], 404, "there is nothing at this path"),
        ("/branch/north/ledger/more?v=2", ["ledger.v2"], 404, "there is nothing at this path"),
        ("/branch/north/ledger?v=3", ["ledger.v2"], 400, "the query has to have v=2"),
        ("/branch/north/ledger", ["ledger.v2"], 400, "the query has to have v=2"),
        ("//[", ["ledger.v2"], 400, "what is asked for is no path"),
        ("//]/branch/north/ledger?v=2", ["ledger.v2"], 400, "what is asked for is no path"),
        ("/branch/north/ledger?v=2", ["ledger.v1"], 400, "none of these subprotocols is spoken: there is ledger.v2"),
    ],
)
async def test_a_server_refuses_who_asks_for_something_else(
    path: str, offer: list[str], status: int, told: str
) -> None:
    async with serving(Ledger()) as server, raw_client(server.port, offer, path) as client:
        refused = client.protocol.handshake_exc
    assert isinstance(refused, InvalidStatus)
    response = refused.response
    assert (response.status_code, told in bytes(response.body or b"").decode()) == (status, True)


async def test_a_client_is_told_why_it_was_refused() -> None:
    async with serving(Ledger()) as server:
        with pytest.raises(ConnectFailed, match="spoken at") as failed:
            async with ledger.LedgerClient.open(f"{url(server.port)}/nowhere", hooks=HOOKS):
                raise AssertionError
    assert failed.value.status_code == 404


# --------------------------------------------------------------------------------- what the other end may only repeat
NONCE = Envelope(
    incoming=(), handshake=[{"server": {"nonce": "$nonce"}}, {"client": {"nonce": "$nonce", "proof": "$proof"}}]
)


async def greeted(said: dict[str, Any]) -> Greeting:
    """A server's handshake with a client that says something."""
    greeting = Greeting(NONCE, "server", {"nonce": {"n": 1}})

    async def hear() -> bytes:
        return json.dumps(said).encode()

    await greeting.run(lambda _: None, hear)
    return greeting


async def test_a_value_of_ours_may_be_repeated_however_it_is_written() -> None:
    greeting = await greeted({"nonce": {"n": 1}, "proof": "p"})
    assert json.loads(greeting.variables["proof"]) == "p"


@pytest.mark.parametrize("nonce", [{"n": 2}, None, "n1"])
async def test_a_value_of_ours_cannot_be_replaced(nonce: Any) -> None:
    with pytest.raises(GreetingFailed, match="another `nonce` than this end has told"):
        await greeted({"nonce": nonce, "proof": "p"})


async def test_a_token_is_not_the_servers_to_say() -> None:
    envelope = Envelope(incoming=(), handshake=[{"server": {"as": "$token"}}])
    greeting = Greeting(envelope, "client", {}, token="mine")

    async def hear() -> bytes:
        return b'{"as": "yours"}'

    with pytest.raises(GreetingFailed, match="another `token`"):
        await greeting.run(lambda _: None, hear)


async def test_a_client_that_refuses_its_server_closes_as_the_spec_says() -> None:
    closed: list[int] = []
    done = anyio.Event()

    async def handle(server: Raw) -> None:
        await server.say({"proof": "wrong"})
        closed.append(await server.until_closed())
        done.set()

    def is_proven(known: Any) -> bool:
        return bool(known["proof"] == "right")

    with anyio.fail_after(BOUND):
        async with raw_server(handle, []) as port:
            with pytest.raises(ConnectFailed, match="not proven"):
                async with sentry.SentryClient.open(url(port), hooks={"proof": is_proven}):
                    raise AssertionError
            await done.wait()
    assert closed == [4010]
