"""Client of the absent protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date as _date
from functools import cached_property
from ssl import SSLContext
from typing import ClassVar
from uuid import UUID

from duologue import CallOptions, Client, EventStream, Lifecycle, Limits, Protocol, Token, UnknownValue
from duologue import Deflate as _Deflate
from duologue import Observer as _Observer
from pydantic import MISSING

from . import actions as _actions
from .events import AbsentEvent, AbsentEvents, EventType
from .models import DateParams, Mood, Patch, PatchParams
from .protocol import PROTOCOL
from .sync_client import AbsentSyncClient


class AbsentClient(Client):
    """What is absent is not null."""

    protocol: ClassVar[Protocol] = PROTOCOL

    @cached_property
    def events(self) -> AbsentEvents:
        """The events of the server: one method each, with typed filters."""
        return AbsentEvents(self)

    async def subscribe(self, events: Sequence[EventType]) -> EventStream[AbsentEvent]:
        """Subscribe to events by name. The stream has started when this returns."""
        return await self._subscribe(events)

    async def unsubscribe(self, events: Sequence[EventType]) -> None:
        """Take back what `subscribe` asked for."""
        await self._unsubscribe(events)

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
    ) -> AbstractContextManager[AbsentSyncClient]:
        """`open` for synchronous code: a connection that is kept, and made again, as long as the `with` block.

        What `lifecycle` has is called in the thread that the connection lives in, and `observers` are told there.
        """
        return cls._open_sync(
            AbsentSyncClient,
            url,
            token=token,
            tls=tls,
            limits=limits,
            lifecycle=lifecycle,
            compression=compression,
            observers=observers,
        )

    async def date(
        self,
        *,
        date: _date | MISSING = MISSING,
        actions: list[str],
        uuid: UUID,
        when: _date = _date(2026, 1, 2),
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> _date | None:
        """Call `date`.

        Args:
            when: Default: `"2026-01-02"`.
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(
            _actions.DATE, DateParams(date=date, actions=actions, uuid=uuid, when=when), timeout, options
        )

    async def patch(
        self,
        *,
        patch: Patch,
        errors: list[Mood | UnknownValue] | None | MISSING = MISSING,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Mood | UnknownValue:
        """Call `patch`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(_actions.PATCH, PatchParams(patch=patch, errors=errors), timeout, options)
