"""Whole conversations: `websockets` and JSON play one end of each against the other end, a generated one."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import anyio
import pytest
from anyio.abc import TaskGroup
from tests.conformance.wire.sdk import Serving, sdk
from tests.conformance.wire.tables import table
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.runtime.support import until
from websockets.frames import Opcode

import duologue
from duologue import CallOptions, Connection, Server, serve

pytestmark = pytest.mark.anyio

Step = tuple[str, Any]
BOUND = 20.0
SESSIONS: dict[str, list[Any]] = table("sessions")


def steps(name: str) -> Iterator[Step]:
    for step in SESSIONS[name]:
        yield ("cut", None) if step == "cut" else next(iter(step.items()))


BODY = bytes(number % 251 for number in range(200_000))
PIECE = struct.Struct(">BBIQ")
DATA, END = 1, 2


class Names:
    """What the placeholders stand for, so far."""

    def __init__(self) -> None:
        self._found: dict[str, Any] = {"sha256": hashlib.sha256(BODY).hexdigest()}

    def fill(self, value: Any) -> Any:
        """A message to be said: names that were not heard yet are chosen."""
        if isinstance(value, dict):
            return {key: self.fill(part) for key, part in cast("dict[str, Any]", value).items()}
        if isinstance(value, list):
            return [self.fill(part) for part in cast("Any", value)]
        if not (isinstance(value, str) and value.startswith("$")):
            return value
        name, _, ours = value[1:].partition("=")
        return self._found.setdefault(name, int(ours) if ours else name)

    def check(self, expected: Any, heard: Any, place: str = "message") -> None:
        """A message that was heard: it has at least what is expected."""
        if isinstance(expected, dict):
            for key, part in cast("dict[str, Any]", expected).items():
                assert key in heard, f"{place} has no {key}: {heard}"
                self.check(part, heard[key], f"{place}.{key}")
        elif isinstance(expected, str) and expected.startswith("$"):
            name = expected[1:].partition("=")[0]
            assert name == "_" or self._found.setdefault(name, heard) == heard, f"{place}: {heard}"
        else:
            assert heard == expected, place


async def say(peer: Raw, what: dict[str, Any], names: Names) -> None:
    match names.fill(what):
        case {"pieces": {"stream": stream, "offset": offset, "until": until}}:
            for start in range(offset, until, 65536):
                await peer.say_bytes(PIECE.pack(1, DATA, stream, start) + BODY[start : min(start + 65536, until)])
        case {"end": {"stream": stream, "offset": offset}}:
            await peer.say_bytes(PIECE.pack(1, END, stream, offset))
        case message:
            await peer.say(message)


async def hear(peer: Raw, what: dict[str, Any], names: Names) -> None:
    if "pieces" in what:
        wanted = names.fill(what["pieces"])
        offset = wanted["offset"]
        while offset < wanted["until"]:
            message = bytes((await peer.hear_frame(Opcode.BINARY)).data)
            assert PIECE.unpack_from(message) == (1, DATA, wanted["stream"], offset)
            data = message[PIECE.size :]
            assert data == BODY[offset : offset + len(data)]
            offset += len(data)
        assert offset == wanted["until"]
    elif "end" in what:
        wanted = names.fill(what["end"])
        message = bytes((await peer.hear_frame(Opcode.BINARY)).data)
        assert PIECE.unpack(message) == (1, END, wanted["stream"], wanted["offset"])
    else:
        heard = await peer.hear()
        while "ack" in heard and "ack" not in what:
            heard = await peer.hear()
        names.check(what, heard)


# --------------------------------------------------------------------------------------------- against a real server
class Author:
    """The service, and who looks after it."""

    def __init__(self) -> None:
        self.service = Serving()
        self.server: Server[Any]

    async def act(self, what: dict[str, Any]) -> None:
        match what:
            case {"emit": data}:
                await self.server.emit(sdk.Moved(**data))
            case {"booked": count}:
                await until(lambda: len(self.service.booked) >= count)
                assert len(self.service.booked) == count
            case {"stored": count}:
                assert self.service.stored == [BODY] * count
            case {"heard": count}:
                [connection] = self.server.connections
                await until(
                    lambda: any(c.inflow and c.inflow.received == count for c in connection.session.incoming.values())
                )
            case {"napped": count}:
                [connection] = self.server.connections
                await until(lambda: self.service.napped == count and not connection.session.incoming)
            case _:
                pytest.fail(f"a service cannot {what}")


@pytest.mark.parametrize("name", SESSIONS)
async def test_a_server_keeps_to_the_session(name: str) -> None:
    names, author = Names(), Author()
    with anyio.fail_after(BOUND):
        async with AsyncExitStack() as servers:
            author.server = await servers.enter_async_context(serve(author.service))
            walk = list(steps(name))
            while walk:
                until_cut = walk.index(("cut", None)) if ("cut", None) in walk else len(walk)
                part, walk = walk[:until_cut], walk[until_cut + 1 :]
                if ("service", {"lose": "everything"}) in part:
                    author.service = Serving()
                    author.server = await servers.enter_async_context(serve(author.service))
                async with raw_client(author.server.port) as peer:
                    await _play_client(peer, part, names, author)


async def _play_client(peer: Raw, part: list[Step], names: Names, author: Author) -> None:
    for who, what in part:
        if who == "client":
            await say(peer, what, names)
        elif who == "server":
            await hear(peer, what, names)
        elif who == "service" and "lose" not in what:
            await author.act(what)


# --------------------------------------------------------------------------------------------- against a real client
class User:
    """Who uses the client: what is under way, and how it ended."""

    def __init__(self, client: Any, tasks: TaskGroup) -> None:
        self.client = client
        self.first: Connection = client.connection
        self._tasks = tasks
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._outcomes: dict[str, Any] = {}
        self._streams: dict[str, Any] = {}

    async def act(self, what: dict[str, Any]) -> None:
        match what:
            case {"call": {"action": action, "params": params, "as": name, **more}}:
                key = cast("str | None", more.get("key"))
                call = getattr(self.client, action)(**params, options=CallOptions(key=key))
                self._tasks.start_soon(self._await, name, call)
            case {"upload": {"action": action, "params": params, "as": name}}:
                self._tasks.start_soon(self._await, name, getattr(self.client, action)(BODY, **params))
            case {"stream": {"action": action, "params": params, "as": name}}:
                self._tasks.start_soon(self._await, name, _read_all(getattr(self.client, action)(**params)))
            case {"subscribe": {"event": event, "filter": filter, "as": name}}:
                stream = self._streams[name] = getattr(self.client.events, event)(**filter)
                self._tasks.start_soon(stream.start)
            case {"read": {"of": name, "data": data}}:
                assert json.loads((await anext(self._streams[name])).to_wire()) == data
            case {"read": {"of": name, "error": error}}:
                with pytest.raises(getattr(duologue, error)):
                    await anext(self._streams[name])
            case {"outcome": {"of": name, **outcome}}:
                await until(lambda: name in self._outcomes)
                assert self._outcomes[name] == outcome
            case {"cancel": name}:
                self._scopes[name].cancel()
            case {"dropped": count}:
                assert self.first.calls.dropped == count
            case _:
                pytest.fail(f"a user cannot {what}")

    async def _await(self, name: str, call: Any) -> None:
        with anyio.CancelScope() as self._scopes[name]:
            try:
                result = await call
            except duologue.CallError as error:
                self._outcomes[name] = {"error": type(error).__name__}
            else:
                self._outcomes[name] = {
                    "result": json.loads(result.to_wire()) if hasattr(result, "to_wire") else result
                }


async def _read_all(stream: Any) -> list[Any]:
    async with stream as items:
        return [*[item async for item in items], await items.result()]


class Script:
    """A session as the server's end of it: each connection goes on where the last one was cut."""

    def __init__(self, name: str) -> None:
        self.names = Names()
        self.failure: BaseException | None = None
        self.done = anyio.Event()
        self._steps = steps(name)
        self._user: anyio.Event = anyio.Event()
        self.user: User

    def begin(self, user: User) -> None:
        self.user = user
        self._user.set()

    async def handle(self, peer: Raw) -> None:
        try:
            for who, what in self._steps:
                if who == "cut":
                    return
                await self._take(peer, who, what)
        except Exception as error:  # noqa: BLE001 - told by the test, which waits for it
            self.failure = error
        self.done.set()
        await peer.until_closed()

    async def _take(self, peer: Raw, who: str, what: Any) -> None:
        if who == "server":
            await say(peer, what, self.names)
        elif who == "client":
            await hear(peer, what, self.names)
        elif who == "user":
            await self._user.wait()
            await self.user.act(what)


@asynccontextmanager
async def played(script: Script) -> AsyncGenerator[Any]:
    async with raw_server(script.handle) as port, anyio.create_task_group() as tasks:
        async with sdk.VectorsClient.open(f"ws://127.0.0.1:{port}") as client:
            script.begin(User(client, tasks))
            yield client
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize("name", SESSIONS)
async def test_a_client_keeps_to_the_session(name: str) -> None:
    script = Script(name)
    with anyio.fail_after(BOUND):
        async with played(script):
            await script.done.wait()
    if script.failure is not None:
        raise script.failure
