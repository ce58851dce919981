"""Types of the absent protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from datetime import UTC
from datetime import date as _date
from datetime import datetime as _datetime
from datetime import timedelta as _timedelta
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from duologue import Event, Model, Params, UnknownValue
from pydantic import MISSING, AwareDatetime, Field


class Mood(StrEnum):
    """Open: later versions may add values, which arrive as `UnknownValue`."""

    GOOD = "good"
    BAD = "bad"


class Patch(Model):
    name: Annotated[str, Field(min_length=1)] | MISSING = MISSING
    note: str | MISSING | None = MISSING
    mood: Mood | UnknownValue | MISSING | None = MISSING
    date: _date | MISSING = MISSING
    timedelta: _timedelta | MISSING = MISSING
    datetime: AwareDatetime = _datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    literal: list[int] | MISSING | None = MISSING
    other: Annotated[Annotated[int, Field(ge=1)] | MISSING, Field(alias="renamed")] = MISSING


class DateParams(Params):
    date: _date | MISSING = MISSING
    actions: list[str]
    uuid: UUID
    when: _date = _date(2026, 1, 2)


class PatchParams(Params):
    patch: Patch
    errors: list[Mood | UnknownValue] | MISSING | None = MISSING


class Timedelta(Event):
    event_name: ClassVar[str] = "timedelta"
    date: _date
    took: _timedelta
