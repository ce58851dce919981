"""Client of the foreign protocol 1.3.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from functools import cached_property

from duologue import CallOptions, SyncClient, SyncStream

from . import actions
from .events import ForeignSyncEvents
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


class ForeignSyncDOM:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignSyncClient) -> None:
        self._owner = owner

    def get_node(
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
        return self._owner._call(
            actions.DOM_GET_NODE, DOMGetNodeParams(node_id=node_id, deep=deep, frame_id=frame_id), timeout, options
        )


class ForeignSyncNet:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignSyncClient) -> None:
        self._owner = owner

    def fetch(
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
        return self._owner._call(
            actions.NET_FETCH, NetFetchParams(request=request, via=via, kind=kind), timeout, options
        )


class ForeignSyncPage:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignSyncClient) -> None:
        self._owner = owner

    def navigate(
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
        return self._owner._call(
            actions.PAGE_NAVIGATE, PageNavigateParams(url=url, frame=frame, after=after), timeout, options
        )

    def watch(
        self, *, kind: NetKind, timeout: float | None = None, options: CallOptions | None = None
    ) -> SyncStream[PageBoth, NetFrame | None]:
        """Call `Page.watch`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._owner._stream(actions.PAGE_WATCH, PageWatchParams(kind=kind), timeout, options)


class ForeignSyncGrosse:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignSyncClient) -> None:
        self._owner = owner

    def offnen(self, *, timeout: float | None = None, options: CallOptions | None = None) -> Presence:
        """Call `größe.öffnen`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._owner._call(actions.GROSSE_OFFNEN, GrosseOffnenParams(), timeout, options)


class ForeignSyncAB:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignSyncClient) -> None:
        self._owner = owner

    def c(self, *, names: Names, timeout: float | None = None, options: CallOptions | None = None) -> Signs:
        """Call `a.b.c`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._owner._call(actions.A_B_C, ABCParams(names=names), timeout, options)


class ForeignSyncTrace:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignSyncClient) -> None:
        self._owner = owner

    def start(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `$/trace.v2.start`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._owner._call(actions.TRACE_V2_START, TraceV2StartParams(), timeout, options)


class ForeignSyncClient(SyncClient):
    """Names and shapes of other people's protocols."""

    @cached_property
    def events(self) -> ForeignSyncEvents:
        """The events of the server: one method each, with typed filters."""
        return ForeignSyncEvents(self._portal, self._client)

    def notify(self, event: PageBlurred) -> None:
        """Send an event to the server. There is no answer."""
        self._notify(event)

    @cached_property
    def dom(self) -> ForeignSyncDOM:
        return ForeignSyncDOM(self)

    @cached_property
    def net(self) -> ForeignSyncNet:
        return ForeignSyncNet(self)

    @cached_property
    def page(self) -> ForeignSyncPage:
        return ForeignSyncPage(self)

    @cached_property
    def grosse(self) -> ForeignSyncGrosse:
        return ForeignSyncGrosse(self)

    @cached_property
    def a_b(self) -> ForeignSyncAB:
        return ForeignSyncAB(self)

    @cached_property
    def trace(self) -> ForeignSyncTrace:
        return ForeignSyncTrace(self)

    def text_document_did_open(
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
        return self._call(
            actions.TEXT_DOCUMENT_DID_OPEN,
            TextDocumentDidOpenParams(text=text, uri=uri, version=version, language_id=language_id),
            timeout,
            options,
        )

    def cancel_request(
        self, *, id: int | str, timeout: float | None = None, options: CallOptions | None = None
    ) -> None:
        """Call `$/cancelRequest`.

        Experimental: it may change or go in any version.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._call(actions.CANCEL_REQUEST, CancelRequestParams(id=id), timeout, options)

    def n2fa(self, *, timeout: float | None = None, options: CallOptions | None = None) -> Value:
        """Call `2fa`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._call(actions.N2FA, N2faParams(), timeout, options)

    def close_(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Named like a member of every client.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._call(actions.CLOSE, CloseParams(), timeout, options)

    def print(self, *, timeout: float | None = None, options: CallOptions | None = None) -> list[Value]:
        """Call `print`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._call(actions.PRINT, PrintParams(), timeout, options)
