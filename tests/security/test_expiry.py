"""Credentials that expire, in virtual time."""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from weakref import WeakSet

import anyio
import pytest
from tests.runtime.support import until
from tests.security.sdk import vault
from tests.security.vaults import Changeable, Vault, World, guarded, on_sockets, token_of

from duologue import CallError, Connection, ConnectionClosed, Lifecycle, Limits, NotSent, OutcomeUnknown, serve
from duologue.client import backoff
from duologue.testing import Simulation

SIMULATED: Final = pytest.mark.duologue_seeds(2)


def in_(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@SIMULATED
async def test_credentials_that_expire_end_the_connection_after_a_grace(simulation: Simulation) -> None:
    closed: list[ConnectionClosed] = []
    async with guarded() as world:
        world.people.grant("viewer", expires_at=in_(3))
        async with world.client("viewer", lifecycle=Lifecycle(lost=closed.append)) as client:
            started, grace = simulation.now(), Limits().expiry_grace
            connection = world.connection_of("viewer")
            await anyio.sleep(2.5 + grace)
            assert await client.look() == "viewer"
            await connection.until_closed()
            assert 2.5 + grace < simulation.now() - started < 4 + grace
            with pytest.raises(NotSent, match="refuses the credentials"):  # it has no others
                await client.look()
            assert [one.close_code for one in closed] == [4401]


@SIMULATED
async def test_streams_calls_and_subscriptions_end_with_them(simulation: Simulation) -> None:
    async with guarded(limits=Limits(expiry_grace=1.0)) as world:
        world.people.grant("editor", expires_at=in_(2))
        unstarted = await vault.VaultClient.connect(world.url, token=token_of("editor"))
        client, handler = unstarted.start_handler()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(handler)
            outcomes: list[object] = []

            async def call(action: Any) -> None:
                try:
                    outcomes.append(await action())
                except CallError as error:
                    outcomes.append(error)

            events = await client.subscribe(["changed", "noise"])
            tasks.start_soon(call, client.hold)
            tasks.start_soon(call, client.hold_key)
            async with client.follow(upto=100_000) as stream:
                with pytest.raises(OutcomeUnknown):
                    async for _ in stream:
                        pass
            await until(lambda: len(outcomes) == 2)
            assert {type(outcome) for outcome in outcomes} == {OutcomeUnknown}
            assert not +world.service.running, "handlers do not go on, keyed ones neither"
            with pytest.raises(ConnectionClosed) as ended:
                async for _ in events:
                    pass
            assert ended.value.close_code == 4401
            assert 2.5 < simulation.now() < 4
            await until(lambda: not world.server.connections)


@SIMULATED
async def test_a_refresh_in_time_keeps_the_connection(simulation: Simulation) -> None:
    async with guarded() as world:
        world.people.grant("viewer", expires_at=in_(2))
        async with world.client("viewer") as client, client.events.changed() as changed:
            connection = world.connection_of("viewer")
            later = world.people.grant("viewer", "a-token-for-another-while", expires_at=in_(60))
            await client.authenticate(later)
            await anyio.sleep(10)
            assert connection.closed is None
            await world.server.emit(vault.Changed(name="late"))
            assert (await anext(changed)).name == "late"


@SIMULATED
async def test_a_refresh_may_bring_an_earlier_end(simulation: Simulation) -> None:
    async with guarded(limits=Limits(expiry_grace=0.0)) as world, world.client("viewer") as client:
        connection = world.connection_of("viewer")
        await client.authenticate(world.people.grant("viewer", "a-token-for-a-while", expires_at=in_(1)))
        await connection.until_closed()
        assert simulation.now() < 2


@SIMULATED
async def test_nothing_of_it_waits_when_the_connection_is_gone(simulation: Simulation) -> None:
    async with guarded() as world:
        world.people.grant("viewer", expires_at=in_(1000))
        async with world.client("viewer"):
            connection = world.connection_of("viewer")
            assert connection.standing._expiry is not None
        await until(lambda: connection.closed)
        assert connection.standing._expiry is None


# ---------------------------------------------------------------------------------------- what a client does by itself
class Tokens:
    """Gives a client a token that is good for a few seconds, whenever it asks."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked = 0
        self.broken = False

    def __call__(self) -> str:
        self.asked += 1
        if self.broken:
            raise RuntimeError("the issuer does not answer")
        return self.world.people.grant("viewer", f"the-viewer-s-token-number-{self.asked}", expires_at=in_(5))


@SIMULATED
async def test_a_client_that_can_ask_for_tokens_renews_them_in_time(simulation: Simulation) -> None:
    async with guarded(bound=60) as world:
        tokens = Tokens(world)
        async with vault.VaultClient.open(world.url, token=tokens) as client, client.events.changed() as changed:
            connection = world.connection_of("viewer")
            await anyio.sleep(30)
            assert 7 <= tokens.asked <= 9
            assert connection.closed is None, "it is the first connection all the time"
            await world.server.emit(vault.Changed(name="late"))
            assert (await anext(changed)).name == "late"


@pytest.mark.anyio
@pytest.mark.usefixtures("only_new_objects")
async def test_what_is_to_be_renewed_is_forgotten_with_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_DELAY", 0.005)
    monkeypatch.setattr(backoff, "LONGEST_DELAY", 0.02)
    made: WeakSet[Connection] = WeakSet()

    def all_are_gone() -> bool:
        gc.collect()
        return not made

    async with on_sockets() as world:
        token = world.people.grant("viewer", expires_at=in_(1000))
        async with vault.VaultClient.open(world.url, token=lambda: token) as client:
            for _ in range(4):
                await client.look()
                made.add(client.connection)
                client.connection.abort()
                await until(lambda: client.connection not in made)
            await client.look()
            await until(all_are_gone)


@SIMULATED
async def test_a_renewal_that_fails_costs_no_more_than_the_connection(simulation: Simulation) -> None:
    async with guarded(bound=60) as world:
        tokens = Tokens(world)
        async with vault.VaultClient.open(world.url, token=tokens) as client:
            connection = world.connection_of("viewer")
            tokens.broken = True
            await anyio.sleep(6)
            assert tokens.asked == 2
            assert connection.closed is None, "the old credentials still hold"
            tokens.broken = False
            await connection.until_closed()
            ended: ConnectionClosed | None = connection.closed
            assert ended is not None
            assert ended.close_code == 4401
            assert await client.look() == "viewer"


@SIMULATED
async def test_a_token_that_is_a_text_is_not_shown_twice(simulation: Simulation) -> None:
    async with guarded(bound=60) as world:
        world.people.grant("viewer", expires_at=in_(5))
        async with world.client("viewer"):
            await anyio.sleep(4.5)
            assert world.people.asked == 1


@SIMULATED
async def test_a_connection_that_is_being_closed_is_not_renewed(simulation: Simulation) -> None:
    service, people = Vault(), Changeable()
    with anyio.fail_after(60):
        async with serve(service, "memory", 0, authenticator=people) as server:
            tokens = Tokens(world := World(server, service, people, f"ws://memory:{server.port}"))
            async with vault.VaultClient.open(world.url, token=tokens) as client:
                [(_, theirs)] = simulation.network.connections
                await anyio.sleep(3.5)
                theirs.stalled = True
                client.connection.close()
                await anyio.sleep(1)
                assert tokens.asked == 1
                theirs.release()
                await until(lambda: tokens.asked == 2)
                assert await client.look() == "viewer"
