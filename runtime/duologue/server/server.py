"""The server: a listener, its connections, and an end to them in time."""

from __future__ import annotations

import errno
import logging
import secrets
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, Self, cast
from weakref import WeakKeyDictionary

import anyio
from msgspec import structs
from typing_extensions import TypeVar

from ..access.admission import Admission, Login, authenticator_for
from ..access.gate import Gate
from ..access.proxies import Proxies
from ..auth import Authenticator
from ..calling.peer import Peer
from ..close_codes import CloseCode
from ..connection.connection import Connection
from ..connection.hooks import Hooks
from ..connection.party import Extras, Party
from ..descriptors import API_LEVEL
from ..drivers import current
from ..drivers.port import Executor, Future, Listener, Scope, wake
from ..errors import ConnectionClosed
from ..events.publisher import Position
from ..handling.describing import served_by
from ..handling.interceptors import NONE, Interceptors
from ..handling.service import Service
from ..limits import Limits
from ..models import Event
from ..net.compression import Deflate
from ..observing.observer import Observer, Observers
from ..observing.probes import Probes
from ..session.speech import Speech
from ..wire import Goaway, Hello
from .clients import Clients
from .reception import REVOKED, Desk, Reception

PeerT = TypeVar("PeerT", bound=Peer, default=Any)

_LOG: Final = logging.getLogger("duologue")

EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Out of descriptors or memory: accepting goes on when some are free again."""

ACCEPT_PAUSE: Final = 0.1
"""Seconds until the next try then."""

RETURNS: Final = 1000
"""Clients that come back in a second, where a server that stops asks for nothing else."""


class ConnectionHandler:
    """An accepted connection that nobody runs yet (`ConnectionHandler` of ADR-008)."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def handle(self) -> Coroutine[Any, Any, None]:
        """Shake hands, then serve the peer until the connection ends. Never raises for what the peer does."""
        return self._reception.run()


