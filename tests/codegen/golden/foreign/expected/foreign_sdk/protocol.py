"""The one table of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Protocol

from . import actions, errors, events

PROTOCOL: Final = Protocol(
    name="foreign",
    version="1.3.0",
    api_level=1,
    client_actions=(
        actions.TEXT_DOCUMENT_DID_OPEN,
        actions.CANCEL_REQUEST,
        actions.N2FA,
        actions.GROSSE_OFFNEN,
        actions.A_B_C,
        actions.TRACE_V2_START,
        actions.DOM_GET_NODE,
        actions.CLOSE,
        actions.PRINT,
        actions.NET_FETCH,
        actions.PAGE_NAVIGATE,
        actions.PAGE_WATCH,
    ),
    server_actions=(actions.PAGE_ASK,),
    events=(
        events.WINDOW_SHOW_MESSAGE,
        events.A_B_CHANGED,
        events.DOM_NODE_ADDED,
        events.NET_SENT,
        events.PAGE_NAVIGATED,
    ),
    notifications=(events.PAGE_BLURRED,),
    errors=(
        errors.N32601NotFound,
        errors.DOMGone,
        errors.PageLost,
    ),
)
"""The one table of the protocol, which both ends share."""
