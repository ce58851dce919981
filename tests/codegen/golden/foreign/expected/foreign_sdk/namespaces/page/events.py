"""Events of the namespace `Page` of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from duologue import Delivery, EventDescriptor, EventStream, Later, Position, SyncEventStream

from .models import PageBlurred, PageNavigated
from .values import PageFrameId

if TYPE_CHECKING:
    from ...events import ForeignEvents, ForeignSyncEvents
else:
    ForeignEvents = Later("...events", "ForeignEvents", __name__)
    ForeignSyncEvents = Later("...events", "ForeignSyncEvents", __name__)

PAGE_NAVIGATED: Final[EventDescriptor[PageNavigated]] = EventDescriptor(
    model=PageNavigated,
    delivery=Delivery.LOG,
    scope=(),
    filters={"frame.id": ("frame", "id")},
)
PAGE_BLURRED: Final[EventDescriptor[PageBlurred]] = EventDescriptor(
    model=PageBlurred,
    delivery=Delivery.VOLATILE,
    scope=(),
)


class ForeignPageEvents:
    """The namespace `Page`."""

    def __init__(self, events: ForeignEvents) -> None:
        self._events = events

    def navigated(
        self, *, frame_id: PageFrameId | Sequence[PageFrameId] | None = None, since: Position | None = None
    ) -> EventStream[PageNavigated]:
        """Every one, in order; `since` continues after a position.

        Args:
            frame_id: Only where `frame.id` is this, or one of these.
        """
        return self._events._open(PageNavigated, {"frame.id": frame_id}, since)


class ForeignSyncPageEvents:
    """The namespace `Page`."""

    def __init__(self, events: ForeignSyncEvents) -> None:
        self._events = events

    def navigated(
        self, *, frame_id: PageFrameId | Sequence[PageFrameId] | None = None, since: Position | None = None
    ) -> SyncEventStream[PageNavigated]:
        """Every one, in order; `since` continues after a position.

        Args:
            frame_id: Only where `frame.id` is this, or one of these.
        """
        return self._events._open(PageNavigated, {"frame.id": frame_id}, since)
