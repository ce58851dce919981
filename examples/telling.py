"""How the demonstrations speak: what happens, when, and whether it is as promised."""

from __future__ import annotations

import os
import sys
import time

COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
BEGUN = time.monotonic()


class CheckFailedError(Exception):
    """What the demo promises is not so."""


def paint(text: str, code: int) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if COLOUR else text


def say(text: str) -> None:
    print(f"{paint(f'{time.monotonic() - BEGUN:5.1f}s', 2)}  {text}", flush=True)


def title(text: str) -> None:
    print(f"\n{paint(text, 1)}", flush=True)


def check(what: str, *, holds: bool) -> None:
    if not holds:
        raise CheckFailedError(what)
    say(f"{paint('✓', 32)} {what}")
