"""Unions whose members are texts on the wire: what the compiler takes, a reader tells apart; the rest is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from pydantic import AwareDatetime

from duologue import Base64, Int64, deferred
from duologue.models import validator_of
from duologue_codegen.compiler import compile_spec
from duologue_codegen.problems import SpecErrors

HEAD: Final = "duologue: 1\nprotocol: p\nversion: 1.0.0\ndefaults: {scope: public}\n"
DIGITS: Final = "1234" * 8
MEMBERS: Final[dict[str, tuple[Any, list[object]]]] = {
    "string": (str, ["", "1", "2026-01-31", str(UUID(DIGITS))]),
    "bytes": (Base64, [b"", b"hi", b"==G", b"\xd7m\xf8\xe7\xae\xfc", b"\xd7m\xf8" * 8]),
    "date": (date, [date(1970, 1, 1), date(2026, 1, 31)]),
    "datetime": (AwareDatetime, [datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)]),
    "duration": (timedelta, [timedelta(0), timedelta(hours=1), timedelta(days=-400, microseconds=5)]),
    "uuid": (UUID, [UUID(int=0), UUID(DIGITS)]),
    "int64": (Int64, [0, -1, 1234, 86_400_000, 2**63 - 1]),
    "decimal": (Decimal, [Decimal(0), Decimal("1.5"), Decimal(86_400), Decimal(DIGITS)]),
}


def is_refused(one: str, other: str, folder: Path) -> bool:
    (folder / "spec.yaml").write_text(f"{HEAD}types: {{T: '{one}|{other}'}}\n", encoding="utf-8")
    try:
        compile_spec(folder / "spec.yaml")
    except SpecErrors:
        return True
    return False


def survives(type_: Any, value: object) -> bool:
    adapter = deferred(type_)
    read = validator_of(adapter).validate_json(adapter.dump_json(value, warnings="error"), strict=True)
    return type(read) is type(value) and read == value


@pytest.mark.parametrize(("one", "other"), [*permutations(MEMBERS, 2)])
def test_texts_are_refused_side_by_side_exactly_when_one_is_read_as_the_other(
    one: str, other: str, tmp_path: Path
) -> None:
    (first, values), (second, others) = MEMBERS[one], MEMBERS[other]
    misread = any(not survives(type_, value) for type_ in (first | second, second | first) for value in values + others)
    assert is_refused(one, other, tmp_path) == misread
