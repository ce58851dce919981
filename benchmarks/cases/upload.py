"""Bytes to a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import ClassVar, Final

from typing_extensions import override

from ..contenders import DUOLOGUE
from ..effort import Effort
from ..processes import Worker, pair
from ..results import Arm, Sample
from .case import Case, Pair

BARE: Final = "websockets, bare binary"
CAREFUL: Final = "websockets, hashed into a file"
MIB: Final = 1024 * 1024


class Upload(Case):
    """duologue hashes at both ends, holds the bytes in a file and can resume; bare messages do none of it."""

    name: ClassVar[str] = "upload"
    title: ClassVar[str] = "uploading bytes: hashed, held in a file and resumable, or as bare binary messages"
    units: ClassVar[Mapping[str, str]] = {"rate": "MiB/s", "client cpu": "ms/MiB", "server cpu": "ms/MiB"}

    @override
    def arms(self, effort: Effort) -> Sequence[Arm]:
        return [Arm(DUOLOGUE, "uvloop"), Arm(DUOLOGUE, "trio"), Arm(BARE, "uvloop"), Arm(CAREFUL, "uvloop")]

    @override
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        program = "duologue" if arm.contender == DUOLOGUE else "bare"
        options = {"careful": True} if arm.contender == CAREFUL else {}

        def start() -> AbstractContextManager[Pair]:
            receiver = Worker(f"benchmarks.uploads:serve_{program}", arm.executor, **options)
            return pair(receiver, f"benchmarks.uploads:send_{program}", arm.executor, **options)

        server, client = self.hold(arm, start, lambda _, client: client.ask("send", size=effort.upload * MIB))
        used, served = client.ask("cpu"), server.ask("cpu")
        took = client.ask("send", size=effort.upload * MIB)
        used, served = client.ask("cpu") - used, server.ask("cpu") - served
        return {
            "": {
                "rate": effort.upload / took,
                "client cpu": used / effort.upload * 1e3,
                "server cpu": served / effort.upload * 1e3,
            }
        }
