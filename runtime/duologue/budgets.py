"""What a peer may do in a second."""

from __future__ import annotations


class PerSecond:
    """Counts what happens, a second at a time."""

    __slots__ = ("_count", "_limit", "_since")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._since = 0.0
        self._count = 0

    def is_exceeded(self, now: float, amount: int) -> bool:
        """Enter something; whether that is more than the limit in a second that began with the first of it."""
        if now - self._since >= 1.0:
            self._since, self._count = now, 0
        self._count += amount
        return self._count > self._limit
