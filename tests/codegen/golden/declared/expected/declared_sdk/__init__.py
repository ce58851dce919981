"""A protocol whose messages look like nobody else's.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import TYPE_CHECKING

from duologue import exported_later

if TYPE_CHECKING:
    from .client import (
        DeclaredClient,
    )
    from .errors import (
        Busy,
    )
    from .events import (
        DeclaredEvent,
        DeclaredEvents,
        DeclaredSyncEvents,
        EventType,
    )
    from .models import (
        AskParams,
        BeginParams,
        BeginResult,
        BusyDetails,
        DoorKnocked,
        DoorOpened,
        PingParams,
        WorkParams,
    )
    from .peer import (
        DeclaredPeer,
    )
    from .protocol import (
        PROTOCOL,
    )
    from .server import (
        DeclaredPeerService,
        DeclaredServer,
        DeclaredService,
    )
    from .sync_client import (
        DeclaredSyncClient,
    )
else:
    __getattr__, __dir__ = exported_later(
        __name__,
        {
            ".client": ("DeclaredClient",),
            ".errors": ("Busy",),
            ".events": (
                "DeclaredEvent",
                "DeclaredEvents",
                "DeclaredSyncEvents",
                "EventType",
            ),
            ".models": (
                "AskParams",
                "BeginParams",
                "BeginResult",
                "BusyDetails",
                "DoorKnocked",
                "DoorOpened",
                "PingParams",
                "WorkParams",
            ),
            ".peer": ("DeclaredPeer",),
            ".protocol": ("PROTOCOL",),
            ".server": (
                "DeclaredPeerService",
                "DeclaredServer",
                "DeclaredService",
            ),
            ".sync_client": ("DeclaredSyncClient",),
        },
    )

__all__ = [
    "PROTOCOL",
    "AskParams",
    "BeginParams",
    "BeginResult",
    "Busy",
    "BusyDetails",
    "DeclaredClient",
    "DeclaredEvent",
    "DeclaredEvents",
    "DeclaredPeer",
    "DeclaredPeerService",
    "DeclaredServer",
    "DeclaredService",
    "DeclaredSyncClient",
    "DeclaredSyncEvents",
    "DoorKnocked",
    "DoorOpened",
    "EventType",
    "PingParams",
    "WorkParams",
]
