"""Clients that shake hands as nobody would: too slowly, too often, with what no check can be right about."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import anyio
import pytest
from tests.runtime.raw import raw_client
from tests.wires.support import sdk, serving

from duologue import Call, Limits
from duologue.connection.ear import GreetingFailed
from duologue.connection.greeting import Greeting
from duologue.server.reception import MOST_UNHEARD
from duologue.wire import Envelope

pytestmark = pytest.mark.anyio
hearth: Any = sdk("hearth")

WELCOMED = Envelope(
    request={"id": "$id", "do": "$action"},
    reply={"id": "$id", "ok": "$result"},
    reply_error={"id": "$id", "no": "$code"},
    incoming=[{"kind": "response", "exists": ["id"]}],
    handshake=[{"client": [1, "$realm", {"roles": []}]}, {"server": [2, "$session", {}]}],
)
AUTH = {"type": "auth", "access_token": "nobody"}


class Hub(hearth.HearthService):  # type: ignore[misc]
    async def get_states(self, call: Call[Any], params: Any) -> list[str]:
        return []

    async def turn_off(self, call: Call[Any], params: Any) -> None: ...


def says_nothing(known: Mapping[str, Any]) -> None: ...


def says_yes(known: Mapping[str, Any]) -> bool:
    return True


def says_the_token(known: Mapping[str, Any]) -> Any:
    return known["token"]


@pytest.mark.parametrize("check", ["nobody", None, 1, says_nothing, says_the_token])
async def test_a_check_that_says_neither_true_nor_false_lets_nobody_in(check: Any) -> None:
    hooks = {"version": "1", "token": check}
    async with serving(Hub(), hooks=hooks) as server, raw_client(server.port, []) as client:
        await client.hear()
        await client.say(AUTH)
        assert await client.until_closed() == 4401


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b'{"type":"login","access_token":"s3cret"}', 'expected a message with {"type":"auth"}'),
        (b'{"type":"auth","access_token":"\xff"}', "what was said is not JSON"),
        (b'{"type":"auth","access_token":%b}' % (b"[" * 2000), "what was said is not JSON"),
    ],
)
async def test_who_says_something_else_is_told_without_what_was_said(
    said: bytes, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        serving(Hub(), hooks={"version": "1", "token": says_yes}) as server,
        raw_client(server.port, []) as client,
    ):
        await client.hear()
        await client.say_text(said)
        assert await client.until_closed() == 4401
        reason = str(client.protocol.close_reason)
        assert told in reason
        assert "s3cret" not in reason
    assert not caplog.records


async def test_who_says_too_much_before_a_check_is_done_is_cut() -> None:
    asked = anyio.Event()

    async def check(known: Any) -> bool:
        asked.set()
        await anyio.sleep_forever()
        return True

    async with (
        serving(Hub(), hooks={"version": "1", "token": check}, limits=Limits(handshake=600)) as server,
        raw_client(server.port, []) as client,
    ):
        await client.hear()
        await client.say(AUTH)
        await asked.wait()
        await client.say(*[AUTH] * (MOST_UNHEARD + 1))
        assert await client.until_closed() == 4401


async def test_of_too_many_that_never_finish_the_oldest_is_cut() -> None:
    async with (
        serving(Hub(), hooks={"version": "1"}, limits=Limits(handshakes=1)) as server,
        raw_client(server.port, []) as first,
    ):
        await first.hear()
        async with raw_client(server.port, []) as second:
            await second.hear()
            assert await first.until_closed() == 1006


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        (b'[2,7,{"of":"r"}]', None),
        (b'[3,{},"no"]', 'expected a message with {"0":2}, and not [3,{},"no"]'),
        (b'{"0":3}', 'expected a message with {"0":2}, and not {"0":3}'),
    ],
)
async def test_messages_of_a_handshake_may_be_arrays(said: bytes, refused: str | None) -> None:
    async def hear() -> bytes:
        return said

    greeting = Greeting(WELCOMED, "client", {"realm": "r"})
    spoken: list[bytes] = []
    with pytest.raises(GreetingFailed) if refused else nullcontext() as failed:
        await greeting.run(spoken.append, hear)
    assert spoken == [b'[1,"r",{"roles":[]}]']
    if failed is None:
        assert greeting.variables == {"realm": b'"r"', "session": b"7"}
    else:
        assert str(failed.value) == refused
