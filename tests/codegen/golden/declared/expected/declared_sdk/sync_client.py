"""Client of the declared protocol 1.0.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from functools import cached_property

from duologue import CallOptions, SyncClient

from . import actions
from .events import DeclaredSyncEvents
from .models import BeginParams, BeginResult, DoorKnocked, PingParams, WorkParams


class DeclaredSyncClient(SyncClient):
    """A protocol whose messages look like nobody else's."""

    @cached_property
    def events(self) -> DeclaredSyncEvents:
        """The events of the server: one method each, with typed filters."""
        return DeclaredSyncEvents(self._portal, self._client)

    def notify(self, event: DoorKnocked, *, route: int | str | None = None) -> None:
        """Send an event to the server, for a route if the protocol has such. There is no answer."""
        self._notify(event, route)

    def begin(self, *, language: str, timeout: float | None = None, options: CallOptions | None = None) -> BeginResult:
        """Begin a session.

        Args:
            timeout: Seconds until the caller gives up; 10 by default.
        """
        return self._call(actions.BEGIN, BeginParams(language=language), timeout, options)

    def work(self, *, hours: int, timeout: float | None = None, options: CallOptions | None = None) -> str:
        """Work for long.

        Args:
            timeout: Seconds until the caller gives up; 10 by default.

        Raises:
            Busy: busy
        """
        return self._call(actions.WORK, WorkParams(hours=hours), timeout, options)

    def ping(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Tell that somebody is there.

        Args:
            timeout: Seconds until the caller gives up; 10 by default.
        """
        return self._call(actions.PING, PingParams(), timeout, options)
