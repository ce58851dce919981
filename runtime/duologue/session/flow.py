"""Flow control: how much may be sent ahead of the other end's reader, in items of a stream or in bytes."""

from __future__ import annotations

from typing import Final

from ..wire import PAYLOAD

SMALL_PIECE: Final = 16 * 1024
"""Bytes of a piece on a narrow link."""

PIECE_TIME: Final = 0.01
"""Seconds that a full piece may take: calls wait behind it."""


class Outflow:
    """What the other end lets this one send.

    Attributes:
        credit: How much it takes in all, so far.
        sent: How much of that was sent.
    """

    __slots__ = ("credit", "sent")

    def __init__(self, credit: int, sent: int = 0) -> None:
        self.credit = credit
        self.sent = sent

    @property
    def room(self) -> int:
        """How much may be sent now."""
        return self.credit - self.sent

    def raise_to(self, credit: int) -> bool:
        """Take a new total; whether it is more than before."""
        more = credit > self.credit
        self.credit = max(credit, self.credit)
        return more


class Inflow:
    """What this end lets the other one send: a window ahead of what was read.

    Attributes:
        window: How much may be under way, or wait to be read.
        granted: How much the other end may send in all, so far.
        received: How much came.
        read: How much of that was read.
    """

    __slots__ = ("granted", "read", "received", "window")

    def __init__(self, window: int, start: int = 0) -> None:
        self.window = window
        self.received = self.read = start
        self.granted = start + window

    def take(self, amount: int) -> bool:
        """Something came; whether it was granted."""
        if self.received + amount > self.granted:
            return False
        self.received += amount
        return True

    def advance(self, amount: int) -> bool:
        """Something was read; whether it is time to tell the other end, which is done half a window at a time."""
        self.read += amount
        if self.read + self.window - self.granted < max(1, self.window // 2):
            return False
        self.granted = self.read + self.window
        return True


class Pace:
    """How large the pieces of an upload or a download may be, by how fast those before them left."""

    __slots__ = ("_sent", "_since")

    def __init__(self, now: float) -> None:
        self._since = now
        self._sent = 0

    def next(self, now: float, most: int) -> int:
        """Bytes of the next piece, which is sent now: `most` at most."""
        is_quick = self._sent * PIECE_TIME > (now - self._since) * PAYLOAD
        amount = min(most, PAYLOAD if is_quick else SMALL_PIECE)
        self._sent += amount
        return amount
