"""What a server of the namespace `Page` of the foreign protocol 1.3.0 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING

from duologue import CallOptions, Later

from . import actions
from .models import PageAskParams
from .values import PageKind

if TYPE_CHECKING:
    from ...peer import ForeignPeer
    from ..dom.models import DOMNode
else:
    ForeignPeer = Later("...peer", "ForeignPeer", __name__)
    DOMNode = Later("..dom.models", "DOMNode", __name__)


class ForeignPeerPage:
    """The namespace `Page`."""

    def __init__(self, owner: ForeignPeer) -> None:
        self._owner = owner

    async def ask(self, *, node: DOMNode, timeout: float | None = None, options: CallOptions | None = None) -> PageKind:
        """Call `Page.ask`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._owner._call(actions.PAGE_ASK, PageAskParams(node=node), timeout, options)
