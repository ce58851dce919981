"""Actions of the namespace `$/trace.v2` of the foreign protocol 1.3.0: one descriptor each, which both ends
share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Action, Effect, deferred

from .models import TraceV2StartParams

TRACE_V2_START: Final[Action[TraceV2StartParams, None]] = Action(
    name="$/trace.v2.start",
    params=TraceV2StartParams,
    result=deferred(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
