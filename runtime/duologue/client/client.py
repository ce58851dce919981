"""The client: one connection in the caller's task, or one that is kept and renewed in the background."""

from __future__ import annotations

import logging
import secrets
import ssl
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

import anyio
import msgspec

from ..access.gate import Gate
from ..calling.calls import BUILT_IN_TIMEOUT
from ..calling.channel import Channel
from ..calling.peer import Peer
from ..close_codes import CloseCode
from ..connection.connection import Connection
from ..connection.hooks import Hooks
from ..connection.party import Extras, Party
from ..descriptors import API_LEVEL, Protocol
from ..drivers import current
from ..drivers.port import Executor, Future, Scope, Socket, Task, Timer, wake
from ..errors import CallError, ConnectFailed, ConnectionClosed, FailedPrecondition, NotSent, Ran
from ..events.events import EventStream
from ..events.hub import EventHub
from ..events.undeclared import UndeclaredStream
from ..handling.answers import MemoryAnswers
from ..handling.interceptors import NONE, Interceptors, around_handler
from ..handling.keyed import KeyedCalls
from ..handling.service import Service
from ..handling.uploads import HeldUploads
from ..limits import Limits
from ..models import Event
from ..net.compression import Deflate
from ..observing.observer import Fate, Observer, Observers
from ..session.speech import Speech
from ..wire import Goaway, Hello, Validation
from .backoff import Backoff, Ending, refusals
from .dialer import Dialer, Token
from .keepalive import keepalive_of
from .lifecycle import Lifecycle, tell
from .refresh import Refresh, authenticate

_LOG: Final = logging.getLogger("duologue")

ClientT = TypeVar("ClientT", bound="Client")
SyncT = TypeVar("SyncT")


