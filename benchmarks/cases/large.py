"""Answers of about a megabyte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from typing_extensions import override

from ..contenders import DUOLOGUE, GRPC, PICOWS, WEBSOCKETS, arms
from ..effort import Effort
from ..payload import MANY
from ..results import Arm, Sample
from .calls import load, talking
from .case import Case


class Large(Case):
    """One call at a time, each answered with as many entries as make a megabyte."""

    name: ClassVar[str] = "large"
    title: ClassVar[str] = f"a list of {len(MANY.services):,} entries, about a megabyte of JSON, one call at a time"
    units: ClassVar[Mapping[str, str]] = {"time": "ms", "client cpu": "ms", "server cpu": "ms"}

    @override
    def arms(self, effort: Effort) -> Sequence[Arm]:
        found = arms((DUOLOGUE, WEBSOCKETS, PICOWS, GRPC, "connectrpc"))
        return [arm for arm in found if arm.executor == "uvloop" or arm.contender == GRPC]

    @override
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        server, client = self.hold(
            arm,
            lambda: talking(arm),
            lambda _, client: client.ask("flood", in_flight=1, seconds=effort.seconds, action="list"),
        )
        measured = load(server, client, effort.seconds, in_flight=1, action="list")
        return {
            "": {
                "time": measured["p50"] / 1e3,
                "client cpu": measured["client cpu"] / 1e3,
                "server cpu": measured["server cpu"] / 1e3,
            }
        }
