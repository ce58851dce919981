"""How the tools end. Imports nothing heavy: every command loads it."""

from __future__ import annotations

import sys
from contextlib import suppress
from enum import IntEnum
from typing import Any, Final

from ..problems import printable


class Exit(IntEnum):
    """What programs learn of an outcome."""

    DONE = 0
    ERROR = 1
    """The other end answered with an error."""
    USAGE = 2
    """What was typed makes no sense, or the spec is wrong."""
    PARAMS = 3
    """The params do not fit; nothing was sent."""
    UNREACHABLE = 4
    """There is no connection; nothing was done."""
    FORBIDDEN = 5
    """Nobody was let in, or not allowed to do this."""
    UNKNOWN = 6
    """No answer came in time, or the connection was lost: it may have been done."""
    INTERRUPTED = 130
    """Ctrl-C before the end."""


EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 answered with an error; 2 wrong usage, or a wrong spec; 3 params that do not fit, nothing "
    "was sent; 4 not connected; 5 not let in, or not allowed; 6 no answer: it may have been done; 130 interrupted."
)


class Ended(Exception):
    """A tool is at its end.

    Attributes:
        code: The exit code.
        lines: What to tell, a line each; none where all has been told.
        details: The same for programs.
    """

    def __init__(self, code: Exit, *lines: str, details: dict[str, Any] | None = None) -> None:
        super().__init__("\n".join(lines))
        self.code = code
        self.lines = tuple(map(printable, lines))
        self.details = details or {"exit": int(code), "message": "; ".join(line.strip() for line in lines)}


def give_up_output() -> None:
    """Close standard output, which takes no more: Python would try again at the end, and end with a code of its own."""
    with suppress(OSError):
        sys.stdout.close()
