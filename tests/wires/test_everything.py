"""A protocol that uses every option once: that of the golden case `declared`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from tests.generated import generated
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.runtime.support import until
from tests.runtime.watchers import Notes
from tests.wires.support import BOUND, serving, url

from duologue import Call, CallOptions, CloseCode, ConnectFailed, FailedPrecondition, Limits, Undeclared

pytestmark = pytest.mark.anyio
declared: Any = generated(Path(__file__).parents[1] / "codegen/golden/declared/spec.yaml")


class Desk(declared.DeclaredService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.stopped = anyio.Event()

    async def begin(self, call: Call[Any], params: Any) -> Any:
        self.seen.append(params.language)
        return declared.BeginResult(id=7)

    async def work(self, call: Call[Any], params: Any) -> str:
        if params.hours > 8:
            raise declared.Busy(until="tomorrow")
        if params.hours < 0:
            try:
                await anyio.sleep_forever()
            finally:
                self.stopped.set()
        self.seen.append((call.route, call.meta))
        return (
            await call.peer.ask(question="really?", options=CallOptions(route=call.route)) if params.hours else "none"
        )

    async def ping(self, call: Call[Any], params: Any) -> None: ...

    async def on_door_knocked(self, call: Call[Any], event: Any) -> None:
        self.seen.append((event.times, call.route))
        await call.connection.notify(declared.DoorOpened(by="me"), route=call.route)

    async def undeclared(self, call: Call[Any], message: Undeclared) -> None:
        raise RuntimeError("nobody hears of this")


class Visitor(declared.DeclaredPeerService):  # type: ignore[misc]
    async def ask(self, call: Call[Any], params: Any) -> str:
        return f"yes, {call.route}"


def proof(known: Mapping[str, Any]) -> str:
    return f"{known['nonce']}!"


async def check(known: Mapping[str, Any]) -> bool:
    return bool(known["proof"] == proof(known))


async def secret(known: Mapping[str, Any]) -> str:
    return "s3"


SERVER: dict[str, Any] = {"hooks": {"nonce": "n", "proof": check}}
CLIENT: dict[str, Any] = {"token": "T", "hooks": {"proof": proof, "secret": secret, "language": "en"}}


@asynccontextmanager
async def talking(desk: Desk) -> AsyncGenerator[tuple[Any, Any]]:
    async with (
        serving(desk, **SERVER) as server,
        declared.DeclaredClient.open(url(server.port), serve=Visitor(), **CLIENT) as client,
    ):
        yield server, client


async def test_both_ends_use_all_of_it() -> None:
    desk = Desk()
    async with talking(desk) as (server, client), client.events.door_opened() as opened:
        assert desk.seen == ["en"]
        options = CallOptions(route="r", meta={"trace": "t"})
        assert await client.work(hours=1, options=options) == "yes, r"
        assert await client.work(hours=0) == "none"
        assert desk.seen[1:] == [("r", {"trace": "t"}), (7, {})]
        with pytest.raises(declared.Busy) as busy:
            await client.work(hours=9)
        assert (busy.value.details.until, busy.value.wire_code) == ("tomorrow", 503)
        await client.ping()
        await client.notify(declared.DoorKnocked(times=2), route=8)
        assert ((await anext(opened)).by, opened.route) == ("me", 8)
        await server.emit(declared.DoorOpened(by="all"))
        assert ((await anext(opened)).by, opened.route) == ("all", None)
        with anyio.move_on_after(0.3):
            await client.work(hours=-1)
        await desk.stopped.wait()
        with pytest.raises(FailedPrecondition):
            await client.authenticate("another")
        assert not server.connections[0].extensions


async def test_events_go_on_after_a_reconnect() -> None:
    async with talking(Desk()) as (server, client), client.events.door_opened() as opened:
        first = client.connection
        server.connections[0].close(CloseCode.RESTART)
        await until(lambda: client.connection is not first)
        await client.ping()
        await server.emit(declared.DoorOpened(by="me"))
        assert (await anext(opened)).by == "me"


async def handshake(server: Raw) -> None:
    await server.say({"op": "challenge", "nonce": "n"})
    assert await server.hear() == {"op": "prove", "proof": "n!", "as": "T"}
    said = await server.hear()
    assert said == {"op": "begin", "seq": said["seq"], "key": "s3", "language": "en"}
    await server.say({"op": "answer", "seq": said["seq"], "value": {"id": 7}})


async def test_what_a_client_asks_for_when_it_connects() -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        await handshake(server)
        heard.append(server.request)
        heard.append(await server.hear())
        id = heard[-1]["seq"]
        await server.say({"op": "ack", "seq": id}, {"op": "answer", "seq": id, "late": True, "ok": "done"})
        heard.append(await server.hear())
        await server.say_text(
            b'{"op": "event", "event": {"kind": "door", "name": "op\\u0065ned", "by": "x", "stamp": 1}}'
        )
        await server.say({"op": "answer", "seq": heard[-1]["seq"], "fail": {"code": "odd", "text": {"a": 1}}})
        await server.until_closed()

    async with (
        raw_server(handle, ["declared.v1"]) as port,
        declared.DeclaredClient.open(url(port), **CLIENT) as client,
        client.events.door_opened() as opened,
    ):
        with anyio.fail_after(BOUND):
            assert await client.work(hours=1, options=CallOptions(meta={"a": "b"})) == "done"
            with pytest.raises(Exception, match=r'\{"a": 1\}') as odd:
                await client.work(hours=2)
            assert getattr(odd.value, "wire_code", None) == "odd"
            assert (await anext(opened)).by == "x"
    request, first, second = heard
    assert request.path == "/socket?v=1"
    assert request.headers["X-Client"] == "duologue en"
    assert request.headers["Sec-WebSocket-Protocol"] == "declared.v1"
    assert "Authorization" not in request.headers, "the protocol has a place of its own for the token"
    assert first == {
        "op": "work", "seq": first["seq"], "session": 7, "trace": {"a": "b"}, "key": "s3", "hours": 1,
    }  # fmt: skip
    assert second["seq"] != first["seq"]


async def test_a_server_says_what_others_hear() -> None:
    async with serving(Desk(), **SERVER) as server, raw_client(server.port, ["declared.v1"], "/socket?v=1") as client:
        assert await client.hear() == {"op": "challenge", "nonce": "n"}
        await client.say({"op": "prove", "proof": "n!", "as": "T"}, {"op": "ping", "seq": 1})
        assert await client.hear() == {"op": "ack", "seq": 1}, "which settles it"
        await client.say_text(json.dumps([{"op": "ping", "seq": 2}, {"op": "pong", "seq": "3"}]).encode())
        answers: Any = await client.hear()
        assert len(answers) == 2
        assert {"op": "ack", "seq": 2} in answers
        assert {"op": "answer", "seq": "3", "fail": {"code": 404, "text": "no action is called pong"}} in answers
        await client.say({"op": 4})
        await client.say({"op": "ping", "seq": None})
        await client.say({"op": "work", "seq": "w", "session": 9, "hours": 0})
        assert await client.hear() == {"op": "ack", "seq": "w"}
        assert await client.hear() == {"op": "answer", "seq": "w", "late": True, "ok": "none"}
        await client.say_text(b"nonsense")
        assert (await client.hear())["fail"]["code"] == 400
        await client.say_bytes(b"bytes")
        assert await client.until_closed() == CloseCode.UNSUPPORTED


@pytest.mark.parametrize("said", [b'{"op": "prove", "proof": "wrong", "as": "T"}', b'{"op": "prove"}'])
async def test_a_server_refuses_who_proves_nothing(said: bytes) -> None:
    async with serving(Desk(), **SERVER) as server, raw_client(server.port, [], "/socket?v=1") as client:
        await client.hear()
        await client.say_text(said)
        if b"wrong" in said:
            assert await client.hear() == {"op": "refused", "why": "`proof` is not right"}
        assert await client.until_closed() == CloseCode.UNAUTHENTICATED


async def test_a_hook_that_fails_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    def fail(known: Mapping[str, Any]) -> bool:
        raise ZeroDivisionError

    hooks: dict[str, Any] = {"nonce": "n", "proof": fail}
    async with serving(Desk(), hooks=hooks) as server:
        with pytest.raises(ConnectFailed):
            async with declared.DeclaredClient.open(url(server.port), **CLIENT):
                raise AssertionError
    assert "ZeroDivisionError" in caplog.text


async def test_a_value_for_a_header_that_nobody_gives_is_asked_for() -> None:
    hooks = {name: hook for name, hook in CLIENT["hooks"].items() if name != "language"}
    async with serving(Desk(), **SERVER) as server:
        with pytest.raises(ConnectFailed, match="asks for a value of `language`: give it as `hooks="):
            async with declared.DeclaredClient.open(url(server.port), token="T", hooks=hooks):
                raise AssertionError


async def test_what_a_server_asks_before_the_handshake_is_over_is_answered_after_it() -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        await server.say({"op": "challenge", "nonce": "n"}, {"op": "ask", "seq": "q", "question": "who?"})
        assert (await server.hear())["op"] == "prove"
        for _ in range(2):
            heard.append(await server.hear())
            if heard[-1]["op"] == "begin":
                await server.say({"op": "answer", "seq": heard[-1]["seq"], "value": {"id": 7}})
        await server.until_closed()

    async with (
        raw_server(handle, ["declared.v1"]) as port,
        declared.DeclaredClient.open(url(port), serve=Visitor(), **CLIENT),
    ):
        with anyio.fail_after(BOUND):
            await until(lambda: len(heard) == 2)
    [answer] = [message for message in heard if message["op"] == "answer"]
    assert (answer["seq"], answer["ok"]) == ("q", "yes, None")


async def test_a_first_call_whose_result_lacks_what_is_saved_ends_the_attempt() -> None:
    async def handle(server: Raw) -> None:
        await server.say({"op": "challenge", "nonce": "n"})
        await server.hear()
        await server.say({"op": "answer", "seq": (await server.hear())["seq"], "value": {}})
        await server.until_closed()

    async with raw_server(handle, ["declared.v1"]) as port:
        with anyio.fail_after(BOUND), pytest.raises(ConnectFailed, match="the result of begin has no id"):
            async with declared.DeclaredClient.open(url(port), **CLIENT):
                raise AssertionError


async def test_bytes_in_a_handshake_of_text_end_the_attempt() -> None:
    async def handle(server: Raw) -> None:
        await server.say_bytes(b'{"op": "challenge", "nonce": "n"}')
        await server.until_closed()

    async with raw_server(handle, ["declared.v1"]) as port:
        with anyio.fail_after(BOUND), pytest.raises(ConnectFailed, match="a binary message came, and none is expected"):
            async with declared.DeclaredClient.open(url(port), **CLIENT):
                raise AssertionError


async def test_what_nobody_checks_lets_nobody_in() -> None:
    async with serving(Desk(), hooks={"nonce": "n"}) as server, raw_client(server.port, [], "/socket?v=1") as client:
        await client.hear()
        await client.say({"op": "prove", "proof": "n!", "as": "T"})
        assert await client.until_closed() == CloseCode.UNAUTHENTICATED
        assert client.protocol.close_reason == "nobody checks `proof`: give it as `hooks={'proof': …}`"


@pytest.mark.parametrize("right", [True, False])
async def test_who_leaves_while_it_is_checked_is_let_in_no_more(right: bool) -> None:
    asked, notes = anyio.Event(), Notes()

    async def slow(known: Mapping[str, Any]) -> bool:
        asked.set()
        with suppress(anyio.get_cancelled_exc_class()):
            await anyio.sleep_forever()
        return right

    hooks: dict[str, Any] = {"nonce": "n", "proof": slow}
    async with serving(Desk(), hooks=hooks, observers=[notes]) as server:
        async with raw_client(server.port, [], "/socket?v=1") as client:
            await client.hear()
            await client.say({"op": "prove", "proof": "n!", "as": "T"})
            await asked.wait()
        await until(lambda: not server.handshakes)
    assert notes.of("opened") == []


async def test_who_is_not_called_is_not_cancelled() -> None:
    async with serving(Desk(), **SERVER) as server, raw_client(server.port, ["declared.v1"], "/socket?v=1") as client:
        await client.hear()
        await client.say({"op": "prove", "proof": "n!", "as": "T"}, {"op": "cancel", "seq": "nobody"})
        await client.say({"op": "ping", "seq": 1})
        assert await client.hear() == {"op": "ack", "seq": 1}


async def test_who_does_not_finish_the_handshake_is_cut() -> None:
    async with (
        serving(Desk(), limits=Limits(handshake=0.3), **SERVER) as server,
        raw_client(server.port, [], "/socket?v=1") as client,
    ):
        await client.hear()
        assert await client.until_closed() == CloseCode.UNAUTHENTICATED


async def test_a_login_of_the_native_format_is_refused() -> None:
    with pytest.raises(ValueError, match="has a wire format of its own"):
        async with serving(Desk(), login="first_message", **SERVER):
            raise AssertionError


async def test_synchronous_code_speaks_it_too() -> None:
    desk = Desk()

    def talk(port: int) -> str:
        with declared.DeclaredClient.open_sync(url(port), **CLIENT) as client:
            client.notify(declared.DoorKnocked(times=3), route="r")
            answer: str = client.work(hours=0)
            return answer

    async with serving(desk, **SERVER) as server:
        assert await anyio.to_thread.run_sync(talk, server.port) == "none"
        await until(lambda: (3, "r") in desk.seen)
