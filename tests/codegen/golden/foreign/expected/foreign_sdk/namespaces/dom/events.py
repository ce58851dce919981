"""Events of the namespace `DOM` of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING, Final

from duologue import Delivery, EventDescriptor, EventStream, Later, SyncEventStream

from .models import DOMNodeAdded

if TYPE_CHECKING:
    from ...events import ForeignEvents, ForeignSyncEvents
else:
    ForeignEvents = Later("...events", "ForeignEvents", __name__)
    ForeignSyncEvents = Later("...events", "ForeignSyncEvents", __name__)

DOM_NODE_ADDED: Final[EventDescriptor[DOMNodeAdded]] = EventDescriptor(
    model=DOMNodeAdded,
    delivery=Delivery.VOLATILE,
    scope=(),
)


class ForeignDOMEvents:
    """Nodes.

    Deprecated: use `Page`.
    """

    def __init__(self, events: ForeignEvents) -> None:
        self._events = events

    def node_added(self) -> EventStream[DOMNodeAdded]:
        """Best effort; losses are counted."""
        return self._events._open(DOMNodeAdded, {}, None)


class ForeignSyncDOMEvents:
    """Nodes.

    Deprecated: use `Page`.
    """

    def __init__(self, events: ForeignSyncEvents) -> None:
        self._events = events

    def node_added(self) -> SyncEventStream[DOMNodeAdded]:
        """Best effort; losses are counted."""
        return self._events._open(DOMNodeAdded, {}, None)
