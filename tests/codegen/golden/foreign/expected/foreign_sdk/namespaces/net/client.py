"""Client of the namespace `Net` of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING

from duologue import CallOptions, Later

from ..page.values import PageKind
from . import actions
from .models import NetFetchParams, NetRequest

if TYPE_CHECKING:
    from ...client import ForeignClient
    from ..page.models import PageFrames
else:
    ForeignClient = Later("...client", "ForeignClient", __name__)
    PageFrames = Later("..page.models", "PageFrames", __name__)


class ForeignNet:
    """Requests and who made them."""

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
