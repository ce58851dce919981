"""The client: one connection in the caller's task, or one that is kept and renewed in the background."""

from __future__ import annotations

import logging
import random
import secrets
import ssl
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

import anyio
import msgspec
from anyio.from_thread import start_blocking_portal

from .channel import Channel
from .close_codes import FINAL, CloseCode
from .connection import Connection
from .descriptors import API_LEVEL, Protocol
from .dialer import Dialer, Token
from .drivers import current
from .drivers.port import Executor, Future, Scope, Socket, wake
from .errors import CallError, ConnectFailed, ConnectionClosed, NotSent
from .events import EventHub, EventStream
from .gate import Gate
from .keyed import KeyedCalls, MemoryAnswers
from .limits import Limits
from .models import Event
from .party import Party
from .peer import Peer
from .service import Service
from .uploads import HeldUploads
from .wire import Hello

_LOG: Final = logging.getLogger("duologue")

ClientT = TypeVar("ClientT", bound="Client")
SyncT = TypeVar("SyncT")

FIRST_DELAY: Final = 0.1
LONGEST_DELAY: Final = 30.0
"""Back-off between attempts to connect, in seconds: a random part of a delay that doubles (full jitter)."""

REFUSED: Final = frozenset({400, 401, 403, 405, 410, 426})
"""Answers to a handshake after which a client that was connected does not try again. 404 is none of them: it is what a
server says that restarts and does not know its paths yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """What a client with a kept connection tells of it. None of these may block.

    Attributes:
        connected: The first connection, or a new one, stands.
        lost: The connection is gone, and not because the client was closed; another is being made, unless the close
            code is a final one.
    """

    connected: Callable[[], None] | None = None
    lost: Callable[[ConnectionClosed], None] | None = None


def _tell(callback: Callable[..., None] | None, *args: object) -> None:
    """Call back into the user's code; what it raises is logged, and nobody else's problem."""
    if callback is not None:
        try:
            callback(*args)
        except Exception:  # noqa: BLE001 - whatever the user's code raises
            _LOG.exception("a callback of the connection's life failed")


class Client(Peer):
    """Base of the generated clients.

    Attributes:
        protocol: The generated table of the protocol.
        hub: The event streams.
    """

    protocol: ClassVar[Protocol]

    def __init__(self, dialer: Dialer, executor: Executor, serve: Service[Any] | None, limits: Limits) -> None:
        self._channel = Channel(executor)
        self.limits = limits
        self.hub = EventHub(self.protocol.events)
        self._dialer = dialer
        self._handlers = {bound.name: bound for bound in serve.handlers()} if serve is not None else {}
        self._keyed = serve.keyed if serve is not None else KeyedCalls(MemoryAnswers())
        self._uploads = serve.uploads if serve is not None else HeldUploads()
        self._scope: Scope | None = None
        self._gate = Gate({}, executor.now)
        self._session = secrets.token_urlsafe(16)
        self._generation = 0

    # ---------------------------------------------------------------------------------------------------- construction
    @classmethod
    def open(
        cls,
        url: str,
        *,
        token: Token | None = None,
        serve: Service[Self] | None = None,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        lifecycle: Lifecycle | None = None,
    ) -> AbstractAsyncContextManager[Self]:
        """Connect, and keep connected: after a cut the client reconnects and renews its subscriptions.

        Args:
            url: ``ws://`` or ``wss://``.
            token: Sent as a bearer token with every handshake.
            serve: What this client serves to the server's calls.
            tls: For ``wss://``; the system's certificates when not given.

        Raises:
            ConnectFailed: The first connection could not be made.
            ValueError: The URL is none.
        """
        limits = limits or Limits()
        return cls._kept(Dialer(url, token, tls, limits), serve, limits, lifecycle or Lifecycle())

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        token: Token | None = None,
        serve: Service[Self] | None = None,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
    ) -> Unstarted[Self]:
        """Connect once, in the form of ADR-008: the caller runs the returned client's handler in a task of its own.

        Raises:
            ConnectFailed: The connection could not be made.
            ValueError: The URL is none.
        """
        limits = limits or Limits()
        client = cls(Dialer(url, token, tls, limits), current(), serve, limits)
        connection, socket = await client._dial()
        client._take(connection)
        return Unstarted(client, lambda: client._run_once(connection, socket))

    @classmethod
    @asynccontextmanager
    async def _kept(
        cls, dialer: Dialer, serve: Service[Any] | None, limits: Limits, lifecycle: Lifecycle
    ) -> AsyncGenerator[Self]:
        client = cls(dialer, current(), serve, limits)
        async with client.executor.scope() as client._scope:
            connection, socket = await client._dial()
            client._take(connection)
            client._scope.spawn(client._keep, client._scope, connection, socket, lifecycle)
            try:
                yield client
            finally:
                await client.aclose()

    @classmethod
    @contextmanager
    def _open_sync(cls, facade: Callable[[Any, Self], SyncT], url: str, **options: Any) -> Generator[SyncT]:
        with (
            start_blocking_portal("asyncio") as portal,
            portal.wrap_async_context_manager(cls.open(url, **options)) as client,
        ):
            yield facade(portal, client)

    # ------------------------------------------------------------------------------------------------------ the user's
    async def aclose(self) -> None:
        """Close the connection and end all event streams; ends within `Limits.close`."""
        self._end(NotSent("the client is closed"))
        self.hub.end()
        if (connection := self._channel.connection) is not None:
            connection.close(CloseCode.NORMAL)
            with anyio.CancelScope(shield=True):
                await connection.until_closed()

    async def authenticate(self, token: str) -> None:
        """Give the server a new token for the connection that there is, before the one it was opened with expires.

        A connection that is made later asks `token=` of `open` again.

        Raises:
            Unauthenticated: The token is not good; what was before stays.
            PermissionDenied: It is another identity's: connect anew with it.
            CallError: As for any call.
        """
        connection = await self.connected()
        await connection.calls.ask("authenticate", msgspec.json.encode({"token": token}))

    # ---------------------------------------------------------------------------------------------- for generated code
    async def _subscribe(self, names: Sequence[str]) -> EventStream[Any]:
        stream: EventStream[Any] = EventStream(self, [self.hub.descriptor(name) for name in names], {}, None)
        stream.by_name = True
        await stream.start()
        return stream

    async def _unsubscribe(self, names: Sequence[str]) -> None:
        for stream in self.hub.streams:
            if stream.by_name and set(stream.names) <= set(names):
                await stream.aclose()

    async def _notify(self, event: Event) -> None:
        await (await self.connected()).notify(event)

    async def forget(self, sub: str) -> None:
        """Tell the server, if it is there, that a stream has ended; waits for its word no longer than for a close.

        Whoever gives up waiting has told it all the same. Whatever it says: the subscription may be gone already, and
        goes with its connection at the latest.
        """
        connection = self._channel.connection
        if connection is None or connection.closed is not None or not connection.extensions:
            return
        executor, told = self.executor, self.executor.future()
        connection.spawn(self._tell_end, connection, sub, told)
        timer = executor.call_at(executor.now() + self.limits.close, lambda: wake(told))
        try:
            await told
        finally:
            timer.cancel()

    async def _tell_end(self, connection: Connection, sub: str, told: Future) -> None:
        try:
            await connection.calls.ask("unsubscribe", msgspec.json.encode({"sub": sub}))
        except CallError:
            pass
        finally:
            wake(told)

    # ------------------------------------------------------------------------------------------------- the connection
    async def _dial(self) -> tuple[Connection, Socket]:
        self._generation += 1
        name, version = self.protocol.name, self.protocol.version
        hello = Hello(name, version, API_LEVEL, self._session, self._generation, keys=self._keyed.told)
        party = Party(
            hello=hello,
            limits=self.limits,
            handlers=self._handlers,
            keyed=self._keyed,
            uploads=self._uploads,
            gate=self._gate,
            scope=self._scope,
            make_peer=lambda _: self,
            on_event=self.hub.take_event,
            on_note=self.hub.take_note,
        )
        return await self._dialer.dial(self.executor, party)

    def _take(self, connection: Connection) -> None:
        self._channel.take(connection)
        if self._channel.ended is None:
            self._uploads.acquire(self, self.executor)

    async def _keep(self, scope: Scope, connection: Connection, socket: Socket, lifecycle: Lifecycle) -> None:
        """Run the connection; when it is lost, make another, until the client is closed or told to stop."""
        while True:
            scope.spawn(connection.run, socket)
            _tell(lifecycle.connected)
            await connection.until_closed()  # its handlers may take longer to end
            closed = connection.closed
            assert closed is not None
            if self._channel.ended is not None:
                return
            _tell(lifecycle.lost, closed)
            if closed.close_code in FINAL:
                self._give_up(closed)
                return
            try:
                connection, socket = await self._redial()
            except Exception as error:  # noqa: BLE001 - refused, or no token to be had: whoever waits is told
                self._give_up(error)
                return
            self._take(connection)
            scope.spawn(self.hub.resume, connection)

    async def _run_once(self, connection: Connection, socket: Socket) -> None:
        """Run the connection until it ends, and with it this client."""
        await connection.run(socket)
        if self._channel.ended is None and connection.closed is not None:
            self._give_up(connection.closed)

    async def _redial(self) -> tuple[Connection, Socket]:
        delay = FIRST_DELAY
        while True:
            await anyio.sleep(random.uniform(0, delay))  # noqa: S311 - spreads load, protects nothing
            try:
                return await self._dial()
            except ConnectFailed as error:
                closed = error.__cause__
                final = isinstance(closed, ConnectionClosed) and closed.close_code in FINAL
                if final or error.status_code in REFUSED:
                    raise
            delay = min(delay * 2, LONGEST_DELAY)

    def _end(self, error: Exception) -> None:
        """No other connection is to follow."""
        self._channel.end(error)
        self._uploads.release(self)

    def _give_up(self, error: Exception) -> None:
        self._end(error)
        for stream in self.hub.streams:
            stream.fail(error)


class Unstarted(Generic[ClientT]):
    """A connected client whose connection nobody runs yet (`WsClient` of ADR-008)."""

    def __init__(self, client: ClientT, handler: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._client = client
        self._handler = handler

    def start_handler(self) -> tuple[ClientT, Callable[[], Coroutine[Any, Any, None]]]:
        """The handle, which has the calls, and the handler, to be run as a task: it carries the connection's bytes."""
        return self._client, self._handler
