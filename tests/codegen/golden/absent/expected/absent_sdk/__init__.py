"""What is absent is not null.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import TYPE_CHECKING

from duologue import exported_later

if TYPE_CHECKING:
    from .client import (
        AbsentClient,
    )
    from .events import (
        AbsentEvent,
        AbsentEvents,
        AbsentSyncEvents,
        EventType,
    )
    from .models import (
        DateParams,
        Mood,
        Patch,
        PatchParams,
        Timedelta,
    )
    from .peer import (
        AbsentPeer,
    )
    from .protocol import (
        PROTOCOL,
    )
    from .server import (
        AbsentServer,
        AbsentService,
    )
    from .sync_client import (
        AbsentSyncClient,
    )
else:
    __getattr__, __dir__ = exported_later(
        __name__,
        {
            ".client": ("AbsentClient",),
            ".events": (
                "AbsentEvent",
                "AbsentEvents",
                "AbsentSyncEvents",
                "EventType",
            ),
            ".models": (
                "DateParams",
                "Mood",
                "Patch",
                "PatchParams",
                "Timedelta",
            ),
            ".peer": ("AbsentPeer",),
            ".protocol": ("PROTOCOL",),
            ".server": (
                "AbsentServer",
                "AbsentService",
            ),
            ".sync_client": ("AbsentSyncClient",),
        },
    )

__all__ = [
    "PROTOCOL",
    "AbsentClient",
    "AbsentEvent",
    "AbsentEvents",
    "AbsentPeer",
    "AbsentServer",
    "AbsentService",
    "AbsentSyncClient",
    "AbsentSyncEvents",
    "DateParams",
    "EventType",
    "Mood",
    "Patch",
    "PatchParams",
    "Timedelta",
]
