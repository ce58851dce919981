"""What servers of the declared protocol 1.0.0 implement, and clients that can be called.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from duologue import Bound, Call, Peer, Protocol, Server, Service, notified, unary
from typing_extensions import override

from . import actions, events
from .client import DeclaredClient
from .models import AskParams, BeginParams, BeginResult, DoorKnocked, PingParams, WorkParams
from .peer import DeclaredPeer
from .protocol import PROTOCOL


class DeclaredService(Service[DeclaredPeer]):
    """What a server implements: every action. A missing or mistyped one fails the type checker."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = DeclaredPeer

    @abstractmethod
    async def begin(self, call: Call[DeclaredPeer], params: BeginParams) -> BeginResult:
        """Begin a session."""

    @abstractmethod
    async def work(self, call: Call[DeclaredPeer], params: WorkParams) -> str:
        """Work for long.

        Raises:
            Busy: busy
        """

    @abstractmethod
    async def ping(self, call: Call[DeclaredPeer], params: PingParams) -> None:
        """Tell that somebody is there."""

    @abstractmethod
    async def on_door_knocked(self, call: Call[DeclaredPeer], event: DoorKnocked) -> None:
        """Somebody knocks."""

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            unary(actions.BEGIN, self.begin),
            unary(actions.WORK, self.work),
            unary(actions.PING, self.ping),
            notified(events.DOOR_KNOCKED, self.on_door_knocked),
        )


class DeclaredPeerService(Service[DeclaredClient]):
    """What a client serves to the server: pass one as `serve=` to `DeclaredClient.open`."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = DeclaredClient

    @abstractmethod
    async def ask(self, call: Call[DeclaredClient], params: AskParams) -> str:
        """Ask the client."""

    @override
    def handlers(self) -> Sequence[Bound]:
        return (unary(actions.ASK, self.ask),)


class DeclaredServer(Server[DeclaredPeer]):
    """Serves a `DeclaredService` on a port."""
