"""What a server of the foreign protocol 1.3.0 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from functools import cached_property

from duologue import CallOptions, Peer

from . import actions
from .models import DOMNode, PageAskParams, PageKind


class ForeignPeerPage:
    """Actions of one namespace."""

    def __init__(self, owner: ForeignPeer) -> None:
        self._owner = owner

    async def ask(self, *, node: DOMNode, timeout: float | None = None, options: CallOptions | None = None) -> PageKind:
        """Call `Page.ask`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._owner._call(actions.PAGE_ASK, PageAskParams(node=node), timeout, options)


class ForeignPeer(Peer):
    """The client at the other end of a connection, and what it may be asked for."""

    @cached_property
    def page(self) -> ForeignPeerPage:
        return ForeignPeerPage(self)
