"""The benchmark runs: every arm answers, and all rounds are written down."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.house.conftest import Run

ROOT = Path(__file__).parents[2]


def test_a_short_round_measures_every_arm(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "bench.json"
    program = (sys.executable, ROOT / "benchmarks/calls.py")
    done = run(*program, "--rounds", "1", "--seconds", "0.1", "--json", target, timeout=60)
    measured = json.loads(target.read_text())
    assert {(arm["stack"], arm["loop"]) for arm in measured["arms"]} == {
        ("duologue", "asyncio"),
        ("duologue", "uvloop"),
        ("by hand", "asyncio"),
        ("by hand", "uvloop"),
    }
    for arm in measured["arms"]:
        (only,) = arm["rounds"]
        assert only["calls_per_second"] > 0
        assert only["p50_microseconds"] > 0
    assert "duologue, uvloop" in done.stdout
