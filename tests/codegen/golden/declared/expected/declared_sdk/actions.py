"""Actions of the declared protocol 1.0.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Action, Effect, deferred
from pydantic import TypeAdapter

from .errors import Busy
from .models import AskParams, BeginParams, BeginResult, PingParams, WorkParams

BEGIN: Final[Action[BeginParams, BeginResult]] = Action(
    name="begin",
    params=BeginParams,
    result=TypeAdapter(BeginResult),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=10.0,
)
"""Begin a session."""
WORK: Final[Action[WorkParams, str]] = Action(
    name="work",
    params=WorkParams,
    result=deferred(str),
    scope=(),
    effect=Effect.UNSAFE,
    errors=(Busy,),
    timeout=10.0,
)
"""Work for long."""
PING: Final[Action[PingParams, None]] = Action(
    name="ping",
    params=PingParams,
    result=deferred(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=10.0,
)
"""Tell that somebody is there."""
ASK: Final[Action[AskParams, str]] = Action(
    name="ask",
    params=AskParams,
    result=deferred(str),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=10.0,
)
"""Ask the client."""
