"""Where a session is in its life, and what it may do there."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class Role(enum.StrEnum):
    """Which end of the connection this is."""

    CLIENT = "client"
    SERVER = "server"


class State(enum.StrEnum):
    """Where a session is in its life."""

    NEW = "new"
    OPEN = "open"
    LEAVING = "leaving"
    CLOSED = "closed"


LEGAL: Final[Mapping[str, Mapping[State, State]]] = {
    "open": {State.NEW: State.OPEN},
    "request": {State.OPEN: State.OPEN, State.LEAVING: State.LEAVING},
    "receive": {State.OPEN: State.OPEN, State.LEAVING: State.LEAVING},
    "respond": {State.OPEN: State.OPEN, State.LEAVING: State.LEAVING},
    "leave": {State.OPEN: State.LEAVING, State.LEAVING: State.LEAVING},
    "lose": dict.fromkeys(State, State.CLOSED),
}
"""For each move the states in which it is legal, and the state that follows."""

OPEN: Final = State.OPEN
"""Nearly always the state, and then nothing is looked up: members of enums have a hash that is slow."""


class IllegalMove(Exception):
    """This side asked the session for something that its state does not allow."""


class Life:
    """The state of one session, which its moves alone change."""

    __slots__ = ("role", "state")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.state = State.NEW

    def move(self, move: str) -> None:
        following = LEGAL[move].get(self.state)
        if following is None:
            raise IllegalMove(f"{self.role} session: cannot {move} while {self.state}")
        self.state = following
