"""The one table of the namespace `Page` of the every-thing protocol 2.10.0-rc.1.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import NamespaceTable

from . import actions, events

TABLE: Final = NamespaceTable(
    client_actions=(
        actions.PAGE_OPEN,
        actions.PAGE_NAVIGATE,
        actions.PAGE_CLOSE,
        actions.PAGE_SHOT,
        actions.PAGE_LOAD,
    ),
    server_actions=(
        actions.PAGE_SHOT,
        actions.PAGE_LOAD,
    ),
    events=(
        events.PAGE_FRAME_NAVIGATED,
        events.PAGE_CLOSED,
    ),
)
"""What of the protocol the namespace has."""
