"""The command line of the suite."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from .cases import CASES
from .cases.case import Case
from .contenders import why_missing
from .document import renew
from .effort import FULL, QUICK, SMOKE, Effort
from .processes import WorkerFailed
from .results import Arm, Results
from .screen import Progress, paint, say, table, verdicts, warn

EPILOG = """\
cases:
{cases}

Contenders are measured in turn, round after round; client and server are processes of their own, warmed up first.
A figure is the median of the rounds, `spread` half the distance of the extremes. What is cpu is processor time of
one side. Ratios are what counts (the median of those within each round): all else changes with the machine, and with
what else it does.

Exit code: 0 when everything was measured, whatever targets are missed; 1 when a contender failed; 2 for bad arguments.
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    cases = "\n".join(f"  {name:12} {made.title}" for name, made in CASES.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare duologue with its peers and with handwritten code, on this machine.",
        epilog=EPILOG.format(cases=cases),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", metavar="CASE", choices=CASES, default=list(CASES), help="these cases")
    defaults = f"{FULL.rounds}; {FULL.long_rounds} of cases that start new processes in each"
    parser.add_argument("--rounds", type=_positive, help=f"rounds of each comparison (default: {defaults})")
    effort = parser.add_mutually_exclusive_group()
    effort.add_argument("--quick", action="store_true", help="a first look: fewer and shorter rounds")
    effort.add_argument("--smoke", action="store_true", help="seconds in all: whether everything runs; says nothing")
    parser.add_argument(
        "--json", type=Path, default=Path("build/bench.json"), metavar="FILE", help="where the results go (%(default)s)"
    )
    parser.add_argument(
        "--document", type=_document, metavar="FILE", help="a Markdown file whose tables are to be renewed"
    )
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rounds; write 1 or more")
    return int(text)


def _document(text: str) -> Path:
    document = Path(text)
    if not document.is_file():  # said before anything is measured
        raise argparse.ArgumentTypeError(f"{text!r} is no file; copy docs/performance.md there first")
    return document


def measure(case: Case, effort: Effort, results: Results, progress: Progress) -> list[str]:
    """Run all rounds of a case; returns what failed."""
    failed: dict[Arm, str] = {}
    results.declare(case.name, case.units)
    arms = [arm for arm in case.arms(effort) if why_missing(arm) is None]
    with case.prepared(effort):
        rounds = case.rounds(effort)
        for n in range(rounds):
            progress.round(case.name, n + 1, rounds)
            for arm in arms:
                progress.step(f"{case.name}: {arm}")
                if arm not in failed:
                    try:
                        results.add(case.name, arm, case.measure(arm, effort))
                    except WorkerFailed as error:
                        failed[arm] = f"{case.name}: {arm} is left out: {error}"
    return list(failed.values())


def tell_missing(cases: Sequence[Case], effort: Effort) -> None:
    """Say who takes no part, and why."""
    arms = dict.fromkeys(arm for case in cases for arm in case.arms(effort))
    reasons = {arm: reason for arm in arms if (reason := why_missing(arm)) is not None}
    for arm, reason in reasons.items():
        warn(f"left out: {arm} ({reason})")
    if reasons:
        say("`make bench` installs what can be had here: the `bench` dependency group")


def show(case: Case, results: Results, effort: Effort) -> tuple[int, int]:
    """Print the tables of a case and its targets; returns how many were met and missed."""
    names = {row.case for row in results.rows() if row.case.split("/")[0] == case.name}
    for name in sorted(names, key=lambda name: [int(n) for n in name.partition("/")[2].replace("x", " ").split()]):
        table(f"{name}: {case.title}", [row for row in results.rows() if row.case == name])
    for note in case.notes:
        warn(f"  {note}")
    return (0, 0) if effort is SMOKE else verdicts(results, names)


def main(arguments: Sequence[str]) -> int:
    chosen = parse(arguments)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # programs that start are compiled already, as a user's are
    effort = SMOKE if chosen.smoke else QUICK if chosen.quick else FULL
    if chosen.rounds is not None:
        effort = replace(effort, rounds=chosen.rounds, long_rounds=chosen.rounds)
    cases = [CASES[name]() for name in dict.fromkeys(chosen.only)]
    begun, results, failed, met, missed = time.monotonic(), Results(), list[str](), 0, 0
    versions = ", ".join(f"{name} {version(name)}" for name in ("duologue", "websockets", "pydantic"))
    say(paint(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores; {versions}", 2))
    tell_missing(cases, effort)
    progress = Progress(sum(len(case.arms(effort)) * case.rounds(effort) for case in cases))
    for case in cases:
        failed += measure(case, effort, results, progress)
        progress.clear()
        good, bad = show(case, results, effort)
        met, missed = met + good, missed + bad
        results.write(chosen.json)  # after each case: who ends it early has what was measured
        if chosen.document is not None:
            renew(chosen.document, results)
    took = time.monotonic() - begun
    say(f"\n{met} targets met, {missed} missed; {took:.0f} s; all figures: {chosen.json}")
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
