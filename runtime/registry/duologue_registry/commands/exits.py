"""How the command line ends, and whom it talks to. Imports nothing heavy: every command loads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

import click

if TYPE_CHECKING:
    from pydantic import ValidationError

REFUSED: Final = 1
"""The registry said no, or could not be started; or something here could not be read, written or printed."""
WRONG_USAGE: Final = 2
"""What was typed makes no sense; click's own code for it."""
UNREACHABLE: Final = 3
"""Nothing is known, since no registry answered; or, of `check`, since one is at work on the data."""

NOT_DEPLOYED: Final = 4
"""A deployment has ended, and not in `done`."""
LEFT_RUNNING: Final = 130
"""A deployment was interrupted here, and goes on; what a shell says of a command that Ctrl-C ended."""

DEPLOYMENT_EXIT_CODES: Final = (
    "Exit codes: 0 done, 4 rolled back, cancelled or failed, 130 left running (Ctrl-C), 1 refused by the registry,"
    " 2 wrong usage, 3 registry unreachable."
)
EXIT_CODES: Final = (
    "Exit codes: 0 done, 1 refused by the registry, 2 wrong usage, 3 registry unreachable (`check`: data in use)."
)


@dataclass(frozen=True, slots=True)
class Target:
    """The registry to talk to, and how to print what it says."""

    url: str
    json: bool
    timeout: float
    token: str | None = field(default=None, repr=False)


def fail(code: int, message: str) -> NoReturn:
    """Print the message in red and end with the code."""
    click.secho(message, fg="red", err=True)
    raise SystemExit(code)


def misfit(error: ValidationError) -> str:
    """What of that which was typed cannot be sent, and why: the first of it."""
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}, not {first['input']!r}"
