"""Every role against everything that a protocol has: the server does what `duologue authz` says, cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.runtime.support import until
from tests.security.sdk import vault
from tests.security.vaults import EVENTS, ROLES, Helper, guarded

from duologue import (
    Action,
    Anonymous,
    EventDescriptor,
    InvalidArgument,
    PermissionDenied,
    Protocol,
    Ran,
    StreamAction,
)
from duologue_codegen.authz import Row, matrix
from duologue_codegen.compiler import compile_spec

pytestmark = pytest.mark.anyio

PROTOCOL: Protocol = vault.PROTOCOL
ROWS = matrix(compile_spec(Path(__file__).with_name("spec.yaml")))
CELLS = [(row, role) for row in ROWS for role in ROLES]


def check_refusal(error: PermissionDenied, scopes: tuple[str, ...] = ("",)) -> None:
    """It says that nothing ran, and what is missing."""
    assert error.ran is Ran.NO
    assert any(scope in error.message for scope in scopes)


async def may_call(name: str, role: str) -> bool:
    """Whether the handler runs; where it does not, the caller is told that, and why."""
    action = next(action for action in PROTOCOL.client_actions if action.name == name)
    async with guarded() as world, world.client(role) as client:
        world.service.let_go.set()
        try:
            if isinstance(action, StreamAction):
                async with getattr(client, name)() as stream:
                    assert [item async for item in stream] == [0, 1, 2]
            else:
                await getattr(client, name)()
        except PermissionDenied as error:
            check_refusal(error, action.scope)
            assert not world.service.asked
            return False
        assert world.service.asked == {name: 1}
        assert world.service.calls[0].identity.name == role
        return True


async def may_be_asked(name: str, role: str) -> bool:
    async with guarded() as world, world.client(role, serve=Helper()):
        await until(world.server.peers)
        try:
            await getattr(world.server.peers()[0], name)()
        except PermissionDenied as error:
            check_refusal(error)
            return False
        return True


async def may_have(name: str, role: str) -> bool:
    """Whether an event that is published arrives; where it does not, subscribing was refused."""
    async with guarded() as world, world.client(role) as client:
        try:
            async with getattr(client.events, name)() as stream:
                await world.server.emit(EVENTS[name](name="one"))
                return bool((await anext(stream)).name == "one")
        except PermissionDenied as error:
            check_refusal(error)
            return False


async def may_send(name: str, role: str) -> bool:
    async with guarded() as world, world.client(role) as client:
        await client.notify(EVENTS[name](name="one"))
        await client.ping()
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        return world.service.asked[name] == 1


@pytest.mark.parametrize(("row", "role"), CELLS, ids=lambda value: value.name if isinstance(value, Row) else value)
async def test_a_cell_of_the_table(row: Row, role: str) -> None:
    senders = {"client": ["client"], "server": ["server"], "both": ["client", "server"]}[row.sender]
    tries: dict[tuple[str, str], Any] = {
        ("action", "client"): may_call,
        ("action", "server"): may_be_asked,
        ("event", "server"): may_have,
        ("event", "client"): may_send,
    }
    for sender in senders:
        assert await tries[row.kind, sender](row.name, role) == row.roles[role], sender


def test_the_table_is_that_of_the_generated_package() -> None:
    """What the server reads is what the command shows."""
    named: dict[str, list[Action[Any, Any] | EventDescriptor[Any]]] = {
        "action": [*PROTOCOL.client_actions, *PROTOCOL.server_actions],
        "event": [*PROTOCOL.events, *PROTOCOL.notifications],
    }
    for kind, descriptors in named.items():
        rows = {row.name: row for row in ROWS if row.kind == kind}
        assert set(rows) == {each.name for each in descriptors}
        for each in descriptors:
            assert rows[each.name].scope == each.scope
            for role in ROLES:
                assert rows[each.name].roles[role] == (set(each.scope) <= set(PROTOCOL.roles[role]))


@pytest.mark.parametrize("role", ROLES)
async def test_who_subscribes_to_what_there_is_not_is_told_of_what_is_theirs(role: str) -> None:
    theirs = [row.name for row in ROWS if row.kind == "event" and row.sender == "server" and row.roles[role]]
    assert ("ruled" in theirs) == (role == "owner")
    async with guarded() as world, world.client(role) as client:
        with pytest.raises(InvalidArgument) as refused:
            await client.connection.calls.ask("subscribe", b'{"events": ["nothing"]}')
    said, _, told = refused.value.message.partition("; there are: ")
    assert (said, sorted(told.split(", "))) == ("no event is called nothing", sorted(theirs))


async def test_somebody_without_a_role_has_what_is_public_alone() -> None:
    async with guarded(authenticator=Anonymous()) as world, vault.VaultClient.open(world.url) as client:
        assert await client.ping() == "anonymous"
        with pytest.raises(PermissionDenied):
            await client.look()


@pytest.mark.parametrize("scopes", [{"put"}, {"rule"}])
async def test_all_of_several_scopes_are_needed(scopes: set[str]) -> None:
    async with guarded(authenticator=Anonymous(scopes=scopes)) as world, vault.VaultClient.open(world.url) as client:
        with pytest.raises(PermissionDenied):
            await client.wipe()