class Client(Peer):
    """Base of the generated clients.

    Attributes:
        protocol: The generated table of the protocol.
        hub: The event streams.
    """

    protocol: ClassVar[Protocol]

    def __init__(
        self,
        dialer: Dialer,
        executor: Executor,
        serve: Service[Any] | None,
        limits: Limits,
        extras: Extras,
    ) -> None:
        self.executor = executor
        self._channel = Channel(executor)
        self._observers = Observers.of(extras.observers)
        self.limits = limits
        self.hub = EventHub(self.protocol, self._tell_reset, self._tell_events if extras.observers else None)
        self._speech = Speech(self.protocol, "client")
        envelope = self.protocol.wire
        self._hooks = extras.hooks
        self._validation: Validation = extras.validation or ("strict" if envelope is None else envelope.validation)
        self.hub.validation = self._validation
        self._dialer = dialer
        self._around = extras.interceptors.calls
        served = serve.handlers() if serve is not None else ()
        self._handlers = {bound.name: around_handler(bound, extras.interceptors.handlers) for bound in served}
        self._keyed = serve.keyed if serve is not None else KeyedCalls(MemoryAnswers())
        self._uploads = serve.uploads if serve is not None else HeldUploads()
        self._scope: Scope | None = None
        self._lifecycle = Lifecycle()
        self._keeper: Task | None = None
        self._spread: float | None = None
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
        compression: Deflate | None = None,
        observers: Sequence[Observer] = (),
        interceptors: Interceptors = NONE,
        validation: Validation | None = None,
        hooks: Hooks | None = None,
    ) -> AbstractAsyncContextManager[Self]:
        """Connect, and keep connected: after a cut the client reconnects and renews its subscriptions.

        Args:
            url: ``ws://`` or ``wss://``.
            token: Sent as a bearer token with every handshake.
            serve: What this client serves to the server's calls.
            tls: For ``wss://``; the system's certificates when not given.
            compression: How texts are compressed, where the server agrees; they are not when it is not given.
            observers: Are told of its connections, calls and events.
            interceptors: Are put around its calls, and around the handlers of what it serves.
            validation: What is done with results and events that do not fit the protocol. ``"strict"`` refuses them;
                ``"warn"`` logs each path once and gives the data as they came; ``"off"`` does not log. Where it is not
                given, what the protocol says; that is ``"strict"`` unless it declares another.
            hooks: Values that a declared protocol asks for, by name: plain JSON, or functions of what its handshake
                has told so far.

        Raises:
            ConnectFailed: The first connection could not be made.
            ValueError: The URL is none.
        """
        limits = limits or Limits()
        dialer = Dialer(url, token, tls, limits, compression)
        extras = Extras(observers, interceptors, hooks=hooks or {}, validation=validation)
        return cls._kept(dialer, serve, limits, lifecycle or Lifecycle(), extras)

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        token: Token | None = None,
        serve: Service[Self] | None = None,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        compression: Deflate | None = None,
        observers: Sequence[Observer] = (),
        interceptors: Interceptors = NONE,
        validation: Validation | None = None,
        hooks: Hooks | None = None,
    ) -> Unstarted[Self]:
        """Connect once, in the form of ADR-008: the caller runs the returned client's handler in a task of its own.

        Raises:
            ConnectFailed: The connection could not be made.
            ValueError: The URL is none.
        """
        limits = limits or Limits()
        dialer = Dialer(url, token, tls, limits, compression)
        extras = Extras(observers, interceptors, hooks=hooks or {}, validation=validation)
        client = cls(dialer, current(), serve, limits, extras)
        connection, socket = await client._dial()
        client._begin(connection)
        return Unstarted(client, lambda: client._run_once(connection, socket))

    @classmethod
    @asynccontextmanager
    async def _kept(
        cls,
        dialer: Dialer,
        serve: Service[Any] | None,
        limits: Limits,
        lifecycle: Lifecycle,
        extras: Extras,
    ) -> AsyncGenerator[Self]:
        client = cls(dialer, current(), serve, limits, extras)
        client._lifecycle = lifecycle
        async with client.executor.scope() as client._scope:
            connection, socket = await client._dial()
            client._begin(connection)
            client._scope.spawn(connection.run, socket)
            client._keeper = client._scope.spawn(client._keep, client._scope)
            del connection, socket  # it may be lost long before the client is closed
            try:
                yield client
            finally:
                await client.aclose()

    @classmethod
    @contextmanager
    def _open_sync(cls, facade: Callable[[Any, Self], SyncT], url: str, **options: Any) -> Generator[SyncT]:
        from anyio.from_thread import start_blocking_portal

        with (
            start_blocking_portal("asyncio") as portal,
            portal.wrap_async_context_manager(cls.open(url, **options)) as client,
        ):
            yield facade(portal, client)

    # ------------------------------------------------------------------------------------------------------ the user's
    async def aclose(self) -> None:
        """Close the connection and end all event streams; ends within `Limits.close`."""
        self._end(NotSent("the client is closed"))
        if self._keeper is not None:
            self._keeper.cancel()
        self.hub.end()
        connection = self.connection
        connection.close(CloseCode.NORMAL)
        with anyio.CancelScope(shield=True):
            await connection.until_closed()

    def undeclared(self) -> UndeclaredStream:
        """What comes and is not in the spec, in protocols that declare their own wire format. Enter it, then iterate.

        Events of other names are there, and messages that are nothing of what the protocol describes.
        """
        return UndeclaredStream(self)

    async def authenticate(self, token: str) -> None:
        """Give the server a new token for the connection that there is, before the one it was opened with expires.

        Where `token=` of `open` is a callable the client does so by itself; later connections ask that again.

        Raises:
            Unauthenticated: The token is not good; what was before stays.
            PermissionDenied: It is another identity's: connect anew with it.
            FailedPrecondition: The protocol declares its own wire format: connect anew.
            CallError: As for any call.
        """
        if self._speech.envelope is not None:
            raise FailedPrecondition("this protocol has no way to show another token: connect anew", ran=Ran.NO)
        await authenticate(await self.connected(), token)

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

    async def _notify(self, event: Event, route: int | str | None = None) -> None:
        await (await self.connected(BUILT_IN_TIMEOUT)).notify(event, route=route)

    def forget(self, sub: str) -> Future:
        """Tell the server, if it is there, that a stream has ended, whether or not anybody waits for it.

        Returns:
            What comes when the server has heard of it, whatever it says (the subscription may be gone already, and goes
            with its connection at the latest), and after `Limits.close` at the latest.
        """
        executor, told, connection = self.executor, self.executor.future(), self._channel.connection
        if connection is None or connection.closed is not None or not connection.extensions:
            wake(told)
        else:
            timer = executor.call_at(executor.now() + self.limits.close, lambda: wake(told))
            connection.spawn(self._tell_end, connection, sub, told, timer)
        return told

    async def _tell_end(self, connection: Connection, sub: str, told: Future, timer: Timer) -> None:
        try:
            await connection.calls.ask("unsubscribe", msgspec.json.encode({"sub": sub}))
        except CallError:
            pass
        finally:
            timer.cancel()
            wake(told)

    # ------------------------------------------------------------------------------------------------- the connection
    async def _dial(self) -> tuple[Connection, Socket]:
        self._generation += 1
        name, version = self.protocol.name, self.protocol.version
        items = self._speech.items
        hello = Hello(name, version, API_LEVEL, self._session, self._generation, keys=self._keyed.told, items=items)
        refresh = Refresh(self._dialer.ask_token) if self._dialer.renewable else None
        party = Party(
            hello=hello,
            speech=self._speech,
            hooks=self._hooks,
            validation=self._validation,
            keepalive=keepalive_of(self._speech.envelope),
            limits=self.limits,
            handlers=self._handlers,
            keyed=self._keyed,
            uploads=self._uploads,
            gate=self._gate,
            scope=self._scope,
            make_peer=lambda _: self,
            on_event=self.hub.take_event,
            on_note=self.hub.take_note,
            on_known=None if refresh is None else refresh.begin,
            on_closed=None if refresh is None else refresh.end,
            on_leaving=self._leaves,
            observers=self._observers,
        )
        return await self._dialer.dial(self.executor, party)

    def _begin(self, connection: Connection) -> None:
        self._take(connection)
        self._uploads.acquire(self, self.executor)

    def _take(self, connection: Connection) -> None:
        self._channel.take(connection)

    def _leaves(self, connection: Connection, goaway: Goaway) -> None:
        self._spread = None if goaway.reconnect_in is None else goaway.reconnect_in / 1000

    async def _keep(self, scope: Scope) -> None:
        """Make another connection whenever one is lost, until the client is closed or told to stop."""
        backoff = Backoff(renewable=self._dialer.renewable, refusals=refusals(self._speech.envelope))
        connection = self.connection
        while True:
            began = self.executor.now()
            tell(self._lifecycle.connected)
            await connection.until_closed()  # its handlers may take longer to end
            closed = connection.closed
            assert closed is not None
            tell(self._lifecycle.lost, closed)
            ending = Ending(lived=self.executor.now() - began, close_code=closed.close_code, spread=self._spread)
            self._spread = None
            try:
                connection, socket = await self._redial(backoff, ending, closed)
            except Exception as error:  # noqa: BLE001 - refused, or no token to be had: whoever waits is told
                self._give_up(error)
                return
            self._take(connection)
            scope.spawn(connection.run, socket)
            scope.spawn(self._resume, connection)

    async def _resume(self, connection: Connection) -> None:
        if await self.hub.resume(connection):
            tell(self._lifecycle.resumed)

    def _tell_reset(self, events: Sequence[str], reason: str) -> None:
        """Not at once: no user code runs while a read is handled."""
        self.executor.call_soon(lambda: tell(self._lifecycle.reset, events, reason))
        if self._observers is not None:
            self._observers.tell(lambda observer: observer.reset(events, reason))

    def _tell_events(self, event: str, fate: Fate, count: int) -> None:
        """Tell the observers what became of events that came."""
        watch = self.connection.watch
        assert watch is not None, "only asked where there are observers"
        watch.events(event, fate, count)

    async def _redial(
        self, backoff: Backoff, ending: Ending, error: ConnectionClosed | ConnectFailed
    ) -> tuple[Connection, Socket]:
        """Make another connection. Raises what ended the last one, or the last attempt, where there must be none."""
        while (pause := backoff.pause(ending)) is not None:
            self._tell_reconnecting(error, pause)
            await anyio.sleep(pause)
            try:
                return await self._dial()
            except ConnectFailed as failed:
                error = failed
                ending = Ending(
                    close_code=failed.close_code, status_code=failed.status_code, retry_after=failed.retry_after
                )
        if backoff.refuses_credentials(ending):
            raise ConnectFailed(
                f"the server refuses the credentials: {error}",
                status_code=ending.status_code,
                close_code=ending.close_code,
            ) from error
        raise error

    def _tell_reconnecting(self, error: ConnectionClosed | ConnectFailed, delay: float) -> None:
        if self._observers is not None:
            self._observers.tell(lambda observer: observer.reconnecting(error, delay))

    async def _run_once(self, connection: Connection, socket: Socket) -> None:
        """Run the connection until it ends, and with it this client."""
        await connection.run(socket)
        if self._channel.ended is None and connection.closed is not None:
            self._give_up(connection.closed)

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
