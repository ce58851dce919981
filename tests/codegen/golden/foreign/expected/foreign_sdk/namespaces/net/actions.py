"""Actions of the namespace `Net` of the foreign protocol 1.3.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Action, Effect, deferred

from .models import NetFetchParams, NetRequest

NET_FETCH: Final[Action[NetFetchParams, list[NetRequest]]] = Action(
    name="Net.fetch",
    params=NetFetchParams,
    result=deferred(list[NetRequest]),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
