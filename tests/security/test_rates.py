"""Rates and concurrency of actions, for each identity: the gate alone by a clock of the test's, then a server."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import anyio
import pytest
from pydantic import TypeAdapter
from tests.runtime.support import until
from tests.security.sdk import vault
from tests.security.vaults import World, guarded

from duologue import (
    Action,
    Anonymous,
    CallError,
    CallOptions,
    Params,
    Ran,
    Rate,
    ResourceExhausted,
)
from duologue.access.gate import Gate
from duologue.testing import Simulation
from duologue.wire import ErrorBody


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def limited(name: str = "act", rate: Rate | None = None, concurrency: int | None = None) -> Action[Params, Any]:
    return Action(name=name, params=Params, result=TypeAdapter(Any), rate=rate, concurrency=concurrency)


HOURLY: Final = limited("hourly", rate=Rate(per_second=1 / 3600, burst=1))
QUICK: Final = limited("quick", rate=Rate(per_second=10, burst=5))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(clock: Clock) -> Gate:
    return Gate({}, clock)


def wait_of(refusal: ErrorBody | None) -> float:
    """The seconds that a refusal names."""
    assert refusal is not None
    assert refusal.ran is False
    assert isinstance(refusal.retry_after, int)
    return refusal.retry_after / 1000


# ---------------------------------------------------------------------------------------------------------- the gate
def test_a_burst_and_then_the_rate(door: Gate, clock: Clock) -> None:
    action = limited(rate=Rate(per_second=4, burst=3))
    assert [door.enter("ada", action) for _ in range(3)] == [None] * 3
    assert wait_of(door.enter("ada", action)) == 0.25
    clock.now += 0.2
    assert wait_of(door.enter("ada", action)) == pytest.approx(0.05)
    clock.now += 0.05
    assert door.enter("ada", action) is None
    assert door.enter("ada", action) is not None
    clock.now += 1000
    assert [door.enter("ada", action) for _ in range(3)] == [None] * 3, "no more than the burst is saved up"
    assert door.enter("ada", action) is not None


@pytest.mark.parametrize("per_second", [0.1, 3, 7, 1 / 3, 1000])
def test_who_waits_as_long_as_told_is_let_in(door: Gate, clock: Clock, per_second: float) -> None:
    action = limited(rate=Rate(per_second=per_second, burst=1))
    assert door.enter("ada", action) is None
    for _ in range(50):
        clock.now += wait_of(door.enter("ada", action))
        assert door.enter("ada", action) is None


def test_identities_and_actions_do_not_share(door: Gate) -> None:
    one, two = limited("one", rate=Rate(per_second=1, burst=1)), limited("two", rate=Rate(per_second=1, burst=1))
    assert [door.enter("ada", one), door.enter("ada", two), door.enter("bob", one)] == [None] * 3
    assert door.enter("ada", one) is not None
    assert door.enter("bob", one) is not None


def test_full_buckets_are_forgotten(door: Gate, clock: Clock) -> None:
    for number in range(1000):
        door.enter(f"somebody {number}", QUICK)
    assert len(door._buckets) == 1000
    clock.now += 0.2
    door.enter("ada", QUICK)
    assert len(door._buckets) == 1


def test_one_that_fills_slowly_keeps_none_of_the_others(door: Gate, clock: Clock) -> None:
    for number in range(10):
        door.enter(f"somebody {number}", HOURLY)
    for number in range(1000):
        door.enter(f"somebody {number}", QUICK)
    clock.now += 0.2
    for _ in range(11):  # one for each that is not full
        door.enter("ada", QUICK)
    assert sorted(door._buckets) == [("ada", "quick"), *((f"somebody {number}", "hourly") for number in range(10))]
    clock.now += 3600
    door.enter("ada", QUICK)
    assert len(door._buckets) == 1


def test_however_many_come_no_more_are_remembered_than_twice_those_that_are_not_full(door: Gate, clock: Clock) -> None:
    for number in range(100):
        door.enter(f"somebody {number}", HOURLY)
    most = 0
    for number in range(5000):
        clock.now += 0.01  # ten of the quick ones are not full at any time
        door.enter(f"somebody {number}", QUICK)
        most = max(most, len(door._buckets))
    assert most <= 2 * (100 + 11)


def test_a_rate_that_lets_nobody_in(door: Gate) -> None:
    action = limited(rate=Rate(per_second=1, burst=0))
    assert door.enter("ada", action) is not None
    assert door.enter("ada", action) is not None


def test_places(door: Gate) -> None:
    action = limited(concurrency=2)
    assert [door.enter("ada", action) for _ in range(2)] == [None, None]
    refused = door.enter("ada", action)
    assert refused is not None
    assert (refused.status, refused.ran) == ("resource_exhausted", False)
    assert door.enter("bob", action) is None
    door.leave("ada", action)
    assert door.enter("ada", action) is None
    for name in ("ada", "ada", "bob"):
        door.leave(name, action)
    assert door._running == {}


def test_a_refused_place_costs_no_token(door: Gate, clock: Clock) -> None:
    action = limited(rate=Rate(per_second=1, burst=2), concurrency=1)
    assert door.enter("ada", action) is None
    for _ in range(5):
        assert door.enter("ada", action) is not None
    door.leave("ada", action)
    assert door.enter("ada", action) is None, "the second token is still there"


# --------------------------------------------------------------------------------------------------------- a server
@pytest.mark.anyio
async def test_too_many_calls_are_refused_unrun_and_told_when_to_come_again() -> None:
    async with guarded() as world, world.client("viewer") as client, world.client("viewer") as again:
        for _ in range(3):
            await client.often()
        for caller in (client, again):
            with pytest.raises(ResourceExhausted, match="at most 10 calls a second") as refused:
                await caller.often()
            assert refused.value.ran is Ran.NO
            assert refused.value.retry_after is not None
            assert 0 < refused.value.retry_after <= 0.1
        assert world.service.asked["often"] == 3
        async with world.client("owner") as other:
            assert await other.often() == "owner"


@pytest.mark.duologue_seeds(3)
async def test_in_the_long_run_it_is_the_rate(simulation: Simulation) -> None:
    async with guarded() as world, world.client("viewer") as client:
        started, served = simulation.now(), 0
        while simulation.now() - started < 5:
            try:
                await client.often()
                served += 1
            except ResourceExhausted as error:
                await anyio.sleep(error.retry_after or 0)
        assert 45 <= served <= 55


@pytest.mark.anyio
async def test_the_anonymous_are_told_apart_by_their_address() -> None:
    async with guarded(authenticator=Anonymous.all()) as world:
        async with vault.VaultClient.open(world.url) as one, vault.VaultClient.open(world.url) as two:
            for client in (one, two):
                for _ in range(3):
                    await client.often()
                with pytest.raises(ResourceExhausted):
                    await client.often()


async def outcome_of(action: Any, outcomes: list[Any], **options: Any) -> None:
    try:
        outcomes.append(await action(**options))
    except CallError as error:
        outcomes.append(error)


@pytest.mark.anyio
async def test_places_are_given_back_when_handlers_end() -> None:
    async with guarded() as world, world.client("viewer") as client:
        outcomes: list[Any] = []
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(outcome_of, client.narrow, outcomes)
            await until(lambda: world.service.running["narrow"] == 2)
            with pytest.raises(ResourceExhausted) as refused:
                await client.narrow()
            assert refused.value.ran is Ran.NO
            world.service.let_go.set()
        assert outcomes == ["viewer", "viewer"]
        assert await client.narrow() == "viewer"
        assert places(world) == {}


def places(world: World) -> dict[Any, int]:
    return world.server._party.gate._running


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["given up", "timed out", "cut", "revoked", "raised", "not understood"])
async def test_places_are_given_back_however_a_handler_ends(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with guarded() as world, world.client("viewer") as client, anyio.create_task_group() as tasks:
        if how == "raised":
            monkeypatch.setattr(world.service, "let_go", None)
        params = {"timeout": 0.1} if how == "timed out" else {}
        if how == "not understood":
            with suppress(CallError):
                await client.connection.calls.ask("narrow", b'{"seconds": "x"}')
        else:
            outcomes: list[Any] = []
            tasks.start_soon(lambda: outcome_of(client.narrow, outcomes, **params))
            await until(lambda: world.service.asked["narrow"])
        if how == "given up":
            tasks.cancel_scope.cancel()
        elif how == "cut":
            world.people.people.clear()  # or it may be back, and call again, before anybody looks
            world.connection_of("viewer").abort()
        elif how == "revoked":
            world.server.revoke("viewer")
        with anyio.CancelScope(shield=True):
            await until(lambda: places(world) == {})
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_call_that_is_stopped_before_it_starts_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[str] = []
    enter, leave = Gate.enter, Gate.leave

    def note_enter(self: Gate, whom: str, action: Action[Any, Any]) -> ErrorBody | None:
        entered.append("in")
        return enter(self, whom, action)

    def note_leave(self: Gate, whom: str, action: Action[Any, Any]) -> None:
        entered.append("out")
        leave(self, whom, action)

    monkeypatch.setattr(Gate, "enter", note_enter)
    monkeypatch.setattr(Gate, "leave", note_leave)
    async with guarded() as world, world.client("viewer") as client:
        connection = world.connection_of("viewer")
        message = b'{"id":"x%d","action":"narrow","params":{}}'
        for number in range(2):
            connection.on_message(message % number)
            connection.on_message(b'{"cancel":"x%d"}' % number)
        await client.ping()
        assert entered == ["in", "out", "in", "out"]
        assert places(world) == {}
        assert world.service.asked["narrow"] == 0


@pytest.mark.anyio
async def test_a_retry_joins_its_handler_whatever_the_places() -> None:
    async with guarded() as world, world.client("viewer") as client:
        outcomes: list[Any] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outcome_of, lambda: client.narrow_key(options=CallOptions(key="k")), outcomes)
            await until(lambda: world.service.running["narrow_key"])
            world.connection_of("viewer").abort()
            await until(lambda: any(not one.closed for one in world.server.connections))
            with pytest.raises(ResourceExhausted):  # the handler goes on, and so does its place
                await client.narrow_key(options=CallOptions(key="other"))
            world.service.let_go.set()
        assert outcomes == ["viewer"]
        assert world.service.asked["narrow_key"] == 1
        await until(lambda: places(world) == {})
