"""Client of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from ssl import SSLContext
from typing import ClassVar

from duologue import CallOptions, Client, EventStream, Lifecycle, Limits, Protocol, Stream, Token

from . import actions
from .events import EventType, ForeignEvent, ForeignEvents
from .models import (
    ABCParams,
    CancelRequestParams,
    CloseParams,
    DOMGetNodeParams,
    DOMNode,
    GrosseOffnenParams,
    N2faParams,
    Names,
    NetFetchParams,
    NetFrame,
    NetKind,
    NetRequest,
    PageBlurred,
    PageBoth,
    PageFrameId,
    PageFrames,
    PageKind,
    PageNavigateParams,
    PageShown,
    PageWatchParams,
    Presence,
    PrintParams,
    Signs,
    TextDocumentDidOpenParams,
    TraceV2StartParams,
    Value,
)
from .protocol import PROTOCOL
from .sync_client import ForeignSyncClient


class ForeignDOM:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignClient) -> None:
        self._owner = owner

    async def get_node(
        self,
        *,
        node_id: int,
        deep: bool | None = None,
        frame_id: PageFrameId,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> DOMNode:
        """Call `DOM.getNode`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            DOMGone: DOM.gone
        """
        return await self._owner._call(
            actions.DOM_GET_NODE, DOMGetNodeParams(node_id=node_id, deep=deep, frame_id=frame_id), timeout, options
        )


class ForeignNet:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignClient) -> None:
        self._owner = owner

    async def fetch(
        self,
        *,
        request: NetRequest,
        via: PageFrames | None = None,
        kind: PageKind = PageKind.POPUP,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> list[NetRequest]:
        """Call `Net.fetch`.

        Args:
            kind: Default: `"popup"`.
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._owner._call(
            actions.NET_FETCH, NetFetchParams(request=request, via=via, kind=kind), timeout, options
        )


class ForeignPage:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignClient) -> None:
        self._owner = owner

    async def navigate(
        self,
        *,
        url: str,
        frame: PageFrameId | None = None,
        after: NetRequest,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> PageShown:
        """Call `Page.navigate`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            PageLost: Lost {request}.
        """
        return await self._owner._call(
            actions.PAGE_NAVIGATE, PageNavigateParams(url=url, frame=frame, after=after), timeout, options
        )

    def watch(
        self, *, kind: NetKind, timeout: float | None = None, options: CallOptions | None = None
    ) -> Stream[PageBoth, NetFrame | None]:
        """Call `Page.watch`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._owner._stream(actions.PAGE_WATCH, PageWatchParams(kind=kind), timeout, options)


class ForeignGrosse:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignClient) -> None:
        self._owner = owner

    async def offnen(self, *, timeout: float | None = None, options: CallOptions | None = None) -> Presence:
        """Call `größe.öffnen`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._owner._call(actions.GROSSE_OFFNEN, GrosseOffnenParams(), timeout, options)


class ForeignAB:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignClient) -> None:
        self._owner = owner

    async def c(self, *, names: Names, timeout: float | None = None, options: CallOptions | None = None) -> Signs:
        """Call `a.b.c`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._owner._call(actions.A_B_C, ABCParams(names=names), timeout, options)


class ForeignTrace:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignClient) -> None:
        self._owner = owner

    async def start(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `$/trace.v2.start`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._owner._call(actions.TRACE_V2_START, TraceV2StartParams(), timeout, options)


class ForeignClient(Client):
    """Names and shapes of other people's protocols."""

    protocol: ClassVar[Protocol] = PROTOCOL

    @cached_property
    def events(self) -> ForeignEvents:
        """The events of the server: one method each, with typed filters."""
        return ForeignEvents(self)

    async def subscribe(self, events: Sequence[EventType]) -> EventStream[ForeignEvent]:
        """Subscribe to events by name. The stream has started when this returns."""
        return await self._subscribe(events)

    async def unsubscribe(self, events: Sequence[EventType]) -> None:
        """Take back what `subscribe` asked for."""
        await self._unsubscribe(events)

    async def notify(self, event: PageBlurred) -> None:
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
    ) -> AbstractContextManager[ForeignSyncClient]:
        """`open` for synchronous code: a connection that is kept, and made again, as long as the `with` block.

        What `lifecycle` has is called in the thread that the connection lives in.
        """
        return cls._open_sync(ForeignSyncClient, url, token=token, tls=tls, limits=limits, lifecycle=lifecycle)

    @cached_property
    def dom(self) -> ForeignDOM:
        return ForeignDOM(self)

    @cached_property
    def net(self) -> ForeignNet:
        return ForeignNet(self)

    @cached_property
    def page(self) -> ForeignPage:
        return ForeignPage(self)

    @cached_property
    def grosse(self) -> ForeignGrosse:
        return ForeignGrosse(self)

    @cached_property
    def a_b(self) -> ForeignAB:
        return ForeignAB(self)

    @cached_property
    def trace(self) -> ForeignTrace:
        return ForeignTrace(self)

    async def text_document_did_open(
        self,
        *,
        text: str | None = None,
        uri: str,
        version: int | None = None,
        language_id: str,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> None:
        """Call `textDocument/didOpen`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(
            actions.TEXT_DOCUMENT_DID_OPEN,
            TextDocumentDidOpenParams(text=text, uri=uri, version=version, language_id=language_id),
            timeout,
            options,
        )

    async def cancel_request(
        self, *, id: int | str, timeout: float | None = None, options: CallOptions | None = None
    ) -> None:
        """Call `$/cancelRequest`.

        Experimental: it may change or go in any version.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(actions.CANCEL_REQUEST, CancelRequestParams(id=id), timeout, options)

    async def n2fa(self, *, timeout: float | None = None, options: CallOptions | None = None) -> Value:
        """Call `2fa`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(actions.N2FA, N2faParams(), timeout, options)

    async def close_(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Named like a member of every client.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(actions.CLOSE, CloseParams(), timeout, options)

    async def print(self, *, timeout: float | None = None, options: CallOptions | None = None) -> list[Value]:
        """Call `print`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._call(actions.PRINT, PrintParams(), timeout, options)
