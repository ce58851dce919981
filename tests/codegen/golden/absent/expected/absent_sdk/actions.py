"""Actions of the absent protocol 0.1.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from datetime import date as _date
from typing import Annotated, Final

from duologue import Action, Effect, UnknownValue, deferred
from pydantic import Field

from .models import DateParams, Mood, PatchParams

DATE: Final[Action[DateParams, _date | None]] = Action(
    name="date",
    params=DateParams,
    result=deferred(_date | None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
PATCH: Final[Action[PatchParams, Mood | UnknownValue]] = Action(
    name="patch",
    params=PatchParams,
    result=deferred(Annotated[Mood | UnknownValue, Field(union_mode="left_to_right")]),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
