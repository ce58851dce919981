"""fastapi-websocket-rpc: a method of the server called through its channel, on uvicorn."""

# No `from __future__ import annotations`: the channel reads the types of methods, and takes no text for them.
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from service_registry_sdk import ListServicesResult, ServiceEntry

from ..payload import ACTIONS, NAME, answer_of
from ..worker import Commands
from . import foreign
from .asgi import serve_app

fastapi: Any = foreign("fastapi")
rpc: Any = foreign("fastapi_websocket_rpc")
Methods: Any = rpc.RpcMethodsBase


class Answering(Methods):  # type: ignore[misc]  # pyright: ignore[reportUntypedBaseClass] - it is untyped here
    """The methods that can be called."""

    async def call(self, action: str, params: Any) -> dict[str, Any]:
        return answer_of(action, params).model_dump(mode="json")


@asynccontextmanager
async def serve() -> AsyncGenerator[Commands]:
    app = fastapi.FastAPI()
    rpc.WebsocketRPCEndpoint(Answering()).register_route(app, "/ws")
    async with serve_app(app) as commands:
        yield commands


class Asking:
    """See `Client`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def get(self) -> ServiceEntry:
        return ServiceEntry.model_validate(await self._ask("get_service", {"name": NAME}), by_alias=True)

    async def list(self) -> ListServicesResult:
        return ListServicesResult.model_validate(await self._ask("list_services", {}), by_alias=True)

    async def _ask(self, action: str, arguments: dict[str, Any]) -> Any:
        params = ACTIONS[action].params(**arguments).model_dump(mode="json")
        return (await self._client.other.call(action=action, params=params)).result


@asynccontextmanager
async def connect(port: int) -> AsyncGenerator[Asking]:
    async with rpc.WebSocketRpcClient(f"ws://127.0.0.1:{port}/ws", Methods(), proxy=None) as client:
        yield Asking(client)
