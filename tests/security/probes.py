"""What an intruder would try: each probe says whether it was kept out. With its guard gone it must not be."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from tests.runtime.support import until
from tests.security.raw import ask
from tests.security.sdk import vault
from tests.security.test_login import authenticate, browsing
from tests.security.vaults import Helper, Vault, World, guarded, on_sockets, token_of
from typing_extensions import override

from duologue import CallError, CallOptions, ConnectFailed, HistoryLost, Limits, PermissionDenied, Position, serve
from duologue.access import admission
from duologue.access.gate import NO_RIGHTS
from duologue.drivers.memory import MemoryNetwork

BRIEF = Limits(drain=0.1)
"""Where what is to end may go on, nobody waits for it."""

PATIENCE = 10.0
"""Seconds after which what a guard does, most often at once, is held not to come."""


async def is_refused(call: Any) -> bool:
    """Whether a call ends in a refusal of the gate's, or of the authenticator's."""
    try:
        await call
    except (CallError, ConnectFailed):
        return True
    return False


async def a_bad_token() -> bool:
    async with on_sockets() as world:
        return (await ask(world, "Authorization: Bearer nobody-has-this-token")).status == 401


async def two_tokens() -> bool:
    async with on_sockets() as world:
        good = f"Authorization: Bearer {token_of('owner')}"
        return (await ask(world, good, "Authorization: Bearer bad")).status == 401


async def an_origin_that_is_not_listed() -> bool:
    async with on_sockets(origins=["https://example.org"]) as world:
        headers = (f"Authorization: Bearer {token_of('owner')}", "Origin: https://evil.test")
        return (await ask(world, *headers)).status == 403


async def an_expired_token() -> bool:
    async with on_sockets() as world:
        world.people.grant("owner", expires_at=datetime.now(UTC) - timedelta(seconds=1))
        return (await ask(world, f"Authorization: Bearer {token_of('owner')}")).status == 401


async def a_token_revoked_while_it_is_asked_about() -> bool:
    refused: list[bool] = []
    async with guarded() as world, anyio.create_task_group() as tasks:
        world.people.slow = anyio.Event()

        async def connect() -> None:
            try:
                async with world.client("owner"):
                    refused.append(False)
            except ConnectFailed:
                refused.append(True)

        tasks.start_soon(connect)
        await until(lambda: world.people.asked)
        world.server.revoke("owner")
        world.people.slow.set()
        await until(lambda: refused)
    return refused[0]


async def too_many_connections_of_an_identity() -> bool:
    async with guarded(limits=Limits(connections_per_identity=1)) as world, world.client("owner"):
        refused = False
        try:
            async with world.client("owner"):
                pass
        except ConnectFailed:
            refused = True
        return refused


async def too_many_connections_of_an_address() -> bool:
    async with on_sockets(limits=Limits(connections_per_address=1)) as world, world.client("owner"):
        return (await ask(world, f"Authorization: Bearer {token_of('viewer')}")).status == 429


async def an_address_that_anybody_may_write() -> bool:
    async with on_sockets(limits=Limits(connections_per_address=1)) as world, world.client("owner"):
        headers = (f"Authorization: Bearer {token_of('viewer')}", "X-Forwarded-For: 192.0.2.1")
        return (await ask(world, *headers)).status == 429


async def a_handshake_that_stays_though_others_come() -> bool:
    async with on_sockets(limits=Limits(handshakes=1)) as world:
        async with await anyio.connect_tcp("127.0.0.1", world.server.port) as stream:
            await until(lambda: world.server.handshakes == 1)
            async with await anyio.connect_tcp("127.0.0.1", world.server.port):
                try:
                    with anyio.move_on_after(PATIENCE):
                        await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return True
        return False


async def a_server_open_to_others_without_an_authenticator() -> bool:
    with pytest.MonkeyPatch.context() as patch, MemoryNetwork().use():
        patch.setattr(admission, "MEMORY", "not this one")
        try:
            async with serve(Vault(), "memory", 0):
                return False
        except ValueError:
            return True


async def a_call_before_the_login() -> bool:
    async with browsing() as (world, browser):
        await browser.say({"id": "1", "action": "ping", "params": {}})
        with suppress(AssertionError):
            await browser.hear()
        return not world.service.asked and world.people.asked == 0 and not world.server.connections


async def a_second_message_before_the_login_is_over() -> bool:
    async with browsing() as (world, browser):
        world.people.slow = anyio.Event()
        await browser.say(authenticate())
        await browser.say(authenticate())
        with anyio.move_on_after(PATIENCE):
            return (await browser.closed()).code == 4401
        return False


async def a_large_first_message() -> bool:
    async with browsing() as (_, browser):
        await browser.say(authenticate("x" * 5000))
        return (await browser.closed()).code == 1009


async def a_login_that_never_comes() -> bool:
    async with browsing(limits=Limits(handshake=0.2)) as (_, browser):
        with anyio.move_on_after(0.2 + PATIENCE):
            return (await browser.closed()).code == 4401
        return False


# ---------------------------------------------------------------------------------------------------------- the gate
async def a_call_without_its_scope() -> bool:
    async with guarded() as world, world.client("viewer") as client:
        return await is_refused(client.store())


async def a_call_with_one_scope_of_two() -> bool:
    async with guarded() as world, world.client("editor") as client:
        return await is_refused(client.wipe())


async def a_stream_without_its_scope() -> bool:
    async with guarded() as world, world.client("stranger") as client:
        return await is_refused(client.follow().result())


async def a_subscription_without_its_scope() -> bool:
    async with guarded() as world, world.client("viewer") as client:
        return await is_refused(client.events.ruled().start())


async def a_notification_without_its_scope() -> bool:
    async with guarded() as world, world.client("viewer") as client:
        await client.notify(vault.Moved(name="one"))
        await client.ping()
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        return not world.service.asked["moved"]


async def asking_a_peer_without_the_scope() -> bool:
    async with guarded() as world, world.client("viewer", serve=Helper()):
        [peer] = world.server.peers()
        return await is_refused(peer.assist())


async def asking_a_peer_whose_scope_goes_while_the_call_waits() -> bool:
    asked = anyio.Event()
    answer = anyio.Event()

    class Busy(Helper):
        @override
        async def greet(self, call: Any, params: Any) -> str:
            asked.set()
            await answer.wait()
            return "hello"

    refused: list[bool] = []
    one = Limits(in_flight=1)
    async with guarded() as world, world.client("helper", serve=Busy(), limits=one) as client:
        [peer] = world.server.peers()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(peer.greet)
            await asked.wait()

            async def ask() -> None:
                refused.append(await is_refused(peer.assist()))

            tasks.start_soon(ask)
            await until(lambda: world.connection_of("helper").calls._places)
            await client.authenticate(world.people.grant("helper", "a-token-that-may-less", roles=set()))
            answer.set()
    return refused == [True]


async def an_event_for_one_peer_without_its_scope() -> bool:
    async with guarded() as world, world.client("viewer"):
        return await is_refused(world.connection_of("viewer").notify(vault.Ruled(name="secret")))


async def an_event_after_the_rights_went() -> bool:
    async with guarded() as world, world.client("viewer") as client, client.events.changed() as changed:
        world.connection_of("viewer").standing.rights = NO_RIGHTS
        await world.server.emit(vault.Changed(name="secret"))
        await client.ping()
        with anyio.move_on_after(0.2):
            await anext(changed)
            return False
        return True


async def a_replay_while_the_rights_went() -> bool:
    async with guarded() as world, world.client("viewer") as client:
        log = world.service.publisher.log
        await world.server.emit(vault.Changed(name="secret"))
        read = log.read

        async def read_and_lose_rights(after: int, limit: int) -> Any:
            world.connection_of("viewer").standing.rights = NO_RIGHTS
            return await read(after, limit)

        log.read = read_and_lose_rights
        async with client.events.changed(since=Position(log.position.epoch, 0)) as changed:
            with anyio.move_on_after(0.2):
                await anext(changed)
                return False
        return True


async def a_subscription_after_a_refresh_with_less() -> bool:
    async with guarded() as world, world.client("owner") as client, client.events.ruled() as ruled:
        await client.authenticate(world.people.grant("owner", "a-token-that-may-less", roles=set()))
        with anyio.move_on_after(PATIENCE):
            try:
                await anext(ruled)
            except HistoryLost:
                return True
        return False


async def a_stream_after_a_refresh_with_less() -> bool:
    async with guarded() as world, world.client("owner") as client, client.follow(upto=10**6) as stream:
        await anext(stream)
        await client.authenticate(world.people.grant("owner", "a-token-that-may-less", roles=set()))
        with anyio.move_on_after(PATIENCE):
            try:
                async for _ in stream:
                    pass
            except PermissionDenied:
                return True
        return False


async def a_notification_s_handler_after_a_refresh_with_less() -> bool:
    async with guarded() as world, world.client("editor") as client:
        await client.notify(vault.Moved(name="on and on"))
        await until(lambda: world.service.running["moved"])
        await client.authenticate(world.people.grant("editor", "a-token-that-may-less", roles=set()))
        with anyio.move_on_after(PATIENCE):
            await until(lambda: not world.service.running["moved"])
        return not world.service.running["moved"]


async def a_refresh_with_somebody_else_s_token() -> bool:
    async with guarded() as world, world.client("viewer") as client:
        return await is_refused(client.authenticate(token_of("owner"))) and await is_refused(client.wipe())


# ------------------------------------------------------------------------------------------------------------ the end
async def a_connection_after_its_credentials_expired() -> bool:
    async with guarded(limits=Limits(expiry_grace=0.05)) as world:
        world.people.grant("viewer", expires_at=datetime.now(UTC) + timedelta(seconds=0.3))
        async with world.client("viewer"):
            connection = world.connection_of("viewer")
            with anyio.move_on_after(0.35 + PATIENCE):
                await connection.until_closed()
            return connection.closed is not None


async def a_connection_after_a_revocation() -> bool:
    async with guarded() as world, world.client("viewer"):
        connection = world.connection_of("viewer")
        world.server.revoke("viewer")
        with anyio.move_on_after(PATIENCE):
            await connection.until_closed()
        return connection.closed is not None


async def a_keyed_handler_after_a_revocation() -> bool:
    runs_on = 1
    async with guarded(limits=BRIEF) as world, keyed_and_lost(world):
        world.server.revoke("editor")
        with anyio.move_on_after(PATIENCE):
            await until(lambda: not world.service.running["hold_key"])
        runs_on = world.service.running["hold_key"]
    return not runs_on


async def a_keyed_handler_after_its_credentials_expired() -> bool:
    runs_on = 1
    async with guarded(limits=replace(BRIEF, expiry_grace=0.05)) as world:
        world.people.grant("editor", expires_at=datetime.now(UTC) + timedelta(seconds=0.3))
        async with keyed_and_lost(world):
            with anyio.move_on_after(0.35 + PATIENCE):
                await until(lambda: not world.service.running["hold_key"])
            runs_on = world.service.running["hold_key"]
    return not runs_on


@asynccontextmanager
async def keyed_and_lost(world: World) -> AsyncGenerator[None]:
    """A keyed handler of the editor's runs, the connection is gone, and nobody comes back."""
    async with world.client("editor") as client, anyio.create_task_group() as tasks:

        async def call() -> None:
            with suppress(CallError):
                await client.hold_key()

        tasks.start_soon(call)
        await until(lambda: world.service.running["hold_key"])
        world.people.people.clear()
        connection = world.connection_of("editor")
        connection.abort()
        await connection.until_closed()
        yield
        tasks.cancel_scope.cancel()