class Server(Generic[PeerT]):
    """A service on a listening socket. Iterate over it, or `accept`, and run each handler; or use `serve`.

    Attributes:
        addresses: Where it listens.
    """

    def __init__(
        self,
        service: Service[PeerT],
        listener: Listener,
        executor: Executor,
        limits: Limits,
        admission: Admission,
        compression: Deflate | None = None,
        extras: Extras = Extras(),  # noqa: B008 - it is frozen
    ) -> None:
        self.addresses = listener.addresses
        self._service = service
        self._listener = listener
        self._executor = executor
        self._limits = limits
        self._admission = admission
        self._desk = Desk(self._begin, self._let_in, self._end)
        self._receptions: dict[Reception, None] = {}
        self._connections: dict[Connection, None] = {}
        self._lost: WeakKeyDictionary[Connection, None] = WeakKeyDictionary()
        self._clients = Clients(executor, limits)
        self._accepting = anyio.Lock(fast_acquire=True)
        self._room: Future | None = None
        self._exhausted = False
        self._listening = True
        service.uploads.acquire(self, executor)
        service.publisher.turn.executor = executor
        protocol = service.protocol
        speech, session = Speech(protocol, "server"), secrets.token_urlsafe(16)
        keys, items = service.keyed.told, speech.items
        self._party = Party(
            hello=Hello(protocol.name, protocol.version, API_LEVEL, session, 0, keys=keys, items=items),
            speech=speech,
            hooks=extras.hooks,
            on_undeclared=service.undeclared,
            limits=limits,
            compression=compression,
            handlers=served_by(service, extras.interceptors),
            around_calls=extras.interceptors.calls,
            probes=extras.probes,
            keyed=service.keyed,
            uploads=service.uploads,
            gate=Gate(protocol.roles, executor.now),
            make_peer=service.peer_type,
            on_known=self._clients.begin,
            on_leaving=self._clients.leave,
            on_closed=self._lose,
            publisher=service.publisher,
            observers=Observers.of(extras.observers),
        )

    @classmethod
    async def bind(
        cls,
        address: str,
        service: Service[PeerT],
        *,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        authenticator: Authenticator | None = None,
        origins: Sequence[str] = (),
        login: Login | None = None,
        compression: Deflate | None = None,
        observers: Sequence[Observer] = (),
        interceptors: Interceptors = NONE,
        probes: Probes | None = None,
        proxies: Sequence[str] = (),
        hooks: Hooks | None = None,
    ) -> Self:
        """Listen on ``host:port``; port 0 picks a free one. The other arguments are those of `serve`.

        Raises:
            OSError: The address cannot be had.
            ValueError: It is no address, or others can connect to it and `authenticator` is missing.
        """
        host, colon, port = address.rpartition(":")
        if not colon or not port.isdigit():
            raise ValueError(f"{address!r} is no address; one looks like 127.0.0.1:8080 or [::1]:8080")
        return await cls.listen(
            service,
            host.strip("[]"),
            int(port),
            tls,
            limits or Limits(),
            authenticator,
            origins,
            login,
            compression=compression,
            extras=Extras(observers, interceptors, probes, proxies, hooks or {}),
        )

    @classmethod
    async def listen(
        cls,
        service: Service[PeerT],
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        limits: Limits,
        authenticator: Authenticator | None,
        origins: Sequence[str],
        login: Login | None,
        *,
        compression: Deflate | None,
        extras: Extras,
    ) -> Self:
        """Listen on a host and a port; see `bind`."""
        if login is not None and service.protocol.wire is not None:
            raise ValueError(f"login={login!r}: {service.protocol.name} has a wire format of its own: `wire.handshake`")
        executor = current()
        listener = await executor.listen(host, port, tls=tls, handshake=limits.handshake)
        try:
            authenticator = authenticator_for(authenticator, service.protocol, listener.addresses)
            admission = Admission(authenticator, origins, login, limits, Proxies(extras.proxies))
        except BaseException:
            await listener.aclose()
            raise
        return cls(service, listener, executor, limits, admission, compression, extras)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self.addresses[0][1]

    @property
    def connections(self) -> Sequence[Connection]:
        """The connections whose handshake is over."""
        return list(self._connections)

    @property
    def handshakes(self) -> int:
        """How many accepted connections are in their handshake."""
        return len(self._receptions)

    def peers(self) -> Sequence[PeerT]:
        """The connected peers, to call them."""
        return [cast("PeerT", one.peer) for one in self.connections if one.is_open]

    def revoke(self, whom: str) -> int:
        """End at once all that an identity has here, or what was opened with one token: close with 4403.

        Its connections are closed, its streams and subscriptions end, its handlers are cancelled, keyed ones too, and
        its uploads are dropped. That it does not come back is the authenticator's to see to: do that first.

        Args:
            whom: The name of an identity, or the `token_id` of some.

        Returns:
            How many connections were closed.
        """
        self._admission.revoke(whom)
        remembered = [*self._connections, *self._lost]
        found = [one for one in remembered if whom in (one.identity.name, one.identity.token_id)]
        living = sum(one.closed is None for one in found)
        living += sum(reception.revoke(whom) for reception in list(self._receptions))
        for connection in found:  # those that are gone may have left handlers
            connection.expel(CloseCode.REVOKED, REVOKED)
        self._service.uploads.forget(whom)
        return living

    async def emit(self, event: Event) -> Position:
        """Publish an event to those who subscribed; see `Publisher.emit`."""
        return await self._service.publisher.emit(event)

    async def accept(self) -> ConnectionHandler:
        """The next connection; while nobody asks, they wait in the kernel's backlog.

        Several may ask at the same time: each gets a connection of its own, in turn.

        Raises:
            OSError: The server is closed.
        """
        return ConnectionHandler(await self._accept())

    async def _accept(self) -> Reception:
        async with self._accepting:  # what waits on the socket below, and for room, is one
            while True:
                await self._until_room()
                try:
                    socket = await self._listener.accept()
                except ConnectionError:
                    continue  # gone before it was accepted
                except OSError as error:
                    if error.errno not in EXHAUSTED or self._admission.is_stopping:
                        raise
                    if not self._exhausted:
                        _LOG.error("cannot accept connections, and goes on trying: %s", error.strerror)
                    self._exhausted = True
                    await anyio.sleep(ACCEPT_PAUSE)
                else:
                    self._exhausted = False
                    return Reception(socket, self._executor, self._party, self._admission, self._desk)

    async def _until_room(self) -> None:
        while len(self._receptions) + len(self._connections) >= self._limits.connections and self._listening:
            self._room = self._executor.future()
            await self._room
        if not self._listening:
            raise OSError("the server is closed")

    def __aiter__(self) -> AsyncIterator[ConnectionHandler]:
        return self

    async def __anext__(self) -> ConnectionHandler:
        """The next connection; ends when the server is closed."""
        if (reception := await self._next()) is None:
            raise StopAsyncIteration
        return ConnectionHandler(reception)

    async def _next(self) -> Reception | None:
        """The next connection; None when the server is closed."""
        try:
            return await self._accept()
        except OSError:
            if self._admission.is_stopping:
                return None
            raise

    async def aclose(self, *, reconnect_in: float | None = None) -> None:
        """Stop: accept no more, let handlers finish and own calls be answered, say goodbye, cut who does not answer.

        Ends within ``Limits.drain + Limits.close + 1`` seconds, whatever the peers do.

        Args:
            reconnect_in: Seconds over which clients are asked to spread their return; unless given, as many as let a
                thousand of them come back in a second.
        """
        if self._admission.is_stopping:
            return
        self._admission.is_stopping = True
        self._service.uploads.release(self)
        if self._party.probes is None:
            await self._stop_listening()
        self._clients.close()
        self._wake()
        limits = self._limits
        self._give_up_receptions()
        spread = len(self._connections) / RETURNS if reconnect_in is None else reconnect_in
        deadline = int((limits.drain + limits.close) * 1000)
        goaway = Goaway("shutdown", reconnect_in=int(spread * 1000), deadline=deadline)
        for connection in self.connections:
            connection.leave(goaway)
        try:
            with anyio.move_on_after(limits.drain):
                for connection in [*self._connections, *self._lost]:  # keyed handlers outlast their connection
                    await connection.until_idle()
        finally:
            await self._stop_listening()  # until now, where there are probes: `/readyz` has said that it stops
            self._give_up_receptions()
        for connection in self.connections:
            connection.close(CloseCode.GOING_AWAY, "the server stops")
        with anyio.move_on_after(limits.close + 1):  # each link ends itself within `Limits.close`
            for connection in self.connections:
                await connection.until_closed()
        for connection in self.connections:
            connection.abort()

    async def _stop_listening(self) -> None:
        self._listening = False
        await self._listener.aclose()
        self._wake()

    def _give_up_receptions(self) -> None:
        for reception in list(self._receptions):
            reception.give_up()

    def _begin(self, reception: Reception) -> None:
        """A handshake begins."""
        self._receptions[reception] = None

    def _let_in(self, reception: Reception, connection: Connection) -> None:
        """The handshake is over."""
        del self._receptions[reception]
        self._connections[connection] = None

    def _end(self, reception: Reception) -> None:
        """Nothing is left of a connection, or nobody was let in."""
        self._receptions.pop(reception, None)
        self._wake()

    def _lose(self, connection: Connection, closed: ConnectionClosed) -> None:
        """A connection is gone, and its place is free, whatever its handlers still do."""
        self._connections.pop(connection, None)
        self._lost[connection] = None
        self._clients.lose(connection, closed)
        self._wake()

    def _wake(self) -> None:
        if self._room is not None:
            wake(self._room)

    async def serve_all(self, scope: Scope) -> None:
        """Accept connections until the server is closed, and serve each in `scope`."""
        self._party = structs.replace(self._party, scope=scope)
        while (reception := await self._next()) is not None:
            scope.spawn(reception.run)
            del reception  # its own task has it: here it would live until the next one comes


