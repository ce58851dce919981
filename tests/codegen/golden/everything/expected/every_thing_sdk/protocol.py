"""The one table of the every-thing protocol 2.10.0-rc.1.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Later, Protocol

from . import actions, errors, events

PROTOCOL: Final = Protocol(
    name="every-thing",
    version="2.10.0-rc.1",
    api_level=1,
    client_actions=(
        actions.NOTHING,
        actions.CLOSE,
        actions.LIST,
        actions.ALL_OF_IT,
        actions.TYPED,
        actions.MAYBE,
        actions.PUT,
        actions.GET,
        actions.UPLOADING,
        actions.MORE,
    ),
    server_actions=(
        actions.ALL_OF_IT,
        actions.ASK,
        actions.PUT,
        actions.GET,
    ),
    events=(
        events.LOGGED,
        events.SINGLE,
        events.KEYED,
        events.COPIED,
        events.BOTH_WAYS,
    ),
    notifications=(
        events.TYPING,
        events.BOTH_WAYS,
    ),
    errors=(
        errors.Busy,
        errors.BadName,
        errors.FromType,
        errors.PageLostError,
        errors.PageGone,
    ),
    scopes={
        "read": "Look at things.",
        "write": "Change things.",
        "admin": "Anything else.",
        "more": "More.",
    },
    roles={
        "reader": ("read",),
        "writer": (
            "read",
            "write",
        ),
        "more": ("more",),
    },
    namespaces={
        "Page": Later(".namespaces.page.protocol", "TABLE", __name__),
    },
)
"""The one table of the protocol, which both ends share."""
