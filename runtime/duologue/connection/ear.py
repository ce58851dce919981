"""What a declared handshake is heard with, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..close_codes import CloseCode
from ..drivers.port import Executor, Future, wake
from ..errors import Status
from ..wire import Close

NO_REFUSAL: Final[Mapping[Status, CloseCode]] = {
    Status.RESOURCE_EXHAUSTED: CloseCode.POLICY,
    Status.UNAVAILABLE: CloseCode.TRY_AGAIN_LATER,
    Status.INTERNAL: CloseCode.INTERNAL_ERROR,
}
"""What is no word about somebody's credentials, which are as good as before, and how a server closes for it."""


class GreetingFailed(Exception):
    """The handshake did not come to its end, and why.

    Attributes:
        refused: The other end does not want what this one has shown.
        close: How the protocol has the connection closed for it; None where it does not say.
    """

    def __init__(self, reason: str, *, refused: bool = False, close: Close | None = None) -> None:
        super().__init__(reason)
        self.refused = refused
        self.close = close


class Ear:
    """Keeps what is said until somebody asks for it."""

    def __init__(self, executor: Executor) -> None:
        self.heard: list[bytes] = []
        self._executor = executor
        self._waiting: Future | None = None

    async def hear(self) -> bytes:
        """The next message; waits for it."""
        while not self.heard:
            self._waiting = self._executor.future()
            await self._waiting
        return self.heard.pop(0)

    def take(self, data: bytes) -> None:
        """Something was said."""
        self.heard.append(data)
        if self._waiting is not None:
            wake(self._waiting)
