"""How long `duologue generate` takes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final

from typing_extensions import override

from ..effort import Effort
from ..large_spec import large_spec
from ..processes import ROOT, Worker, children_cpu
from ..results import Arm, Sample
from ..worker import Commands
from .case import Case

REGISTRY: Final = "spec/registry.yaml"
LARGE: Final = "a large spec"


class Generation(Case):
    """Cold is the command in a new process, warm the same again in a process that has done it before."""

    name: ClassVar[str] = "generation"
    title: ClassVar[str] = "duologue generate, cold and warm; the large spec has 650 actions, 230 events, 600 types"
    units: ClassVar[Mapping[str, str]] = {"cold": "s", "warm": "s", "cold cpu": "s"}
    fresh: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._specs: dict[str, Path] = {}

    @override
    def arms(self, effort: Effort) -> Sequence[Arm]:
        return [Arm(REGISTRY), Arm(LARGE)]

    @override
    @contextmanager
    def prepared(self, effort: Effort) -> Generator[None]:
        with TemporaryDirectory() as home:
            large = Path(home, "large.yaml")
            large.write_text(large_spec(*effort.spec))
            self._specs = {REGISTRY: ROOT / REGISTRY, LARGE: large}
            yield

    @override
    def measure(self, arm: Arm, effort: Effort) -> Sample:
        spec = str(self._specs[arm.contender])
        with TemporaryDirectory() as output:
            command = [sys.executable, "-m", "duologue_codegen", "generate", spec, "-o", f"{output}/cold", "--project"]
            begun, before = time.perf_counter(), children_cpu()
            subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            cold, cpu = time.perf_counter() - begun, children_cpu() - before
            with Worker("benchmarks.cases.generation:generator", "asyncio", spec=spec) as worker:
                worker.ask("generate", output=f"{output}/first")
                warm = worker.ask("generate", output=f"{output}/second")
        return {"": {"cold": cold, "warm": warm, "cold cpu": cpu}}


@asynccontextmanager
async def generator(*, spec: str) -> AsyncGenerator[Commands]:
    """A program: generates when asked to, and says how long it took."""
    from duologue_codegen.cli import main

    async def generate(output: str) -> float:
        begun = time.perf_counter()
        with redirect_stdout(StringIO()):
            main(["generate", spec, "-o", output, "--project"], standalone_mode=False)
        return time.perf_counter() - begun

    yield {"generate": generate}
