"""Rights that change while a connection lives: refresh and revocation, in the middle of streams, too; what is whose."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import anyio
import pytest
from tests.runtime.support import until
from tests.security.sdk import vault
from tests.security.vaults import Helper, Vault, World, guarded, on_sockets, token_of

from duologue import (
    Anonymous,
    CallError,
    CallOptions,
    ConnectionClosed,
    Credentials,
    HistoryLost,
    Internal,
    Lifecycle,
    Limits,
    OutcomeUnknown,
    PermissionDenied,
    Ran,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from duologue.access.gate import NO_RIGHTS

pytestmark = pytest.mark.anyio


def in_(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


# ------------------------------------------------------------------------------------------------------------- refresh
async def test_a_refresh_may_bring_more_rights() -> None:
    async with guarded() as world, world.client("viewer") as client:
        with pytest.raises(PermissionDenied):
            await client.store()
        await client.authenticate(world.people.grant("viewer", "another-token-of-the-viewer", roles={"editor"}))
        assert await client.store() == "viewer 1"
        assert world.connection_of("viewer").identity.roles == {"editor"}
        assert [call.identity.roles for call in world.service.calls] == [{"editor"}]


async def test_a_refresh_may_bring_less_and_ends_what_is_not_covered() -> None:
    async with guarded() as world, world.client("owner", serve=Helper()) as client:
        less = world.people.grant("owner", "a-token-that-may-less", roles={"viewer"})
        async with client.follow(upto=1000) as kept, client.events.ruled() as ruled, client.events.changed() as changed:
            assert await anext(kept) == 0
            async with anyio.create_task_group() as tasks:

                async def trade() -> None:
                    with pytest.raises(PermissionDenied) as stopped:
                        await client.hold_key()
                    assert stopped.value.ran is Ran.YES

                tasks.start_soon(trade)
                await until(lambda: world.service.running["hold_key"])
                await client.authenticate(less)
            await until(lambda: not world.service.running["hold_key"])
            with pytest.raises(HistoryLost, match="scope for ruled was taken away"):
                await anext(ruled)
            await world.server.emit(vault.Ruled(name="secret"))
            await world.server.emit(vault.Changed(name="seen"))
            assert (await anext(changed)).name == "seen"
            assert await anext(kept) == 1, "what is covered goes on"
        with pytest.raises(PermissionDenied):
            await client.wipe()
        [peer] = world.server.peers()
        with pytest.raises(PermissionDenied):
            await peer.assist()


async def test_a_notification_s_handler_is_stopped_once_or_never_begins() -> None:
    async with guarded() as world, world.client("editor") as client:
        connection = world.connection_of("editor")
        await client.notify(vault.Moved(name="on and on"))
        await client.notify(vault.Waved(name="on and on"))
        await until(lambda: world.service.running["moved"] and world.service.running["waved"])
        connection.on_message(b'{"event": "moved", "data": {"name": "late"}}')
        connection.standing.rights = NO_RIGHTS
        connection.recheck()
        connection.recheck()
        await until(lambda: not world.service.running["moved"])
        assert await client.ping() == "editor"
        assert world.service.asked["moved"] == 1
        assert world.service.running["waved"], "what is covered goes on"
        world.service.let_go.set()


async def test_a_stream_ends_when_its_scope_is_taken_away() -> None:
    async with guarded() as world, world.client("viewer") as client:
        nothing = world.people.grant("viewer", "a-token-that-may-nothing", roles=set())
        async with client.follow(upto=100_000) as stream:
            assert await anext(stream) == 0
            await client.authenticate(nothing)
            with pytest.raises(PermissionDenied):
                async for _ in stream:
                    pass


async def test_a_plain_peer_hears_no_more_of_what_was_taken_away() -> None:
    async with guarded() as world, world.client("owner") as client:
        connection = world.connection_of("owner")
        assert connection._subscriptions is not None
        connection._subscriptions.subscribe(b'{"events": ["ruled", "noise"]}')
        await client.authenticate(world.people.grant("owner", "a-token-that-may-less", roles={"viewer"}))
        [subscription] = connection._subscriptions._subscriptions.values() or [None]
        assert subscription is None or set(subscription.events) == {"noise"}


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("bad-and-not-to-be-told", Unauthenticated),
        (token_of("editor"), PermissionDenied),
    ],
)
async def test_a_refresh_that_is_refused_changes_nothing(token: str, error: type[CallError]) -> None:
    async with guarded() as world, world.client("viewer") as client:
        with pytest.raises(error) as refused:
            await client.authenticate(token)
        assert token not in str(refused.value)
        assert await client.look() == "viewer"
        with pytest.raises(PermissionDenied):
            await client.store()


async def test_a_refresh_with_what_has_expired_is_refused() -> None:
    async with guarded() as world, world.client("viewer") as client:
        world.people.grant("viewer", expires_at=in_(-1))
        with pytest.raises(Unauthenticated):
            await client.authenticate(token_of("viewer"))


async def test_one_refresh_at_a_time_and_none_for_ever() -> None:
    async with guarded(limits=Limits(handshake=0.3)) as world, world.client("viewer") as client:
        world.people.slow = anyio.Event()
        async with anyio.create_task_group() as tasks:

            async def first() -> None:
                with pytest.raises(Unavailable):
                    await client.authenticate(token_of("viewer"))

            asked = world.people.asked
            tasks.start_soon(first)
            await until(lambda: world.people.asked > asked)
            with pytest.raises(CallError, match="another `authenticate`"):
                await client.authenticate(token_of("viewer"))
        world.people.slow = None
        await client.authenticate(token_of("viewer"))
        assert await client.look() == "viewer"


async def test_a_refresh_under_way_does_not_outlive_its_connection() -> None:
    async with guarded() as world:
        async with world.client("viewer") as client, anyio.create_task_group() as tasks:
            world.people.slow = anyio.Event()

            async def refresh() -> None:
                with suppress(OutcomeUnknown):
                    await client.authenticate(token_of("viewer"))

            asked = world.people.asked
            tasks.start_soon(refresh)
            await until(lambda: world.people.asked > asked)
            world.connection_of("viewer").abort()
            tasks.cancel_scope.cancel()
        await until(lambda: not world.server.connections)


async def test_who_did_not_have_to_sign_in_may_all_the_same() -> None:
    async with guarded(authenticator=Anonymous.all()) as world, vault.VaultClient.open(world.url) as client:
        await client.authenticate("whatever")
        assert await client.wipe() == "anonymous"


async def test_a_client_is_not_asked_to_sign_anybody_in() -> None:
    async with guarded() as world, world.client("owner", serve=Helper()):
        [peer] = world.server.peers()
        with pytest.raises(Unimplemented):
            await peer.connection.calls.ask("authenticate", b'{"token": "x"}')
        assert await peer.greet() == "hello"


@pytest.mark.parametrize("sync", [True])
async def test_from_synchronous_code(sync: bool) -> None:
    async with on_sockets() as world:
        token = world.people.grant("viewer", "another-token-of-the-viewer", roles={"editor"})

        def talk() -> str:
            with vault.VaultClient.open_sync(world.url, token=token_of("viewer")) as client:
                client.authenticate(token)
                return str(client.store())

        assert await anyio.to_thread.run_sync(talk) == "viewer 1"


# ---------------------------------------------------------------------------------------------------------- revocation
async def all_at_work(world: World, client: Any, outcomes: list[object]) -> None:
    """Let somebody do one of each thing, until they end."""

    async def call(action: Any) -> None:
        try:
            outcomes.append(await action(timeout=60))
        except CallError as error:
            outcomes.append(error)

    async def stream() -> None:
        try:
            async with client.follow(upto=10**6) as numbers:
                async for _ in numbers:
                    pass
        except CallError as error:
            outcomes.append(error)

    async def listen() -> None:
        try:
            async with client.events.changed() as changes:
                async for _ in changes:
                    pass
        except (CallError, ConnectionClosed, HistoryLost) as error:
            outcomes.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, client.hold)
        tasks.start_soon(call, client.hold_key)
        tasks.start_soon(stream)
        tasks.start_soon(listen)


@pytest.mark.parametrize("whom", ["editor", "token 7"])
async def test_within_two_seconds_everything_of_it_ends(whom: str) -> None:
    async with guarded() as world:
        world.people.grant("editor", token_id="token 7")
        outcomes: list[object] = []
        async with world.client("editor") as client, world.client("viewer") as bystander:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(all_at_work, world, client, outcomes)
                await until(lambda: +world.service.running == {"hold": 1, "hold_key": 1})
                await until(lambda: world.service.asked["follow"])
                await until(lambda: world.service.publisher._listeners["changed"])
                connection, started = world.connection_of("editor"), anyio.current_time()
                world.people.people.clear()
                assert world.server.revoke(whom) == 1
                await until(lambda: not +world.service.running)
                await connection.until_closed()
                assert anyio.current_time() - started < 2
                assert connection.closed is not None
                assert connection.closed.close_code == 4403
            assert len(outcomes) == 4
            assert {type(outcome) for outcome in outcomes} == {OutcomeUnknown, ConnectionClosed}
            assert not world.service.publisher._listeners["changed"]
            assert await bystander.look() == "viewer"
        assert world.server.revoke(whom) == 0


async def test_what_a_connection_that_is_gone_has_left_running_ends_too() -> None:
    async with guarded() as world:
        async with world.client("editor") as client, anyio.create_task_group() as tasks:
            tasks.start_soon(partial(client.hold_key, timeout=100))
            await until(lambda: bool(world.service.running["hold_key"]))
            client.connection._link.abort()  # before it can say that nobody waits any more
            tasks.cancel_scope.cancel()
        await until(lambda: not world.server.connections)
        assert world.service.running["hold_key"], "a retry would find it"
        assert world.server.revoke("editor") == 0
        await until(lambda: not world.service.running["hold_key"])


def nothing(*args: object) -> None: ...


async def test_a_peer_that_does_not_close_is_cut_and_nothing_runs_for_it_meanwhile() -> None:
    async with guarded(limits=Limits(close=1.0)) as world, world.client("editor") as client:
        connection = world.connection_of("editor")
        client.connection._link._deaf = True  # it hears nothing, and so does not answer a close
        client.connection._link.protocol.receive_data = nothing
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                with suppress(CallError):
                    await client.hold(timeout=3)

            tasks.start_soon(call)
            await until(lambda: world.service.running["hold"])
            world.server.revoke("editor")
            started = anyio.current_time()
            await until(lambda: not +world.service.running)
            assert anyio.current_time() - started < 0.5
            await connection.until_closed()
            assert anyio.current_time() - started < 2
            tasks.cancel_scope.cancel()


async def test_a_keyed_handler_whose_connection_was_lost_before_ends_too() -> None:
    async with guarded() as world, world.client("editor") as client, anyio.create_task_group() as tasks:

        async def call() -> None:
            with suppress(CallError):
                await client.hold_key()

        tasks.start_soon(call)
        await until(lambda: world.service.running["hold_key"])
        world.people.people.clear()  # it cannot come back
        connection = world.connection_of("editor")
        connection.abort()
        await connection.until_closed()
        assert world.service.running["hold_key"] == 1, "its caller may come back for it"
        world.server.revoke("editor")
        await until(lambda: not world.service.running["hold_key"])
        await until(lambda: not world.server.connections)
        tasks.cancel_scope.cancel()


async def test_who_is_revoked_does_not_connect_again() -> None:
    async with guarded() as world:
        lost: list[ConnectionClosed] = []
        async with world.client("viewer", lifecycle=Lifecycle(lost=lost.append)) as client:
            connections = world.people.asked
            world.server.revoke("viewer")
            with pytest.raises(CallError, match="4403"):
                await client.look()
            assert [closed.close_code for closed in lost] == [4403]
            assert world.people.asked == connections


async def test_no_event_leaves_after_it() -> None:
    async with guarded() as world, world.client("viewer") as client:
        async with client.events.changed() as changed:
            world.server.revoke("viewer")
            await world.server.emit(vault.Changed(name="secret"))
            with pytest.raises(ConnectionClosed):
                await anext(changed)


# ----------------------------------------------------------------------------------- what belongs to somebody
async def test_a_key_belongs_to_its_identity() -> None:
    async with guarded(Vault()) as world, world.client("editor") as editor, world.client("owner") as owner:
        same = CallOptions(key="k")
        assert await editor.store(options=same) == "editor 1"
        assert await owner.store(options=same) == "owner 2"
        assert await editor.store(options=same) == "editor 1"
        assert await owner.store(name="x", options=CallOptions(key="k2")) == "owner 3"


async def test_a_session_belongs_to_its_identity() -> None:
    """Nobody fences a connection with somebody else's session."""
    async with guarded() as world, world.client("owner") as owner, world.client("viewer") as viewer:
        viewer._session, viewer._generation = owner._session, 100
        world.connection_of("viewer").abort()
        assert await viewer.look() == "viewer"
        assert await owner.look() == "owner"
        assert world.connection_of("owner").closed is None


async def test_a_position_of_somebody_else_shows_nothing_that_is_not_one_s_own() -> None:
    async with guarded() as world, world.client("owner") as owner, world.client("viewer") as viewer:
        async with owner.events.ruled() as ruled, owner.events.changed() as changed:
            position = ruled.position
            assert position == changed.position
            await world.server.emit(vault.Ruled(name="secret"))
            await world.server.emit(vault.Changed(name="seen"))
        with pytest.raises(PermissionDenied):
            async with viewer.events.ruled(since=position):
                pass
        async with viewer.events.changed(since=position) as found:
            event = await anext(found)
            assert (event.name, found.position.seq) == ("seen", position.seq + 2)


async def test_an_authenticator_that_gives_no_identity_is_an_incident_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nobody(credentials: Credentials) -> None:
        return None

    async with guarded() as world, world.client("viewer") as client:
        monkeypatch.setattr(world.people, "authenticate", nobody)
        with pytest.raises(Internal, match="incident"):
            await client.authenticate("another-token-" + "x" * 20)
        assert await client.look() == "viewer"
