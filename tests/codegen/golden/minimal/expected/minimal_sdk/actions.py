"""Actions of the minimal protocol 0.1.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Action, Effect, deferred

from .models import PingParams

PING: Final[Action[PingParams, None]] = Action(
    name="ping",
    params=PingParams,
    result=deferred(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
