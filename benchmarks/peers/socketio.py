"""python-socketio on aiohttp: an event whose acknowledgement is the answer, over its WebSocket transport."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from service_registry_sdk import ListServicesResult, ServiceEntry

from ..payload import ACTIONS, NAME, answer_of
from ..worker import Commands
from . import foreign

socketio: Any = foreign("socketio")
web: Any = foreign("aiohttp.web")


@asynccontextmanager
async def serve() -> AsyncGenerator[Commands]:
    answering = socketio.AsyncServer(async_mode="aiohttp", max_http_buffer_size=4_000_000)

    async def call(sid: str, request: dict[str, Any]) -> Any:
        return answer_of(request["action"], request["params"]).model_dump(mode="json")

    answering.on("call", call)
    app = web.Application()
    answering.attach(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def port() -> int:
        return int(runner.addresses[0][1])

    yield {"port": port}
    await answering.shutdown()
    await runner.cleanup()


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
        return await self._client.call("call", {"action": action, "params": params})


@asynccontextmanager
async def connect(port: int) -> AsyncGenerator[Asking]:
    client = socketio.AsyncClient()
    await client.connect(f"http://127.0.0.1:{port}", transports=["websocket"])
    yield Asking(client)
    await client.disconnect()
