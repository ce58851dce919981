"""Events of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final

from duologue import Delivery, EventDescriptor, Events, EventStream, Later, SyncEvents, SyncEventStream
from typing_extensions import TypeAliasType

from .models import WindowShowMessage

if TYPE_CHECKING:
    from .namespaces.a_b.events import ForeignABEvents, ForeignSyncABEvents
    from .namespaces.a_b.models import ABChanged
    from .namespaces.dom.events import ForeignDOMEvents, ForeignSyncDOMEvents
    from .namespaces.dom.models import DOMNodeAdded
    from .namespaces.net.events import ForeignNetEvents, ForeignSyncNetEvents
    from .namespaces.net.models import NetSent
    from .namespaces.page.events import ForeignPageEvents, ForeignSyncPageEvents
    from .namespaces.page.models import PageNavigated
else:
    ForeignABEvents = Later(".namespaces.a_b.events", "ForeignABEvents", __name__)
    ForeignSyncABEvents = Later(".namespaces.a_b.events", "ForeignSyncABEvents", __name__)
    ABChanged = Later(".namespaces.a_b.models", "ABChanged", __name__)
    ForeignDOMEvents = Later(".namespaces.dom.events", "ForeignDOMEvents", __name__)
    ForeignSyncDOMEvents = Later(".namespaces.dom.events", "ForeignSyncDOMEvents", __name__)
    DOMNodeAdded = Later(".namespaces.dom.models", "DOMNodeAdded", __name__)
    ForeignNetEvents = Later(".namespaces.net.events", "ForeignNetEvents", __name__)
    ForeignSyncNetEvents = Later(".namespaces.net.events", "ForeignSyncNetEvents", __name__)
    NetSent = Later(".namespaces.net.models", "NetSent", __name__)
    ForeignPageEvents = Later(".namespaces.page.events", "ForeignPageEvents", __name__)
    ForeignSyncPageEvents = Later(".namespaces.page.events", "ForeignSyncPageEvents", __name__)
    PageNavigated = Later(".namespaces.page.models", "PageNavigated", __name__)


class EventType(StrEnum):
    """Names of the events that the server publishes."""

    WINDOW_SHOW_MESSAGE = "window/showMessage"
    A_B_CHANGED = "a.b.changed"
    DOM_NODE_ADDED = "DOM.nodeAdded"
    NET_SENT = "Net.sent"
    PAGE_NAVIGATED = "Page.navigated"


ForeignEvent = TypeAliasType("ForeignEvent", "WindowShowMessage | ABChanged | DOMNodeAdded | NetSent | PageNavigated")
"""Any event that the server publishes."""


WINDOW_SHOW_MESSAGE: Final[EventDescriptor[WindowShowMessage]] = EventDescriptor(
    model=WindowShowMessage,
    delivery=Delivery.VOLATILE,
    scope=(),
)


class ForeignEvents(Events):
    """Events of the server: one method each; call it with classes for several at once."""

    @cached_property
    def dom(self) -> ForeignDOMEvents:
        """Nodes.

        Deprecated: use `Page`.
        """
        from .namespaces.dom.events import ForeignDOMEvents

        return ForeignDOMEvents(self)

    @cached_property
    def net(self) -> ForeignNetEvents:
        """Requests and who made them."""
        from .namespaces.net.events import ForeignNetEvents

        return ForeignNetEvents(self)

    @cached_property
    def page(self) -> ForeignPageEvents:
        """The namespace `Page`."""
        from .namespaces.page.events import ForeignPageEvents

        return ForeignPageEvents(self)

    @cached_property
    def a_b(self) -> ForeignABEvents:
        """The namespace `a.b`."""
        from .namespaces.a_b.events import ForeignABEvents

        return ForeignABEvents(self)

    def window_show_message(self) -> EventStream[WindowShowMessage]:
        """Best effort; losses are counted."""
        return self._open(WindowShowMessage, {}, None)


class ForeignSyncEvents(SyncEvents):
    """The same for synchronous code: one method each; call it with classes for several at once."""

    @cached_property
    def dom(self) -> ForeignSyncDOMEvents:
        """Nodes.

        Deprecated: use `Page`.
        """
        from .namespaces.dom.events import ForeignSyncDOMEvents

        return ForeignSyncDOMEvents(self)

    @cached_property
    def net(self) -> ForeignSyncNetEvents:
        """Requests and who made them."""
        from .namespaces.net.events import ForeignSyncNetEvents

        return ForeignSyncNetEvents(self)

    @cached_property
    def page(self) -> ForeignSyncPageEvents:
        """The namespace `Page`."""
        from .namespaces.page.events import ForeignSyncPageEvents

        return ForeignSyncPageEvents(self)

    @cached_property
    def a_b(self) -> ForeignSyncABEvents:
        """The namespace `a.b`."""
        from .namespaces.a_b.events import ForeignSyncABEvents

        return ForeignSyncABEvents(self)

    def window_show_message(self) -> SyncEventStream[WindowShowMessage]:
        """Best effort; losses are counted."""
        return self._open(WindowShowMessage, {}, None)
