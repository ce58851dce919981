"""A TCP proxy that fails on purpose, between a client and a server of a test."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream
from anyio.streams.stapled import MultiListener


class Proxy:
    """Passes bytes on.

    Attributes:
        port: Where it listens.
        target: The port that it connects to.
        accepted: Connections so far.
        refusing: New connections are cut at once.
        stalled: Bytes are taken and kept.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        self.accepted = 0
        self.refusing = False
        self.stalled = False
        self._pairs: list[anyio.CancelScope] = []

    def cut(self) -> None:
        """End all connections, without a goodbye."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.cancel()

    async def _handle(self, near: SocketStream) -> None:
        self.accepted += 1
        async with near:
            if self.refusing:
                return
            with suppress(OSError, anyio.ClosedResourceError, anyio.BrokenResourceError):
                async with await anyio.connect_tcp("127.0.0.1", self.target) as far:
                    with anyio.CancelScope() as pair:
                        self._pairs.append(pair)
                        async with anyio.create_task_group() as tasks:
                            tasks.start_soon(self._pass_on, near, far, pair)
                            tasks.start_soon(self._pass_on, far, near, pair)

    async def _pass_on(self, source: ByteStream, sink: ByteStream, pair: anyio.CancelScope) -> None:
        with suppress(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            while True:
                data = await source.receive()
                while self.stalled:
                    await anyio.sleep(0.01)
                await sink.send(data)
        pair.cancel()


@asynccontextmanager
async def proxied(target: int) -> AsyncGenerator[Proxy]:
    """A proxy in front of a port."""
    listener: MultiListener[SocketStream] = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with listener, anyio.create_task_group() as tasks:
        proxy = Proxy(listener.extra(SocketAttribute.local_port), target)
        tasks.start_soon(listener.serve, proxy._handle)
        yield proxy
        tasks.cancel_scope.cancel()
