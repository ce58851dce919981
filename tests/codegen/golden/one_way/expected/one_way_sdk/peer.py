"""What a server of the one-way protocol 0.1.0 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from duologue import CallOptions, Later, Peer

from . import actions
from .models import RestartParams

if TYPE_CHECKING:
    from .namespaces.lamp.peer import OneWayDeviceLamp
else:
    OneWayDeviceLamp = Later(".namespaces.lamp.peer", "OneWayDeviceLamp", __name__)


class OneWayDevice(Peer):
    """The client at the other end of a connection, and what it may be asked for."""

    @cached_property
    def lamp(self) -> OneWayDeviceLamp:
        """The namespace `Lamp`."""
        from .namespaces.lamp.peer import OneWayDeviceLamp

        return OneWayDeviceLamp(self)

    async def restart(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `restart`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(actions.RESTART, RestartParams(), timeout, options)
