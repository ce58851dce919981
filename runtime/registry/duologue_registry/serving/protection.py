"""When many leases run out at once: the network of the registry is likelier gone than all those services."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from service_registry_sdk import Protection as Told

from ..clock import Clock
from ..rules.model import PauseExpiry, ResumeExpiry

SHARE: Final = 0.3
"""Of all leases; when more than that run out within `WINDOW`, none is ended."""

LEAST: Final = 10
"""Leases that have to run out; a few services may well fail together."""

WINDOW: Final = 60.0
"""Seconds."""

LONGEST: Final = 300.0
"""Seconds after which leases end again, whatever was heard meanwhile."""


@dataclass(frozen=True, slots=True)
class _Pause:
    since: datetime
    until: datetime
    ends: float


class Protection:
    """Decides, look by look, whether leases that have run out are to be ended now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pause: _Pause | None = None
        self._ended: deque[float] = deque()
        self._changes: deque[PauseExpiry | ResumeExpiry] = deque()
        self._overdue = 0
        self._leases = 0

    @property
    def active(self) -> bool:
        """Whether the ends of leases are held back."""
        return self._pause is not None

    def told(self) -> Told:
        """How it stands, as callers see it."""
        pause = self._pause
        return Told(
            active=pause is not None,
            since=None if pause is None else pause.since,
            until=None if pause is None else pause.until,
            overdue=self._overdue,
            leases=self._leases,
        )

    def may_end(self, overdue: int, leases: int) -> bool:
        """Whether so many leases, of so many that are held, may be ended now."""
        self._overdue, self._leases, now = overdue, leases, self._clock.monotonic()
        if self._pause is not None:
            if now < self._pause.ends and self._is_mass(overdue, leases):
                return False
            self._pause = None
            self._changes.append(ResumeExpiry(overdue, leases))
            self._ended.clear()  # or what ends now, late, would be the reason for the next pause
            return True
        while self._ended and self._ended[0] <= now - WINDOW:
            self._ended.popleft()
        if self._is_mass(overdue + len(self._ended), leases + len(self._ended)):
            since = self._clock.now()
            self._pause = _Pause(since, since + timedelta(seconds=LONGEST), now + LONGEST)
            self._changes.append(PauseExpiry(overdue, leases, self._pause.until))
            return False
        self._ended.extend([now] * overdue)
        return True

    def take_changes(self) -> list[PauseExpiry | ResumeExpiry]:
        """What has to be told by now."""
        changes = list(self._changes)
        self._changes.clear()
        return changes

    @staticmethod
    def _is_mass(overdue: int, leases: int) -> bool:
        return overdue >= LEAST and overdue > leases * SHARE
