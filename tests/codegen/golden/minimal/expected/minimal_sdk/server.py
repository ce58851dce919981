"""What servers of the minimal protocol 0.1.0 implement, and clients that can be called.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from duologue import Bound, Call, Peer, Protocol, Server, Service, unary
from typing_extensions import override

from . import actions
from .models import PingParams
from .peer import MinimalPeer
from .protocol import PROTOCOL


class MinimalService(Service[MinimalPeer]):
    """What a server implements: every action. A missing or mistyped one fails the type checker."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = MinimalPeer

    @abstractmethod
    async def ping(self, call: Call[MinimalPeer], params: PingParams) -> None:
        """Answer `ping`."""

    @override
    def handlers(self) -> Sequence[Bound]:
        return (unary(actions.PING, self.ping),)


class MinimalServer(Server[MinimalPeer]):
    """Serves a `MinimalService` on a port."""
