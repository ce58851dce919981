"""What the figures ought to be: the one table that is printed beside them, met or missed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from .cases.agents import QUIET, ROLLING
from .cases.durable import EACH, GROUP
from .cases.fanout import BROADCAST
from .cases.generation import LARGE, REGISTRY
from .cases.imports import BY_HAND, SDK
from .cases.resume import LONG, SHORT
from .cases.upload import BARE
from .contenders import DUOLOGUE, GRPC, PICOWS, TRIO, WEBSOCKETS
from .results import Arm, Figure, Results, number

UVLOOP: Final = Arm(DUOLOGUE, "uvloop")
ON_TRIO: Final = Arm(DUOLOGUE, "trio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A figure, alone or as a multiple of another, and its bound.

    Attributes:
        also: Another metric whose ratio is told beside it: one that other work on the machine disturbs less.
        aim: Told only; no bound.
    """

    of: Figure
    against: Figure | None = None
    at_least: float | None = None
    at_most: float | None = None
    also: str | None = None
    aim: bool = False

    def ratio(self, results: Results) -> float | None:
        """None where one of the two was not measured."""
        if self.against is not None:
            return results.ratio(self.of, self.against)
        return results.median(self.of.case, self.of.arm, self.of.metric)

    def is_met(self, ratio: float) -> bool:
        return (self.at_least is None or ratio >= self.at_least) and (self.at_most is None or ratio <= self.at_most)


def _calls(
    variant: str, metric: str, of: Arm, against: Arm, *, at_least: float | None = None, at_most: float | None = None
) -> Target:
    case = f"calls/{variant}"
    also = "capacity" if metric == "rate" else None
    return Target(
        of=Figure(case, of, metric),
        against=Figure(case, against, metric),
        at_least=at_least,
        at_most=at_most,
        also=also,
    )


def _growth(count: int) -> Target:
    first, last = Figure("connections/1", UVLOOP, "cost"), Figure(f"connections/{count}", UVLOOP, "cost")
    return Target(of=last, against=first, at_most=1.5)


def _fanout(variant: str, at_least: float) -> Target:
    case = f"fanout/{variant}"
    broadcast = Figure(case, Arm(BROADCAST, "uvloop"), "rate")
    return Target(of=Figure(case, UVLOOP, "rate"), against=broadcast, at_least=at_least, also="cost")


def _alone(case: str, arm: Arm, metric: str, at_most: float) -> Target:
    return Target(of=Figure(case, arm, metric), at_most=at_most)


TARGETS: Final = (
    _calls("64", "rate", UVLOOP, Arm(GRPC, "asyncio"), at_least=8),
    _calls("64", "rate", UVLOOP, Arm(WEBSOCKETS, "uvloop"), at_least=2.2),
    Target(
        of=Figure("calls/64", UVLOOP, "rate"),
        against=Figure("calls/64", Arm(PICOWS, "uvloop"), "rate"),
        at_least=1,
        also="capacity",
        aim=True,
    ),
    _calls("64", "rate", ON_TRIO, Arm(TRIO, "trio"), at_least=2.5),
    _calls("1", "p50", UVLOOP, Arm(GRPC, "asyncio"), at_most=0.4),
    _calls("1", "p50", UVLOOP, Arm(PICOWS, "uvloop"), at_most=1.6),
    _growth(1000),
    _fanout("1000x1", 1.3),
    _fanout("1000x10", 3),
    _alone("idle", UVLOOP, "memory", 12),
    Target(
        of=Figure("upload", UVLOOP, "rate"),
        against=Figure("upload", Arm(BARE, "uvloop"), "rate"),
        at_least=0.8,
    ),
    Target(
        of=Figure("durable", Arm(GROUP, "uvloop"), "rate"),
        against=Figure("durable", Arm(EACH, "uvloop"), "rate"),
        at_least=5,
    ),
    Target(
        of=Figure("resume", Arm(LONG, "uvloop"), "time"),
        against=Figure("resume", Arm(SHORT, "uvloop"), "time"),
        at_most=1.2,
    ),
    _alone("agents", Arm(QUIET, "uvloop"), "p99", 20),
    _alone("agents", Arm(ROLLING, "uvloop"), "p99", 20),
    Target(of=Figure("imports", Arm(SDK), "time"), against=Figure("imports", Arm(BY_HAND), "time"), at_most=1.6),
    _alone("generation", Arm(REGISTRY), "cold", 2.5),
    _alone("generation", Arm(REGISTRY), "warm", 0.5),
    _alone("generation", Arm(LARGE), "cold", 6),
)


def verdict(target: Target, results: Results) -> str | None:
    """`met: …`, `missed: …`, or `unknown: …` where what it is compared with was not measured; None where it was not."""
    of, base = target.of, target.against
    if results.median(of.case, of.arm, of.metric) is None:
        return None
    ratio, name = target.ratio(results), f"{of.case} {of.metric}, {of.arm}"
    if ratio is None:
        assert base is not None, "else the ratio is the figure itself"
        return f"unknown: {name}; {base.arm} was not measured"
    bound = f"at least {target.at_least:g}" if target.at_least is not None else f"at most {target.at_most:g}"
    bound = f"{'aim' if target.aim else 'target'}: {bound}"
    word = "met" if target.is_met(ratio) else "missed"
    if base is None:
        return f"{word}: {name}: {number(ratio)} {results.unit(of.case, of.metric)} ({bound})"
    against = base.case if base.arm == of.arm else base.arm
    also = ""
    if target.also is not None:
        other = results.ratio(replace(of, metric=target.also), replace(base, metric=target.also))
        also = "" if other is None else f"; {target.also} {number(other)} x"
    return f"{word}: {name}: {number(ratio)} x {against}{also} ({bound})"