@asynccontextmanager
async def serve(
    service: Service[PeerT],
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    authenticator: Authenticator | None = None,
    origins: Sequence[str] = (),
    login: Login | None = None,
    compression: Deflate | None = None,
    observers: Sequence[Observer] = (),
    interceptors: Interceptors = NONE,
    probes: Probes | None = None,
    proxies: Sequence[str] = (),
    hooks: Hooks | None = None,
) -> AsyncGenerator[Server[PeerT]]:
    """Serve in the background while the block runs; leaving it closes the server (see `Server.aclose`).

    Args:
        authenticator: Who the peers are, and so what they may do. Where none is given, whoever can connect may do
            everything, and none but this machine can: other addresses are refused.
        origins: The web pages that may connect, as in ``["https://example.org"]``; ``["*"]`` for all. A browser that
            shows another is answered with HTTP 403; programs send no origin, and are let pass.
        login: ``"first_message"`` lets browsers, which cannot send headers, send their token as first message.
        compression: How texts are compressed for clients that offer it; they are not when it is not given.
        observers: Are told of its connections, calls and events.
        interceptors: Are put around its handlers, and around its calls to clients.
        probes: What plain HTTP requests are answered; they are refused as any that ask for no WebSocket without it.
        proxies: Addresses or networks of proxies that are trusted to say, in ``X-Forwarded-For``, for whom they
            connect; without them the address of a connection is where it comes from.
        hooks: Values that a declared protocol asks for, by name: plain JSON, or functions of what its handshake has
            told so far.

    Raises:
        OSError: The address cannot be had.
        ValueError: Others can connect to it, and `authenticator` is missing.
    """
    extras, limits = Extras(observers, interceptors, probes, proxies, hooks or {}), limits or Limits()
    server: Server[PeerT] = await Server.listen(
        service, host, port, tls, limits, authenticator, origins, login, compression=compression, extras=extras
    )
    async with current().scope() as scope:
        scope.spawn(server.serve_all, scope)
        try:
            yield server
        finally:
            with anyio.CancelScope(shield=True):
                await server.aclose()
