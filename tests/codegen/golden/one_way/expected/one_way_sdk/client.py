"""Client of the one-way protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from ssl import SSLContext
from typing import TYPE_CHECKING, ClassVar

from duologue import Client, Later, Lifecycle, Limits, Protocol, Token
from duologue import Deflate as _Deflate
from duologue import Observer as _Observer

from .models import Pressed
from .protocol import PROTOCOL
from .sync_client import OneWaySyncClient

if TYPE_CHECKING:
    from .namespaces.lamp.models import LampLit
else:
    LampLit = Later(".namespaces.lamp.models", "LampLit", __name__)


class OneWayClient(Client):
    """Client of the one-way protocol."""

    protocol: ClassVar[Protocol] = PROTOCOL

    async def notify(self, event: Pressed | LampLit) -> None:
        """Send an event to the server. There is no answer."""
        await self._notify(event)

    @classmethod
    def open_sync(
        cls,
        url: str,
        *,
        token: Token | None = None,
        tls: SSLContext | None = None,
        limits: Limits | None = None,
        lifecycle: Lifecycle | None = None,
        compression: _Deflate | None = None,
        observers: Sequence[_Observer] = (),
    ) -> AbstractContextManager[OneWaySyncClient]:
        """`open` for synchronous code: a connection that is kept, and made again, as long as the `with` block.

        What `lifecycle` has is called in the thread that the connection lives in, and `observers` are told there.
        """
        return cls._open_sync(
            OneWaySyncClient,
            url,
            token=token,
            tls=tls,
            limits=limits,
            lifecycle=lifecycle,
            compression=compression,
            observers=observers,
        )
