"""Leases: what may be declared lost, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from duologue_registry.clock import ManualClock
from duologue_registry.rules.model import ExpireLease, Record, RemoveExpired
from duologue_registry.serving.leases import Leases
from service_registry_sdk import LeaseLost, Local, ManagedProcess, ServiceEntry, ServiceState

TTL = 10.0
FORGET_AFTER = 60.0


def record(
    state: ServiceState = ServiceState.RUNNING, *, lease: float | None = TTL, lease_lost: bool = False
) -> Record:
    now = ManualClock().now()
    entry = ServiceEntry(
        name="api",
        version="1.0.0",
        execution=ManagedProcess(command=["bin/api"]),
        location=Local(),
        state=state,
        lease=None if lease is None else timedelta(seconds=lease),
        registered_at=now,
        last_state_change=now,
        revision=1,
    )
    return Record(entry=entry, born=1, lease_lost=lease_lost)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def leases(clock: ManualClock) -> Leases:
    leases = Leases(clock, forget_after=FORGET_AFTER)
    leases.load([record()])
    return leases


def test_it_ends_after_one_ttl_and_not_before(clock: ManualClock, leases: Leases) -> None:
    clock.advance(TTL - 0.001)
    assert leases.take_due() == []
    clock.advance(0.001)
    assert leases.take_due() == [ExpireLease("api")]


def test_a_heartbeat_gives_one_more_ttl(clock: ManualClock, leases: Leases) -> None:
    clock.advance(TTL - 1)
    assert leases.heartbeat(record()) == clock.now() + timedelta(seconds=TTL)
    clock.advance(TTL - 0.001)
    assert leases.take_due() == []
    clock.advance(0.001)
    assert leases.take_due() == [ExpireLease("api")]


def test_a_late_heartbeat_counts_while_nobody_looked(clock: ManualClock, leases: Leases) -> None:
    clock.advance(TTL * 3)
    leases.heartbeat(record())
    assert leases.take_due() == []


def test_once_declared_due_no_heartbeat_is_acknowledged(clock: ManualClock, leases: Leases) -> None:
    clock.advance(TTL)
    leases.take_due()
    with pytest.raises(LeaseLost):
        leases.heartbeat(record())
    leases.sync("api", record(ServiceState.STOPPING))  # another commit came in before the one that ends it
    with pytest.raises(LeaseLost):
        leases.heartbeat(record(ServiceState.STOPPING))
    assert leases.take_due() == []


def test_what_could_not_be_committed_is_held_for_one_more_ttl(clock: ManualClock, leases: Leases) -> None:
    clock.advance(TTL)
    leases.take_due()
    leases.settle("api", record())
    leases.heartbeat(record())
    clock.advance(TTL)
    assert leases.take_due() == [ExpireLease("api")]


def test_a_lost_lease(clock: ManualClock, leases: Leases) -> None:
    clock.advance(TTL)
    leases.take_due()
    lost = record(ServiceState.FAILED, lease_lost=True)
    leases.sync("api", lost)
    leases.settle("api", lost)
    with pytest.raises(LeaseLost) as refusal:
        leases.heartbeat(lost)
    assert refusal.value.details.name == "api"
    clock.advance(FORGET_AFTER - 0.001)
    assert leases.take_due() == []
    clock.advance(0.001)
    assert leases.take_due() == [RemoveExpired("api")]
    leases.sync("api", None)
    assert leases.take_due() == []


def test_a_lost_lease_found_at_start_waits_its_time_again(clock: ManualClock) -> None:
    leases = Leases(clock, forget_after=FORGET_AFTER)
    leases.load([record(ServiceState.FAILED, lease_lost=True)])
    clock.advance(FORGET_AFTER - 0.001)
    assert leases.take_due() == []
    clock.advance(0.001)
    assert leases.take_due() == [RemoveExpired("api")]


def test_registering_after_a_loss_gives_a_full_ttl(clock: ManualClock, leases: Leases) -> None:
    leases.sync("api", record(ServiceState.FAILED, lease_lost=True))
    clock.advance(FORGET_AFTER - 1)
    leases.sync("api", record(ServiceState.REGISTERED))
    clock.advance(TTL - 0.001)
    assert leases.take_due() == []
    clock.advance(0.001)
    assert leases.take_due() == [ExpireLease("api")]


@pytest.mark.parametrize("state", [ServiceState.STOPPED, ServiceState.FAILED])
def test_nobody_waits_for_who_does_not_run(clock: ManualClock, leases: Leases, state: ServiceState) -> None:
    leases.sync("api", record(state))
    clock.advance(TTL * 10)
    assert leases.take_due() == []
    leases.heartbeat(record(state))
    leases.sync("api", record(ServiceState.STARTING))
    clock.advance(TTL - 0.001)
    assert leases.take_due() == []
    clock.advance(0.001)
    assert leases.take_due() == [ExpireLease("api")]


def test_moves_are_no_heartbeats(clock: ManualClock, leases: Leases) -> None:
    clock.advance(TTL / 2)
    leases.sync("api", record(ServiceState.STOPPING))
    clock.advance(TTL / 2)
    assert leases.take_due() == [ExpireLease("api")]


def test_another_ttl_counts_from_now(clock: ManualClock, leases: Leases) -> None:
    clock.advance(TTL / 2)
    leases.sync("api", record(lease=TTL * 2))
    clock.advance(TTL * 2 - 0.001)
    assert leases.take_due() == []


@pytest.mark.parametrize("state", list(ServiceState))
def test_without_a_lease_there_is_nothing_to_keep_alive(
    clock: ManualClock, leases: Leases, state: ServiceState
) -> None:
    leases.sync("api", record(state, lease=None))
    with pytest.raises(LeaseLost):
        leases.heartbeat(record(state, lease=None))
    clock.advance(TTL * 10)
    assert leases.take_due() == []
