"""WebSocket close codes: the registered ones that matter here, and the protocol's own."""

from __future__ import annotations

import enum


class CloseCode(enum.IntEnum):
    """Why a connection ended (RFC 6455, section 7.4; 4000 and above are the protocol's own)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    """The server stops: reconnect."""
    PROTOCOL_ERROR = 1002
    UNSUPPORTED = 1003
    """A binary message, where none is expected."""
    ABNORMAL = 1006
    """No close frame came: the connection was cut."""
    INVALID_DATA = 1007
    """Text that is not UTF-8."""
    POLICY = 1008
    """A limit was passed: back off."""
    TOO_BIG = 1009
    """A message beyond `Limits.frame`: not to be sent again."""
    INTERNAL_ERROR = 1011
    RESTART = 1012
    """The server restarts: reconnect."""
    TRY_AGAIN_LATER = 1013
    """Nobody can say now who the peer is: back off."""
    VIOLATION = 4400
    """The peer broke the protocol: stop."""
    UNAUTHENTICATED = 4401
    """Credentials are missing or no longer good: ask anew, once."""
    REVOKED = 4403
    """The right to be here was taken away: stop."""
    SLOW = 4408
    """Events could not be delivered fast enough: resume."""
    FENCED = 4409
    """A newer connection of the same session took over: stop."""


FINAL = frozenset({CloseCode.TOO_BIG, CloseCode.VIOLATION, CloseCode.REVOKED, CloseCode.FENCED})
"""After these a client does not connect again."""
