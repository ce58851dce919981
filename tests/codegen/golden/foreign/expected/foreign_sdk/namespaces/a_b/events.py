"""Events of the namespace `a.b` of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING, Final

from duologue import Delivery, EventDescriptor, EventStream, Later, SyncEventStream

from .models import ABChanged

if TYPE_CHECKING:
    from ...events import ForeignEvents, ForeignSyncEvents
else:
    ForeignEvents = Later("...events", "ForeignEvents", __name__)
    ForeignSyncEvents = Later("...events", "ForeignSyncEvents", __name__)

A_B_CHANGED: Final[EventDescriptor[ABChanged]] = EventDescriptor(
    model=ABChanged,
    delivery=Delivery.VOLATILE,
    scope=(),
)
"""Experimental: it may change or go in any version."""


class ForeignABEvents:
    """The namespace `a.b`."""

    def __init__(self, events: ForeignEvents) -> None:
        self._events = events

    def changed(self) -> EventStream[ABChanged]:
        """Experimental: it may change or go in any version.

        Best effort; losses are counted.
        """
        return self._events._open(ABChanged, {}, None)


class ForeignSyncABEvents:
    """The namespace `a.b`."""

    def __init__(self, events: ForeignSyncEvents) -> None:
        self._events = events

    def changed(self) -> SyncEventStream[ABChanged]:
        """Experimental: it may change or go in any version.

        Best effort; losses are counted.
        """
        return self._events._open(ABChanged, {}, None)
