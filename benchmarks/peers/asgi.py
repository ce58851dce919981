"""uvicorn, for contenders that are ASGI applications."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from ..worker import Commands
from . import foreign

uvicorn: Any = foreign("uvicorn")


@asynccontextmanager
async def serve_app(app: Any) -> AsyncGenerator[Commands]:
    """Serve an application on a free port, with as little logging as there can be."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has no event for that
        await asyncio.sleep(0.01)

    async def port() -> int:
        return int(server.servers[0].sockets[0].getsockname()[1])

    yield {"port": port}
    server.should_exit = True
    server.force_exit = True
    await serving
