"""A server of the generated `vault` protocol, peers of every kind, and a world without sockets for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import anyio
from tests.security.sdk import vault

from duologue import Call, Connection, Identity, Limits, Server, StaticTokens, serve
from duologue.drivers.memory import MemoryNetwork

BOUND: Final = 15.0
"""Seconds after which what should take a fraction of one is given up."""

ROLES: Final = ("stranger", "viewer", "helper", "editor", "owner")


def token_of(name: str) -> str:
    """The token of somebody in these tests."""
    return f"token-of-{name}-{'x' * 20}"


class Vault(vault.VaultService):  # type: ignore[misc]
    """Counts what it is asked, and whose identity was told."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.calls: list[Call[Any]] = []
        self.running: Counter[str] = Counter()
        self.let_go = anyio.Event()

    def take(self, call: Call[Any]) -> str:
        self.asked[call.action] += 1
        self.calls.append(call)
        return call.identity.name

    async def ping(self, call: Call[Any], params: Any) -> str:
        return self.take(call)

    async def look(self, call: Call[Any], params: Any) -> str:
        return self.take(call)

    async def store(self, call: Call[Any], params: Any) -> str:
        return f"{self.take(call)} {self.asked['store']}"

    async def wipe(self, call: Call[Any], params: Any) -> str:
        return self.take(call)

    async def trade(self, call: Call[Any], params: Any) -> str:
        return self.take(call)

    async def often(self, call: Call[Any], params: Any) -> str:
        return self.take(call)

    async def follow(self, call: Call[Any], params: Any, out: Any) -> str:
        self.take(call)
        for number in range(params.upto):
            await out.send(number)
            await anyio.sleep(0.01)
        return "done"

    async def hold(self, call: Call[Any], params: Any) -> str:
        return await self.wait(call)

    async def hold_key(self, call: Call[Any], params: Any) -> str:
        return await self.wait(call)

    async def narrow(self, call: Call[Any], params: Any) -> str:
        return await self.wait(call)

    async def narrow_key(self, call: Call[Any], params: Any) -> str:
        return await self.wait(call)

    async def wait(self, call: Call[Any]) -> str:
        """Run until let go."""
        self.take(call)
        self.running[call.action] += 1
        try:
            await self.let_go.wait()
        finally:
            self.running[call.action] -= 1
        return call.identity.name

    async def on_moved(self, call: Call[Any], event: Any) -> None:
        await (self.wait(call) if event.name == "on and on" else self.look(call, event))

    async def on_waved(self, call: Call[Any], event: Any) -> None:
        await self.on_moved(call, event)


class Helper(vault.VaultPeerService):  # type: ignore[misc]
    """What a client serves."""

    async def assist(self, call: Call[Any], params: Any) -> str:
        return "helped"

    async def greet(self, call: Call[Any], params: Any) -> str:
        return "hello"

    async def trade(self, call: Call[Any], params: Any) -> str:
        return "traded"


def known(*people: Identity) -> dict[str, Identity]:
    """Everybody with a token: one for each role, named after it, and whoever else is given."""
    everybody = [*(Identity(name=role, roles={role}) for role in ROLES), *people]
    return {token_of(person.name): person for person in everybody}


class Changeable:
    """An authenticator whose tokens can change while it is used."""

    def __init__(self, *people: Identity) -> None:
        self.people = known(*people)
        self.asked = 0
        self.slow: anyio.Event | None = None

    def grant(self, name: str, token: str | None = None, **changes: Any) -> str:
        """Let somebody's token, or another one, stand for something else; returns it."""
        token = token or token_of(name)
        self.people[token] = replace(self.people[token_of(name)], **changes)
        return token

    async def authenticate(self, credentials: Any) -> Identity:
        self.asked += 1
        identity = await StaticTokens.of(self.people).authenticate(credentials)
        if self.slow is not None:
            await self.slow.wait()
        return identity


@asynccontextmanager
async def on_sockets(
    authenticator: Any = None, *, limits: Limits | None = None, **options: Any
) -> AsyncGenerator[World]:
    """A server on a port of this machine, for at most `BOUND` seconds."""
    service, authenticator = Vault(), authenticator or Changeable()
    with anyio.fail_after(BOUND):
        async with serve(service, "127.0.0.1", 0, limits=limits, authenticator=authenticator, **options) as server:
            yield World(server, service, authenticator, f"ws://127.0.0.1:{server.port}")


@asynccontextmanager
async def guarded(
    service: Vault | None = None,
    authenticator: Any = None,
    *,
    limits: Limits | None = None,
    bound: float = BOUND,
    **options: Any,
) -> AsyncGenerator[World]:
    """A server on a network of this process, for at most `bound` seconds."""
    service, authenticator = service or Vault(), authenticator or Changeable()
    with MemoryNetwork().use(), anyio.fail_after(bound):
        async with serve(service, "memory", 0, limits=limits, authenticator=authenticator, **options) as server:
            yield World(server, service, authenticator, f"ws://memory:{server.port}")


class World:
    """A server and whoever comes."""

    def __init__(self, server: Server[Any], service: Vault, people: Changeable, url: str) -> None:
        self.server = server
        self.service = service
        self.people = people
        self.url = url

    def client(self, name: str, **options: Any) -> Any:
        """A client of the generated package, with somebody's token; for `async with`."""
        return vault.VaultClient.open(self.url, token=token_of(name), **options)

    def connection_of(self, name: str) -> Connection:
        """The server's end of somebody's connection."""
        [found] = [one for one in self.server.connections if one.identity.name == name]
        return found


EVENTS: Final[Mapping[str, Any]] = {
    "changed": vault.Changed,
    "ruled": vault.Ruled,
    "level": vault.Level,
    "noise": vault.Noise,
    "moved": vault.Moved,
    "waved": vault.Waved,
}
