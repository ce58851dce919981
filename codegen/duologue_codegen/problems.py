"""What is wrong with a spec: collected, sorted, and told with a place and a way out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from typing_extensions import override

MAX_PROBLEMS: Final = 1_000
"""Told of one spec. A file of a few kilobytes can have hundreds of thousands, each compared with all there is."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding. `file` is relative to the spec's folder; line and column count from 1."""

    file: str
    line: int
    column: int
    message: str
    hint: str | None = None

    def text(self, folder: str | os.PathLike[str] = "") -> str:
        """`file:line:col: message`, and the hint on a line of its own; `folder` goes before the file."""
        # Quoted spec text may hold line breaks or terminal escapes: one finding stays one printable line.
        place = f"{Path(folder) / self.file}:{self.line}:{self.column}"
        lines = [f"{place}: {printable(self.message)}"]
        if self.hint:
            lines.append(f"  hint: {printable(self.hint)}")
        return "\n".join(lines)


class TooMany(Exception):
    """There are more problems than are told: nothing more is looked for."""


def too_many(last: Problem) -> Problem:
    """What is told in their place."""
    message = f"more than {MAX_PROBLEMS:,} problems: the rest is not told"
    return Problem(last.file, last.line, last.column, message, "mend these first")


class SpecErrors(Exception):
    """The spec cannot be compiled. `problems` are sorted by place and free of repeats; there is at least one."""

    def __init__(self, problems: Iterable[Problem], folder: str | os.PathLike[str] = "") -> None:
        self.problems = tuple(sorted(set(problems), key=_order))
        self.folder = Path(folder)
        super().__init__(self.problems, self.folder)

    def render(self, folder: str | os.PathLike[str] | None = None) -> str:
        """All problems as text, without a newline at the end. `folder` is shown before each file."""
        return render_text(self.problems, self.folder if folder is None else folder)

    @override
    def __str__(self) -> str:
        return self.render()


def render_text(problems: Iterable[Problem], folder: str | os.PathLike[str] = "") -> str:
    return "\n".join(problem.text(folder) for problem in problems)


def render_json(problems: Iterable[Problem], folder: str | os.PathLike[str] = "") -> str:
    """A JSON array of `{file, line, column, message, hint}` for editors and scripts."""
    rows = [
        {
            "file": str(Path(folder) / problem.file),
            "line": problem.line,
            "column": problem.column,
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in problems
    ]
    return json.dumps(rows, indent=2, ensure_ascii=True)


def quote(text: object) -> str:
    """Spec text inside a message: in backquotes, and cut when it is long."""
    shown = str(text)
    return f"`{shown if len(shown) <= 60 else shown[:57] + '...'}`"


def _order(problem: Problem) -> tuple[str, int, int, str, str]:
    return (problem.file, problem.line, problem.column, problem.message, problem.hint or "")


def printable(text: str) -> str:
    """Text on one line, whatever it holds."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
