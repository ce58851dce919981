"""What a server of the namespace `Lamp` of the one-way protocol 0.1.0 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING

from duologue import CallOptions, Later, Stream
from typing_extensions import deprecated

from . import actions
from .models import LampFadeParams, LampLightParams

if TYPE_CHECKING:
    from ...peer import OneWayDevice
else:
    OneWayDevice = Later("...peer", "OneWayDevice", __name__)


class OneWayDeviceLamp:
    """The namespace `Lamp`."""

    def __init__(self, owner: OneWayDevice) -> None:
        self._owner = owner

    async def light(self, *, on: bool, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `Lamp.light`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            Broken: broken
        """
        return await self._owner._call(actions.LAMP_LIGHT, LampLightParams(on=on), timeout, options)

    @deprecated("Deprecated: use `Lamp.light`.")
    def fade(self, *, timeout: float | None = None, options: CallOptions | None = None) -> Stream[float, None]:
        """Call `Lamp.fade`.

        Deprecated: use `Lamp.light`.

        Args:
            timeout: Seconds until the caller gives up; no end by default.
        """
        return self._owner._stream(actions.LAMP_FADE, LampFadeParams(), timeout, options)
