"""What servers of the one-way protocol 0.1.0 implement, and clients that can be called.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from duologue import Bound, Call, Later, Peer, Protocol, Server, Service, Sink, notified, streaming, unary
from typing_extensions import override

from . import actions, events
from .client import OneWayClient
from .models import Pressed, RestartParams
from .namespaces.lamp import actions as lamp_actions
from .namespaces.lamp import events as lamp_events
from .peer import OneWayDevice
from .protocol import PROTOCOL

if TYPE_CHECKING:
    from .namespaces.lamp.models import LampFadeParams, LampLightParams, LampLit
else:
    LampFadeParams = Later(".namespaces.lamp.models", "LampFadeParams", __name__)
    LampLightParams = Later(".namespaces.lamp.models", "LampLightParams", __name__)
    LampLit = Later(".namespaces.lamp.models", "LampLit", __name__)


class OneWayService(Service[OneWayDevice]):
    """What a server implements: every action. A missing or mistyped one fails the type checker."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = OneWayDevice

    @abstractmethod
    async def on_pressed(self, call: Call[OneWayDevice], event: Pressed) -> None:
        """A button was pressed."""

    @abstractmethod
    async def on_lamp_lit(self, call: Call[OneWayDevice], event: LampLit) -> None:
        """Take `Lamp.lit`."""

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            notified(events.PRESSED, self.on_pressed),
            notified(lamp_events.LAMP_LIT, self.on_lamp_lit),
        )


class OneWayDeviceService(Service[OneWayClient]):
    """What a client serves to the server: pass one as `serve=` to `OneWayClient.open`."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = OneWayClient

    @abstractmethod
    async def lamp_light(self, call: Call[OneWayClient], params: LampLightParams) -> None:
        """Answer `Lamp.light`.

        Raises:
            Broken: broken
        """

    @abstractmethod
    async def lamp_fade(self, call: Call[OneWayClient], params: LampFadeParams, out: Sink[float]) -> None:
        """Answer `Lamp.fade`.

        Deprecated: use `Lamp.light`.
        """

    @abstractmethod
    async def restart(self, call: Call[OneWayClient], params: RestartParams) -> None:
        """Answer `restart`."""

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            unary(lamp_actions.LAMP_LIGHT, self.lamp_light),
            streaming(lamp_actions.LAMP_FADE, self.lamp_fade),
            unary(actions.RESTART, self.restart),
        )


class OneWayServer(Server[OneWayDevice]):
    """Serves a `OneWayService` on a port."""
