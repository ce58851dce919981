"""What a server of the declared protocol 1.0.0 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from duologue import CallOptions, Peer

from . import actions
from .models import AskParams


class DeclaredPeer(Peer):
    """The client at the other end of a connection, and what it may be asked for."""

    async def ask(self, *, question: str, timeout: float | None = None, options: CallOptions | None = None) -> str:
        """Ask the client.

        Args:
            timeout: Seconds until the caller gives up; 10 by default.
        """
        return await self._call(actions.ASK, AskParams(question=question), timeout, options)
