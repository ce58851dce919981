"""Each known bug of a peer is a test, or the table says why it is none yet."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
BUGS = 25


def rows() -> dict[int, str]:
    """The table's last column, by the number of the bug."""
    return {int(number): last for number, _, _, last in ROW.findall((HERE / "README.md").read_text())}


def written() -> set[str]:
    found: set[str] = set()
    for path in HERE.glob("test_*.py"):
        if path != Path(__file__):
            nodes = ast.walk(ast.parse(path.read_text()))
            found |= {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    return {name for name in found if name.startswith("test_")}


def test_every_bug_has_a_row_with_its_tests_or_a_reason() -> None:
    assert list(rows()) == list(range(1, BUGS + 1))
    for number, cell in rows().items():
        assert re.fullmatch(r"not yet: .{20,}|`test_\w+`( `test_\w+`)*", cell), number


def test_the_rows_name_the_tests_that_there_are() -> None:
    named = [name for cell in rows().values() for name in re.findall(r"`(test_\w+)`", cell)]
    assert sorted(named) == sorted(written())
