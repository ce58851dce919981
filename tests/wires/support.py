"""What the tests of declared protocols share: packages of their specs, and two connected ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import anyio
from tests.generated import generated

from duologue import serve

SPECS = Path(__file__).with_name("specs")
BOUND = 15.0
"""Seconds after which a conversation that should take a fraction of one is given up."""


@cache
def sdk(name: str) -> Any:
    """The package of one of the specs, generated once a process."""
    return generated(SPECS / f"{name}.yaml")


def sdk_of(folder: Path, spec: str) -> Any:
    """The package of a spec that is written into a folder of its test's own."""
    path = folder / "spec.yaml"
    path.write_text(spec, encoding="utf-8")
    return generated(path)


@asynccontextmanager
async def serving(service: Any, **options: Any) -> AsyncGenerator[Any]:
    """A server, for at most `BOUND` seconds."""
    with anyio.fail_after(BOUND):
        async with serve(service, "127.0.0.1", 0, **options) as server:
            yield server


def url(port: int) -> str:
    return f"ws://127.0.0.1:{port}"
