"""The table of moves, cell by cell."""

from __future__ import annotations

import pytest

from duologue import UnknownValue
from duologue_registry.rules.states import ALIVE, MOVES, check_move
from service_registry_sdk import InvalidTransition, ServiceState

LEGAL = {
    "registered": "starting running failed",
    "starting": "running stopping failed",
    "running": "stopping stopped failed",
    "stopping": "stopped failed",
    "stopped": "starting",
    "failed": "starting stopping stopped",
}


@pytest.mark.parametrize("old", list(ServiceState))
@pytest.mark.parametrize("new", list(ServiceState))
def test_each_move(old: ServiceState, new: ServiceState) -> None:
    legal = LEGAL[old].split()
    if new in legal:
        assert check_move(old, new) is new
    else:
        with pytest.raises(InvalidTransition) as refusal:
            check_move(old, new)
        assert refusal.value.details.from_ == old
        assert refusal.value.details.to == new
        assert refusal.value.details.allowed == legal


def test_a_state_of_a_later_version_is_refused_and_named() -> None:
    with pytest.raises(InvalidTransition, match="from running to hibernating"):
        check_move(ServiceState.RUNNING, UnknownValue("hibernating"))


def test_nothing_leads_out_of_a_state_of_a_later_version() -> None:
    with pytest.raises(InvalidTransition) as refusal:
        check_move(UnknownValue("hibernating"), ServiceState.RUNNING)
    assert refusal.value.details.allowed == []


def test_every_state_has_a_row_and_a_way_to_running() -> None:
    assert set(MOVES) == set(ServiceState)
    for start in ServiceState:
        reached = {start}
        while more := {new for old in reached for new in MOVES[old]} - reached:
            reached |= more
        assert ServiceState.RUNNING in reached
        assert ServiceState.STOPPED in reached


def test_who_can_fail_is_who_is_alive() -> None:
    assert {state for state in ServiceState if ServiceState.FAILED in MOVES[state]} == ALIVE
