"""Events of the declared protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

from duologue import Delivery, EventDescriptor, Events, EventStream, SyncEvents, SyncEventStream

from .models import DoorKnocked, DoorOpened


class EventType(StrEnum):
    """Names of the events that the server publishes."""

    DOOR_OPENED = "door/opened"


DeclaredEvent: TypeAlias = DoorOpened
"""Any event that the server publishes."""


DOOR_OPENED: Final[EventDescriptor[DoorOpened]] = EventDescriptor(
    model=DoorOpened,
    delivery=Delivery.VOLATILE,
    scope=(),
)
"""A door was opened."""
DOOR_KNOCKED: Final[EventDescriptor[DoorKnocked]] = EventDescriptor(
    model=DoorKnocked,
    delivery=Delivery.VOLATILE,
    scope=(),
)
"""Somebody knocks."""


class DeclaredEvents(Events):
    """Events of the server: one method each; call it with classes for several at once."""

    def door_opened(self) -> EventStream[DoorOpened]:
        """A door was opened.

        Best effort; losses are counted.
        """
        return self._open(DoorOpened, {}, None)


class DeclaredSyncEvents(SyncEvents):
    """The same for synchronous code: one method each; call it with classes for several at once."""

    def door_opened(self) -> SyncEventStream[DoorOpened]:
        """A door was opened.

        Best effort; losses are counted.
        """
        return self._open(DoorOpened, {}, None)
