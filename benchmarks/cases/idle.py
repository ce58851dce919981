"""The memory of connections that do nothing."""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from typing_extensions import override

from ..contenders import DUOLOGUE
from ..effort import Effort
from ..processes import Worker, pair
from ..publishers import GREETINGS, SUBSCRIBER
from ..results import Arm, Sample
from .case import Case

PLAIN: Final = "websockets, no compression"
DEFLATE: Final = "websockets, as by default"
SPARE: Final = 200
"""Descriptors that a process needs for itself."""


class Idle(Case):
    """Resident memory of the server's process, by connection; the kernel's buffers are not in it."""

    name: ClassVar[str] = "idle"
    title: ClassVar[str] = "memory of an idle connection, at duologue with one subscription"
    units: ClassVar[Mapping[str, str]] = {"memory": "KiB/connection", "connect": "µs/connection"}
    fresh: ClassVar[bool] = True

    @override
    def arms(self, effort: Effort) -> Sequence[Arm]:
        return [Arm(DUOLOGUE, "uvloop"), Arm(DUOLOGUE, "trio"), Arm(PLAIN, "uvloop"), Arm(DEFLATE, "uvloop")]

    @override
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        count = self._possible(effort.idle)
        program, greetings, opening = "websockets", 0, dict[str, Any]()
        options = {"deflate": True} if arm.contender == DEFLATE else {}
        if arm.contender == DUOLOGUE:
            program, greetings, opening = "duologue", GREETINGS, SUBSCRIBER
        publisher = Worker(f"benchmarks.publishers:{program}", arm.executor, **options)
        with pair(publisher, "benchmarks.sinks:crowd", "uvloop", **opening, **options) as (server, crowd):
            crowd.ask("grow", count=max(10, count // 20), greetings=greetings)  # what is allocated once
            memory, cpu = server.ask("memory"), server.ask("cpu")
            crowd.ask("grow", count=count, greetings=greetings)
            used, grown = server.ask("cpu") - cpu, server.ask("memory") - memory
        return {"": {"memory": grown / count / 1024, "connect": used / count * 1e6}}

    def _possible(self, wanted: int) -> int:
        """As many as there can be descriptors."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, int((hard - SPARE) / 1.05))
        note = f"{possible:,} connections instead of {wanted:,}: a process may have {hard:,} descriptors (ulimit -Hn)"
        if possible < wanted and note not in self.notes:
            self.notes.append(note)
        return possible