async def a_notification_s_handler_after_a_revocation() -> bool:
    async with browsing() as (world, browser):  # which does not close
        await browser.say(authenticate())
        await browser.hear()
        await browser.say({"event": "moved", "data": {"name": "on and on"}})
        await until(lambda: world.service.running["moved"])
        world.server.revoke("editor")
        with anyio.move_on_after(PATIENCE):
            await until(lambda: not world.service.running["moved"])
        return not world.service.running["moved"]


# --------------------------------------------------------------------------------------------------- whose things are
async def somebody_else_s_key() -> bool:
    async with guarded() as world, world.client("editor") as editor, world.client("owner") as owner:
        same = CallOptions(key="k")
        return (await editor.store(options=same), await owner.store(options=same)) == ("editor 1", "owner 2")


async def somebody_else_s_session() -> bool:
    async with guarded() as world, world.client("owner") as owner, world.client("viewer") as viewer:
        mine = world.connection_of("owner")
        viewer._session, viewer._generation = owner._session, 100
        world.connection_of("viewer").abort()
        await viewer.look()
        with anyio.move_on_after(0.2):
            await mine.until_closed()
        return mine.closed is None


# -------------------------------------------------------------------------------------------------------------- rates
async def more_calls_than_the_rate() -> bool:
    async with guarded() as world, world.client("viewer") as client:
        return any([await is_refused(client.often()) for _ in range(10)])


async def more_calls_at_once_than_there_are_places() -> bool:
    outcomes: list[bool] = []
    async with guarded() as world, world.client("viewer") as client, anyio.create_task_group() as tasks:

        async def call() -> None:
            outcomes.append(await is_refused(client.narrow()))

        for _ in range(3):
            tasks.start_soon(call)
        with anyio.move_on_after(PATIENCE):
            await until(lambda: outcomes)
        world.service.let_go.set()
        await until(lambda: len(outcomes) == 3)
    return outcomes.count(True) == 1


async def a_place_that_is_free_again() -> bool:
    """Not an intruder: who was refused once is served later."""
    async with guarded() as world, world.client("viewer") as client:
        world.service.let_go.set()
        return not any([await is_refused(client.narrow()) for _ in range(5)])
