"""The driver for trio."""

from __future__ import annotations

import contextvars
import os
import socket
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final

import trio

from .listening import address_of, listening_socket, peer_of
from .options import limit_unsent
from .port import LinkEnd, Scope, Socket
from .trio_tasks import TrioFuture, clockwork, scope

READ_SIZE: Final = 64 * 1024
WRITE_SIZE: Final = 64 * 1024
"""Sent at once, so that the link sees progress while much is waiting."""

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


def _socket_of(stream: Stream) -> trio.socket.SocketType:
    return (stream.transport_stream if isinstance(stream, trio.SSLStream) else stream).socket


class TrioTransport:
    """A stream and what waits to be sent on it."""

    def __init__(self, stream: Stream, link: LinkEnd, high_water: int) -> None:
        self._stream = stream
        self._socket = _socket_of(stream)
        self._link = link
        self._high_water = high_water
        self._waiting = bytearray()
        self._sending = 0
        self._paused = False
        self._closing = self._socket.fileno() < 0  # it was given up before it was run
        self._readable = trio.Event()
        self._readable.set()
        self._written: TrioFuture | None = None  # what the writer waits for, done while it writes; None: there is none
        self._leaving = False
        self._nursery: trio.Nursery | None = None

    # the link's side
    def write(self, data: bytes) -> int:
        if self._closing:
            return self.unsent()
        if not self.unsent():
            data = data[self._write_now(data) :]
            if not data:
                return 0
        self._waiting += data
        if not self._paused and self.unsent() > self._high_water:
            self._paused = True
            self._link.pause_writing()
        self._wake_writer()
        return self.unsent()

    def close(self) -> None:
        self._closing = True
        self._end_when_written()

    def abort(self) -> None:
        self._closing, self._leaving = True, False
        self._waiting.clear()
        self._end()
        if self._nursery is None:  # it is held: nobody reads or writes
            self._link.lost()

    def hold(self) -> None:
        """What is being written is finished first; to stop reading loses nothing."""
        self._leaving = True
        self._end_when_written()

    def unsent(self) -> int:
        return len(self._waiting) + self._sending

    def pause_reading(self) -> None:
        if self._readable.is_set() and not self._closing:
            self._readable = trio.Event()

    def resume_reading(self) -> None:
        self._readable.set()

    def peer_name(self) -> str:
        return peer_of(self._socket)

    def peer_certificate(self) -> Mapping[str, Any] | None:
        if not isinstance(self._stream, trio.SSLStream):
            return None
        return self._stream.getpeercert() or None

    def _write_now(self, data: bytes) -> int:
        """Write what the kernel takes at once, nearly always all of it: to wake a task for it costs as much again."""
        if isinstance(self._stream, trio.SSLStream):
            return 0
        try:
            return os.write(self._socket.fileno(), data)
        except OSError:  # there is no room, or no connection: the writer meets either again
            return 0

    # the driver's side
    async def carry(self) -> None:
        """Read and write until the connection is gone or held."""
        self._leaving = False
        async with trio.open_nursery() as self._nursery:
            if self._waiting:
                self._wake_writer()
            await self._read()
        self._nursery = self._written = None
        if not self._leaving:
            self._socket.close()
            self._link.lost()

    async def _read(self) -> None:
        is_plain = os.name == "posix" and not isinstance(self._stream, trio.SSLStream)
        receive = self._receive if is_plain else self._receive_any
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            while not self._closing and (data := await receive()):
                self._link.receive(data)
                data = b""  # what came stays no longer, and what was made for `READ_SIZE` would break up the heap
        if not self._closing:
            self._link.eof()
            self.close()

    async def _receive_any(self) -> bytes:
        if not self._readable.is_set():
            await self._readable.wait()
        return bytes(await self._stream.receive_some(READ_SIZE))

    async def _receive(self) -> bytes:
        """As a stream does, which asks the kernel before it waits, and nearly always in vain."""
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            if not self._readable.is_set():  # paused after what was read last, or while there was nothing
                await self._readable.wait()
            with suppress(BlockingIOError):
                return os.read(self._socket.fileno(), READ_SIZE)

    async def _write(self) -> None:
        """Write what waits, and wait for more: nearly all is written at once, and needs no such task."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while True:
                while self._waiting:
                    piece = bytes(self._waiting[:WRITE_SIZE])
                    del self._waiting[:WRITE_SIZE]
                    self._sending = len(piece)
                    await self._stream.send_all(piece)
                    self._sending, piece = 0, b""  # it stays no longer, as above
                    if self._paused and self.unsent() <= self._high_water // 4:
                        self._paused = False
                        self._link.resume_writing()
                if self._closing or self._leaving:
                    break
                self._written = TrioFuture()
                await self._written
        self._end()

    def _wake_writer(self) -> None:
        if self._nursery is None:  # it is held
            return
        if self._written is None:
            self._written = TrioFuture()
            self._written.set_result(None)
            contextvars.Context().run(self._nursery.start_soon, self._write)
        elif not self._written.done():
            self._written.set_result(None)

    def _end_when_written(self) -> None:
        if self._written is not None:
            self._wake_writer()
        elif not self._waiting:
            self._end()

    def _end(self) -> None:
        """Let `carry` return: who reads or writes hears that the socket is closed, which costs less than to cancel."""
        if self._leaving:
            assert self._nursery is not None, "what is held is not held again"
            self._nursery.cancel_scope.cancel()
        else:
            self._closing = True
            self._socket.close()
            self._readable.set()
            if self._written is not None:
                self._wake_writer()


class TrioSocket:
    """See `Socket`."""

    def __init__(self, stream: trio.SocketStream, tls: ssl.SSLContext | None = None, handshake: float = 0.0) -> None:
        self._stream: Stream = stream
        self._tls = tls
        self._handshake = handshake
        self._transport: TrioTransport | None = None
        self._beginning: trio.CancelScope | None = None
        limit_unsent(stream)

    async def secured(self, link: LinkEnd) -> Socket | None:
        return self  # `run` sees to it: a task of trio's keeps what it was begun with

    async def run(self, link: LinkEnd, high_water: int) -> None:
        """See `Socket.run`."""
        try:
            if self._transport is None:
                await self._begin()
                self._transport = TrioTransport(self._stream, link, high_water)
                link.connected(self._transport)
            await self._transport.carry()
        except OSError:  # the peer went away, or does not speak TLS: its own problem
            self._close()
            link.lost()
        except BaseException:
            self._close()
            link.lost()
            raise

    async def begin_tls(self, tls: ssl.SSLContext, server_hostname: str | None) -> None:
        """Shake hands over TLS. Raises `ssl.SSLError` or another `OSError`."""
        stream = self._stream
        assert isinstance(stream, trio.SocketStream)
        secure = trio.SSLStream(
            stream,
            tls,
            server_hostname=server_hostname,
            server_side=server_hostname is None,
            https_compatible=True,  # TLS cannot half-close, and few peers wait for its goodbye
        )
        try:
            await secure.do_handshake()
        except trio.BrokenResourceError as error:
            raise error.__cause__ if isinstance(error.__cause__, OSError) else OSError("TLS failed") from error
        self._stream = secure

    def abort(self) -> None:
        if self._beginning is None:
            self._close()
        else:
            self._beginning.cancel()

    def peer_name(self) -> str:
        return peer_of(_socket_of(self._stream))

    def _close(self) -> None:
        _socket_of(self._stream).close()

    async def _begin(self) -> None:
        if self._tls is not None:
            with trio.move_on_after(self._handshake) as self._beginning:
                await self.begin_tls(self._tls, None)
            if self._beginning.cancelled_caught:
                raise TimeoutError("TLS took too long, or was given up")
            self._beginning = None


class TrioListener:
    """See `Listener`."""

    def __init__(self, listening: socket.socket, tls: ssl.SSLContext | None, handshake: float) -> None:
        self.addresses = [address_of(listening)]
        self._socket = trio.socket.from_stdlib_socket(listening)
        self._tls = tls
        self._handshake = handshake

    async def accept(self) -> TrioSocket:
        if self._socket.fileno() < 0:
            raise OSError("the listener is closed")
        try:
            accepted, _ = await self._socket.accept()
        except trio.ClosedResourceError:
            raise OSError("the listener is closed") from None
        return TrioSocket(trio.SocketStream(accepted), self._tls, self._handshake)

    async def aclose(self) -> None:
        self._socket.close()


class TrioExecutor:
    """See `Executor`."""

    def __init__(self) -> None:
        self.now = trio.current_time
        self.future = TrioFuture
        self.call_at = self.alarm_at = clockwork().call_at
        self.call_soon = self.call_together = clockwork().call_soon
        self.cancel = clockwork().pace.cancel
        self.call_a_few = clockwork().ending.call
        self.call_in_turn, self.has_in_turn = clockwork().queue.wait, clockwork().queue.has_waiting
        self.call_spread = clockwork().spread.call

    def scope(self) -> AbstractAsyncContextManager[Scope]:
        return scope()

    async def connect(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, server_hostname: str | None, limit: float
    ) -> TrioSocket:
        with trio.move_on_after(limit):
            connected = TrioSocket(await trio.open_tcp_stream(host, port))
            if tls is not None:
                try:
                    await connected.begin_tls(tls, server_hostname or host)
                except BaseException:
                    connected.abort()
                    raise
            return connected
        raise TimeoutError(f"no connection within {limit:g} s")

    async def listen(self, host: str, port: int, *, tls: ssl.SSLContext | None, handshake: float) -> TrioListener:
        return TrioListener(await listening_socket(host, port), tls, handshake)
