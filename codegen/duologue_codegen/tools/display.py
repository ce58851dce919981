"""JSON for people: indented, coloured on a terminal, and never a way into it."""

from __future__ import annotations

import json
import re
import sys
from typing import Any, Final

import click

from .ending import Ended, Exit, give_up_output

_TOKEN: Final = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"(?=:))|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>true|false|null|-?[0-9][0-9.eE+-]*)'
)
_COLOURS: Final = {"key": "blue", "text": "green", "word": "yellow"}


def pretty(value: Any) -> str:
    """JSON on several lines; `click.echo` takes its colours out where it does not print to a terminal."""
    return _coloured(json.dumps(value, indent=2, ensure_ascii=False))


def line(value: Any) -> str:
    """JSON on one line, coloured."""
    return _coloured(plain(value))


def plain(value: Any) -> str:
    """JSON on one line, for programs."""
    return _harmless(json.dumps(value, ensure_ascii=False))


def say(text: str) -> None:
    """Print a line now, so that whoever reads along sees it.

    Raises Ended where standard output is closed, or its disk full.
    """
    try:
        click.echo(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (OSError, AttributeError) as error:  # Python has no standard output where none was open
        give_up_output()
        raise Ended(Exit.ERROR, f"cannot print: {getattr(error, 'strerror', None) or 'no output is open'}") from None


def _coloured(text: str) -> str:
    def colour(token: re.Match[str]) -> str:
        return click.style(token[0], fg=_COLOURS[token.lastgroup or "word"])

    return _TOKEN.sub(colour, _harmless(text))


def _harmless(text: str) -> str:
    """Characters that could move a cursor, as JSON escapes them; `json.dumps` leaves those beyond ASCII."""
    return "".join(char if char.isprintable() or char == "\n" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) > 0x7F else f"\\u{ord(char):04x}"
