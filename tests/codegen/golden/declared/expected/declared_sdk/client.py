"""Client of the declared protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from ssl import SSLContext
from typing import ClassVar

from duologue import CallOptions, Client, EventStream, Lifecycle, Limits, Protocol, Token
from duologue import Deflate as _Deflate
from duologue import Hooks as _Hooks
from duologue import Observer as _Observer
from duologue import Validation as _Validation

from . import actions
from .events import DeclaredEvent, DeclaredEvents, EventType
from .models import BeginParams, BeginResult, DoorKnocked, PingParams, WorkParams
from .protocol import PROTOCOL
from .sync_client import DeclaredSyncClient


class DeclaredClient(Client):
    """A protocol whose messages look like nobody else's."""

    protocol: ClassVar[Protocol] = PROTOCOL

    @cached_property
    def events(self) -> DeclaredEvents:
        """The events of the server: one method each, with typed filters."""
        return DeclaredEvents(self)

    async def subscribe(self, events: Sequence[EventType]) -> EventStream[DeclaredEvent]:
        """Subscribe to events by name. The stream has started when this returns."""
        return await self._subscribe(events)

    async def unsubscribe(self, events: Sequence[EventType]) -> None:
        """Take back what `subscribe` asked for."""
        await self._unsubscribe(events)

    async def notify(self, event: DoorKnocked, *, route: int | str | None = None) -> None:
        """Send an event to the server, for a route if the protocol has such. There is no answer."""
        await self._notify(event, route)

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
        validation: _Validation | None = None,
        hooks: _Hooks | None = None,
    ) -> AbstractContextManager[DeclaredSyncClient]:
        """`open` for synchronous code: a connection that is kept, and made again, as long as the `with` block.

        What `lifecycle` has is called in the thread that the connection lives in, and `observers` are told there.
        """
        return cls._open_sync(
            DeclaredSyncClient,
            url,
            token=token,
            tls=tls,
            limits=limits,
            lifecycle=lifecycle,
            compression=compression,
            observers=observers,
            validation=validation,
            hooks=hooks,
        )

    async def begin(
        self, *, language: str, timeout: float | None = None, options: CallOptions | None = None
    ) -> BeginResult:
        """Begin a session.

        Args:
            timeout: Seconds until the caller gives up; 10 by default.
        """
        return await self._call(actions.BEGIN, BeginParams(language=language), timeout, options)

    async def work(self, *, hours: int, timeout: float | None = None, options: CallOptions | None = None) -> str:
        """Work for long.

        Args:
            timeout: Seconds until the caller gives up; 10 by default.

        Raises:
            Busy: busy
        """
        return await self._call(actions.WORK, WorkParams(hours=hours), timeout, options)

    async def ping(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Tell that somebody is there.

        Args:
            timeout: Seconds until the caller gives up; 10 by default.
        """
        return await self._call(actions.PING, PingParams(), timeout, options)
