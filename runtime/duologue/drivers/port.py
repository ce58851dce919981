"""What a driver offers: sockets, timers, tasks, and nothing else.

The rest of the runtime is written against these; one module an executor implements them.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class Timer(Protocol):
    """A callback that is due later."""

    def cancel(self) -> None: ...


class Future(Protocol):
    """A result that is awaited once, and set once. Who waits may be cancelled: ask `done` before setting."""

    def done(self) -> bool: ...
    def set_result(self, result: Any, /) -> None: ...
    def __await__(self) -> Generator[Any, None, Any]: ...


def wake(future: Future) -> None:
    """Let whoever awaits a future go on, if anybody still does."""
    if not future.done():
        future.set_result(None)


class Task(Protocol):
    """A running task; cancelling one that has ended does nothing."""

    def cancel(self) -> Any: ...


class Scope(Protocol):
    """Where tasks run. When it is left, those still running are cancelled and waited for."""

    def spawn(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> Task:
        """Start a task after the current callback, in a context of its own; it must not raise."""
        ...

    def start(self, coroutine: Coroutine[Any, Any, None]) -> Task:
        """As `spawn`, for what tells by `ended` that it ends: nothing more than its coroutine is kept meanwhile."""
        ...

    def ended(self, task: Task) -> None:
        """What was given to `start` ends, however it does; what is cancelled before its first step need not tell."""
        ...


class Transport(Protocol):
    """The byte stream under a link."""

    def write(self, data: bytes) -> int:
        """Send; returns what `unsent` says after it."""
        ...

    def close(self) -> None:
        """Send what waits, then close."""
        ...

    def abort(self) -> None:
        """Close now."""
        ...

    def hold(self) -> None:
        """Let `run` return, with the connection as it is."""
        ...

    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        ...

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def peer_name(self) -> str:
        """The peer's host."""
        ...

    def peer_certificate(self) -> Mapping[str, Any] | None:
        """The peer's certificate, as `ssl.SSLSocket.getpeercert` gives it; None unless TLS checked one."""
        ...


class LinkEnd(Protocol):
    """What a driver tells the link above it."""

    def connected(self, transport: Transport) -> None: ...
    def receive(self, data: bytes) -> None: ...
    def eof(self) -> None: ...
    def lost(self) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


class Socket(Protocol):
    """A connected socket that nobody reads yet."""

    async def run(self, link: LinkEnd, high_water: int) -> None:
        """Carry bytes between socket and link until the connection is gone, or until the link asks to `hold` it.

        When it is gone, the link was told `lost`. A connection that is held waits, unread, to be run again.
        Cancelling aborts the connection.

        Args:
            high_water: Unsent bytes above which the link is told `pause_writing`.
        """
        ...

    def abort(self) -> None:
        """Close a socket that was never run, or whose link was not told `connected` yet: TLS may be shaking hands."""
        ...

    def peer_name(self) -> str:
        """The peer's host."""
        ...


class Accepted(Protocol):
    """A server's accepted socket."""

    async def secured(self, link: LinkEnd) -> Socket | None:
        """What is to be run, after which this one can go; TLS shakes hands here, or when that is run.

        None where it failed: the link was told `lost`.
        """
        ...

    def abort(self) -> None:
        """Close it, whatever TLS is about."""
        ...

    def peer_name(self) -> str:
        """The peer's host."""
        ...


class Listener(Protocol):
    """A listening socket."""

    addresses: list[tuple[str, int]]

    async def accept(self) -> Accepted:
        """The next connection; waits while there is none. Raises `OSError` when closed."""
        ...

    async def aclose(self) -> None: ...


class Executor(Protocol):
    """Clock, timers, futures, tasks and sockets of one kind of event loop."""

    def now(self) -> float:
        """Seconds on a monotonic clock."""
        ...

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer: ...
    def alarm_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """As `call_at`, for what each of thousands of connections waits for: all of it shares one timer of the loop."""
        ...

    def call_soon(self, callback: Callable[[], None]) -> Any:
        """Call after everything that is ready now."""
        ...

    def call_together(self, callback: Callable[[], None]) -> None:
        """Call once what is ready now has been dealt with; what many ask for in one turn may be one callback."""
        ...

    def cancel(self, task: Task, /) -> None:
        """Cancel a task: now, or in one of the next turns where many are, so that all else has its turn, too."""
        ...

    def call_a_few(self, callback: Callable[[], None], /) -> None:
        """Call what ends a connection: now, or in one of the next turns where there are many, as with `cancel`."""
        ...

    def call_in_turn(self, callback: Callable[[], None], /, *, first: bool = False) -> None:
        """Call what may take long, when others have had several turns since anything else that does.

        Args:
            first: Whether it is called before what waits already, since it goes on with what is half done.
        """
        ...

    def has_in_turn(self) -> bool:
        """Whether anything waits that was given to `call_in_turn`."""
        ...

    def call_spread(self, callback: Callable[[], None], /) -> None:
        """Call a little later what strangers may make thousands of connections ask for at once, a few a millisecond."""
        ...

    def future(self) -> Future: ...
    def scope(self) -> AbstractAsyncContextManager[Scope]: ...
    async def connect(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, server_hostname: str | None, limit: float
    ) -> Socket:
        """Connect within `limit` seconds. Raises `OSError` (`ssl.SSLError` among them) or `TimeoutError`."""
        ...

    async def listen(self, host: str, port: int, *, tls: ssl.SSLContext | None, handshake: float) -> Listener: ...
