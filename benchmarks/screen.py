"""What is seen: progress while it runs, a table for each comparison, targets met and missed."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Final

from .results import Results, Row, number
from .targets import TARGETS, Target, verdict

COLOUR: Final = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
BOLD, DIM, GREEN, RED, YELLOW = 1, 2, 32, 31, 33
BAR: Final = 16
"""Columns of the longest bar."""


def paint(text: str, code: int) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if COLOUR else text


class Progress:
    """One line that changes where somebody watches, a line for each round elsewhere; both on standard error."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._begun = time.monotonic()
        self._live = sys.stderr.isatty()

    def step(self, what: str) -> None:
        """Something is measured now."""
        if self._live:
            line = f"{self._done}/{self._total}  {time.monotonic() - self._begun:4.0f} s  {what}"
            sys.stderr.write(f"\r\x1b[2K{line[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()
        self._done += 1

    def round(self, case: str, number: int, rounds: int) -> None:
        """A round begins."""
        if not self._live:
            took = time.monotonic() - self._begun
            print(f"{took:5.0f} s  {case}: round {number} of {rounds}", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def say(text: str = "") -> None:
    print(text, flush=True)


def warn(text: str) -> None:
    say(paint(text, YELLOW))


def table(title: str, rows: Sequence[Row]) -> None:
    """One comparison: a line for each arm, best first, with a bar and the spread of what counts most."""
    metrics = list(dict.fromkeys(row.metric for row in rows))
    units = {row.metric: row.unit for row in rows}
    arms: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        arms.setdefault((row.contender, row.executor), {})[row.metric] = row
    first = metrics[0]
    more_is_better = units[first].endswith("/s")
    order = sorted(arms, key=lambda arm: arms[arm][first].median, reverse=more_is_better)
    longest = max(arms[arm][first].median for arm in arms) or 1
    wide = max(len(contender) for contender, _ in arms)
    heads = [_head(metric, units[metric]) for metric in metrics]
    widths = [max(len(head) + 3, 11) for head in heads]
    say(f"\n{paint(title, BOLD)}")
    say(
        paint(
            f"  {'':{wide}} {'':8}"
            + "".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True))
            + f"  {'spread':>8}",
            DIM,
        )
    )
    for arm in order:
        cells, spread = arms[arm], _spread(arms[arm][first])
        numbers = "".join(
            f"{number(cells[metric].median):>{width}}" for metric, width in zip(metrics, widths, strict=True)
        )
        bar = "▇" * max(1, round(cells[first].median / longest * BAR))
        ours = arm[0] == "duologue"
        executor = "" if arm[1] == "-" else arm[1]
        line = f"  {arm[0]:{wide}} {executor:8}{numbers}  {spread:>8}  "
        say(paint(line, BOLD) + paint(bar, GREEN) if ours else line + paint(bar, DIM))


def _head(metric: str, unit: str) -> str:
    return unit if metric in ("rate", "cost", "time", "memory", unit) else f"{metric} {unit}"


def _spread(row: Row) -> str:
    """How far the rounds lie apart, as a part of the median."""
    return f"±{(row.max - row.min) / 2 / row.median:.0%}" if row.median else ""


def verdicts(results: Results, measured: Iterable[str], targets: Sequence[Target] = TARGETS) -> tuple[int, int]:
    """Print the targets of these cases; returns how many were met and missed."""
    met = missed = 0
    colours = {"met": GREEN, "missed": RED, "unknown": DIM}
    for target in targets:
        said = verdict(target, results) if target.of.case in measured else None
        if said is None:
            continue
        word, _, rest = said.partition(":")
        met += word == "met" and not target.aim
        missed += word == "missed" and not target.aim
        say(f"  {paint(f'{word:8}', YELLOW if target.aim and word == 'missed' else colours[word])}{rest}")
    return met, missed
