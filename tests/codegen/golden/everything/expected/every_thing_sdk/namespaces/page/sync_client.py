"""Client of the namespace `Page` of the every-thing protocol 2.10.0-rc.1 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING

from duologue import Body, CallOptions, Later, SyncDownload

from . import actions
from .models import PageCloseParams, PageFrame, PageLoadParams, PageNavigateParams, PageOpenParams, PageShotParams

if TYPE_CHECKING:
    from ...sync_client import EverySyncClient
else:
    EverySyncClient = Later("...sync_client", "EverySyncClient", __name__)


class EverySyncPage:
    """The namespace `Page`."""

    def __init__(self, owner: EverySyncClient) -> None:
        self._owner = owner

    def open_(self, *, frame: PageFrame, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `Page.open`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._owner._call(actions.PAGE_OPEN, PageOpenParams(frame=frame), timeout, options)

    def navigate(
        self, *, frame: PageFrame, url: str, timeout: float | None = None, options: CallOptions | None = None
    ) -> None:
        """Call `Page.navigate`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
            PageGone: No {id}.
        """
        return self._owner._call(actions.PAGE_NAVIGATE, PageNavigateParams(frame=frame, url=url), timeout, options)

    def close_(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `Page.close`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._owner._call(actions.PAGE_CLOSE, PageCloseParams(), timeout, options)

    def shot(
        self, *, frame: PageFrame, timeout: float | None = None, options: CallOptions | None = None
    ) -> SyncDownload[PageFrame]:
        """Call `Page.shot`.

        Iterate over what this returns for the bytes (`image/png`, 64 MiB at most), then ask for its `result`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._owner._download(actions.PAGE_SHOT, PageShotParams(frame=frame), timeout, options)

    def load(
        self, body: Body, /, *, frame: PageFrame, timeout: float | None = None, options: CallOptions | None = None
    ) -> None:
        """Call `Page.load`.

        Args:
            body: Bytes, path, file or async iterable: `application/octet-stream`, 16 MiB at most.
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._owner._upload(actions.PAGE_LOAD, PageLoadParams(frame=frame), body, timeout, options)
