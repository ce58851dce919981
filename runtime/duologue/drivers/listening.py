"""Listening sockets, the same for every executor."""

from __future__ import annotations

import os
import socket
from typing import Any, Protocol, cast

import anyio

BACKLOG = 1024
"""Connections that the kernel holds until they are accepted."""


async def listening_socket(host: str, port: int) -> socket.socket:
    """Bind and listen on the first address that `host` resolves to, IPv4 before IPv6; port 0 picks a free one."""
    kind, flags = socket.SOCK_STREAM, socket.AI_PASSIVE
    try:  # an address needs no resolver, which may be a thread
        numeric = socket.getaddrinfo(host, port, type=kind, flags=flags | socket.AI_NUMERICHOST)
        found: list[tuple[int, int, Any]] = [(family, proto, address) for family, _, proto, _, address in numeric]
    except socket.gaierror:
        resolved = await anyio.getaddrinfo(host, port, type=kind, flags=flags)
        found = [(family, proto, address) for family, _, proto, _, address in resolved]
    family, proto, address = min(found, key=lambda info: info[0] != socket.AF_INET)
    listening = socket.socket(family, kind, proto)
    try:
        if os.name == "posix":  # Windows means something else by it
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def address_of(listening: socket.socket) -> tuple[str, int]:
    """Host and port of a bound socket."""
    host, port = listening.getsockname()[:2]
    return str(host), int(port)


class _Connected(Protocol):
    """A socket, whichever executor's."""

    def getpeername(self) -> Any: ...


def peer_of(connected: _Connected) -> str:
    """The host at the other end; empty when the socket is not connected any more."""
    try:
        return host_of(connected.getpeername())
    except OSError:
        return ""


def host_of(address: object) -> str:
    """The host of a socket's address."""
    return str(cast("tuple[object, ...]", address)[0]) if isinstance(address, tuple) else ""
