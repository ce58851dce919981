"""The package that the vectors are spoken with: generated from spec.yaml, and what either end of it serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
from tests.generated import generated

from duologue import Call, Sink, Upload

sdk: Any = generated(Path(__file__).with_name("spec.yaml"))
"""What the checkers cannot see before the tests run is `Any` to them."""


class _Handlers:
    """What both ends serve.

    Attributes:
        booked: The names that were booked, once for each run of the handler; `stored`, what was put.
        napped: Naps that came to their end.
    """

    def __init__(self) -> None:
        self.booked: list[str] = []
        self.stored: list[bytes] = []
        self.napped = 0

    async def measure(self, call: Call[Any], params: Any) -> Any:
        return params.thing or sdk.Thing()

    async def book(self, call: Call[Any], params: Any) -> str:
        self.booked.append(params.name)
        return f"{params.name}, {len(self.booked)}"

    async def nap(self, call: Call[Any], params: Any) -> None:
        await anyio.sleep(params.seconds)
        self.napped += 1

    async def count(self, call: Call[Any], params: Any, out: Sink[int]) -> str:
        for number in range(params.to):
            await out.send(number)
        return "done"

    async def put(self, call: Call[Any], params: Any, body: Upload) -> int:
        self.stored.append(await body.read())
        return body.size


class Serving(_Handlers, sdk.VectorsService):  # type: ignore[misc]
    """A server's."""


class Served(_Handlers, sdk.VectorsPeerService):  # type: ignore[misc]
    """A client's."""
