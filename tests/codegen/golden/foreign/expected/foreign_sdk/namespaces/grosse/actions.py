"""Actions of the namespace `größe` of the foreign protocol 1.3.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Action, Effect
from pydantic import TypeAdapter

from ...models import Presence
from .models import GrosseOffnenParams

GROSSE_OFFNEN: Final[Action[GrosseOffnenParams, Presence]] = Action(
    name="größe.öffnen",
    params=GrosseOffnenParams,
    result=TypeAdapter(Presence),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
