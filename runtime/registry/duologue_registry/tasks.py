"""A task group for background work."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def background() -> AsyncGenerator[TaskGroup]:
    """Tasks that live as long as the block. What the block raises is raised as it is, not in an exception group."""
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        try:
            yield tasks
        except Exception as error:  # noqa: BLE001 - raised below, where the task group cannot wrap it
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
