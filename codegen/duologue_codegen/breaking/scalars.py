"""Values of scalars, as they stand on the wire: those at the edges of what is allowed, and which rule one breaks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Final

from .. import ir
from ..resolve.patterns import matches
from .patterns import text_for

Kind = ir.ScalarKind

_FIXED: Final[dict[ir.ScalarKind, tuple[ir.JsonValue, ...]]] = {
    Kind.BOOLEAN: (True, False),
    Kind.BYTES: ("aGk=", "", "AP8="),
    Kind.DATE: ("2026-01-31", "1999-12-01"),
    Kind.DATETIME: ("2026-01-31T10:20:30Z", "2026-01-31T10:20:30.5+02:00"),
    Kind.DURATION: ("PT10S", "P1DT2H"),
    Kind.UUID: ("7f0c1f8e-4d0e-4b7e-9f3b-0a8f5a3f2a11", "00000000-0000-4000-8000-000000000000"),
}
_TEXTS: Final = ("text", "", "Some words, and 7!", "a", "A", "0", "-", "é", " ")
_LONGEST: Final = 20_000
"""Characters of a text, items of a list that are made to go beyond a limit."""

NUMERIC: Final = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.INT64, Kind.DECIMAL})
WITHIN: Final[dict[ir.ScalarKind, frozenset[ir.ScalarKind]]] = {
    Kind.NUMBER: frozenset({Kind.INTEGER}),
    Kind.DECIMAL: frozenset({Kind.INT64}),
}
"""Kinds whose values a reader of another kind takes as well; a reader of plain text takes all that is text."""
NOT_TEXT: Final = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN})


def is_within(written: ir.ScalarKind, read: ir.ScalarKind) -> bool:
    """Whether values of one kind can be read as another."""
    if written is read:
        return True
    return written in WITHIN.get(read, ()) or (read is Kind.STRING and written not in NOT_TEXT)


def candidates(scalar: ir.Scalar, near: ir.Constraints, random: Random) -> Iterator[ir.JsonValue]:
    """Allowed values: such as lie just beyond the limits of `near` first, then plain ones."""
    found: Iterator[ir.JsonValue]
    if scalar.kind is Kind.STRING:
        found = _texts(scalar.constraints, near, random)
    elif scalar.kind in NUMERIC:
        found = (_written(scalar.kind, number) for number in _numbers(scalar, near))
    else:
        found = iter(_FIXED[scalar.kind])
    return (value for value in found if violation(scalar, value) is None)


def sample(scalar: ir.Scalar, random: Random | None) -> ir.JsonValue | None:
    """Some allowed value, None where none was found; always the same one where there is nothing to choose by."""
    found = _several(scalar)
    if not found:
        return None
    return found[0] if random is None else random.choice(found)


@lru_cache(maxsize=1024)
def _several(scalar: ir.Scalar) -> tuple[ir.JsonValue, ...]:
    return tuple(itertools.islice(candidates(scalar, ir.NO_CONSTRAINTS, Random(0)), 16))


def violation(scalar: ir.Scalar, value: ir.JsonValue) -> str | None:
    """Which limit of a scalar a value of its kind breaks: `length`, `pattern`, `range`, `multiple`; None if none."""
    limits = scalar.constraints
    if isinstance(value, str) and scalar.kind is Kind.STRING:
        if (
            not (limits.min_length or 0)
            <= len(value)
            <= (len(value) if limits.max_length is None else limits.max_length)
        ):
            return "length"
        return "pattern" if limits.pattern is not None and not matches(limits.pattern, value) else None
    if scalar.kind not in NUMERIC or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    number = Decimal(str(value))
    if not _in_range(number, limits):
        return "range"
    step = limits.multiple_of
    return "multiple" if step is not None and number % Decimal(str(step)) != 0 else None


def _in_range(number: Decimal, limits: ir.Constraints) -> bool:
    least, above = limits.minimum, limits.exclusive_minimum
    most, below = limits.maximum, limits.exclusive_maximum
    return (
        (least is None or number >= Decimal(str(least)))
        and (above is None or number > Decimal(str(above)))
        and (most is None or number <= Decimal(str(most)))
        and (below is None or number < Decimal(str(below)))
    )


def _texts(limits: ir.Constraints, near: ir.Constraints, random: Random) -> Iterator[str]:
    """Texts that may be allowed."""
    asked = {near.min_length and near.min_length - 1, None if near.max_length is None else near.max_length + 1}
    lengths = [length for length in (*asked, limits.min_length, limits.max_length) if length is not None]
    if limits.pattern is not None:
        yield from _matching(limits, lengths, random)
        return
    for length in lengths:
        if length <= _LONGEST:
            yield ("text" * (length // 4 + 1))[:length]
    yield from _TEXTS
    for _ in range(12):
        yield "".join(chr(random.randint(0x20, 0x7E)) for _ in range(random.randint(1, 12)))


def _matching(limits: ir.Constraints, lengths: list[int], random: Random) -> Iterator[str]:
    """Texts that match the pattern: of the lengths that are asked for first, where some are found."""
    assert limits.pattern is not None
    for length in lengths:
        found = text_for(limits.pattern, random, length)
        if found is not None:
            yield found
        yield "a" * min(length, _LONGEST)
    yield from _TEXTS
    for _ in range(24):
        found = text_for(limits.pattern, random)
        if found is not None:
            yield found


def _numbers(scalar: ir.Scalar, near: ir.Constraints) -> Iterator[Decimal]:
    """Numbers that may be allowed: around the limits, then small ones."""
    limits = scalar.constraints
    step = Decimal(str(limits.multiple_of or 1))
    names = ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum")
    edges = [
        Decimal(str(edge)) for where in (near, limits) for name in names if (edge := getattr(where, name)) is not None
    ]
    for edge in edges:
        whole = edge // step * step  # a multiple next to it
        yield from (edge, *(whole + step * n for n in (0, 1, -1, 2, -2)))
        if scalar.kind in (Kind.NUMBER, Kind.DECIMAL) and limits.multiple_of is None:
            yield from (edge + Decimal("0.5"), edge - Decimal("0.5"), edge + Decimal("0.01"), edge - Decimal("0.01"))
    yield from (step * n for n in (1, 0, 3, -1, 7, 2, 100))
    if scalar.kind in (Kind.NUMBER, Kind.DECIMAL):
        yield from (Decimal("0.5"), Decimal("0.3"), Decimal("2.75"), Decimal("-1.1"))


def _written(kind: ir.ScalarKind, number: Decimal) -> ir.JsonValue:
    """A number as it stands on the wire."""
    if kind in (Kind.INTEGER, Kind.INT64):
        return str(int(number)) if kind is Kind.INT64 else int(number)
    if kind is Kind.DECIMAL:
        return f"{number:f}"
    return float(number)
