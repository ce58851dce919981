"""Events of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from typing import Final, TypeAlias

from duologue import Delivery, EventDescriptor, Events, EventStream, Position, SyncEvents, SyncEventStream

from .models import ABChanged, DOMNodeAdded, NetSent, PageBlurred, PageFrameId, PageNavigated, WindowShowMessage


class EventType(StrEnum):
    """Names of the events that the server publishes."""

    WINDOW_SHOW_MESSAGE = "window/showMessage"
    A_B_CHANGED = "a.b.changed"
    DOM_NODE_ADDED = "DOM.nodeAdded"
    NET_SENT = "Net.sent"
    PAGE_NAVIGATED = "Page.navigated"


ForeignEvent: TypeAlias = WindowShowMessage | ABChanged | DOMNodeAdded | NetSent | PageNavigated
"""Any event that the server publishes."""


WINDOW_SHOW_MESSAGE: Final[EventDescriptor[WindowShowMessage]] = EventDescriptor(
    model=WindowShowMessage,
    delivery=Delivery.VOLATILE,
    scope=(),
)
A_B_CHANGED: Final[EventDescriptor[ABChanged]] = EventDescriptor(
    model=ABChanged,
    delivery=Delivery.VOLATILE,
    scope=(),
)
"""Experimental: it may change or go in any version."""
DOM_NODE_ADDED: Final[EventDescriptor[DOMNodeAdded]] = EventDescriptor(
    model=DOMNodeAdded,
    delivery=Delivery.VOLATILE,
    scope=(),
)
NET_SENT: Final[EventDescriptor[NetSent]] = EventDescriptor(
    model=NetSent,
    delivery=Delivery.VOLATILE,
    scope=(),
)
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


class ForeignDOMEvents:
    """Events of the server of one namespace."""

    def __init__(self, events: ForeignEvents) -> None:
        self._events = events

    def node_added(self) -> EventStream[DOMNodeAdded]:
        """Best effort; losses are counted."""
        return self._events._open(DOMNodeAdded, {}, None)


class ForeignNetEvents:
    """Events of the server of one namespace."""

    def __init__(self, events: ForeignEvents) -> None:
        self._events = events

    def sent(self) -> EventStream[NetSent]:
        """Best effort; losses are counted."""
        return self._events._open(NetSent, {}, None)


class ForeignPageEvents:
    """Events of the server of one namespace."""

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


class ForeignABEvents:
    """Events of the server of one namespace."""

    def __init__(self, events: ForeignEvents) -> None:
        self._events = events

    def changed(self) -> EventStream[ABChanged]:
        """Experimental: it may change or go in any version.

        Best effort; losses are counted.
        """
        return self._events._open(ABChanged, {}, None)


class ForeignEvents(Events):
    """Events of the server: one method each; call it with classes for several at once."""

    @cached_property
    def dom(self) -> ForeignDOMEvents:
        return ForeignDOMEvents(self)

    @cached_property
    def net(self) -> ForeignNetEvents:
        return ForeignNetEvents(self)

    @cached_property
    def page(self) -> ForeignPageEvents:
        return ForeignPageEvents(self)

    @cached_property
    def a_b(self) -> ForeignABEvents:
        return ForeignABEvents(self)

    def window_show_message(self) -> EventStream[WindowShowMessage]:
        """Best effort; losses are counted."""
        return self._open(WindowShowMessage, {}, None)


class ForeignSyncDOMEvents:
    """The same for synchronous code of one namespace."""

    def __init__(self, events: ForeignSyncEvents) -> None:
        self._events = events

    def node_added(self) -> SyncEventStream[DOMNodeAdded]:
        """Best effort; losses are counted."""
        return self._events._open(DOMNodeAdded, {}, None)


class ForeignSyncNetEvents:
    """The same for synchronous code of one namespace."""

    def __init__(self, events: ForeignSyncEvents) -> None:
        self._events = events

    def sent(self) -> SyncEventStream[NetSent]:
        """Best effort; losses are counted."""
        return self._events._open(NetSent, {}, None)


class ForeignSyncPageEvents:
    """The same for synchronous code of one namespace."""

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


class ForeignSyncABEvents:
    """The same for synchronous code of one namespace."""

    def __init__(self, events: ForeignSyncEvents) -> None:
        self._events = events

    def changed(self) -> SyncEventStream[ABChanged]:
        """Experimental: it may change or go in any version.

        Best effort; losses are counted.
        """
        return self._events._open(ABChanged, {}, None)


class ForeignSyncEvents(SyncEvents):
    """The same for synchronous code: one method each; call it with classes for several at once."""

    @cached_property
    def dom(self) -> ForeignSyncDOMEvents:
        return ForeignSyncDOMEvents(self)

    @cached_property
    def net(self) -> ForeignSyncNetEvents:
        return ForeignSyncNetEvents(self)

    @cached_property
    def page(self) -> ForeignSyncPageEvents:
        return ForeignSyncPageEvents(self)

    @cached_property
    def a_b(self) -> ForeignSyncABEvents:
        return ForeignSyncABEvents(self)

    def window_show_message(self) -> SyncEventStream[WindowShowMessage]:
        """Best effort; losses are counted."""
        return self._open(WindowShowMessage, {}, None)
