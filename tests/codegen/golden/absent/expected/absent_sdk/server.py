"""What servers of the absent protocol 0.1.0 implement, and clients that can be called.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import date as _date
from typing import ClassVar

from duologue import Bound, Call, Peer, Protocol, Server, Service, UnknownValue, unary
from typing_extensions import override

from . import actions
from .models import DateParams, Mood, PatchParams
from .peer import AbsentPeer
from .protocol import PROTOCOL


class AbsentService(Service[AbsentPeer]):
    """What a server implements: every action. A missing or mistyped one fails the type checker."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = AbsentPeer

    @abstractmethod
    async def date(self, call: Call[AbsentPeer], params: DateParams) -> _date | None:
        """Answer `date`."""

    @abstractmethod
    async def patch(self, call: Call[AbsentPeer], params: PatchParams) -> Mood | UnknownValue:
        """Answer `patch`."""

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            unary(actions.DATE, self.date),
            unary(actions.PATCH, self.patch),
        )


class AbsentServer(Server[AbsentPeer]):
    """Serves a `AbsentService` on a port."""
