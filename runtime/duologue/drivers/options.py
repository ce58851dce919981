"""Options of connected sockets, the same for every executor."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any, Final

UNSENT: Final = 16 * 1024
"""Bytes that the kernel takes beyond what it can send now."""


def limit_unsent(connected: Any) -> None:
    """Let what cannot be sent yet wait on this side of the kernel, where calls overtake uploads and downloads.

    Where a system has no such option they wait behind as much as its buffers take.
    """
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is not None:
        with suppress(OSError):  # the connection is gone already
            connected.setsockopt(socket.IPPROTO_TCP, option, UNSENT)
