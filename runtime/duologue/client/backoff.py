"""How long to wait before the next attempt to connect, and when there must be none."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from ..close_codes import FINAL, CloseCode
from ..wire import Envelope

FIRST_DELAY: Final = 0.1
LONGEST_DELAY: Final = 30.0
"""Seconds: a pause is drawn between nothing and a bound (full jitter) that grows from the one of these to the other."""

POLICY_DELAY: Final = 1.0
"""The least bound after a connection that was closed since it passed a limit."""

LONGEST_WISH: Final = 3600.0
"""Seconds beyond which no wish of a server's is heard."""

UNAUTHENTICATED: Final = 401

GOOD_AFTER: Final = 30.0
"""Seconds of a connection after which its credentials were good, though they were refused in the end."""

REFUSED: Final = frozenset({400, 403, 405, 410, 426})
"""HTTP statuses of a refused handshake after which there is no other attempt. 404 is none of them: it is what a server
says that restarts and does not know its paths yet."""


def refusals(envelope: Envelope | None) -> frozenset[int]:
    """The close codes that say that what was shown is not good."""
    closes = [] if envelope is None else [step["close"] for step in envelope.handshake if "close" in step]
    return frozenset((CloseCode.UNAUTHENTICATED, *(close["code"] for close in closes)))


class Ending(Struct, frozen=True, kw_only=True):
    """How a connection ended, or an attempt to make one.

    Attributes:
        lived: Seconds for which it stood, 0 for an attempt.
        close_code: The WebSocket close code, None where it did not come so far.
        status_code: The HTTP status of a refused handshake.
        spread: Seconds over which `goaway` asked the clients to spread their return.
        retry_after: Seconds that a refused handshake asked to wait.
    """

    lived: float = 0.0
    close_code: int | None = None
    status_code: int | None = None
    spread: float | None = None
    retry_after: float | None = None


class Backoff:
    """The pauses of one client.

    The bound doubles with each attempt until a connection outlives it; what a server asked for comes on top.

    Args:
        renewable: Whether other credentials may be had by asking anew: that is tried once.
        refusals: Close codes that say that the credentials are not good.
        draw: The dice, which give a number between two others; Python's own unless given.
    """

    def __init__(
        self,
        *,
        renewable: bool,
        refusals: frozenset[int] = frozenset({CloseCode.UNAUTHENTICATED}),
        draw: Callable[[float, float], float] | None = None,
    ) -> None:
        self._renewable = renewable
        self._refusals = refusals
        self._draw = draw or random.uniform
        self._bound = 0.0
        self._refused = False

    def pause(self, ending: Ending) -> float | None:
        """Seconds to wait before the next attempt; None where there must be none."""
        if ending.close_code in FINAL or ending.status_code in REFUSED:
            return None
        if not self._may_try(ending):
            return None
        self._widen(ending)
        spread = min(ending.spread or 0.0, LONGEST_WISH)
        wish = min(ending.retry_after or 0.0, LONGEST_WISH)
        return wish + self._draw(0, max(self._bound, spread))

    def refuses_credentials(self, ending: Ending) -> bool:
        """Whether the server wants other credentials."""
        return ending.close_code in self._refusals or ending.status_code == UNAUTHENTICATED

    def _may_try(self, ending: Ending) -> bool:
        """Whether the credentials may be good: those that were good may have expired, new ones are tried but once."""
        if not self.refuses_credentials(ending):
            if ending.lived:
                self._refused = False
            return True
        again = self._renewable and (not self._refused or ending.lived > GOOD_AFTER)
        self._refused = True
        return again

    def _widen(self, ending: Ending) -> None:
        if ending.close_code == CloseCode.POLICY:
            self._bound = max(2 * self._bound, POLICY_DELAY)
        elif ending.lived > self._bound:
            self._bound = FIRST_DELAY
        else:
            self._bound = max(2 * self._bound, FIRST_DELAY)
        self._bound = min(self._bound, LONGEST_DELAY)
