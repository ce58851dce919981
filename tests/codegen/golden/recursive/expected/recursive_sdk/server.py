"""What servers of the recursive protocol 0.1.0 implement, and clients that can be called.

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
from .models import EvalParams, Exprs
from .peer import RecursivePeer
from .protocol import PROTOCOL


class RecursiveService(Service[RecursivePeer]):
    """What a server implements: every action. A missing or mistyped one fails the type checker."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = RecursivePeer

    @abstractmethod
    async def eval(self, call: Call[RecursivePeer], params: EvalParams) -> Exprs:
        """Answer `eval`."""

    @override
    def handlers(self) -> Sequence[Bound]:
        return (unary(actions.EVAL, self.eval),)


class RecursiveServer(Server[RecursivePeer]):
    """Serves a `RecursiveService` on a port."""
