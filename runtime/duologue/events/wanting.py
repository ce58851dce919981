"""What one subscription wants, and how far it is from what had happened to what happens."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from ..models import Event
from .filters import Filter

State: TypeAlias = tuple[Any, ...]
"""Which state an event tells of: its name and its key."""


class Wanted:
    """One event of a subscription.

    Attributes:
        accepts: Its filter.
        live: Whether it follows what happens; before that comes what had happened.
        changed: Until it is live, the latest of each state that changed meanwhile.
    """

    __slots__ = ("accepts", "changed", "live")

    def __init__(self, accepts: Filter) -> None:
        self.accepts = accepts
        self.live = False
        self.changed: dict[State, Event] = {}


class Subscription:
    """Events by name, and how far the log was looked through, as it was told.

    Args:
        may_have: Whether the peer may have an event, as things stand at this moment.
    """

    __slots__ = ("events", "id", "may_have", "told")

    def __init__(self, id: str, may_have: Callable[[str], bool]) -> None:
        self.id = id
        self.may_have = may_have
        self.events: dict[str, Wanted] = {}
        self.told = 0

    def wants(self, event: Event) -> Wanted | None:
        """How it wants an event, if it does."""
        wanted = self.events.get(event.event_name)
        if wanted is None or not wanted.accepts.matches(event) or not self.may_have(event.event_name):
            return None
        return wanted

    def follows(self, event: Event) -> bool:
        wanted = self.wants(event)
        return wanted is not None and wanted.live


class Opening(Struct):
    """What follows the answer to `subscribe`: what had happened, then the present.

    Attributes:
        wanted: What the subscription began to want.
        after: The log entry after which it starts, or the last one that was sent.
        states: The states that are still to be sent.
    """

    subscription: Subscription
    wanted: Mapping[str, Wanted]
    after: int
    states: deque[Event]

    def wants(self, event: Event) -> Wanted | None:
        """How it wants an event; nothing that was unsubscribed, or subscribed again, meanwhile."""
        wanted = self.subscription.wants(event)
        return wanted if wanted is self.wanted.get(event.event_name) else None

    @property
    def held(self) -> Mapping[str, Wanted]:
        """What of it still stands."""
        events = self.subscription.events
        return {name: wanted for name, wanted in self.wanted.items() if events.get(name) is wanted}
