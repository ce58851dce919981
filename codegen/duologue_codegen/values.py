"""Defaults as Python expressions."""

from __future__ import annotations

import base64
import datetime as dt
import re
from decimal import Decimal
from typing import Final
from uuid import UUID

from . import ir
from .annotations import Annotator
from .text import Code, literal, name

_DURATION: Final = re.compile(
    r"(?P<sign>-)?P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:\.(?P<fraction>\d{1,6})\d*)?S)?)?"
)


def expression(value: ir.Value, annotator: Annotator) -> Code:
    """The value as a Python expression."""
    match value:
        case ir.PlainValue(value=plain):
            return literal(plain)
        case ir.JsonLiteral(value=plain):
            return literal(plain)
        case ir.EnumValue(enum=enum, member=member):
            return Code(f"{name(enum)}.{name(member)}")
        case ir.ListValue(items=items, is_tuple=is_tuple):
            inner = ", ".join(expression(item, annotator) for item in items)
            return Code(f"({inner}{',' if len(items) == 1 else ''})" if is_tuple else f"[{inner}]")
        case ir.MapValue(entries=entries):
            pairs = [f"{expression(key, annotator)}: {expression(item, annotator)}" for key, item in entries]
            return Code(f"{{{', '.join(pairs)}}}")
        case ir.ObjectValue(class_name=class_name, arguments=arguments):
            inner = ", ".join(f"{name(key)}={expression(item, annotator)}" for key, item in arguments)
            return Code(f"{name(class_name)}({inner})")
        case ir.ScalarValue(kind=kind, text=text):
            return Code(_scalar(kind, text, annotator))


def classes(value: ir.Value) -> set[str]:
    """Names of the classes that the value takes: of objects, and of members of enums."""
    match value:
        case ir.EnumValue(enum=enum):
            return {enum}
        case ir.ObjectValue(class_name=class_name, arguments=arguments):
            return {class_name}.union(*(classes(item) for _, item in arguments))
        case ir.ListValue(items=items):
            return set[str]().union(*map(classes, items))
        case ir.MapValue(entries=entries):
            return set[str]().union(*(classes(item) for _, item in entries))
        case _:
            return set()


def _scalar(kind: ir.ScalarKind, text: str, annotator: Annotator) -> str:
    library = annotator.library
    match kind:
        case ir.ScalarKind.BYTES:
            return repr(base64.b64decode(text))
        case ir.ScalarKind.DATE:
            day = dt.date.fromisoformat(text)
            return f"{library('date')}({day.year}, {day.month}, {day.day})"
        case ir.ScalarKind.DATETIME:
            return _datetime(text, annotator)
        case ir.ScalarKind.DURATION:
            return _duration(text, library("timedelta"))
        case ir.ScalarKind.UUID:
            return f'{library("UUID")}("{UUID(text)}")'
        case ir.ScalarKind.INT64:
            return str(int(text))
        case ir.ScalarKind.DECIMAL:
            return f'{library("Decimal")}("{Decimal(text)}")'
        case _:
            raise ValueError(f"{kind} is written as plain JSON")


def _datetime(text: str, annotator: Annotator) -> str:
    moment = dt.datetime.fromisoformat(text.replace("z", "Z"))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    fields = [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond]
    while len(fields) > 3 and not fields[-1]:
        fields.pop()
    offset = moment.utcoffset() or dt.timedelta()
    zone, delta = annotator.library("timezone"), annotator.library("timedelta")
    where = f"{zone}({delta}(seconds={int(offset.total_seconds())}))" if offset else annotator.library("UTC")
    return f"{annotator.library('datetime')}({', '.join(map(str, fields))}, tzinfo={where})"


def _duration(text: str, timedelta: str) -> str:
    """ISO 8601 without years and months, which have no length."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"not a duration: {text!r}")
    parts = {unit: int(match[unit] or 0) for unit in ("weeks", "days", "hours", "minutes", "seconds")}
    parts["microseconds"] = int((match["fraction"] or "").ljust(6, "0"))
    written = ", ".join(f"{unit}={amount}" for unit, amount in parts.items() if amount)
    return f"{'-' if match['sign'] else ''}{timedelta}({written})"
