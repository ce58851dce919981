"""When many leases run out at once, none is ended for a while: it is likelier the network that is gone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.registry.test_service import Running, register

from duologue import Metrics
from duologue_registry.clock import ManualClock
from duologue_registry.rules.model import PauseExpiry, ResumeExpiry
from duologue_registry.serving.observing import Observing, observers_of
from duologue_registry.serving.protection import LEAST, LONGEST, WINDOW, Protection
from duologue_registry.storing.memory import MemoryJournal
from service_registry_sdk import RegistryClient, ServiceState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

LEASE = timedelta(seconds=10)
MANY = 20


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def protection(clock: ManualClock) -> Protection:
    return Protection(clock)


def test_a_few_end_as_ever(protection: Protection) -> None:
    assert protection.may_end(LEAST - 1, LEAST)
    assert not protection.active
    assert protection.take_changes() == []


def test_few_of_many_end_as_ever(protection: Protection) -> None:
    assert protection.may_end(30, 100)
    assert not protection.active


def test_many_of_many_do_not(clock: ManualClock, protection: Protection) -> None:
    assert not protection.may_end(31, 100)
    told = protection.told()
    assert (told.active, told.overdue, told.leases) == (True, 31, 100)
    assert told.until is not None
    assert told.until == clock.now() + timedelta(seconds=LONGEST)
    assert protection.take_changes() == [PauseExpiry(31, 100, told.until)]
    assert not protection.may_end(35, 100)
    assert protection.take_changes() == []


def test_many_one_after_the_other_do_not(clock: ManualClock, protection: Protection) -> None:
    """Those who hold leases are heard of at different times, and so run out at different times."""
    ended = 0
    while ended < 100 and protection.may_end(4, 100 - ended):
        ended += 4
        clock.advance(2)
    assert ended == 28


def test_what_ends_slowly_ends(clock: ManualClock, protection: Protection) -> None:
    for left in range(100, 0, -10):
        assert protection.may_end(10, left) or left < 40
        clock.advance(WINDOW)


def test_it_is_over_when_enough_are_heard_of_again(protection: Protection) -> None:
    protection.may_end(60, 100)
    assert not protection.may_end(31, 100)
    assert protection.may_end(30, 100)
    assert not protection.active
    assert protection.take_changes()[1:] == [ResumeExpiry(30, 100)]


def test_it_is_over_after_its_time_whatever_is_heard(clock: ManualClock, protection: Protection) -> None:
    protection.may_end(100, 100)
    clock.advance(LONGEST - 0.1)
    assert not protection.may_end(100, 100)
    clock.advance(0.1)
    assert protection.may_end(100, 100)
    assert not protection.active
    assert protection.may_end(0, 0)


def test_what_ends_late_is_no_reason_for_the_next(clock: ManualClock, protection: Protection) -> None:
    protection.may_end(60, 100)
    clock.advance(LONGEST)
    assert protection.may_end(60, 100)
    clock.advance(1)
    assert protection.may_end(1, 40)


# ------------------------------------------------------------------------------------------------------ in a registry
@pytest.fixture
async def running() -> AsyncGenerator[Running]:
    async with Running(MemoryJournal()) as running:
        yield running


async def register_many(registry: RegistryClient) -> list[str]:
    names = [f"s{number}" for number in range(MANY)]
    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(lambda name: register(registry, name, lease=LEASE), name)
    return names


async def failed(registry: RegistryClient) -> int:
    return len((await registry.list_services(state=[ServiceState.FAILED], limit=500)).services)


@pytest.mark.anyio
async def test_a_registry_tells_and_ends_it_by_itself(running: Running) -> None:
    """Seen by callers, subscribers, probes and metrics."""
    with anyio.fail_after(20):
        async with RegistryClient.open(running.url) as registry, registry.events.expiry_paused() as paused:
            await register_many(registry)
            running.clock.advance(10)
            assert (await anext(paused)).overdue == MANY
            assert await failed(registry) == 0
            assert (await registry.list_endpoints(name="s0")).protected
            status = await registry.get_registry_status()
            assert status.protection.active
            observers, probes = observers_of(running.store, running.service.protection, Observing())
            assert probes.remark is not None
            assert "20 of 20 leases" in (probes.remark() or "")
            [metrics] = [each for each in observers if isinstance(each, Metrics)]
            assert "registry_expiry_paused 1" in metrics.render()

            async with registry.events.expiry_resumed() as resumed:
                running.clock.advance(LONGEST)
                assert (await anext(resumed)).overdue == MANY
            await running.service.sweep()
            assert await failed(registry) == MANY
            assert not (await registry.list_endpoints(name="s0")).protected
            audit = [record.event for record in (await registry.list_events(actor="registry", limit=500)).records]
            assert audit[-1] == "expiry_paused"
            assert "expiry_resumed" in audit


@pytest.mark.anyio
async def test_who_is_heard_of_again_has_lost_nothing(running: Running) -> None:
    with anyio.fail_after(20):
        async with RegistryClient.open(running.url) as registry, registry.events.expiry_paused() as paused:
            names = await register_many(registry)
            running.clock.advance(10)
            await anext(paused)
            async with registry.events.expiry_resumed() as resumed:
                for name in names[:16]:
                    await registry.heartbeat(name=name)
                assert (await anext(resumed)).overdue <= 6
            await running.service.sweep()
            assert await failed(registry) <= 6
            assert (await registry.get_service(name="s0")).state is not ServiceState.FAILED
