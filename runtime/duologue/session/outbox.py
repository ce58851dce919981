"""What one end has said, until its owner takes it: in order, and within what the peer understands."""

from __future__ import annotations

from typing import TypeAlias

from ..wire import Capabilities, Codec
from .decisions import OutgoingCall

Outbound: TypeAlias = tuple[bytes, bool] | OutgoingCall
"""A message and whether it is binary, or a request, which can be taken back until it leaves."""


class Outbox:
    """Messages that wait to be sent.

    Attributes:
        codec: Makes them.
        capabilities: What the peer understands; until its `hello` the assumptions of the wire format.
        waiting: They and the requests among them, in order; `size` their bytes.
    """

    __slots__ = ("capabilities", "codec", "size", "waiting")

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.capabilities = Capabilities(extensions=False)
        self.waiting: list[Outbound] = []
        self.size = 0

    def send(self, message: bytes) -> None:
        self.waiting.append((message, False))
        self.size += len(message)

    def send_binary(self, message: bytes) -> None:
        self.waiting.append((message, True))
        self.size += len(message)

    def request(self, call: OutgoingCall, message: bytes) -> None:
        """Send a request, unless `call.message` is gone by then."""
        call.message = message
        self.waiting.append(call)
        self.size += len(message)

    def take(self) -> list[tuple[bytes, bool]]:
        """Take what is to be sent, in order: each message, and whether it is binary. From now on it counts as sent."""
        messages: list[tuple[bytes, bool]] = []
        entries, self.waiting, self.size = self.waiting, [], 0
        for entry in entries:
            if isinstance(entry, tuple):
                messages.append(entry)
            elif entry.message is not None:
                messages.append((entry.message, False))
                entry.message = None
        return messages

    def clear(self) -> None:
        """Forget what waits."""
        self.waiting.clear()
        self.size = 0
