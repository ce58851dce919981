"""The benchmark suite runs, tells what it measured and what it could not, and says what is wrong with its arguments."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.cases import CASES
from benchmarks.contenders import CONTENDERS, DUOLOGUE, SPARING, WEBSOCKETS
from benchmarks.document import BLOCK, renew
from benchmarks.results import Arm, Figure, Results
from benchmarks.screen import verdicts
from benchmarks.targets import TARGETS, Target

if TYPE_CHECKING:
    from tests.house.conftest import Run

ROOT = Path(__file__).parents[2]
PEERS = {name for name, contender in CONTENDERS.items() if contender.needs}


def bench(run: Run, *arguments: str | Path, check: bool = True, **env: str) -> Any:
    command = (sys.executable, "-m", "benchmarks", *arguments)
    return run(*command, env={**os.environ, **env, "NO_COLOR": "1"}, check=check, timeout=170)


def without_peers(folder: Path) -> str:
    """A path on which every peer is there, and broken."""
    for module in {needed.partition(".")[0] for contender in CONTENDERS.values() for needed in contender.needs}:
        (folder / f"{module}.py").write_text("raise ImportError('not for this machine')\n")
    return str(folder)


@pytest.mark.long  # a quarter of a minute
def test_calls_are_measured_and_peers_that_cannot_be_had_are_named(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "bench.json"
    done = bench(run, "--smoke", "--only", "calls", "--json", target, PYTHONPATH=without_peers(tmp_path))
    rows: list[dict[str, Any]] = json.loads(target.read_text())
    assert all(set(row) == {"case", "contender", "executor", "metric", "unit", "median", "min", "max"} for row in rows)
    assert all(0 < row["min"] <= row["median"] <= row["max"] for row in rows)
    arms = Counter((row["contender"], row["executor"]) for row in rows)
    ours = {(DUOLOGUE, "uvloop"), (DUOLOGUE, "asyncio"), (DUOLOGUE, "trio"), (SPARING, "uvloop")}
    hand = {(WEBSOCKETS, "uvloop"), (WEBSOCKETS, "asyncio"), ("websockets.trio by hand", "trio")}
    assert set(arms) == ours | hand
    assert set(arms.values()) == {12}, "six metrics, one call in flight and many"
    for peer in PEERS:
        assert f"left out: {peer}" in done.stdout
    assert "not for this machine" in done.stdout


@pytest.mark.long  # a minute of starting processes, two for each arm of each case
def test_every_case_runs(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "bench.json"
    bench(run, "--smoke", "--json", target)
    rows = json.loads(target.read_text())
    assert {row["case"].partition("/")[0] for row in rows} == set(CASES)
    rates = {row["unit"] for row in rows if row["case"].startswith(("fanout", "durable")) and row["metric"] == "rate"}
    assert rates == {"deliveries/s", "mutations/s"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "speed"], "invalid choice: 'speed' (choose from"),
        (["--rounds", "0"], "'0' is no number of rounds; write 1 or more"),
        (["--document", "nowhere.md"], "'nowhere.md' is no file; copy docs/performance.md there first"),
    ],
)
def test_bad_arguments_are_explained(run: Run, arguments: list[str], message: str) -> None:
    done = bench(run, *arguments, check=False)
    assert done.returncode == 2
    assert message in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.long  # ten seconds, most of them of starting processes
def test_a_contender_that_fails_is_told_and_does_not_end_the_run(run: Run, tmp_path: Path) -> None:
    (tmp_path / "picows.py").write_text("WSListener = object\nclass WSMsgType:\n    TEXT = 1\n")
    target = tmp_path / "bench.json"
    done = bench(run, "--smoke", "--only", "large", "--json", target, check=False, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "large: picows by hand, uvloop is left out: benchmarks.peers.picows_msgspec:serve on uvloop" in done.stdout
    assert "ws_create_server" in done.stdout
    contenders = {row["contender"] for row in json.loads(target.read_text())}
    assert DUOLOGUE in contenders
    assert "picows by hand" not in contenders


def results_of(**rates: list[float]) -> Results:
    results = Results()
    results.declare("calls", {"rate": "calls/s"})
    for contender, samples in rates.items():
        for sample in samples:
            results.add("calls", Arm(contender), {"64": {"rate": sample}})
    return results


@pytest.mark.parametrize(("at_least", "word"), [(2.0, "met"), (2.1, "missed")])
def test_targets_compare_within_rounds(capsys: pytest.CaptureFixture[str], at_least: float, word: str) -> None:
    ours, theirs = (Figure("calls/64", Arm(name), "rate") for name in ("ours", "theirs"))
    results = results_of(ours=[2.0, 900.0, 1000.0], theirs=[1.0, 9.0, 900.0])  # 2, 100 and 1.1 times as much
    counts = verdicts(results, {"calls/64"}, [Target(of=ours, against=theirs, at_least=at_least)])
    assert counts == ((1, 0) if word == "met" else (0, 1))
    said = capsys.readouterr().out
    assert said.split()[0] == word
    assert f"2.00 x theirs (target: at least {at_least:g})" in said


def test_a_target_without_its_peer_is_neither_met_nor_missed(capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = (Figure("calls/64", Arm(name), "rate") for name in ("ours", "theirs"))
    assert verdicts(results_of(ours=[1.0]), {"calls/64"}, [Target(of=ours, against=theirs, at_least=2)]) == (0, 0)
    assert "unknown" in capsys.readouterr().out


def test_tables_of_a_document_are_renewed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n<!-- bench calls/64 -->\nold\n<!-- end -->\nB\n<!-- bench idle -->\nkept\n<!-- end -->\n")
    renew(page, results_of(ours=[1.0, 2.0, 300.0], theirs=[4.0]))
    assert page.read_text() == (
        "# A\n<!-- bench calls/64 -->\n"
        "|  | calls/s |\n| --- | ---: |\n| ours | 2.00 (1.00 to 300) |\n| theirs | 4.00 |\n"
        "<!-- end -->\nB\n<!-- bench idle -->\nkept\n<!-- end -->\n"
    )


def test_the_tables_of_the_page_are_of_cases_that_there_are_and_filled() -> None:
    found = list(BLOCK.finditer((ROOT / "docs/performance.md").read_text()))
    assert found
    assert {block["case"].partition("/")[0] for block in found} <= set(CASES)
    assert all("| --- | ---:" in block[0] for block in found)


def test_every_target_is_about_a_case_that_there_is() -> None:
    for target in TARGETS:
        for figure in filter(None, (target.of, target.against)):
            case = CASES[figure.case.partition("/")[0]]
            assert figure.metric in case.units
            assert (target.at_least is None) != (target.at_most is None)
