"""The driver without sockets: both ends in one process, over a network that is seeded and can fail on purpose.

Clock, timers and tasks are those of the executor that runs; only the bytes travel through here. With an event loop
whose clock is virtual, a conversation of hours takes milliseconds and goes the same way each time.
"""

from __future__ import annotations

import random
import ssl
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from typing import Any

from . import NETWORK
from .port import Executor, Future, LinkEnd, Scope, Socket, Task, Timer


class MemoryEnd:
    """One end of a connection: a `Socket` to run, and the `Transport` of the link above it.

    Attributes:
        gone: Whether the connection is no more, as far as this end knows.
        stalled: Whether nothing arrives here at present.
    """

    def __init__(self, network: MemoryNetwork, executor: Executor, number: int, name: str) -> None:
        self.name = name
        self._number = number
        self.peer: MemoryEnd
        self.stalled = False
        self._network = network
        self._executor = executor
        self._link: LinkEnd | None = None
        self._high_water = 0
        self._paused = False
        self._arrived: deque[bytes] = deque()
        self._reading = False
        self._sent: deque[Callable[[], None]] = deque()
        self._under_way = 0
        self._last_arrival = 0.0
        self._closing = False
        self.gone = False
        self._running: Future | None = None

    # a socket's side
    async def secured(self, link: LinkEnd) -> Socket | None:
        return self

    async def run(self, link: LinkEnd, high_water: int) -> None:
        """See `Socket.run`."""
        self._running = self._executor.future()
        if self._link is None:
            self._link, self._high_water = link, high_water
            link.connected(self)
        self.resume_reading()
        try:
            if not self.gone:
                await self._running
        except BaseException:
            self.abort()
            raise
        self._reading = False
        if self.gone:
            link.lost()

    # a transport's side
    def write(self, data: bytes) -> int:
        if self.gone or self._closing:
            return self._under_way
        self._under_way += len(data)
        if not self._paused and self._under_way > self._high_water and self._link is not None:
            self._paused = True
            self._link.pause_writing()
        self._send(partial(self.peer.arrive, data))
        return self._under_way

    def close(self) -> None:
        if not self._closing and not self.gone:
            self._closing = True
            self._send(self._finish)

    def abort(self) -> None:
        if not self.gone:
            self.lose()
            self._send(self.peer.lose)

    def hold(self) -> None:
        if self._running is not None and not self._running.done():
            self._running.set_result(None)

    def unsent(self) -> int:
        return self._under_way

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._executor.call_soon(self._read)

    def peer_name(self) -> str:
        return self.peer.name

    def peer_certificate(self) -> Mapping[str, Any] | None:
        return None

    # the network's side
    def release(self) -> None:
        """What was stalled goes on."""
        self.stalled = False
        self._read()

    def _send(self, arrive: Callable[[], None]) -> None:
        """Let something arrive at the other end, after what was sent before it."""
        when = max(self._last_arrival, self._executor.now() + self._network.draw_delay())
        self._last_arrival = when
        self._sent.append(arrive)
        self._executor.call_at(when, self._pass_on)

    def _pass_on(self) -> None:
        """Let arrive what was sent first: timers of the same time come in any order."""
        self._sent.popleft()()

    def _finish(self) -> None:
        """Everything was sent, and this end closes."""
        if self.peer.stalled:
            return
        self.lose()
        self.peer.end()

    def arrive(self, data: bytes) -> None:
        """Bytes from the other end are here."""
        self._arrived.append(data)
        self._read()

    def end(self) -> None:
        """The other end has closed, after all that it sent."""
        self._read()
        if self._link is not None and not self.gone:
            self._link.eof()
        self.lose()

    def _read(self) -> None:
        while self._reading and not self.stalled and not self.gone and self._arrived and self._link is not None:
            data = self._arrived.popleft()
            self.peer.taken(len(data))
            self._link.receive(data)

    def taken(self, size: int) -> None:
        """The other end has read so much of what this one sent."""
        self._under_way -= size
        if self._paused and self._under_way <= self._high_water // 4 and self._link is not None and not self.gone:
            self._paused = False
            self._link.resume_writing()

    def lose(self) -> None:
        """This end is gone."""
        if not self.gone:
            self.gone = True
            self._network.lose(self._number)
            if self._link is not None:
                self._link.lost()
            self.hold()


