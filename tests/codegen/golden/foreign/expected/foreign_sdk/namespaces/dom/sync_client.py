"""Client of the namespace `DOM` of the foreign protocol 1.3.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING

from duologue import CallOptions, Later

from ..page.values import PageFrameId
from . import actions
from .models import DOMGetNodeParams, DOMNode

if TYPE_CHECKING:
    from ...sync_client import ForeignSyncClient
else:
    ForeignSyncClient = Later("...sync_client", "ForeignSyncClient", __name__)


class ForeignSyncDOM:
    """Nodes.

    Deprecated: use `Page`.
    """

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
