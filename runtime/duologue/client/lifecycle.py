"""What a client tells of its connections."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from ..errors import ConnectionClosed

_LOG: Final = logging.getLogger("duologue")


class Lifecycle(Struct, frozen=True, kw_only=True):
    """What a client with a kept connection tells of it. None of these may block; what they raise is logged.

    Attributes:
        connected: The first connection, or a new one, stands.
        lost: The connection is gone, and not because the client was closed; another is being made, unless the close
            code is a final one.
        resumed: After `connected`, for a new connection: all subscriptions stand again, and calls and events go on.
        reset: A stream of events cannot go on from where it was, and reading it raises `HistoryLost`: the names of its
            events, and why.
    """

    connected: Callable[[], None] | None = None
    lost: Callable[[ConnectionClosed], None] | None = None
    resumed: Callable[[], None] | None = None
    reset: Callable[[Sequence[str], str], None] | None = None


def tell(callback: Callable[..., None] | None, *args: object) -> None:
    """Call back into the user's code; what it raises is logged, and nobody else's problem."""
    if callback is not None:
        try:
            callback(*args)
        except Exception:  # noqa: BLE001 - whatever the user's code raises
            _LOG.exception("a callback of the connection's life failed")
