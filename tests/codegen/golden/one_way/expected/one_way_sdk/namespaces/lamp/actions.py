"""Actions of the namespace `Lamp` of the one-way protocol 0.1.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Annotated, Final

from duologue import Action, Effect, StreamAction, deferred
from pydantic import Field

from ...errors import Broken
from .models import LampFadeParams, LampLightParams

LAMP_LIGHT: Final[Action[LampLightParams, None]] = Action(
    name="Lamp.light",
    params=LampLightParams,
    result=deferred(None),
    scope=(),
    effect=Effect.UNSAFE,
    errors=(Broken,),
    timeout=30.0,
)
LAMP_FADE: Final[StreamAction[LampFadeParams, float, None]] = StreamAction(
    name="Lamp.fade",
    params=LampFadeParams,
    item=deferred(Annotated[float, Field(allow_inf_nan=False)]),
    result=deferred(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=None,
)
"""Deprecated: use `Lamp.light`."""
