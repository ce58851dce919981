"""gRPC for asyncio with protobuf: generic handlers and multi-callables, which is what generated stubs consist of."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from service_registry_sdk import ListServicesResult, ServiceEntry

from ..payload import NAME
from ..worker import Commands
from . import foreign
from .protobuf_messages import MESSAGES, SERVICE, answer_get, answer_list, entries_of, entry_of

grpc: Any = foreign("grpc")


async def get_service(request: Any, context: Any) -> Any:
    return answer_get(request)


async def list_services(request: Any, context: Any) -> Any:
    return answer_list(request)


def _handler(function: Any, params: str, result: str) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        function,
        request_deserializer=MESSAGES[params].FromString,
        response_serializer=MESSAGES[result].SerializeToString,
    )


@asynccontextmanager
async def serve() -> AsyncGenerator[Commands]:
    server = grpc.aio.server()
    methods = {
        "GetService": _handler(get_service, "GetServiceParams", "ServiceEntry"),
        "ListServices": _handler(list_services, "ListServicesParams", "ListServicesResult"),
    }
    server.add_registered_method_handlers(SERVICE, methods)
    bound = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    async def port() -> int:
        return int(bound)

    yield {"port": port}
    await server.stop(0)


class Asking:
    """See `Client`."""

    def __init__(self, channel: Any) -> None:
        self._get = self._method(channel, "GetService", "GetServiceParams", "ServiceEntry")
        self._list = self._method(channel, "ListServices", "ListServicesParams", "ListServicesResult")
        self._named = MESSAGES["GetServiceParams"]
        self._all = MESSAGES["ListServicesParams"]

    async def get(self) -> ServiceEntry:
        return entry_of(await self._get(self._named(name=NAME)))

    async def list(self) -> ListServicesResult:
        return entries_of(await self._list(self._all()))

    @staticmethod
    def _method(channel: Any, name: str, params: str, result: str) -> Any:
        return channel.unary_unary(
            f"/{SERVICE}/{name}",
            request_serializer=MESSAGES[params].SerializeToString,
            response_deserializer=MESSAGES[result].FromString,
            _registered_method=True,
        )


@asynccontextmanager
async def connect(port: int) -> AsyncGenerator[Asking]:
    own = [("grpc.use_local_subchannel_pool", 1)]  # as many connections as there are clients
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=own) as channel:
        await channel.channel_ready()
        yield Asking(channel)
