"""What a server of the foreign protocol 1.3.0 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from duologue import Later, Peer

if TYPE_CHECKING:
    from .namespaces.page.peer import ForeignPeerPage
else:
    ForeignPeerPage = Later(".namespaces.page.peer", "ForeignPeerPage", __name__)


class ForeignPeer(Peer):
    """The client at the other end of a connection, and what it may be asked for."""

    @cached_property
    def page(self) -> ForeignPeerPage:
        """The namespace `Page`."""
        from .namespaces.page.peer import ForeignPeerPage

        return ForeignPeerPage(self)
