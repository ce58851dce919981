"""The one-way protocol.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from .client import (
    OneWayClient,
)
from .errors import (
    Broken,
)
from .models import (
    LampFadeParams,
    LampLightParams,
    LampLit,
    Pressed,
    RestartParams,
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
