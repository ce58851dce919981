"""Events of the absent protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as _date
from enum import StrEnum
from typing import Final, TypeAlias

from duologue import Delivery, EventDescriptor, Events, EventStream, SyncEvents, SyncEventStream

from .models import Timedelta


class EventType(StrEnum):
    """Names of the events that the server publishes."""

    TIMEDELTA = "timedelta"


AbsentEvent: TypeAlias = Timedelta
"""Any event that the server publishes."""


TIMEDELTA: Final[EventDescriptor[Timedelta]] = EventDescriptor(
    model=Timedelta,
    delivery=Delivery.VOLATILE,
    scope=(),
    filters={"date": ("date",)},
)


class AbsentEvents(Events):
    """Events of the server: one method each; call it with classes for several at once."""

    def timedelta(self, *, date: _date | Sequence[_date] | None = None) -> EventStream[Timedelta]:
        """Best effort; losses are counted.

        Args:
            date: Only where `date` is this, or one of these.
        """
        return self._open(Timedelta, {"date": date}, None)


class AbsentSyncEvents(SyncEvents):
    """The same for synchronous code: one method each; call it with classes for several at once."""

    def timedelta(self, *, date: _date | Sequence[_date] | None = None) -> SyncEventStream[Timedelta]:
        """Best effort; losses are counted.

        Args:
            date: Only where `date` is this, or one of these.
        """
        return self._open(Timedelta, {"date": date}, None)
