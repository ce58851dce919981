"""Actions of the foreign protocol 1.3.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Action, Effect, StreamAction
from pydantic import TypeAdapter

from .errors import DOMGone, PageLost
from .models import (
    ABCParams,
    CancelRequestParams,
    CloseParams,
    DOMGetNodeParams,
    DOMNode,
    GrosseOffnenParams,
    N2faParams,
    NetFetchParams,
    NetFrame,
    NetRequest,
    PageAskParams,
    PageBoth,
    PageKind,
    PageNavigateParams,
    PageShown,
    PageWatchParams,
    Presence,
    PrintParams,
    Signs,
    TextDocumentDidOpenParams,
    TraceV2StartParams,
    Value,
)

TEXT_DOCUMENT_DID_OPEN: Final[Action[TextDocumentDidOpenParams, None]] = Action(
    name="textDocument/didOpen",
    params=TextDocumentDidOpenParams,
    result=TypeAdapter(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
CANCEL_REQUEST: Final[Action[CancelRequestParams, None]] = Action(
    name="$/cancelRequest",
    params=CancelRequestParams,
    result=TypeAdapter(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
"""Experimental: it may change or go in any version."""
N2FA: Final[Action[N2faParams, Value]] = Action(
    name="2fa",
    params=N2faParams,
    result=TypeAdapter(Value),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
GROSSE_OFFNEN: Final[Action[GrosseOffnenParams, Presence]] = Action(
    name="größe.öffnen",
    params=GrosseOffnenParams,
    result=TypeAdapter(Presence),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
A_B_C: Final[Action[ABCParams, Signs]] = Action(
    name="a.b.c",
    params=ABCParams,
    result=TypeAdapter(Signs),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
TRACE_V2_START: Final[Action[TraceV2StartParams, None]] = Action(
    name="$/trace.v2.start",
    params=TraceV2StartParams,
    result=TypeAdapter(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
DOM_GET_NODE: Final[Action[DOMGetNodeParams, DOMNode]] = Action(
    name="DOM.getNode",
    params=DOMGetNodeParams,
    result=TypeAdapter(DOMNode),
    scope=(),
    effect=Effect.UNSAFE,
    errors=(DOMGone,),
    timeout=30.0,
)
CLOSE: Final[Action[CloseParams, None]] = Action(
    name="close",
    params=CloseParams,
    result=TypeAdapter(None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
"""Named like a member of every client."""
PRINT: Final[Action[PrintParams, list[Value]]] = Action(
    name="print",
    params=PrintParams,
    result=TypeAdapter(list[Value]),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
NET_FETCH: Final[Action[NetFetchParams, list[NetRequest]]] = Action(
    name="Net.fetch",
    params=NetFetchParams,
    result=TypeAdapter(list[NetRequest]),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
PAGE_NAVIGATE: Final[Action[PageNavigateParams, PageShown]] = Action(
    name="Page.navigate",
    params=PageNavigateParams,
    result=TypeAdapter(PageShown),
    scope=(),
    effect=Effect.UNSAFE,
    errors=(PageLost,),
    timeout=30.0,
)
PAGE_WATCH: Final[StreamAction[PageWatchParams, PageBoth, NetFrame | None]] = StreamAction(
    name="Page.watch",
    params=PageWatchParams,
    item=TypeAdapter(PageBoth),
    result=TypeAdapter(NetFrame | None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
PAGE_ASK: Final[Action[PageAskParams, PageKind]] = Action(
    name="Page.ask",
    params=PageAskParams,
    result=TypeAdapter(PageKind),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
