"""The driver for asyncio, and so for uvloop."""

from __future__ import annotations

import asyncio
import contextvars
import math
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol, cast, runtime_checkable

from typing_extensions import override

from ..deadlines import Deadline, Deadlines
from .listening import address_of, host_of, listening_socket, peer_of
from .options import limit_unsent
from .pace import A_FEW, A_SHARE, AT_ONCE, LONG_READ, Pace, Queue, Spread
from .port import LinkEnd, Scope, Socket, Task, Timer

TLS_CLOSE = 1.0
"""Seconds for TLS's own goodbye; TLS cannot half-close, so nothing is lost by cutting it short."""


READ_SIZE: Final = 64 * 1024
"""Bytes that a read asks for. asyncio makes room for each anew: for its own 256 KiB the C library asks the kernel, and
gives it back at once, which takes a fifth of a call that is alone."""


@runtime_checkable
class _Reading(Protocol):
    """asyncio's own transports; those of uvloop, and of TLS, have buffers that stay."""

    max_size: int


class AsyncioTransport(asyncio.Protocol):
    """Between an asyncio transport and a link; holds what comes before there is a link."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.link: LinkEnd | None = None
        self.early = b""
        self.gone = False
        self._running: asyncio.Future[None] | None = None

    # asyncio's callbacks
    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if isinstance(transport, _Reading):
            transport.max_size = READ_SIZE
        self.transport.pause_reading()  # uvloop starts to read after this all the same

    @override
    def data_received(self, data: bytes) -> None:
        if self.link is not None:
            self.link.receive(data)
        else:
            self.early += data
            self._live.pause_reading()

    @override
    def eof_received(self) -> bool:
        if self.link is not None:
            self.link.eof()
        return False  # asyncio closes the transport once everything is written

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self.link is not None:
            self.link.lost()
        self.gone = True
        self._stop_running()

    @override
    def pause_writing(self) -> None:
        assert self.link is not None, "nobody else writes"
        self.link.pause_writing()

    @override
    def resume_writing(self) -> None:
        assert self.link is not None, "nobody else writes"
        self.link.resume_writing()

    @property
    def socket(self) -> Any:
        """What the transport is over."""
        return self._live.get_extra_info("socket")

    # the link's side
    @property
    def _live(self) -> asyncio.Transport:
        assert self.transport is not None
        return self.transport

    def write(self, data: bytes) -> int:
        transport = self.transport
        assert transport is not None
        if not transport.is_closing():  # asyncio would log each write after a failed one, uvloop raise
            transport.write(data)
        return transport.get_write_buffer_size()

    def close(self) -> None:
        self._live.close()

    def abort(self) -> None:
        self._live.abort()

    def unsent(self) -> int:
        return self._live.get_write_buffer_size()

    def pause_reading(self) -> None:
        self._live.pause_reading()

    def resume_reading(self) -> None:
        if not self._live.is_closing():
            self._live.resume_reading()

    def peer_name(self) -> str:
        return host_of(self._live.get_extra_info("peername"))

    def peer_certificate(self) -> Mapping[str, Any] | None:
        return self._live.get_extra_info("peercert") or None

    def hold(self) -> None:
        self._stop_running()

    async def run(self, link: LinkEnd, high_water: int) -> None:
        """See `Socket.run`."""
        self._running = self.loop.create_future()
        self.resume_reading()  # what came early may lead to a pause
        if self.link is None:
            self.link = link
            if not self.gone:  # else uvloop raises
                self._live.set_write_buffer_limits(high=high_water)
            link.connected(self)
            if self.early:
                link.receive(self.early)
                self.early = b""
        try:
            if not self.gone:
                await self._running
        except asyncio.CancelledError:
            self.abort()
            link.lost()
            raise
        if self.gone:
            link.lost()
        else:
            self.pause_reading()

    def _stop_running(self) -> None:
        if self._running is not None and not self._running.done():
            self._running.set_result(None)


class UvloopTransport(AsyncioTransport):
    """uvloop reads up to 32 times from a socket before it looks at another; what is long it reads once a turn."""

    def __init__(self) -> None:
        super().__init__()
        self._is_paused = True

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if len(data) > LONG_READ and not self._is_paused and not self._live.is_closing():
            self._live.pause_reading()
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if not self._is_paused:
            self.resume_reading()

    @override
    def pause_reading(self) -> None:
        self._is_paused = True
        super().pause_reading()

    @override
    def resume_reading(self) -> None:
        self._is_paused = False
        super().resume_reading()


def _is_uvloop(loop: asyncio.AbstractEventLoop) -> bool:
    return any(kind.__module__.partition(".")[0] == "uvloop" for kind in type(loop).__mro__)


def _new_transport() -> AsyncioTransport:
    return UvloopTransport() if _is_uvloop(asyncio.get_running_loop()) else AsyncioTransport()


class AcceptedSocket:
    """See `Accepted`."""

    def __init__(self, accepted: socket.socket, tls: ssl.SSLContext | None, handshake: float) -> None:
        self._socket = accepted
        limit_unsent(accepted)  # here, since a transport makes another object of its socket for whoever asks
        self._tls = tls
        self._handshake = handshake
        self._aborted = False
        self._beginning: asyncio.Timeout | None = None

    async def secured(self, link: LinkEnd) -> Socket | None:
        loop = asyncio.get_running_loop()
        transport = _new_transport()  # uvloop returns its own TLS protocol in the place of this one
        options = {"ssl_handshake_timeout": self._handshake, "ssl_shutdown_timeout": TLS_CLOSE} if self._tls else {}
        try:
            async with asyncio.timeout(None) as self._beginning:
                await loop.connect_accepted_socket(lambda: transport, self._socket, ssl=self._tls, **options)
        except BaseException as error:
            self._socket.close()
            link.lost()
            if isinstance(error, OSError):  # the peer went away, or does not speak TLS: its own problem
                return None
            raise
        finally:
            self._beginning = None
        if self._aborted:  # as it was about to succeed
            transport.abort()
            link.lost()
            return None
        return transport

    def abort(self) -> None:
        if self._beginning is None:
            self._socket.close()
        elif not self._aborted:
            self._beginning.reschedule(0.0)
        self._aborted = True

    def peer_name(self) -> str:
        return peer_of(self._socket)


class AsyncioListener:
    """See `Listener`."""

    def __init__(self, listening: socket.socket, tls: ssl.SSLContext | None, handshake: float) -> None:
        self._socket = listening
        self._tls = tls
        self._handshake = handshake
        self._accepting: asyncio.Task[tuple[socket.socket, Any]] | None = None
        self._closed = False
        self.addresses = [address_of(listening)]

    async def accept(self) -> AcceptedSocket:
        loop = asyncio.get_running_loop()
        if self._closed:
            raise OSError("the listener is closed")
        self._accepting = loop.create_task(loop.sock_accept(self._socket))
        try:
            accepted, _ = await self._accepting
        except asyncio.CancelledError:
            if self._closed:
                raise OSError("the listener is closed") from None
            raise
        return AcceptedSocket(accepted, self._tls, self._handshake)

    async def aclose(self) -> None:
        accepting, self._closed = self._accepting, True
        if accepting is not None and not accepting.done():
            accepting.cancel()
            await asyncio.wait([accepting])  # the loop must let go of the descriptor before it is closed
        self._socket.close()


class AsyncioScope:
    """See `Scope`; the context manager that gives it is the scope itself."""

    def __init__(self, pace: Pace) -> None:
        self._loop = asyncio.get_running_loop()
        self._pace = pace
        self._tasks: dict[Task, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Scope:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()

    def spawn(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> Task:
        return self.start(self._run(function, args))

    def start(self, coroutine: Coroutine[Any, Any, None]) -> Task:
        task = self._loop.create_task(coroutine, context=contextvars.Context())
        self._tasks[task] = task
        return task

    def ended(self, task: Task) -> None:
        del self._tasks[task]

    async def _run(self, function: Callable[..., Coroutine[Any, Any, None]], args: tuple[Any, ...]) -> None:
        """Take the task out at its end: a callback of its own would cost another turn of the loop."""
        task = asyncio.current_task()
        assert task is not None, "nobody else runs this"
        try:
            await function(*args)
        except Exception as error:  # noqa: BLE001 - told to whoever watches the loop, as that of any task is
            context = {"message": "a task of a connection failed", "exception": error, "task": task}
            self._loop.call_exception_handler(context)
        finally:
            self.ended(task)

    def _cancel(self) -> None:
        for task in list(self._tasks.values()):
            self._pace.cancel(task)

    async def aclose(self) -> None:
        """Cancel what runs and wait for it, however often this is cancelled itself."""
        cancelled: asyncio.CancelledError | None = None
        self._loop.call_soon(self._loop.call_soon, self._cancel)  # what was only just spawned takes its first step
        while self._tasks:
            try:
                await asyncio.wait(list(self._tasks.values()))
            except asyncio.CancelledError as error:
                cancelled = error
            else:  # one that was cancelled before its first step did not take itself out
                self._tasks = {task: task for task in self._tasks.values() if not task.done()}
        if cancelled is not None:
            raise cancelled


class _Alarm:
    """See `Timer`."""

    __slots__ = ("_among", "_deadline")

    def __init__(self, deadline: Deadline[Callable[[], None]], among: Deadlines[Callable[[], None]]) -> None:
        self._deadline = deadline
        self._among = among

    def cancel(self) -> None:
        self._among.discard(self._deadline)


class AsyncioExecutor:
    """See `Executor`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.now, self._early = self._loop.time, 0.0
        if _is_uvloop(self._loop):  # which counts whole milliseconds, and rings at the nearest
            self.now, self._early = time.monotonic, 0.0005
        self.call_soon = self._loop.call_soon
        self.future = self._loop.create_future
        self._pace = Pace(self._loop.call_soon, AT_ONCE, share=A_SHARE)
        self.cancel = self._pace.cancel
        self.call_a_few = Pace(self._loop.call_soon, A_FEW).call
        queue = Queue(self._loop.call_soon)
        self.call_in_turn, self.has_in_turn = queue.wait, queue.has_waiting
        self.call_spread = Spread(self.now, self.call_at).call
        self._together: list[Callable[[], None]] = []
        self._alarms: Deadlines[Callable[[], None]] = Deadlines()
        self._timer: Timer | None = None
        self._rings_at = math.inf
        self._of_timers = contextvars.Context()

    def call_together(self, callback: Callable[[], None]) -> None:
        if not self._together:  # an event to thousands of connections would be as many callbacks
            self._loop.call_soon(self._call_all)
        self._together.append(callback)

    def _call_all(self) -> None:
        callbacks, self._together = self._together, []
        self._call(callbacks)

    def _call(self, callbacks: Sequence[Callable[[], None]]) -> None:
        for callback in callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - told as the loop tells it, and the others have their turn
                self._loop.call_exception_handler({"message": "a callback of a connection failed", "exception": error})

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        # not the caller's context, which may be that of one request
        return self._loop.call_at(when + self._early, callback, context=self._of_timers)

    def alarm_at(self, when: float, callback: Callable[[], None]) -> Timer:
        deadline = self._alarms.push(when, callback)
        if when < self._rings_at:
            self._set_timer(when)
        return _Alarm(deadline, self._alarms)

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at, self._timer = when, self.call_at(when, self._ring)

    def _ring(self) -> None:
        now = max(self.now(), self._rings_at)
        self._rings_at, self._timer = math.inf, None
        for _ in range(len(self._alarms)):  # what is set for now meanwhile has its turn later
            callback = self._alarms.take(now)
            if callback is None:
                break
            self._call([callback])
        first = self._alarms.next()
        if first is not None and first < self._rings_at:
            self._set_timer(first)

    def scope(self) -> AbstractAsyncContextManager[Scope]:
        return AsyncioScope(self._pace)

    async def connect(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, server_hostname: str | None, limit: float
    ) -> AsyncioTransport:
        options: dict[str, Any] = {}
        if tls is not None:
            options = {"ssl_shutdown_timeout": TLS_CLOSE, "server_hostname": server_hostname or host}
        async with asyncio.timeout(limit):
            _, transport = await self._loop.create_connection(_new_transport, host, port, ssl=tls, **options)
        limit_unsent(transport.socket)
        return transport

    async def listen(self, host: str, port: int, *, tls: ssl.SSLContext | None, handshake: float) -> AsyncioListener:
        return AsyncioListener(await listening_socket(host, port), tls, handshake)
