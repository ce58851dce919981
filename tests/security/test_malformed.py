"""Frames that break RFC 6455, by the thousand, on a living server: each is answered, and nobody else notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest
from tests.conftest import BACKENDS
from tests.runtime.hostile import Hostile
from tests.security.malformed import Malformed
from tests.security.victim import SIGNED_IN, Bystander, Victim, percentile

MIB: Final = 1 << 20


@pytest.fixture(scope="module", params=list(BACKENDS))
def victim(request: pytest.FixtureRequest) -> Iterator[Victim]:
    with Victim(request.param) as one:
        yield one


def ending(victim: Victim, data: bytes) -> str:
    """How a connection ends on which this is sent; a reset may take the last word with it."""
    with Hostile(victim.port, SIGNED_IN) as peer:
        try:
            peer.send(data)
        except OSError:
            return "reset"
        return peer.end()


@pytest.mark.parametrize("count", [250, pytest.param(10_000, marks=pytest.mark.long)])
def test_each_is_answered_with_its_close_code_and_costs_nobody_anything(victim: Victim, count: int) -> None:
    malformed, faults, ends = Malformed(seed=count), Counter[str](), Counter[str]()
    with Bystander(victim) as bystander:
        quiet = percentile(bystander.quiet(0.2), 0.95)
        before = victim.resident
        with bystander.calling() as took:
            for _ in range(count):
                sequence = malformed.draw()
                end = ending(victim, sequence.data)
                faults[sequence.fault] += 1
                ends[end[:4]] += 1
                assert end == "reset" or end.startswith(sequence.codes), (sequence, end)
        assert percentile(took, 0.95) < max(2 * quiet, 0.1)
        assert victim.resident - before < 16 * MIB
    assert len(faults) == 14, "every fault is among them"
    assert ends["rese"] < count / 4, ends
    assert victim.log() == [], "no failure of the server's own"
