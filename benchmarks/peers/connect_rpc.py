"""Connect for Python: the messages of gRPC over plain HTTP, on uvicorn."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from service_registry_sdk import ListServicesResult, ServiceEntry

from ..payload import NAME
from ..worker import Commands
from . import foreign
from .asgi import serve_app
from .protobuf_messages import MESSAGES, SERVICE, answer_get, answer_list, entries_of, entry_of

compat: Any = foreign("connectrpc.compat")
method: Any = foreign("connectrpc.method")
server: Any = foreign("connectrpc.server")
connectrpc_client: Any = foreign("connectrpc.client")
Application: Any = server.ConnectASGIApplication


def _method(name: str, params: str, result: str) -> Any:
    return method.MethodInfo(
        name=name,
        service_name=SERVICE,
        input=MESSAGES[params],
        output=MESSAGES[result],
        idempotency_level=method.IdempotencyLevel.UNKNOWN,
        stream_type=method.StreamType.UNARY,
    )


GET: Any = _method("GetService", "GetServiceParams", "ServiceEntry")
LIST: Any = _method("ListServices", "ListServicesParams", "ListServicesResult")


class Answering:
    """The service."""

    async def get_service(self, request: Any, context: Any) -> Any:
        return answer_get(request)

    async def list_services(self, request: Any, context: Any) -> Any:
        return answer_list(request)

    def endpoints(self) -> dict[str, Any]:
        return {
            f"/{SERVICE}/GetService": server.Endpoint.unary(GET, self.get_service),
            f"/{SERVICE}/ListServices": server.Endpoint.unary(LIST, self.list_services),
        }


class App(Application):  # type: ignore[misc]  # pyright: ignore[reportUntypedBaseClass] - connectrpc is untyped here
    """What its generator would have written."""

    @property
    def path(self) -> str:
        return f"/{SERVICE}"


@asynccontextmanager
async def serve() -> AsyncGenerator[Commands]:
    codecs = compat.google_protobuf_codecs()
    app = App(service=Answering(), endpoints=Answering.endpoints, compressions=(), codecs=codecs)
    async with serve_app(app) as commands:
        yield commands


class Asking:
    """See `Client`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def get(self) -> ServiceEntry:
        request = MESSAGES["GetServiceParams"](name=NAME)
        return entry_of(await self._client.execute_unary(request=request, method=GET))

    async def list(self) -> ListServicesResult:
        request = MESSAGES["ListServicesParams"]()
        return entries_of(await self._client.execute_unary(request=request, method=LIST))


@asynccontextmanager
async def connect(port: int) -> AsyncGenerator[Asking]:
    codec = compat.google_protobuf_binary_codec()
    async with connectrpc_client.ConnectClient(
        f"http://127.0.0.1:{port}", codec=codec, accept_compression=(), send_compression=None
    ) as client:
        yield Asking(client)
