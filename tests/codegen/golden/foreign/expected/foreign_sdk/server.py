"""What servers of the foreign protocol 1.3.0 implement, and clients that can be called.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from duologue import Bound, Call, Later, Peer, Protocol, Server, Service, Sink, notified, streaming, unary
from typing_extensions import override

from . import actions
from .client import ForeignClient
from .models import (
    CancelRequestParams,
    CloseParams,
    N2faParams,
    Presence,
    PrintParams,
    Signs,
    TextDocumentDidOpenParams,
    Value,
)
from .namespaces.a_b import actions as a_b_actions
from .namespaces.dom import actions as dom_actions
from .namespaces.grosse import actions as grosse_actions
from .namespaces.net import actions as net_actions
from .namespaces.page import actions as page_actions
from .namespaces.page import events as page_events
from .namespaces.page.values import PageKind
from .namespaces.trace import actions as trace_actions
from .peer import ForeignPeer
from .protocol import PROTOCOL

if TYPE_CHECKING:
    from .namespaces.a_b.models import ABCParams
    from .namespaces.dom.models import DOMGetNodeParams, DOMNode
    from .namespaces.grosse.models import GrosseOffnenParams
    from .namespaces.net.models import NetFetchParams, NetFrame, NetRequest
    from .namespaces.page.models import (
        PageAskParams,
        PageBlurred,
        PageBoth,
        PageNavigateParams,
        PageShown,
        PageWatchParams,
    )
    from .namespaces.trace.models import TraceV2StartParams
else:
    ABCParams = Later(".namespaces.a_b.models", "ABCParams", __name__)
    DOMGetNodeParams = Later(".namespaces.dom.models", "DOMGetNodeParams", __name__)
    DOMNode = Later(".namespaces.dom.models", "DOMNode", __name__)
    GrosseOffnenParams = Later(".namespaces.grosse.models", "GrosseOffnenParams", __name__)
    NetFetchParams = Later(".namespaces.net.models", "NetFetchParams", __name__)
    NetFrame = Later(".namespaces.net.models", "NetFrame", __name__)
    NetRequest = Later(".namespaces.net.models", "NetRequest", __name__)
    PageAskParams = Later(".namespaces.page.models", "PageAskParams", __name__)
    PageBlurred = Later(".namespaces.page.models", "PageBlurred", __name__)
    PageBoth = Later(".namespaces.page.models", "PageBoth", __name__)
    PageNavigateParams = Later(".namespaces.page.models", "PageNavigateParams", __name__)
    PageShown = Later(".namespaces.page.models", "PageShown", __name__)
    PageWatchParams = Later(".namespaces.page.models", "PageWatchParams", __name__)
    TraceV2StartParams = Later(".namespaces.trace.models", "TraceV2StartParams", __name__)


class ForeignService(Service[ForeignPeer]):
    """What a server implements: every action. A missing or mistyped one fails the type checker."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = ForeignPeer

    @abstractmethod
    async def text_document_did_open(self, call: Call[ForeignPeer], params: TextDocumentDidOpenParams) -> None:
        """Answer `textDocument/didOpen`."""

    @abstractmethod
    async def cancel_request(self, call: Call[ForeignPeer], params: CancelRequestParams) -> None:
        """Answer `$/cancelRequest`.

        Experimental: it may change or go in any version.
        """

    @abstractmethod
    async def n2fa(self, call: Call[ForeignPeer], params: N2faParams) -> Value:
        """Answer `2fa`."""

    @abstractmethod
    async def grosse_offnen(self, call: Call[ForeignPeer], params: GrosseOffnenParams) -> Presence:
        """Answer `größe.öffnen`."""

    @abstractmethod
    async def a_b_c(self, call: Call[ForeignPeer], params: ABCParams) -> Signs:
        """Answer `a.b.c`."""

    @abstractmethod
    async def trace_v2_start(self, call: Call[ForeignPeer], params: TraceV2StartParams) -> None:
        """Answer `$/trace.v2.start`."""

    @abstractmethod
    async def dom_get_node(self, call: Call[ForeignPeer], params: DOMGetNodeParams) -> DOMNode:
        """Answer `DOM.getNode`.

        Raises:
            DOMGone: DOM.gone
        """

    @abstractmethod
    async def close_(self, call: Call[ForeignPeer], params: CloseParams) -> None:
        """Named like a member of every client."""

    @abstractmethod
    async def print(self, call: Call[ForeignPeer], params: PrintParams) -> list[Value]:
        """Answer `print`."""

    @abstractmethod
    async def net_fetch(self, call: Call[ForeignPeer], params: NetFetchParams) -> list[NetRequest]:
        """Answer `Net.fetch`."""

    @abstractmethod
    async def page_navigate(self, call: Call[ForeignPeer], params: PageNavigateParams) -> PageShown:
        """Answer `Page.navigate`.

        Raises:
            PageLost: Lost {request}.
        """

    @abstractmethod
    async def page_watch(
        self, call: Call[ForeignPeer], params: PageWatchParams, out: Sink[PageBoth]
    ) -> NetFrame | None:
        """Answer `Page.watch`."""

    @abstractmethod
    async def on_page_blurred(self, call: Call[ForeignPeer], event: PageBlurred) -> None:
        """Take `Page.blurred`."""

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            unary(actions.TEXT_DOCUMENT_DID_OPEN, self.text_document_did_open),
            unary(actions.CANCEL_REQUEST, self.cancel_request),
            unary(actions.N2FA, self.n2fa),
            unary(grosse_actions.GROSSE_OFFNEN, self.grosse_offnen),
            unary(a_b_actions.A_B_C, self.a_b_c),
            unary(trace_actions.TRACE_V2_START, self.trace_v2_start),
            unary(dom_actions.DOM_GET_NODE, self.dom_get_node),
            unary(actions.CLOSE, self.close_),
            unary(actions.PRINT, self.print),
            unary(net_actions.NET_FETCH, self.net_fetch),
            unary(page_actions.PAGE_NAVIGATE, self.page_navigate),
            streaming(page_actions.PAGE_WATCH, self.page_watch),
            notified(page_events.PAGE_BLURRED, self.on_page_blurred),
        )


class ForeignPeerService(Service[ForeignClient]):
    """What a client serves to the server: pass one as `serve=` to `ForeignClient.open`."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = ForeignClient

    @abstractmethod
    async def page_ask(self, call: Call[ForeignClient], params: PageAskParams) -> PageKind:
        """Answer `Page.ask`."""

    @override
    def handlers(self) -> Sequence[Bound]:
        return (unary(page_actions.PAGE_ASK, self.page_ask),)


class ForeignServer(Server[ForeignPeer]):
    """Serves a `ForeignService` on a port."""
