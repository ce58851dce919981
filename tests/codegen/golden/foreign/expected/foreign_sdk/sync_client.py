"""Client of the foreign protocol 1.3.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from duologue import CallOptions, Later, SyncClient

from . import actions
from .events import ForeignSyncEvents
from .models import CancelRequestParams, CloseParams, N2faParams, PrintParams, TextDocumentDidOpenParams, Value

if TYPE_CHECKING:
    from .namespaces.a_b.sync_client import ForeignSyncAB
    from .namespaces.dom.sync_client import ForeignSyncDOM
    from .namespaces.grosse.sync_client import ForeignSyncGrosse
    from .namespaces.net.sync_client import ForeignSyncNet
    from .namespaces.page.models import PageBlurred
    from .namespaces.page.sync_client import ForeignSyncPage
    from .namespaces.trace.sync_client import ForeignSyncTrace
else:
    ForeignSyncAB = Later(".namespaces.a_b.sync_client", "ForeignSyncAB", __name__)
    ForeignSyncDOM = Later(".namespaces.dom.sync_client", "ForeignSyncDOM", __name__)
    ForeignSyncGrosse = Later(".namespaces.grosse.sync_client", "ForeignSyncGrosse", __name__)
    ForeignSyncNet = Later(".namespaces.net.sync_client", "ForeignSyncNet", __name__)
    PageBlurred = Later(".namespaces.page.models", "PageBlurred", __name__)
    ForeignSyncPage = Later(".namespaces.page.sync_client", "ForeignSyncPage", __name__)
    ForeignSyncTrace = Later(".namespaces.trace.sync_client", "ForeignSyncTrace", __name__)


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
        """Nodes.

        Deprecated: use `Page`.
        """
        from .namespaces.dom.sync_client import ForeignSyncDOM

        return ForeignSyncDOM(self)

    @cached_property
    def net(self) -> ForeignSyncNet:
        """Requests and who made them."""
        from .namespaces.net.sync_client import ForeignSyncNet

        return ForeignSyncNet(self)

    @cached_property
    def page(self) -> ForeignSyncPage:
        """The namespace `Page`."""
        from .namespaces.page.sync_client import ForeignSyncPage

        return ForeignSyncPage(self)

    @cached_property
    def grosse(self) -> ForeignSyncGrosse:
        """The namespace `größe`."""
        from .namespaces.grosse.sync_client import ForeignSyncGrosse

        return ForeignSyncGrosse(self)

    @cached_property
    def a_b(self) -> ForeignSyncAB:
        """The namespace `a.b`."""
        from .namespaces.a_b.sync_client import ForeignSyncAB

        return ForeignSyncAB(self)

    @cached_property
    def trace(self) -> ForeignSyncTrace:
        """Named so that Python could not.

        Experimental: it may change or go in any version.
        """
        from .namespaces.trace.sync_client import ForeignSyncTrace

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
