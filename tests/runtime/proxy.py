"""A TCP proxy that fails on purpose, between a client and a server of a test."""

from __future__ import annotations

import errno
import math
import selectors
import socket
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

import anyio

CHUNK = 64 * 1024
TICK = 0.01
"""Seconds between two looks at what a bounded rate lets pass."""


class Direction(Enum):
    """Where bytes go."""

    UP = "client to server"
    DOWN = "server to client"


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut a connection as soon as so many bytes have passed in this direction."""

    direction: Direction
    after: int


class _Way:
    """One direction of a connection: what was taken and not passed on, and how many bytes may pass before a cut."""

    __slots__ = ("ended", "left", "not_before", "sink", "source", "waiting")

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.waiting = bytearray()
        self.left: int | None = None
        self.ended = False
        self.not_before = 0.0


class _Pair:
    """A connection: the client's socket, the server's, and both directions."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.ways = {Direction.UP: _Way(near, far), Direction.DOWN: _Way(far, near)}
        self.sockets = (near, far)
        self.interests = [0, 0]
        self.half_open = False


class Proxy:
    """Passes bytes on.

    One task waits for all of its sockets, so that a connection costs little and `cut` is done when it returns.

    Attributes:
        port: Where it listens.
        target: The port that it connects to.
        accepted: Connections so far.
        refusing: New connections are cut at once.
        cuts: Gives each new connection its cut, None for one that is left alone; where it ends, so are all others.
        cut_short: How often bytes were counted up to a cut.
        passed: Bytes that were passed on, each way.
        at_cut: Called at such a moment, when all that was to pass has been handed over and the connection still stands.
    """

    def __init__(self, listening: socket.socket, target: int) -> None:
        self.port: int = listening.getsockname()[1]
        self.target = target
        self.accepted = 0
        self.refusing = False
        self._rate: float | None = None
        self.cuts: Iterator[Cut | None] = iter(())
        self.cut_short = 0
        self.passed = dict.fromkeys(Direction, 0)
        self.at_cut: Callable[[], object] = lambda: None
        self._stalled = False
        self._pairs: dict[_Pair, None] = {}
        self._listening = listening
        self._selector = selectors.DefaultSelector()
        self._selector.register(listening, selectors.EVENT_READ)

    @property
    def stalled(self) -> bool:
        """Whether nothing is passed on."""
        return self._stalled

    @stalled.setter
    def stalled(self, stalled: bool) -> None:
        self._stalled = stalled
        for pair in self._pairs:
            self._watch(pair)

    @property
    def rate(self) -> float | None:
        """Bytes that it passes on in a second, each way of each connection; None for no bound."""
        return self._rate

    @rate.setter
    def rate(self, rate: float | None) -> None:
        self._rate = rate
        for pair in self._pairs:
            self._watch(pair)

    def cut(self) -> None:
        """End all connections, without a goodbye."""
        for pair in list(self._pairs):
            self._close(pair)

    def half_open(self) -> None:
        """End all connections on the client's side; the server is told nothing, and what it says goes nowhere."""
        for pair in self._pairs:
            near, far = pair.sockets
            for each, interest in zip(pair.sockets, pair.interests, strict=True):
                if interest:
                    self._selector.unregister(each)
            pair.half_open = True
            pair.interests = [0, selectors.EVENT_READ]
            self._selector.register(far, selectors.EVENT_READ, pair)
            near.close()

    def cut_after(self, cut: Cut | None) -> None:
        """Let the living connections be cut; bytes are counted from now. None takes that back."""
        for pair in list(self._pairs):
            for way in pair.ways.values():
                way.left = None
            if cut is not None:
                self._let_pass(pair, pair.ways[cut.direction], cut.after)

    async def run(self) -> None:
        """Pass bytes on until cancelled."""
        try:
            while True:
                with anyio.move_on_after(math.inf if self.rate is None else TICK):
                    await anyio.wait_readable(self._selector.fileno())
                for pair in self._pairs if self.rate is not None else ():
                    self._watch(pair)  # more may pass by now
                for key, _ in self._selector.select(0):
                    if key.fileobj is self._listening:
                        self._accept()
                    elif key.data in self._pairs:  # it may have been cut just now
                        self._carry(key.data)
        finally:
            self.cut()
            self._selector.close()

    def _accept(self) -> None:
        near, _ = self._listening.accept()
        self.accepted += 1
        far = socket.socket()
        for each in (near, far):
            each.setblocking(False)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.refusing or far.connect_ex(("127.0.0.1", self.target)) not in (0, errno.EINPROGRESS):
            near.close()
            far.close()
            return
        pair = _Pair(near, far)
        self._pairs[pair] = None
        self._watch(pair)
        cut = next(self.cuts, None)
        if cut is not None:
            self._let_pass(pair, pair.ways[cut.direction], cut.after)

    def _let_pass(self, pair: _Pair, way: _Way, count: int) -> None:
        way.left = count
        if not count:
            self._cut_short(pair)

    def _cut_short(self, pair: _Pair) -> None:
        self.cut_short += 1
        self.at_cut()
        self._close(pair)

    def _close(self, pair: _Pair) -> None:
        del self._pairs[pair]
        for each, interest in zip(pair.sockets, pair.interests, strict=True):
            if interest:
                self._selector.unregister(each)
            each.close()

    def _carry(self, pair: _Pair) -> None:
        """Take and pass on what can be had."""
        if pair.half_open:
            self._swallow(pair)
            return
        try:
            for direction, way in pair.ways.items():
                if self._may_take(way):
                    self._take(way)
                if way.waiting:
                    self.passed[direction] += self._pass_on(way)
        except OSError:
            self._close(pair)
            return
        if any(way.left == 0 for way in pair.ways.values()):
            self._cut_short(pair)
        elif any(way.ended and not way.waiting for way in pair.ways.values()):
            self._close(pair)
        else:
            self._watch(pair)

    def _swallow(self, pair: _Pair) -> None:
        """Take what the server still says, as the network in between would, until it gives up."""
        try:
            gone = not pair.sockets[1].recv(CHUNK)
        except OSError:
            gone = True
        if gone:
            self._close(pair)

    def _take(self, way: _Way) -> None:
        most = CHUNK if self.rate is None else max(1, int(self.rate * TICK))
        try:
            data = way.source.recv(most if way.left is None else min(most, way.left))
        except BlockingIOError:
            return
        if self.rate is not None:
            way.not_before = time.monotonic() + len(data) / self.rate
        way.waiting += data
        way.ended = not data

    def _pass_on(self, way: _Way) -> int:
        try:
            sent = way.sink.send(way.waiting)
        except BlockingIOError:
            return 0
        del way.waiting[:sent]
        if way.left is not None:
            way.left -= sent
        return sent

    def _interests(self, pair: _Pair) -> Iterator[int]:
        """What to wait for at the near socket, and at the far one."""
        up, down = pair.ways.values()
        for way_from, way_to in ((up, down), (down, up)):
            takes = self._may_take(way_from)
            yield selectors.EVENT_READ * takes | selectors.EVENT_WRITE * bool(way_to.waiting)

    def _may_take(self, way: _Way) -> bool:
        is_time = self._rate is None or time.monotonic() >= way.not_before
        return is_time and not way.waiting and not self._stalled

    def _watch(self, pair: _Pair) -> None:
        for number, interest in enumerate(self._interests(pair) if not pair.half_open else ()):
            if interest == pair.interests[number]:
                continue
            if pair.interests[number]:
                self._selector.unregister(pair.sockets[number])
            if interest:
                self._selector.register(pair.sockets[number], interest, pair)
            pair.interests[number] = interest


@asynccontextmanager
async def proxied(target: int, *, buffer: int | None = None) -> AsyncGenerator[Proxy]:
    """A proxy in front of a port; `buffer` is how many bytes its system takes from a client before it does."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        if buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        listening.setblocking(False)
        async with anyio.create_task_group() as tasks:
            proxy = Proxy(listening, target)
            tasks.start_soon(proxy.run)
            yield proxy
            tasks.cancel_scope.cancel()
