"""A client and a server of different major versions do not talk: the error has both, and where they part."""

from typing import Any, ClassVar

import anyio
import pytest
from msgspec.structs import replace
from tests.runtime.chat import CHAT, ChatClient
from tests.runtime.support import BOUND, Room, serving, url_of

from duologue import CallError, ConnectFailed, Effect, Protocol, Server
from duologue.session import skew

OTHER = replace(CHAT, version="2.0.0", client_actions=CHAT.client_actions[1:])
FIRST = CHAT.client_actions[0].name


class Newer(Room):
    protocol: ClassVar[Protocol] = OTHER


class Later(Room):
    protocol: ClassVar[Protocol] = replace(CHAT, version="1.7.0")


async def ask(server: Server[Any]) -> None:
    """Connect, and call once the server has said its version: with the answer to the handshake, or after it."""
    async with ChatClient.open(url_of(server)) as client:
        await client.connection.until_closed()
        await client.echo(text="x")


@pytest.mark.anyio
async def test_a_client_of_another_major_version_is_told_where_they_part() -> None:
    with anyio.fail_after(BOUND):
        async with serving(Newer()) as server:
            with pytest.raises((ConnectFailed, CallError)) as caught:
                await ask(server)
    said = str(caught.value)
    assert f"this is chat 1.0.0, and the other end has 2.0.0; they differ first in action `{FIRST}`" in said


@pytest.mark.anyio
async def test_another_minor_version_makes_no_difference() -> None:
    with anyio.fail_after(BOUND):
        async with serving(Later()) as server, ChatClient.open(url_of(server)) as client:
            assert (await client.echo(text="x")).text == "x"


@pytest.mark.parametrize(
    ("ours", "theirs", "together"),
    [
        ("1.0.0", "1.9.3", True),
        ("1.0.0", "2.0.0", False),
        ("0.3.0", "0.3.9", True),
        ("0.3.0", "0.4.0", False),
        ("0.3.0", "1.0.0", False),
        ("1.0.0-rc.1", "1.0.0", True),
        ("1.0.0", "", True),
        ("1.0.0", "unknown", True),
    ],
)
def test_versions_that_go_together(ours: str, theirs: str, together: bool) -> None:
    assert skew.go_together(ours, theirs) is together
    assert skew.go_together(theirs, ours) is together


def test_the_first_item_that_is_missing_or_changed_is_named() -> None:
    assert skew.first_difference(CHAT, skew.told(CHAT)) is None
    assert skew.first_difference(CHAT, "") is None
    assert skew.first_difference(CHAT, skew.told(OTHER)) == f"action `{FIRST}`"
    changed = replace(CHAT.client_actions[0], effect=Effect.KEYED)
    other = replace(CHAT, client_actions=(changed, *CHAT.client_actions[1:]))
    assert skew.first_difference(CHAT, skew.told(other)) == f"action `{FIRST}`"
    without = replace(CHAT, events=())
    assert skew.first_difference(CHAT, skew.told(without)) == f"event `{CHAT.events[0].name}`"
    # What the other end has besides is no difference that this one could name.
    assert skew.first_difference(without, skew.told(CHAT)) is None


def test_a_protocol_of_very_many_items_tells_of_none() -> None:
    many = replace(CHAT, client_actions=CHAT.client_actions[:1] * 300)
    assert len(skew.told(many)) <= 8 * 256
    different = [replace(CHAT.client_actions[0], name=f"a{n}") for n in range(300)]
    assert skew.told(replace(CHAT, client_actions=tuple(different))) == ""
