"""Who uses a link."""

from __future__ import annotations

from typing import Protocol

from websockets.http11 import Request


class LinkOwner(Protocol):
    """Who is told what happens on a link. None of these may run user code or wait."""

    def on_request(self, request: Request) -> None:
        """A server's link received the opening handshake: `Link.respond` answers it, now or later."""
        ...

    def on_open(self, subprotocol: str | None) -> None: ...
    def on_message(self, data: bytes) -> None: ...
    def on_binary(self, data: bytes) -> None: ...
    def on_pass_end(self) -> None:
        """All messages of one read were handed over."""
        ...

    def on_room(self) -> None:
        """The outbound buffer has room again."""
        ...

    def on_closed(self, code: int, reason: str) -> None:
        """Nothing more will be read or sent; `code` is 1006 when no close frame came."""
        ...
