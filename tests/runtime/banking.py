"""The simulations' `bank` over real sockets, through a proxy that can cut: calls of every effect in both directions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
from tests.runtime.proxy import Proxy, proxied
from tests.runtime.support import BOUND, until
from tests.simulation.ledger import Ledger, Run, Store
from tests.simulation.sdk import bank
from tests.simulation.service import Bank, Teller

from duologue import Connection, Lifecycle, Limits, Server, serve


@dataclass
class Banking:
    """A server, a client of it that serves calls too, and the proxy between them; all runs are in the ledger."""

    server: Server[Any]
    proxy: Proxy
    client: Any
    ledger: Ledger

    @property
    def peer(self) -> Any:
        """What the server may call; there is but one."""
        (peer,) = self.server.peers()
        return peer

    async def running(self, mark: str, count: int = 1) -> list[Run]:
        """The runs of a task, once there are so many."""
        await until(lambda: len(self.ledger.runs_of(mark)) == count)
        return self.ledger.runs_of(mark)

    async def cut(self) -> Connection:
        """Cut the connection; gives the client's end of it."""
        connection: Connection = self.client.connection
        self.proxy.cut()
        await connection.until_closed()
        return connection


@asynccontextmanager
async def banking(limits: Limits | None = None, lifecycle: Lifecycle | None = None) -> AsyncGenerator[Banking]:
    """A bank for at most `BOUND` seconds."""
    ledger = Ledger()
    with anyio.fail_after(BOUND):
        async with (
            serve(Bank(ledger, Store()), "127.0.0.1", 0, limits=limits) as server,
            proxied(server.port) as proxy,
            bank.BankClient.open(
                f"ws://127.0.0.1:{proxy.port}", serve=Teller(ledger), limits=limits, lifecycle=lifecycle
            ) as client,
        ):
            await until(lambda: len(server._clients))  # the client has told who it is
            yield Banking(server, proxy, client, ledger)