class MemoryListener:
    """See `Listener`."""

    def __init__(self, network: MemoryNetwork, executor: Executor, port: int) -> None:
        self.addresses = [("memory", port)]
        self._network = network
        self._executor = executor
        self._port = port
        self._waiting: deque[MemoryEnd] = deque()
        self._accepting: Future | None = None
        self._closed = False

    async def accept(self) -> MemoryEnd:
        while not self._waiting:
            if self._closed:
                raise OSError("the listener is closed")
            self._accepting = self._executor.future()
            await self._accepting
        return self._waiting.popleft()

    async def aclose(self) -> None:
        self._closed = True
        self._network.forget(self._port)
        for end in self._waiting:
            end.abort()
        self._waiting.clear()
        self._wake()

    def take(self, end: MemoryEnd) -> None:
        self._waiting.append(end)
        self._wake()

    def _wake(self) -> None:
        if self._accepting is not None and not self._accepting.done():
            self._accepting.set_result(None)


class MemoryNetwork:
    """A network of one process.

    Args:
        seed: Decides every delay.
        delay: Shortest and longest time that bytes are under way, in seconds; their order on a connection is kept.

    """

    def __init__(self, *, seed: int = 0, delay: tuple[float, float] = (0.0, 0.0)) -> None:
        self._connections: dict[int, tuple[MemoryEnd, MemoryEnd]] = {}
        self._last_connection = 0
        self._random = random.Random(seed)  # noqa: S311 - chosen so that runs can be repeated
        self._delay = delay
        self._listeners: dict[int, MemoryListener] = {}
        self._last_port = 0

    @property
    def connections(self) -> Sequence[tuple[MemoryEnd, MemoryEnd]]:
        """The connections that are not gone at both ends, the oldest first; each client's end first."""
        return list(self._connections.values())

    @contextmanager
    def use(self) -> Generator[MemoryNetwork]:
        """Servers and clients that are made inside the block live on this network, whatever host they name."""
        token = NETWORK.set(lambda executor: MemoryExecutor(executor, self))
        try:
            yield self
        finally:
            NETWORK.reset(token)

    def cut(self) -> None:
        """Break every connection; both ends are told at once."""
        for ends in self.connections:
            for end in ends:
                end.lose()

    def draw_delay(self) -> float:
        return self._random.uniform(*self._delay)

    def forget(self, port: int) -> None:
        self._listeners.pop(port, None)

    def lose(self, number: int) -> None:
        """One end of a connection is gone: when both are, nothing is left of it."""
        if all(end.gone for end in self._connections[number]):
            del self._connections[number]

    def listen(self, executor: Executor, port: int) -> MemoryListener:
        if not port:
            self._last_port += 1
            port = self._last_port
        if port in self._listeners:
            raise OSError(f"port {port} is taken")
        listener = self._listeners[port] = MemoryListener(self, executor, port)
        return listener

    def connect(self, executor: Executor, port: int) -> MemoryEnd:
        listener = self._listeners.get(port)
        if listener is None:
            raise ConnectionRefusedError(f"nobody listens on port {port}")
        number = self._last_connection
        self._last_connection += 1
        client = MemoryEnd(self, executor, number, f"client-{number}")
        server = MemoryEnd(self, executor, number, f"server-{number}")
        client.peer, server.peer = server, client
        self._connections[number] = (client, server)
        listener.take(server)
        return client


class MemoryExecutor:
    """The running executor, with a `MemoryNetwork` in the place of sockets."""

    def __init__(self, executor: Executor, network: MemoryNetwork) -> None:
        self._executor = executor
        self._network = network

    def now(self) -> float:
        return self._executor.now()

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        return self._executor.call_at(when, callback)

    def alarm_at(self, when: float, callback: Callable[[], None]) -> Timer:
        return self._executor.alarm_at(when, callback)

    def call_soon(self, callback: Callable[[], None]) -> Any:
        return self._executor.call_soon(callback)

    def call_together(self, callback: Callable[[], None]) -> None:
        self._executor.call_together(callback)

    def call_a_few(self, callback: Callable[[], None], /) -> None:
        self._executor.call_a_few(callback)

    def call_in_turn(self, callback: Callable[[], None], /, *, first: bool = False) -> None:
        self._executor.call_in_turn(callback, first=first)

    def has_in_turn(self) -> bool:
        return self._executor.has_in_turn()

    def call_spread(self, callback: Callable[[], None], /) -> None:
        self._executor.call_spread(callback)

    def cancel(self, task: Task, /) -> None:
        self._executor.cancel(task)

    def future(self) -> Future:
        return self._executor.future()

    def scope(self) -> AbstractAsyncContextManager[Scope]:
        return self._executor.scope()

    async def connect(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, server_hostname: str | None, limit: float
    ) -> MemoryEnd:
        return self._network.connect(self._executor, port)

    async def listen(self, host: str, port: int, *, tls: ssl.SSLContext | None, handshake: float) -> MemoryListener:
        return self._network.listen(self._executor, port)
