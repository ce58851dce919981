"""Client of the namespace `Page` of the foreign protocol 1.3.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING

from duologue import CallOptions, Later, SyncStream

from ..net.values import NetKind
from . import actions
from .models import PageBoth, PageNavigateParams, PageShown, PageWatchParams
from .values import PageFrameId

if TYPE_CHECKING:
    from ...sync_client import ForeignSyncClient
    from ..net.models import NetFrame, NetRequest
else:
    ForeignSyncClient = Later("...sync_client", "ForeignSyncClient", __name__)
    NetFrame = Later("..net.models", "NetFrame", __name__)
    NetRequest = Later("..net.models", "NetRequest", __name__)


class ForeignSyncPage:
    """The namespace `Page`."""

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
