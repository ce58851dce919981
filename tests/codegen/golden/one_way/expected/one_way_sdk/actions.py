"""Actions of the one-way protocol 0.1.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Annotated, Final

from duologue import Action, Effect, StreamAction
from pydantic import Field, TypeAdapter

from .errors import Broken
from .models import LampFadeParams, LampLightParams, RestartParams

LAMP_LIGHT: Final[Action[LampLightParams, None]] = Action(
    name="Lamp.light",
    params=LampLightParams,
    result=TypeAdapter(None),
    scope=(),
    effect=Effect.UNSAFE,
    errors=(Broken,),
    timeout=30.0,
)
LAMP_FADE: Final[StreamAction[LampFadeParams, float, None]] = StreamAction(
    name="Lamp.fade",
    params=LampFadeParams,
    item=TypeAdapter(Annotated[float, Field(allow_inf_nan=False)]),
    result=TypeAdapter(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=None,
)
"""Deprecated: use `Lamp.light`."""
RESTART: Final[Action[RestartParams, None]] = Action(
    name="restart",
    params=RestartParams,
    result=TypeAdapter(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
