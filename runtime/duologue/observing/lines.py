"""Lines of a log: what happened, and what there is to say of it as names and values, as text or as JSON."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from typing_extensions import override

_PLAIN: Final = re.compile(r"[\w.:/@+-]+", re.ASCII)
"""Values that need no quotes."""

_LONGEST: Final = 512
"""Characters of a value that are shown: peers choose some of them."""


class Line:
    """What is logged: it is only put into words where a handler wants it.

    What peers have chosen is quoted and escaped, so that it cannot look like another line, or move a cursor.
    """

    __slots__ = ("fields", "what")

    def __init__(self, what: str, /, **fields: object) -> None:
        self.what = what
        self.fields = {name: value for name, value in fields.items() if value is not None}

    @override
    def __str__(self) -> str:
        return " ".join([self.what, *(f"{name}={_shown(value)}" for name, value in self.fields.items())])


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6f}"
    text = _shortened(str(value))
    return text if _PLAIN.fullmatch(text) else json.dumps(text)  # ASCII alone: anything else is escaped


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _when(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextLines(logging.Formatter):
    """One record a line; what follows it of a traceback is indented, so that no line of it looks like a record."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        lines = [f"{_when(record)} {record.levelname} {record.name}: {_printable(record.getMessage())}"]
        return "\n    | ".join([*lines, *map(_printable, _traceback(self, record).splitlines())])


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, the line's own members, and a `traceback`."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {"time": _when(record), "level": record.levelname, "logger": record.name}
        line = record.args[0] if isinstance(record.args, tuple) and len(record.args) == 1 else None
        if isinstance(line, Line):
            told |= {"message": line.what, **{name: _value(value) for name, value in line.fields.items()}}
        else:
            told["message"] = record.getMessage()
        if traceback := _traceback(self, record):
            told["traceback"] = traceback
        return json.dumps(told)


FORMATTERS: Final[Mapping[str, type[logging.Formatter]]] = {"text": TextLines, "json": JsonLines}
"""How lines are written: for people, or each as a JSON object."""


def _value(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6)
    return value if isinstance(value, bool | int) else _shortened(str(value))


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        record.exc_text = formatter.formatException(record.exc_info)  # kept for other handlers, as the library does
    return record.exc_text or ""


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
