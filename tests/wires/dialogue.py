"""Conversations that are written down: `> ` before what a client says, `< ` before what a server does."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard, cast

import anyio
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, serving, url

FOLDER = Path(__file__).with_name("dialogues")


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def lines(name: str) -> list[tuple[str, Any]]:
    """Who says what, in order."""
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    return [(line[0], json.loads(line[2:])) for line in text.splitlines()]


async def play(peer: Raw, who: str, name: str) -> None:
    """Say one end's lines, and hear the other's; a text such as `*1` is whatever is heard there first."""
    known: dict[str, Any] = {}
    for speaker, line in lines(name):
        if speaker == who:
            await peer.say_text(json.dumps(_filled(line, known)).encode())
        else:
            heard = await peer.hear()
            _learn(line, heard, known)
            assert heard == _filled(line, known), name


def _filled(line: Any, known: dict[str, Any]) -> Any:
    if isinstance(line, dict):
        return {key: _filled(value, known) for key, value in cast("dict[str, Any]", line).items()}
    if is_list(line):
        return [_filled(value, known) for value in line]
    return known.get(line, line) if isinstance(line, str) else line


def _learn(line: Any, heard: Any, known: dict[str, Any]) -> None:
    if isinstance(line, dict) and isinstance(heard, dict):
        parts = cast("dict[str, Any]", heard)
        for key, value in cast("dict[str, Any]", line).items():
            if isinstance(value, str) and value.startswith("*"):
                known.setdefault(value, parts.get(key))
            else:
                _learn(value, parts.get(key), known)


async def wait(server: Any) -> None:
    """Let the client speak."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A protocol: what serves it, and what a client of it does.

    Attributes:
        calls: What the server does by itself, once somebody is there.
    """

    package: Any
    service: type
    drive: Callable[[Any], Coroutine[Any, Any, None]]
    serves: Mapping[str, Any] = field(default_factory=dict[str, Any])
    opens: Mapping[str, Any] = field(default_factory=dict[str, Any])
    calls: Callable[[Any], Coroutine[Any, Any, None]] = wait
    app: Callable[[], Any] | None = None
    offer: Sequence[str] = ()
    path: str = "/"


def client_of(case: Case, address: str) -> Any:
    name = case.service.protocol.name.capitalize()  # type: ignore[attr-defined]
    serve = {} if case.app is None else {"serve": case.app()}
    return getattr(case.package, f"{name}Client").open(address, **serve, **case.opens)


async def our_server_holds_it(case: Case, name: str) -> None:
    """Our server and a plain client."""
    async with serving(case.service(), hooks=dict(case.serves)) as server, anyio.create_task_group() as tasks:
        async with raw_client(server.port, case.offer, case.path) as client:
            done = anyio.Event()

            async def converse() -> None:
                await play(client, ">", name)
                done.set()

            tasks.start_soon(converse)
            while not server.peers() and not done.is_set():
                await anyio.sleep(0.01)
            await case.calls(server)
            await done.wait()


async def our_client_holds_it(case: Case, name: str) -> None:
    """Our client and a plain server."""
    heard = anyio.Event()

    async def handle(server: Raw) -> None:
        await play(server, "<", name)
        heard.set()
        await server.until_closed()

    with anyio.fail_after(BOUND):
        async with raw_server(handle, case.offer) as port, client_of(case, url(port)) as client:
            await case.drive(client)
            await heard.wait()


async def our_ends_hold_it(case: Case) -> None:
    """Our client and our server, who may say more, and otherwise."""
    async with (
        serving(case.service(), hooks=dict(case.serves)) as server,
        client_of(case, url(server.port)) as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(case.drive, client)
        await anyio.wait_all_tasks_blocked()
        await case.calls(server)
