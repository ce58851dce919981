"""Why an opening handshake did not succeed."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from ..errors import ConnectFailed, ConnectionClosed


def refusal(handshake: Exception | None, closed: ConnectionClosed) -> ConnectFailed:
    """What a connection that never stood ended in.

    Args:
        handshake: What the library says of the handshake; None where it took place, and the server closed after it.
    """
    if isinstance(handshake, InvalidStatus):
        response = handshake.response
        wishes = response.headers.get_all("Retry-After")
        return ConnectFailed(
            f"the server answered the handshake with HTTP status {response.status_code}{_said(response)}",
            status_code=response.status_code,
            retry_after=_seconds(wishes[0]) if wishes else None,
        )
    if handshake is not None:
        return ConnectFailed(f"the opening handshake failed: {handshake}")
    return ConnectFailed(closed.reason or str(closed), close_code=closed.close_code)


def _said(response: Response) -> str:
    """The first line of a refusal's body."""
    lines = bytes(response.body or b"").decode(errors="replace").splitlines()
    said = "".join(filter(str.isprintable, lines[0]))[:200] if lines else ""
    return f": {said}" if said else ""


def _seconds(wish: str) -> float | None:
    """What `Retry-After` says (RFC 9110, section 10.2.3): a number of seconds, or a date; None for anything else."""
    if wish.isascii() and wish.isdecimal():
        return float(wish)
    try:
        return max(0.0, parsedate_to_datetime(wish).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
