"""Client of the one-way protocol 0.1.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from duologue import SyncClient

from .models import LampLit, Pressed


class OneWaySyncClient(SyncClient):
    """Client of the one-way protocol."""

    def notify(self, event: Pressed | LampLit) -> None:
        """Send an event to the server. There is no answer."""
        self._notify(event)
