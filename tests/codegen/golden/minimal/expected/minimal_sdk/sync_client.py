"""Client of the minimal protocol 0.1.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from duologue import CallOptions, SyncClient

from . import actions
from .models import PingParams


class MinimalSyncClient(SyncClient):
    """Client of the minimal protocol."""

    def ping(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `ping`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._call(actions.PING, PingParams(), timeout, options)
