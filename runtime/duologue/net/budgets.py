"""What a peer may do in a second."""

from __future__ import annotations


class PerSecond:
    """So much a second. Whoever spends takes from `left`, and asks only when that is below zero: mostly never.

    Attributes:
        left: What may still be spent.
    """

    __slots__ = ("_limit", "_since", "left")

    def __init__(self, limit: int, now: float) -> None:
        self.left = self._limit = limit
        self._since = now

    def is_exceeded(self, now: float) -> bool:
        """Whether all was spent in less than a second; if it took longer, another second has begun."""
        if now - self._since < 1.0:
            return True
        self._since = now
        self.left += self._limit
        return self.left < 0
