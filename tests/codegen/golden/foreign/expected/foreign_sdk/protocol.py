"""The one table of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Later, Protocol

from . import actions, errors, events

PROTOCOL: Final = Protocol(
    name="foreign",
    version="1.3.0",
    api_level=1,
    client_actions=(
        actions.TEXT_DOCUMENT_DID_OPEN,
        actions.CANCEL_REQUEST,
        actions.N2FA,
        actions.CLOSE,
        actions.PRINT,
    ),
    events=(events.WINDOW_SHOW_MESSAGE,),
    errors=(
        errors.N32601NotFound,
        errors.DOMGone,
        errors.PageLost,
    ),
    namespaces={
        "DOM": Later(".namespaces.dom.protocol", "TABLE", __name__),
        "Net": Later(".namespaces.net.protocol", "TABLE", __name__),
        "Page": Later(".namespaces.page.protocol", "TABLE", __name__),
        "größe": Later(".namespaces.grosse.protocol", "TABLE", __name__),
        "a.b": Later(".namespaces.a_b.protocol", "TABLE", __name__),
        "$/trace.v2": Later(".namespaces.trace.protocol", "TABLE", __name__),
    },
)
"""The one table of the protocol, which both ends share."""
