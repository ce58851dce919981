"""Client of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from ssl import SSLContext
from typing import TYPE_CHECKING, ClassVar

from duologue import CallOptions, Client, EventStream, Later, Lifecycle, Limits, Protocol, Token
from duologue import Deflate as _Deflate
from duologue import Observer as _Observer

from . import actions
from .events import EventType, ForeignEvent, ForeignEvents
from .models import CancelRequestParams, CloseParams, N2faParams, PrintParams, TextDocumentDidOpenParams, Value
from .protocol import PROTOCOL
from .sync_client import ForeignSyncClient

if TYPE_CHECKING:
    from .namespaces.a_b.client import ForeignAB
    from .namespaces.dom.client import ForeignDOM
    from .namespaces.grosse.client import ForeignGrosse
    from .namespaces.net.client import ForeignNet
    from .namespaces.page.client import ForeignPage
    from .namespaces.page.models import PageBlurred
    from .namespaces.trace.client import ForeignTrace
else:
    ForeignAB = Later(".namespaces.a_b.client", "ForeignAB", __name__)
    ForeignDOM = Later(".namespaces.dom.client", "ForeignDOM", __name__)
    ForeignGrosse = Later(".namespaces.grosse.client", "ForeignGrosse", __name__)
    ForeignNet = Later(".namespaces.net.client", "ForeignNet", __name__)
    ForeignPage = Later(".namespaces.page.client", "ForeignPage", __name__)
    PageBlurred = Later(".namespaces.page.models", "PageBlurred", __name__)
    ForeignTrace = Later(".namespaces.trace.client", "ForeignTrace", __name__)


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
        compression: _Deflate | None = None,
        observers: Sequence[_Observer] = (),
    ) -> AbstractContextManager[ForeignSyncClient]:
        """`open` for synchronous code: a connection that is kept, and made again, as long as the `with` block.

        What `lifecycle` has is called in the thread that the connection lives in, and `observers` are told there.
        """
        return cls._open_sync(
            ForeignSyncClient,
            url,
            token=token,
            tls=tls,
            limits=limits,
            lifecycle=lifecycle,
            compression=compression,
            observers=observers,
        )

    @cached_property
    def dom(self) -> ForeignDOM:
        """Nodes.

        Deprecated: use `Page`.
        """
        from .namespaces.dom.client import ForeignDOM

        return ForeignDOM(self)

    @cached_property
    def net(self) -> ForeignNet:
        """Requests and who made them."""
        from .namespaces.net.client import ForeignNet

        return ForeignNet(self)

    @cached_property
    def page(self) -> ForeignPage:
        """The namespace `Page`."""
        from .namespaces.page.client import ForeignPage

        return ForeignPage(self)

    @cached_property
    def grosse(self) -> ForeignGrosse:
        """The namespace `größe`."""
        from .namespaces.grosse.client import ForeignGrosse

        return ForeignGrosse(self)

    @cached_property
    def a_b(self) -> ForeignAB:
        """The namespace `a.b`."""
        from .namespaces.a_b.client import ForeignAB

        return ForeignAB(self)

    @cached_property
    def trace(self) -> ForeignTrace:
        """Named so that Python could not.

        Experimental: it may change or go in any version.
        """
        from .namespaces.trace.client import ForeignTrace

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
