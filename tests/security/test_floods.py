"""One peer that floods a server over a raw socket: a limit with a name ends it, and it costs others next to nothing.

The server is a process of its own, so that its memory can be read; so are who floods it, and a bystander who calls
all the while. What the bystander notices is compared with what it noticed when all was quiet, just before.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest
from tests.conftest import BACKENDS
from tests.security.apart import IDLE, Apart
from tests.security.floods import FLOODS, Flood, repeat
from tests.security.victim import Bystander, Victim, compete, percentile

from duologue import Limits

LIMITS: Final = Limits(handshake=0.5, write_deadline=0.5, frames=5_000)
"""Shorter waits than the defaults, and frames that a test can exceed on any machine."""

FLOODER: Final = 10
"""How much who floods yields to others: it is a machine of its own elsewhere. Where nothing else runs it is `IDLE`, or
the kernel would let it, or the server, go on for some milliseconds while the bystander could."""

MIB: Final = 1 << 20
MEMORY: Final = 16 * MIB
"""What a flood may cost the server at most."""


@pytest.fixture(scope="module", params=list(BACKENDS))
def victim(request: pytest.FixtureRequest) -> Iterator[Victim]:
    with Victim(request.param, LIMITS) as one:
        yield one


@pytest.fixture(scope="module")
def bystander(victim: Victim) -> Iterator[Bystander]:
    with Bystander(victim) as one:
        one.quiet(0.1)
        yield one


def suffer(victim: Victim, bystander: Bystander, flood: Flood, seconds: float, nice: int = FLOODER) -> list[float]:
    """Let a server be flooded, see that it says so and what that costs; how long the bystander's calls took."""
    before = most = victim.resident
    with bystander.calling() as took, Apart(repeat, flood.act, victim.port, seconds, nice=nice) as flooder:
        while not flooder.pipe.poll(0.005):
            most = max(most, victim.resident)
        verdicts: Counter[str] = flooder.hear()
    ends = victim.ends()
    told, known = (sum(n for word, n in words.items() if flood.word in word) for words in (verdicts, ends))
    unheard = verdicts["cut"] + verdicts["reset"]  # the kernel's: the last word went with what the server had not read
    assert known if flood.is_cut else known >= unheard, (verdicts, ends)
    assert told + unheard == verdicts.total(), verdicts
    assert most - before < MEMORY, f"{(most - before) / MIB:.1f} MiB more"
    return took


def endure(
    victim: Victim,
    bystander: Bystander,
    flood: Flood,
    *,
    seconds: float,
    part: float,
    floor: float,
    calls: float = math.inf,
    nice: int = FLOODER,
    tries: int = 3,
) -> None:
    """See that a bystander waits at most twice as long as when all is quiet, or as `floor` and `calls` say.

    It is quiet when nobody but the bystander talks to the server. Somebody else wants a processor then too, as little
    and as long as a flooder does: there may be no more than two of them, and what the kernel gives to whom is no
    server's doing. What else the machine does may hinder the bystander in one try; a server that lets itself be
    flooded hinders it in all.

    Args:
        part: The part of its calls of which that is said.
        floor: Seconds that it may wait in any case.
        calls: Or as long as so many calls take most of the time when all is quiet, where that is less.
    """
    seen: list[str] = []
    for _ in range(tries):
        with Apart(compete, nice=nice):
            took = bystander.quiet(seconds / 2)
        quiet = percentile(took, part)
        allowed = max(2 * quiet, min(floor, calls * percentile(took, 0.5)))
        flooded = percentile(suffer(victim, bystander, flood, seconds, nice), part)
        if flooded < allowed:
            return
        seen.append(f"{flooded * 1000:.1f} of {allowed * 1000:.1f} ms, and {quiet * 1000:.1f} ms when all was quiet")
    raise AssertionError(f"{part:.0%} of the calls took up to {'; '.join(seen)}")


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood(victim: Victim, bystander: Bystander, name: str) -> None:
    endure(victim, bystander, FLOODS[name], seconds=0.1, part=0.95, floor=0.25)  # not alone on this machine


@pytest.mark.long  # half a minute for each event loop
@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_that_goes_on(victim: Victim, bystander: Bystander, name: str) -> None:
    endure(victim, bystander, FLOODS[name], seconds=5, part=0.99, floor=0.005, calls=30, nice=IDLE)
