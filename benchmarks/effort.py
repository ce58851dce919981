"""How much is measured: for figures to quote, for a first look, and for a test that everything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Sizes of a run.

    Attributes:
        rounds: How often each contender is measured.
        long_rounds: Rounds of the cases that start new processes in each.
        seconds: How long a measurement under load lasts.
        in_flight: Calls at once on one connection.
        connections: Numbers of connections whose cost per call is compared.
        subscribers: Numbers of subscribers that an event goes to.
        deliveries: Events times subscribers in one measurement of fan-out.
        idle: Idle connections whose memory is measured.
        upload: MiB of an upload.
        logs: Entries in the logs from which a subscriber resumes; `behind`: how many of them it has missed.
        agents: Agents of one registry, with 20 services each.
        starts: Processes that are started in one measurement of imports.
        spec: Actions, events and types of the large spec.
    """

    rounds: int = 15
    long_rounds: int = 5
    seconds: float = 0.2
    in_flight: tuple[int, ...] = (1, 64, 1024)
    connections: tuple[int, ...] = (1, 10, 100, 1000)
    subscribers: tuple[int, ...] = (1000,)
    deliveries: int = 10_000
    idle: int = 5000
    upload: int = 16
    logs: tuple[int, int] = (10_000, 1_000_000)
    behind: int = 1000
    agents: int = 100
    starts: int = 3
    spec: tuple[int, int, int] = (650, 230, 600)


FULL: Final = Effort()
QUICK: Final = Effort(
    rounds=3,
    long_rounds=1,
    seconds=0.1,
    in_flight=(1, 64),
    connections=(1, 1000),
    idle=1000,
    upload=8,
    logs=(10_000, 100_000),
    starts=1,
)
SMOKE: Final = Effort(
    rounds=1,
    long_rounds=1,
    seconds=0.04,
    in_flight=(1, 64),
    connections=(1, 4),
    subscribers=(5,),
    deliveries=100,
    idle=20,
    upload=1,
    logs=(20, 50),
    behind=10,
    agents=3,
    starts=1,
    spec=(6, 2, 6),
)
