"""How long a program takes to start that uses the SDK."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from typing_extensions import override

from ..effort import Effort
from ..processes import children_cpu
from ..results import Arm, Sample
from .case import Case

SDK: Final = "service_registry_sdk"
BY_HAND: Final = "pydantic and websockets"
PROGRAMS: Final = {
    SDK: "from service_registry_sdk import RegistryClient",
    BY_HAND: "from pydantic import BaseModel, TypeAdapter\nfrom websockets.asyncio.client import connect",
    "nothing": "",
}


class Imports(Case):
    """Whole processes, from their start to their end; what they import is compiled already."""

    name: ClassVar[str] = "imports"
    title: ClassVar[str] = "a process that imports the SDK, or what a client by hand imports, and ends"
    units: ClassVar[Mapping[str, str]] = {"time": "ms", "cpu": "ms"}
    fresh: ClassVar[bool] = True

    @override
    def arms(self, effort: Effort) -> Sequence[Arm]:
        return [Arm(name) for name in PROGRAMS]

    @override
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        times: list[float] = []
        before = children_cpu()
        for _ in range(effort.starts):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", PROGRAMS[arm.contender]], check=True, timeout=60)
            times.append(time.perf_counter() - begun)
        cpu = (children_cpu() - before) / effort.starts
        return {"": {"time": statistics.median(times) * 1e3, "cpu": cpu * 1e3}}
