"""Credentials that expire, in virtual time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import anyio
import pytest
from tests.security.sdk import vault
from tests.security.vaults import guarded, token_of, until

from duologue import CallError, ConnectionClosed, Lifecycle, Limits, OutcomeUnknown
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
            started = simulation.now()
            world.people.grant("viewer", expires_at=None)
            await client.look()
            connection = world.connection_of("viewer")
            await connection.until_closed()
            grace = Limits().expiry_grace
            assert 2.5 + grace < simulation.now() - started < 4 + grace
            assert closed == [] or closed[0].close_code == 4401
            assert await client.look() == "viewer", "it has connected anew, with what it was given then"
            assert closed[0].close_code == 4401


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
