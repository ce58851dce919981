"""Events of the every-thing protocol 2.10.0-rc.1.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final

from duologue import (
    Delivery,
    EventDescriptor,
    Events,
    EventStream,
    Later,
    Position,
    SyncEvents,
    SyncEventStream,
    UnknownValue,
)
from typing_extensions import TypeAliasType

from .models import BothWays, Copied, Keyed, Logged, Mood, Single, Typing

if TYPE_CHECKING:
    from .namespaces.page.events import EveryPageEvents, EverySyncPageEvents
    from .namespaces.page.models import PageClosed, PageFrameNavigated
else:
    EveryPageEvents = Later(".namespaces.page.events", "EveryPageEvents", __name__)
    EverySyncPageEvents = Later(".namespaces.page.events", "EverySyncPageEvents", __name__)
    PageClosed = Later(".namespaces.page.models", "PageClosed", __name__)
    PageFrameNavigated = Later(".namespaces.page.models", "PageFrameNavigated", __name__)


class EventType(StrEnum):
    """Names of the events that the server publishes."""

    LOGGED = "logged"
    SINGLE = "single"
    KEYED = "keyed"
    COPIED = "copied"
    BOTH_WAYS = "both_ways"
    PAGE_FRAME_NAVIGATED = "Page.frameNavigated"
    PAGE_CLOSED = "Page.closed"


EveryEvent = TypeAliasType(
    "EveryEvent", "Logged | Single | Keyed | Copied | BothWays | PageFrameNavigated | PageClosed"
)
"""Any event that the server publishes."""


LOGGED: Final[EventDescriptor[Logged]] = EventDescriptor(
    model=Logged,
    delivery=Delivery.LOG,
    scope=("read",),
    filters={"text": ("text",), "mood": ("mood",), "a.a": ("a", "a")},
)
SINGLE: Final[EventDescriptor[Single]] = EventDescriptor(
    model=Single,
    delivery=Delivery.STATE,
    scope=("read",),
)
KEYED: Final[EventDescriptor[Keyed]] = EventDescriptor(
    model=Keyed,
    delivery=Delivery.STATE,
    scope=("read", "write"),
    filters={"n": ("n",)},
    key=(("a", "a"), ("n",)),
)
COPIED: Final[EventDescriptor[Copied]] = EventDescriptor(
    model=Copied,
    delivery=Delivery.VOLATILE,
    scope=("read",),
)
TYPING: Final[EventDescriptor[Typing]] = EventDescriptor(
    model=Typing,
    delivery=Delivery.VOLATILE,
    scope=("write",),
)
BOTH_WAYS: Final[EventDescriptor[BothWays]] = EventDescriptor(
    model=BothWays,
    delivery=Delivery.VOLATILE,
    scope=("read",),
)


class EveryEvents(Events):
    """Events of the server: one method each; call it with classes for several at once."""

    @cached_property
    def page(self) -> EveryPageEvents:
        """The namespace `Page`."""
        from .namespaces.page.events import EveryPageEvents

        return EveryPageEvents(self)

    def logged(
        self,
        *,
        text: str | Sequence[str] | None = None,
        mood: Mood | UnknownValue | Sequence[Mood | UnknownValue] | None = None,
        a_a: str | Sequence[str] | None = None,
        since: Position | None = None,
    ) -> EventStream[Logged]:
        """Every one, in order; `since` continues after a position.

        Args:
            text: Only where `text` is this, or one of these.
            mood: Only where `mood` is this, or one of these.
            a_a: Only where `a.a` is this, or one of these.
        """
        return self._open(Logged, {"text": text, "mood": mood, "a.a": a_a}, since)

    def single(self) -> EventStream[Single]:
        """The latest, beginning with the present one."""
        return self._open(Single, {}, None)

    def keyed_(self, *, n: int | Sequence[int] | None = None) -> EventStream[Keyed]:
        """The latest for each `a.a` and `n`, the present ones first.

        Args:
            n: Only where `n` is this, or one of these.
        """
        return self._open(Keyed, {"n": n}, None)

    def copied(self) -> EventStream[Copied]:
        """Best effort; losses are counted."""
        return self._open(Copied, {}, None)

    def both_ways(self) -> EventStream[BothWays]:
        """Best effort; losses are counted."""
        return self._open(BothWays, {}, None)


class EverySyncEvents(SyncEvents):
    """The same for synchronous code: one method each; call it with classes for several at once."""

    @cached_property
    def page(self) -> EverySyncPageEvents:
        """The namespace `Page`."""
        from .namespaces.page.events import EverySyncPageEvents

        return EverySyncPageEvents(self)

    def logged(
        self,
        *,
        text: str | Sequence[str] | None = None,
        mood: Mood | UnknownValue | Sequence[Mood | UnknownValue] | None = None,
        a_a: str | Sequence[str] | None = None,
        since: Position | None = None,
    ) -> SyncEventStream[Logged]:
        """Every one, in order; `since` continues after a position.

        Args:
            text: Only where `text` is this, or one of these.
            mood: Only where `mood` is this, or one of these.
            a_a: Only where `a.a` is this, or one of these.
        """
        return self._open(Logged, {"text": text, "mood": mood, "a.a": a_a}, since)

    def single(self) -> SyncEventStream[Single]:
        """The latest, beginning with the present one."""
        return self._open(Single, {}, None)

    def keyed_(self, *, n: int | Sequence[int] | None = None) -> SyncEventStream[Keyed]:
        """The latest for each `a.a` and `n`, the present ones first.

        Args:
            n: Only where `n` is this, or one of these.
        """
        return self._open(Keyed, {"n": n}, None)

    def copied(self) -> SyncEventStream[Copied]:
        """Best effort; losses are counted."""
        return self._open(Copied, {}, None)

    def both_ways(self) -> SyncEventStream[BothWays]:
        """Best effort; losses are counted."""
        return self._open(BothWays, {}, None)
