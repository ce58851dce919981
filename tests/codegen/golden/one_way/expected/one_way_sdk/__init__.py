"""The one-way protocol.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import TYPE_CHECKING

from duologue import exported_later

if TYPE_CHECKING:
    from .client import (
        OneWayClient,
    )
    from .errors import (
        Broken,
    )
    from .models import (
        Pressed,
        RestartParams,
    )
    from .namespaces.lamp.models import (
        LampFadeParams,
        LampLightParams,
        LampLit,
    )
    from .peer import (
        OneWayDevice,
    )
    from .protocol import (
        PROTOCOL,
    )
    from .server import (
        OneWayDeviceService,
        OneWayServer,
        OneWayService,
    )
    from .sync_client import (
        OneWaySyncClient,
    )
else:
    __getattr__, __dir__ = exported_later(
        __name__,
        {
            ".client": ("OneWayClient",),
            ".errors": ("Broken",),
            ".models": (
                "Pressed",
                "RestartParams",
            ),
            ".namespaces.lamp.models": (
                "LampFadeParams",
                "LampLightParams",
                "LampLit",
            ),
            ".peer": ("OneWayDevice",),
            ".protocol": ("PROTOCOL",),
            ".server": (
                "OneWayDeviceService",
                "OneWayServer",
                "OneWayService",
            ),
            ".sync_client": ("OneWaySyncClient",),
        },
    )

__all__ = [
    "PROTOCOL",
    "Broken",
    "LampFadeParams",
    "LampLightParams",
    "LampLit",
    "OneWayClient",
    "OneWayDevice",
    "OneWayDeviceService",
    "OneWayServer",
    "OneWayService",
    "OneWaySyncClient",
    "Pressed",
    "RestartParams",
]
