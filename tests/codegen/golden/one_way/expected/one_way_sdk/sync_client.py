"""Client of the one-way protocol 0.1.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duologue import Later, SyncClient

from .models import Pressed

if TYPE_CHECKING:
    from .namespaces.lamp.models import LampLit
else:
    LampLit = Later(".namespaces.lamp.models", "LampLit", __name__)


class OneWaySyncClient(SyncClient):
    """Client of the one-way protocol."""

    def notify(self, event: Pressed | LampLit) -> None:
        """Send an event to the server. There is no answer."""
        self._notify(event)
