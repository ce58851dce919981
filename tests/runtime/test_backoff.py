"""The pauses between attempts to connect: how each ending counts, and what servers may ask for."""

from __future__ import annotations

from typing import Any

import pytest

from duologue import CloseCode
from duologue.client.backoff import FIRST_DELAY, LONGEST_DELAY, LONGEST_WISH, POLICY_DELAY, Backoff, Ending
from duologue.close_codes import FINAL


def backoff(*, renewable: bool = False) -> Backoff:
    """One whose dice always fall on the longest pause."""
    return Backoff(renewable=renewable, draw=lambda low, high: high)


def pauses(chosen: Backoff, *endings: Ending) -> list[float | None]:
    return [chosen.pause(ending) for ending in endings]


FAILED = Ending()
CUT_AT_ONCE = Ending(lived=0.01, close_code=CloseCode.ABNORMAL)


class TestGrowth:
    def test_the_bound_doubles_until_it_is_the_longest(self) -> None:
        told = pauses(backoff(), *[FAILED] * 12)
        assert told[:4] == [FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY, 8 * FIRST_DELAY]
        assert told[-2:] == [LONGEST_DELAY, LONGEST_DELAY]

    def test_a_pause_is_drawn_between_nothing_and_the_bound(self) -> None:
        asked: list[tuple[float, float]] = []

        def draw(low: float, high: float) -> float:
            asked.append((low, high))
            return high / 3

        chosen = Backoff(renewable=False, draw=draw)
        told = pauses(chosen, FAILED, FAILED)
        assert asked == [(0, FIRST_DELAY), (0, 2 * FIRST_DELAY)]
        assert told == [FIRST_DELAY / 3, 2 * FIRST_DELAY / 3]

    def test_without_other_dice_they_are_python_s(self) -> None:
        chosen = Backoff(renewable=False)
        told = [chosen.pause(FAILED) or 0.0 for _ in range(200)]
        assert all(0 <= pause <= LONGEST_DELAY for pause in told)
        assert len(set(told)) > 190

    def test_a_connection_that_is_lost_at_once_is_no_success(self) -> None:
        told = pauses(backoff(), *[CUT_AT_ONCE] * 12)
        assert told == pauses(backoff(), *[FAILED] * 12)

    def test_a_connection_that_outlives_the_bound_begins_anew(self) -> None:
        chosen = backoff()
        pauses(chosen, *[FAILED] * 6)
        stood = Ending(lived=4.0, close_code=CloseCode.ABNORMAL)
        assert pauses(chosen, stood, FAILED) == [FIRST_DELAY, 2 * FIRST_DELAY]

    def test_a_connection_that_does_not_outlive_it_goes_on(self) -> None:
        chosen = backoff()
        pauses(chosen, *[FAILED] * 6)
        stood = Ending(lived=3.0, close_code=CloseCode.ABNORMAL)
        assert pauses(chosen, stood) == [64 * FIRST_DELAY]


class TestPolicy:
    def test_who_passed_a_limit_backs_off_however_long_the_connection_stood(self) -> None:
        broken = Ending(lived=60.0, close_code=CloseCode.POLICY)
        assert pauses(backoff(), *[broken] * 7) == [POLICY_DELAY * 2**n for n in range(5)] + [LONGEST_DELAY] * 2

    def test_another_end_of_a_long_connection_forgets_it(self) -> None:
        chosen = backoff()
        pauses(chosen, *[Ending(lived=60.0, close_code=CloseCode.POLICY)] * 3)
        assert pauses(chosen, Ending(lived=60.0, close_code=CloseCode.ABNORMAL)) == [FIRST_DELAY]


class TestFinal:
    @pytest.mark.parametrize("code", sorted(FINAL))
    def test_close_codes_that_say_stop(self, code: CloseCode) -> None:
        assert pauses(backoff(renewable=True), Ending(lived=60.0, close_code=code)) == [None]

    @pytest.mark.parametrize("status", [400, 403, 405, 410, 426])
    def test_answers_that_say_never(self, status: int) -> None:
        assert pauses(backoff(renewable=True), Ending(status_code=status)) == [None]

    @pytest.mark.parametrize("status", [404, 408, 425, 429, 500, 502, 503, 504])
    def test_answers_that_say_not_now(self, status: int) -> None:
        assert pauses(backoff(), *[Ending(status_code=status)] * 2) == [FIRST_DELAY, 2 * FIRST_DELAY]

    @pytest.mark.parametrize("code", sorted(set(CloseCode) - FINAL - {CloseCode.POLICY, CloseCode.UNAUTHENTICATED}))
    def test_all_other_close_codes_say_come_back(self, code: CloseCode) -> None:
        assert pauses(backoff(), Ending(lived=60.0, close_code=code)) == [FIRST_DELAY]


REFUSALS: list[dict[str, Any]] = [{"status_code": 401}, {"close_code": CloseCode.UNAUTHENTICATED}]


@pytest.mark.parametrize("refusal", REFUSALS, ids=["401", "4401"])
class TestCredentials:
    def test_those_that_cannot_change_are_refused_for_good(self, refusal: dict[str, Any]) -> None:
        assert pauses(backoff(), Ending(**refusal)) == [None]

    def test_others_are_asked_for_once(self, refusal: dict[str, Any]) -> None:
        assert pauses(backoff(renewable=True), *[Ending(**refusal)] * 2) == [FIRST_DELAY, None]

    def test_what_happens_in_between_is_no_other_chance(self, refusal: dict[str, Any]) -> None:
        told = pauses(backoff(renewable=True), Ending(**refusal), FAILED, Ending(status_code=503), Ending(**refusal))
        assert told[-1] is None

    def test_credentials_that_were_good_may_expire_again_and_again(self, refusal: dict[str, Any]) -> None:
        expired = Ending(lived=3600.0, **refusal)
        assert pauses(backoff(renewable=True), *[expired] * 4) == [FIRST_DELAY] * 4

    def test_a_connection_that_ends_otherwise_shows_that_they_were_good(self, refusal: dict[str, Any]) -> None:
        told = pauses(backoff(renewable=True), Ending(**refusal), CUT_AT_ONCE, Ending(**refusal))
        assert None not in told

    def test_a_login_that_is_refused_a_moment_after_the_handshake_is_refused(self, refusal: dict[str, Any]) -> None:
        assert pauses(backoff(renewable=True), *[Ending(lived=2.0, **refusal)] * 2)[-1] is None


class TestWishes:
    def test_clients_spread_their_return_as_they_were_asked(self) -> None:
        gone = Ending(lived=60.0, close_code=CloseCode.GOING_AWAY, spread=12.0)
        assert pauses(backoff(), gone, FAILED) == [12.0, 2 * FIRST_DELAY]

    def test_no_less_than_without_being_asked(self) -> None:
        chosen = backoff()
        pauses(chosen, *[FAILED] * 8)
        assert pauses(chosen, Ending(lived=0.1, spread=1.0)) == [256 * FIRST_DELAY]

    def test_a_server_that_wants_to_be_left_alone_is_and_then_not_by_all_at_once(self) -> None:
        busy = Ending(status_code=503, retry_after=120.0)
        assert pauses(backoff(), busy, busy) == [120.0 + FIRST_DELAY, 120.0 + 2 * FIRST_DELAY]

    def test_but_not_for_ever(self) -> None:
        assert pauses(backoff(), Ending(retry_after=1e300), Ending(lived=60.0, spread=1e300)) == [
            LONGEST_WISH + FIRST_DELAY,
            LONGEST_WISH,
        ]
