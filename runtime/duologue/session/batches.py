"""Batches: several requests in one message, whose answers leave in one as well."""

from __future__ import annotations

from typing import Final

MOST: Final = 1000
"""Messages in a batch: they are looked at in one turn, and nobody else is heard meanwhile."""


class Batch:
    """The answers to one batch, until the last of them is there.

    Attributes:
        answers: Those that there are.
        owed: How many calls are still under way.
        is_read: Whether all of its requests were looked at.
    """

    __slots__ = ("answers", "is_read", "owed")

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.owed = 0
        self.is_read = False

    @property
    def is_whole(self) -> bool:
        """Whether it is time to send them."""
        return self.is_read and not self.owed and bool(self.answers)
