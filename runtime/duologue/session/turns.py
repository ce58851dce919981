"""Turns: where messages have no ids, the answers leave in the order in which the requests came."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from .decisions import OutgoingCall


class Turns:
    """The answers that one session owes, in order.

    Args:
        by_name: Answers name their action, so that only those of the same one have to keep their order.
    """

    __slots__ = ("_by_name", "_owed", "_ready", "_refused")

    def __init__(self, *, by_name: bool) -> None:
        self._by_name = by_name
        self._refused = 0
        self._owed: dict[str, deque[str]] = {}
        self._ready: dict[str, bytes] = {}

    def enter(self, id: str, action: str) -> None:
        """A request came: its answer is owed after those of the earlier ones."""
        self._owed.setdefault(self._line(action), deque()).append(id)

    def leave(self, id: str, action: str, answer: bytes) -> list[bytes]:
        """A call has its answer: those that may be sent now."""
        self._ready[id] = answer
        line = self._owed[self._line(action)]
        sent: list[bytes] = []
        while line and line[0] in self._ready:
            sent.append(self._ready.pop(line.popleft()))
        if not line:
            del self._owed[self._line(action)]
        return sent

    def refuse(self, action: str, answer: bytes) -> list[bytes]:
        """Something came that is answered, and is no call: what may be sent now."""
        self._refused += 1
        id = f"refused {self._refused}"
        self.enter(id, action)
        return self.leave(id, action, answer)

    def _line(self, action: str) -> str:
        return action if self._by_name else ""


def next_answered(calls: Iterable[OutgoingCall], action: str | None) -> OutgoingCall | None:
    """The call that an answer is to: the oldest that has left, of the action that the answer names if it does."""
    return next((call for call in calls if call.message is None and action in (None, call.action)), None)
