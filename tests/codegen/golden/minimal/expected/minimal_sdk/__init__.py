"""The minimal protocol.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import TYPE_CHECKING

from duologue import exported_later

if TYPE_CHECKING:
    from .client import (
        MinimalClient,
    )
    from .models import (
        PingParams,
    )
    from .peer import (
        MinimalPeer,
    )
    from .protocol import (
        PROTOCOL,
    )
    from .server import (
        MinimalServer,
        MinimalService,
    )
    from .sync_client import (
        MinimalSyncClient,
    )
else:
    __getattr__, __dir__ = exported_later(
        __name__,
        {
            ".client": ("MinimalClient",),
            ".models": ("PingParams",),
            ".peer": ("MinimalPeer",),
            ".protocol": ("PROTOCOL",),
            ".server": (
                "MinimalServer",
                "MinimalService",
            ),
            ".sync_client": ("MinimalSyncClient",),
        },
    )

__all__ = [
    "PROTOCOL",
    "MinimalClient",
    "MinimalPeer",
    "MinimalServer",
    "MinimalService",
    "MinimalSyncClient",
    "PingParams",
]
