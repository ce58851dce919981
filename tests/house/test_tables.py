"""The tables of the documents say what the code says."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from duologue import CloseCode, Limits
from duologue_registry.rules.states import MOVES

SIZES = {1 << 20: "1 MiB", 1 << 14: "16 KiB"}
DOCS = Path(__file__).parents[2] / "docs"


def rows(document: str, heading: str) -> dict[str, str]:
    """Return the table below a heading: its first column, and the rest of each row."""
    section = (DOCS / document).read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `?([\w, ]+?)`? \| (.*) \|$", section, re.MULTILINE))


def test_the_documented_limits_are_those_there_are() -> None:
    documented = rows("limits.md", "All of them")
    assert set(documented) == {limit.name for limit in fields(Limits)}
    for name, text in documented.items():
        default = getattr(Limits(), name)
        shown = SIZES.get(default) or (f"{default:,g}" if default >= 1_000 and default % 1_000 == 0 else f"{default:g}")
        assert text.startswith(shown), name


def test_the_documented_close_codes_are_those_there_are() -> None:
    documented = {int(code) for cell in rows("wire.md", "Close codes") for code in re.findall(r"\d+", cell)}
    library_only = {CloseCode.NORMAL, CloseCode.PROTOCOL_ERROR, CloseCode.ABNORMAL}
    assert documented == set(CloseCode) - library_only


def test_the_documented_moves_are_those_there_are() -> None:
    documented = {
        old: re.findall(r"`(\w+)`", new) for old, new in rows("registry.md", "States").items() if old != "from"
    }
    assert documented == {str(old): [str(state) for state in new] for old, new in MOVES.items()}
