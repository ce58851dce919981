"""Actions of the foreign protocol 1.3.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Action, Effect, deferred

from .models import CancelRequestParams, CloseParams, N2faParams, PrintParams, TextDocumentDidOpenParams, Value

TEXT_DOCUMENT_DID_OPEN: Final[Action[TextDocumentDidOpenParams, None]] = Action(
    name="textDocument/didOpen",
    params=TextDocumentDidOpenParams,
    result=deferred(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
CANCEL_REQUEST: Final[Action[CancelRequestParams, None]] = Action(
    name="$/cancelRequest",
    params=CancelRequestParams,
    result=deferred(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
"""Experimental: it may change or go in any version."""
N2FA: Final[Action[N2faParams, Value]] = Action(
    name="2fa",
    params=N2faParams,
    result=deferred(Value),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
CLOSE: Final[Action[CloseParams, None]] = Action(
    name="close",
    params=CloseParams,
    result=deferred(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
"""Named like a member of every client."""
PRINT: Final[Action[PrintParams, list[Value]]] = Action(
    name="print",
    params=PrintParams,
    result=deferred(list[Value]),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
