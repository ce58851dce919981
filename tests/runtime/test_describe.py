"""`describe`: a server tells each caller what that one may use, and nobody what it may not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final

import anyio
import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace
from tests.runtime.chat import CHAT, COUNT, ECHO, SAID, TOPIC, Said
from tests.runtime.raw import raw_client
from tests.runtime.support import BOUND, Room

from duologue import (
    Anonymous,
    Authenticator,
    Client,
    ConnectFailed,
    Identity,
    InvalidArgument,
    Limits,
    NotFound,
    PermissionDenied,
    Protocol,
    ResourceExhausted,
    StaticTokens,
    Unauthenticated,
    Unimplemented,
    new_token,
    serve,
)
from duologue.access.gate import Gate
from duologue.descriptors import API_LEVEL, Delivery, EventDescriptor
from duologue.handling.describing import DESCRIBE, DescribeParams

pytestmark = pytest.mark.anyio

READER, OPERATOR, STRANGER = new_token(), new_token(), new_token()
KNOWN: Final = StaticTokens.of(
    {
        READER: Identity(name="ann", scopes={"read"}),
        OPERATOR: Identity(name="bob", scopes={"read", "operate"}),
        STRANGER: Identity(name="eve"),
    }
)


class Curious(Client):
    """A client that does not know what the server speaks."""

    protocol: ClassVar[Protocol] = Protocol(name="", version="", api_level=API_LEVEL)

    async def describe(self, names: list[str] | None = None) -> dict[str, Any]:
        return await self._call(DESCRIBE, DescribeParams.model_construct(names=names), None, None)


class Guarded(Room):
    """What may be asked here takes a scope, but for `nap` and the like."""

    protocol: ClassVar[Protocol] = replace(
        CHAT,
        client_actions=(
            replace(ECHO, scope=("read",)),
            replace(COUNT, scope=("operate",)),
            *CHAT.client_actions[2:],
        ),
        events=(replace(SAID, scope=("operate",)), replace(TOPIC, scope=("read",))),
        scopes={"read": "Look.", "operate": "Do."},
    )


class Closed(Guarded):
    describe_scope: ClassVar[tuple[str, ...] | None] = ("operate",)


class Counted(Said):
    """An event that is called as an action is."""

    event_name: ClassVar[str] = "count"


class Telling(Guarded):
    """An action and an event have one name, and another action both ends may call."""

    protocol: ClassVar[Protocol] = replace(
        CHAT,
        client_actions=(*CHAT.client_actions[:1], replace(COUNT, scope=("operate",)), *CHAT.client_actions[2:]),
        server_actions=(*CHAT.server_actions, CHAT.client_actions[2]),
        events=(*CHAT.events, EventDescriptor(model=Counted, delivery=Delivery.LOG)),
        scopes={"operate": "Do."},
    )


class Silent(Guarded):
    describe_scope: ClassVar[tuple[str, ...] | None] = None


@asynccontextmanager
async def asking(
    room: Room, token: str | None = None, *, known: Authenticator | None = KNOWN, limits: Limits | None = None
) -> AsyncGenerator[Curious]:
    with anyio.fail_after(BOUND):
        async with (
            serve(room, authenticator=known if token or known is not KNOWN else None) as server,
            Curious.open(f"ws://127.0.0.1:{server.port}", token=token, limits=limits) as client,
        ):
            yield client


def named(told: dict[str, Any]) -> tuple[Sequence[str], Sequence[str]]:
    return list(told["actions"]), list(told["events"])


async def test_whoever_may_do_everything_is_told_everything() -> None:
    async with asking(Room()) as client:
        told = await client.describe()
    assert (told["protocol"], told["version"]) == ("chat", "1.0.0")
    assert named(told) == (["echo", "count", "nap", "ask", "ask_back"], ["said", "topic", "typing", "waved"])
    assert told["actions"]["ask_back"]["from"] == "server"
    assert told["events"]["waved"]["from"] == "client"
    assert told["actions"]["count"]["item"]["properties"] == {"value": {"type": "integer"}}
    assert told["actions"]["echo"]["limits"] == {"request": 50_000}
    assert told["errors"]["no_room"]["status"] == "not_found"
    assert told["errors"]["no_room"]["details"]["required"] == ["room"]
    topic = told["events"]["topic"]
    assert (topic["delivery"], topic["key"], topic["filter"]) == ("state", ["room"], ["from", "room"])
    assert topic["data"]["required"] == ["room", "from", "text"], "by their names on the wire"


async def test_params_can_be_checked_by_what_is_told() -> None:
    async with asking(Room()) as client:
        told = await client.describe(["echo"])
    assert named(told) == (["echo"], [])
    schema: Any = Draft202012Validator({"$defs": told["$defs"], **told["actions"]["echo"]["params"]})
    assert schema.is_valid({"text": "hi", "times": 2})
    assert not schema.is_valid({"times": 2})
    assert not schema.is_valid({"text": "hi", "times": "2"})
    assert not schema.is_valid({"text": "hi", "time": 2})


@pytest.mark.parametrize(
    ("token", "actions", "events"),
    [
        (READER, ["echo", "nap", "ask", "ask_back"], ["topic", "waved"]),
        (OPERATOR, ["echo", "count", "nap", "ask", "ask_back"], ["said", "topic", "waved"]),
        (STRANGER, ["nap", "ask", "ask_back"], ["waved"]),
    ],
    ids=["reader", "operator", "stranger"],
)
async def test_nobody_is_told_more_than_it_may_use(token: str, actions: list[str], events: list[str]) -> None:
    async with asking(Guarded(), token) as client:
        told = await client.describe()
    assert named(told) == (actions, events)
    assert "operate" in told["scopes"] or "count" not in actions
    assert ("no_room" in told["errors"]) == ("echo" in actions), "which errors there are tells of what raises them"


async def test_what_somebody_may_not_use_is_refused_by_its_name() -> None:
    async with asking(Guarded(), READER) as client:
        with pytest.raises(PermissionDenied, match="count needs the scope operate"):
            await client.describe(["echo", "count"])
        with pytest.raises(NotFound, match=r"is called 'ecko'; did you mean echo\?"):
            await client.describe(["ecko"])
        with pytest.raises(NotFound, match=r"is called 'counts'$"):
            await client.describe(["counts"])  # what is not for the caller is not suggested


async def test_an_action_and_an_event_of_one_name_are_two() -> None:
    async with asking(Telling(), OPERATOR) as client:
        told = await client.describe()
        assert named(told) == (
            ["echo", "count", "nap", "ask", "ask_back"],
            ["said", "topic", "typing", "count", "waved"],
        )
        assert (told["actions"]["count"]["from"], told["events"]["count"]["from"]) == ("client", "server")
        assert told["actions"]["nap"]["from"] == "both"
        told = await client.describe(["count"])
        assert named(told) == (["count"], ["count"])
        assert "item" in told["actions"]["count"]
        assert told["events"]["count"]["delivery"] == "log"
    async with asking(Telling(), READER) as client:
        assert named(await client.describe(["count"])) == ([], ["count"]), "what the caller may use"


async def test_a_service_says_who_may_ask() -> None:
    async with asking(Closed(), READER) as client:
        with pytest.raises(PermissionDenied, match="describe needs the scope operate"):
            await client.describe()
    async with asking(Closed(), OPERATOR) as client:
        assert (await client.describe())["actions"]
    async with asking(Silent(), OPERATOR) as client:
        with pytest.raises(Unimplemented):
            await client.describe()


async def test_who_has_not_shown_who_it_is_is_told_nothing() -> None:
    async with asking(Guarded(), known=Anonymous(scopes={"read", "operate"})) as client:
        with pytest.raises(Unauthenticated, match="connect with a token"):
            await client.describe()
    with pytest.raises(ConnectFailed):
        async with asking(Guarded(), "no token of anybody's"):
            pass


async def test_a_plain_client_is_told_as_well() -> None:
    with anyio.fail_after(BOUND):
        async with serve(Room()) as server, raw_client(server.port, offer=()) as raw:
            await raw.say(id="1", action="describe", params={"names": ["nap"]})
            heard = await raw.hear()
    assert heard["error"] is None
    assert heard["data"]["actions"]["nap"]["timeout"] == 20.0


async def often(client: Curious) -> None:
    for _ in range(200):
        await client.describe(["nap"])


def test_one_identity_has_four_calls_at_once_and_a_burst_of_fifty() -> None:
    gate = Gate({}, lambda: 0.0)
    assert [gate.enter("ann", DESCRIBE) for _ in range(4)] == [None] * 4
    assert "4 calls of yours are running already" in str(gate.enter("ann", DESCRIBE))
    for _ in range(46):
        gate.leave("ann", DESCRIBE)
        assert gate.enter("ann", DESCRIBE) is None
    gate.leave("ann", DESCRIBE)
    assert "at most 5 calls a second" in str(gate.enter("ann", DESCRIBE))
    assert gate.enter("bob", DESCRIBE) is None


async def test_a_description_has_bounds() -> None:
    async with asking(Room()) as client:
        with pytest.raises(InvalidArgument):
            await client.describe(["x"] * 257)
        with pytest.raises(InvalidArgument):
            await client.describe(["x" * 257])
        with pytest.raises(ResourceExhausted, match="at most 5 calls a second"):
            await often(client)
    async with asking(Room(), limits=Limits(frame=2048)) as client:
        with pytest.raises(ResourceExhausted, match="2048"):
            await client.describe()
        assert await client.describe(["nap"])
