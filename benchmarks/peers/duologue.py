"""duologue: the generated client, and a service of one action that answers and one that lists."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, Final

from typing_extensions import override

from duologue import Bound, Call, Limits, Peer, Protocol, Service, unary
from duologue import serve as serve_duologue
from service_registry_sdk import (
    GetServiceParams,
    ListServicesParams,
    ListServicesResult,
    RegistryClient,
    RegistryPeer,
    ServiceEntry,
    actions,
)
from service_registry_sdk.protocol import PROTOCOL

from ..payload import ENTRY, MANY, NAME
from ..worker import Commands

LIMITS: Final = Limits(in_flight=2048)  # by default 256, and callers beyond would wait on their own side


class Lookup(Service[RegistryPeer]):
    """Answers at once: what is measured is all that lies around the handler."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = RegistryPeer

    async def get_service(self, call: Call[RegistryPeer], params: GetServiceParams) -> ServiceEntry:
        return ENTRY

    async def list_services(self, call: Call[RegistryPeer], params: ListServicesParams) -> ListServicesResult:
        return MANY

    @override
    def handlers(self) -> Sequence[Bound]:
        return (unary(actions.GET_SERVICE, self.get_service), unary(actions.LIST_SERVICES, self.list_services))


@asynccontextmanager
async def serve() -> AsyncGenerator[Commands]:
    async with serve_duologue(Lookup(), "127.0.0.1", 0, limits=LIMITS) as server:

        async def port() -> int:
            return server.port

        yield {"port": port}


class Asking:
    """See `Client`."""

    def __init__(self, registry: RegistryClient) -> None:
        self._registry = registry

    async def get(self) -> ServiceEntry:
        return await self._registry.get_service(name=NAME)

    async def list(self) -> ListServicesResult:
        return await self._registry.list_services()


@asynccontextmanager
async def connect(port: int) -> AsyncGenerator[Asking]:
    async with RegistryClient.open(f"ws://127.0.0.1:{port}") as registry:
        yield Asking(registry)
