"""Client of the every-thing protocol 2.10.0-rc.1.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import cached_property
from ssl import SSLContext
from typing import TYPE_CHECKING, ClassVar

from duologue import (
    Body,
    CallOptions,
    Client,
    Download,
    EventStream,
    Later,
    Lifecycle,
    Limits,
    Protocol,
    Stream,
    Token,
    UnknownValue,
)
from duologue import Deflate as _Deflate
from duologue import Observer as _Observer
from typing_extensions import deprecated

from . import actions
from .events import EventType, EveryEvent, EveryEvents
from .models import (
    AllDone,
    AllOfItByKeyValue,
    AllOfItInner,
    AllOfItItem,
    AllOfItManyItem,
    AllOfItParams,
    BothWays,
    CloseParams,
    GetParams,
    GetResult,
    ListParams,
    ListResult,
    MaybeParams,
    Mood,
    MoreParams,
    Name,
    NothingParams,
    PutParams,
    Shape,
    TypedParams,
    Typing,
    UploadingParams,
)
from .protocol import PROTOCOL
from .sync_client import EverySyncClient

if TYPE_CHECKING:
    from .namespaces.page.client import EveryPage
else:
    EveryPage = Later(".namespaces.page.client", "EveryPage", __name__)


class EveryClient(Client):
    """One of everything."""

    protocol: ClassVar[Protocol] = PROTOCOL

    @cached_property
    def events(self) -> EveryEvents:
        """The events of the server: one method each, with typed filters."""
        return EveryEvents(self)

    async def subscribe(self, events: Sequence[EventType]) -> EventStream[EveryEvent]:
        """Subscribe to events by name. The stream has started when this returns."""
        return await self._subscribe(events)

    async def unsubscribe(self, events: Sequence[EventType]) -> None:
        """Take back what `subscribe` asked for."""
        await self._unsubscribe(events)

    async def notify(self, event: Typing | BothWays) -> None:
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
    ) -> AbstractContextManager[EverySyncClient]:
        """`open` for synchronous code: a connection that is kept, and made again, as long as the `with` block.

        What `lifecycle` has is called in the thread that the connection lives in, and `observers` are told there.
        """
        return cls._open_sync(
            EverySyncClient,
            url,
            token=token,
            tls=tls,
            limits=limits,
            lifecycle=lifecycle,
            compression=compression,
            observers=observers,
        )

    @cached_property
    def page(self) -> EveryPage:
        """The namespace `Page`."""
        from .namespaces.page.client import EveryPage

        return EveryPage(self)

    async def nothing(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `nothing`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return await self._call(actions.NOTHING, NothingParams(), timeout, options)

    async def close_(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Named like a member of the client.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return await self._call(actions.CLOSE, CloseParams(), timeout, options)

    async def list_(
        self, *, cursor: str | None = None, timeout: float | None = None, options: CallOptions | None = None
    ) -> ListResult:
        """Call `list`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return await self._call(actions.LIST, ListParams(cursor=cursor), timeout, options)

    @deprecated("Deprecated: use `nothing`.")
    def all_of_it(
        self,
        *,
        a: str,
        b: int | None = None,
        c: bool = False,
        timeout_: timedelta,
        options_: str | None = None,
        self_: str,
        inner: AllOfItInner,
        many: list[AllOfItManyItem],
        by_key: dict[str, AllOfItByKeyValue],
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[AllOfItItem, AllDone]:
        """Most of an action.

        Since version 1.10.

        Deprecated: use `nothing`.

        Args:
            c: Default: `false`.
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            Busy: Busy; come back.
            BadName: The name is bad.
            PageLostError: Page.lost
        """
        return self._stream(
            actions.ALL_OF_IT,
            AllOfItParams(
                a=a, b=b, c=c, timeout_=timeout_, options_=options_, self_=self_, inner=inner, many=many, by_key=by_key
            ),
            timeout,
            options,
        )

    async def typed(
        self, *, a: str, b: int | None = None, timeout: float | None = None, options: CallOptions | None = None
    ) -> Shape | None:
        """Call `typed`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return await self._call(actions.TYPED, TypedParams(a=a, b=b), timeout, options)

    async def maybe(self, *, timeout: float | None = None, options: CallOptions | None = None) -> Name | None:
        """Call `maybe`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return await self._call(actions.MAYBE, MaybeParams(), timeout, options)

    async def put(
        self,
        body: Body,
        /,
        *,
        name: Name,
        body_: str,
        mood: Mood | UnknownValue = Mood.SAD,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Shape | None:
        """Take bytes.

        Args:
            body: Bytes, path, file or async iterable: `image/png`, 1 GiB at most, not resumable.
            name: A name.
            mood: Default: `"sad"`.
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            Busy: Busy; come back.
        """
        return await self._upload(actions.PUT, PutParams(name=name, body_=body_, mood=mood), body, timeout, options)

    @deprecated("Deprecated: use `Page.shot`.")
    def get(
        self, *, name: Name, body: str | None = None, timeout: float | None = None, options: CallOptions | None = None
    ) -> Download[GetResult]:
        """Give bytes.

        Deprecated: use `Page.shot`.

        Iterate over what this returns for the bytes (`text/plain; charset=utf-8`, 1000 bytes at most), then
        ask for its `result`.

        Args:
            name: A name.
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._download(actions.GET, GetParams(name=name, body=body), timeout, options)

    async def uploading(
        self, body: Body, /, *, timeout: float | None = None, options: CallOptions | None = None
    ) -> None:
        """Named like what binds its handler.

        Args:
            body: Bytes, path, file or async iterable: `application/octet-stream`, 64 MiB at most.
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return await self._upload(actions.UPLOADING, UploadingParams(), body, timeout, options)

    async def more(self, *, timeout: float | None = None, options: CallOptions | None = None) -> Name:
        """Call `more`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return await self._call(actions.MORE, MoreParams(), timeout, options)
