"""Tables of a document, written from results: each stands between `<!-- bench CASE -->` and `<!-- end -->`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .results import Results, Row, number
from .targets import TARGETS, verdict

BLOCK: Final = re.compile(r"(<!-- bench (?P<case>[a-z0-9/]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renew(document: Path, results: Results) -> None:
    """Write the tables anew whose cases were measured, and leave the others."""
    rows = list(results.rows())

    def table_of(block: re.Match[str]) -> str:
        found = [row for row in rows if row.case == block["case"]]
        return block[1] + _table(found, results) + block[3] if found else block[0]

    document.write_text(BLOCK.sub(table_of, document.read_text()))


def _table(rows: Sequence[Row], results: Results) -> str:
    """A line for each arm, with the extremes of what counts most, in the order of measuring; then what was aimed at."""
    metrics = list(dict.fromkeys((row.metric, row.unit) for row in rows))
    arms: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        arms.setdefault((row.contender, row.executor), {})[row.metric] = row
    head = ["", *(unit if metric in ("rate", unit) else f"{metric}, {unit}" for metric, unit in metrics)]
    lines = [head, ["---", *("---:" for _ in metrics)]]
    for (contender, executor), cells in arms.items():
        name = contender if executor == "-" else f"{contender}, {executor}"
        first, *others = (cells[metric] for metric, _ in metrics)
        lines.append([name, _with_extremes(first), *(number(cell.median) for cell in others)])
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    told = [
        f"- {said}\n" for target in TARGETS if target.of.case == rows[0].case and (said := verdict(target, results))
    ]
    return text + "".join(["\n", *told] if told else [])


def _with_extremes(row: Row) -> str:
    middle = number(row.median)
    return middle if row.min == row.max else f"{middle} ({number(row.min)} to {number(row.max)})"
