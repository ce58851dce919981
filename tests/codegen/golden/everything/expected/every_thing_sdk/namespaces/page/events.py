"""Events of the namespace `Page` of the every-thing protocol 2.10.0-rc.1.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from duologue import Delivery, EventDescriptor, EventStream, Later, Position, SyncEventStream

from .models import PageClosed, PageFrameNavigated
from .values import PageId

if TYPE_CHECKING:
    from ...events import EveryEvents, EverySyncEvents
else:
    EveryEvents = Later("...events", "EveryEvents", __name__)
    EverySyncEvents = Later("...events", "EverySyncEvents", __name__)

PAGE_FRAME_NAVIGATED: Final[EventDescriptor[PageFrameNavigated]] = EventDescriptor(
    model=PageFrameNavigated,
    delivery=Delivery.VOLATILE,
    scope=("read",),
)
PAGE_CLOSED: Final[EventDescriptor[PageClosed]] = EventDescriptor(
    model=PageClosed,
    delivery=Delivery.LOG,
    scope=("read",),
    filters={"frame.id": ("frame", "id")},
)


class EveryPageEvents:
    """The namespace `Page`."""

    def __init__(self, events: EveryEvents) -> None:
        self._events = events

    def frame_navigated(self) -> EventStream[PageFrameNavigated]:
        """Best effort; losses are counted."""
        return self._events._open(PageFrameNavigated, {}, None)

    def closed(
        self, *, frame_id: PageId | Sequence[PageId] | None = None, since: Position | None = None
    ) -> EventStream[PageClosed]:
        """Every one, in order; `since` continues after a position.

        Args:
            frame_id: Only where `frame.id` is this, or one of these.
        """
        return self._events._open(PageClosed, {"frame.id": frame_id}, since)


class EverySyncPageEvents:
    """The namespace `Page`."""

    def __init__(self, events: EverySyncEvents) -> None:
        self._events = events

    def frame_navigated(self) -> SyncEventStream[PageFrameNavigated]:
        """Best effort; losses are counted."""
        return self._events._open(PageFrameNavigated, {}, None)

    def closed(
        self, *, frame_id: PageId | Sequence[PageId] | None = None, since: Position | None = None
    ) -> SyncEventStream[PageClosed]:
        """Every one, in order; `since` continues after a position.

        Args:
            frame_id: Only where `frame.id` is this, or one of these.
        """
        return self._events._open(PageClosed, {"frame.id": frame_id}, since)
