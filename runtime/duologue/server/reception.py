"""Accepted sockets: from the first byte until somebody is let in, and a conversation with them exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from msgspec import Raw, Struct
from websockets.exceptions import InvalidOrigin
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from ..access.admission import Admission
from ..access.standing import answer, token_of
from ..auth import Credentials, Identity
from ..close_codes import CloseCode
from ..connection.connection import Connection
from ..connection.ear import NO_REFUSAL, Ear, GreetingFailed
from ..connection.party import Party
from ..drivers.port import Accepted, Executor, Scope, Socket, Timer
from ..errors import CallError, ResourceExhausted, Status, Unauthenticated, Unavailable
from ..limits import KIB, naming
from ..net.handshake import check_asked, credentials_of, refusal, server_protocol
from ..net.link import Link
from ..observing.probes import STOPPING
from ..session.outcomes import body_of, incident
from ..wire import SUBPROTOCOL, BadMessage, BadText, Close, NativeCodec

if TYPE_CHECKING:
    from ..connection.greeting import Greeting

REVOKED: Final = "the credentials were revoked"
"""What those are told whose connection is closed for it."""

FIRST_MESSAGE: Final = 4 * KIB
"""Bytes that a first message may have, where it is to say who the peer is."""
MOST_UNHEARD: Final = 64
"""Messages that may wait while a declared handshake is under way; who says more is cut."""

_CODEC: Final = NativeCodec()
_NONE: Final = Credentials()

_REASONS: Final[Mapping[Status, str]] = {
    Status.INVALID_ARGUMENT: "proxy",
    Status.UNAUTHENTICATED: "authentication",
    Status.PERMISSION_DENIED: "authorization",
}


class _TooMany(ResourceExhausted):
    """There are as many connections as the limit says."""

    def __init__(self, limit: str, reason: str) -> None:
        super().__init__(naming(limit, reason))
        self.limit = limit
        self.reason = reason


def _reason(error: CallError) -> str:
    """Why somebody is not let in, as observers are told."""
    return error.limit if isinstance(error, _TooMany) else _REASONS.get(error.status, "authenticator")


class Desk(Struct, frozen=True):
    """Where a server is told of its receptions; one for all of them.

    Attributes:
        begun: One is run.
        let_in: Its handshake is over.
        ended: Its connection is gone, and so are its handlers.
    """

    begun: Callable[[Reception], None]
    let_in: Callable[[Reception, Connection], None]
    ended: Callable[[Reception], None]


class Reception:
    """One accepted socket.

    Attributes:
        connection: The conversation; None until the peer was let in.
    """

    _ear: Ear
    _scope: Scope

    def __init__(self, accepted: Accepted, executor: Executor, party: Party, admission: Admission, desk: Desk) -> None:
        self._socket: Accepted | Socket = accepted
        self.connection: Connection | None = None
        self._executor = executor
        self._party = party
        self._admission = admission
        self._desk = desk
        envelope = party.speech.envelope
        subprotocols = (SUBPROTOCOL,) if envelope is None else tuple(envelope.connect.get("subprotocol", ()))
        protocol = server_protocol(party.limits, admission.origins, party.compression, subprotocols)
        self._connect = None if envelope is None else envelope.connect
        self._greeting: Greeting | None = None
        self._shows_token = False
        if envelope is not None and envelope.handshake:
            from ..connection.greeting import Greeting, asks_for_token

            self._ear = Ear(executor)
            self._greeting = Greeting(envelope, "server", party.hooks, authenticate=self._authenticate)
            self._shows_token = asks_for_token(envelope)
        self._identity: Identity | None = None
        self._link = Link(protocol, executor, party.limits)
        self._link.owner = self
        self._counted: str | None = None
        self._crowd = 0
        self._address = ""
        self._credentials = _NONE
        self._subprotocol: str | None = None
        self._login: Timer | None = None
        self._asked = False

    async def run(self) -> None:
        """Carry bytes until the connection is gone, and its keyed handlers have ended. Never raises for its peer."""
        self._desk.begun(self)
        try:
            self._address = self._socket.peer_name()
            if self._address not in self._admission.proxies:  # for whom a proxy connects is in its request
                self._count(self._address)
            if self._crowd > 2 * self._admission.addresses.limit:
                self._tell("connections_per_address")
                self._socket.abort()
                return
            self._admission.unfinished.enter(self._make_room)
            async with self._executor.scope() as self._scope:
                secured = await cast("Accepted", self._socket).secured(self._link)
                if secured is not None:
                    self._socket = secured  # and nothing of what was accepted, while the connection lives
                    await secured.run(self._link, self._link.high_water)
                if self.connection is not None:
                    await self.connection.until_done()
        finally:
            self._leave()

    def _leave(self) -> None:
        """The connection is gone: its places are free."""
        self._admission.unfinished.leave(self._make_room)
        if self._counted is not None:
            self._admission.addresses.leave(self._counted)
        if self.connection is not None:
            self._admission.leave(self.connection.identity)
        self._desk.ended(self)

    def give_up(
        self, code: int = CloseCode.GOING_AWAY, reason: str = "the server stops", limit: str | None = None
    ) -> None:
        """Cut the connection: nobody was let in."""
        assert self.connection is None, "who was let in is a reception no more"
        self._link.abort(code, reason, limit)
        if not self._link.is_connected:  # TLS may be shaking hands
            self._socket.abort()

    def revoke(self, whom: str) -> bool:
        """Turn away whoever has shown who it is and is not let in yet, if that is whom; whether it was."""
        identity = self._identity
        if identity is None or whom not in (identity.name, identity.token_id):
            return False
        self._link.close(CloseCode.REVOKED, REVOKED)
        return True

    def _make_room(self) -> None:
        self.give_up(CloseCode.POLICY, "there are too many, and this one has taken longest", "handshakes")

    def _count(self, address: str) -> None:
        self._counted = address
        self._crowd = self._admission.addresses.enter(address)

    # ---------------------------------------------------------------------------------------------- before the answer
    @property
    def _protocol(self) -> ServerProtocol:
        """The library's; not kept here, since the link lets go of it."""
        protocol = self._link.protocol
        assert isinstance(protocol, ServerProtocol), "clients receive nobody"
        return protocol

    def on_request(self, request: Request) -> None:
        self._admission.unfinished.leave(self._make_room)
        self._consider(request)
        request.headers.clear()  # all was asked, and the library keeps the request while the connection lives

    def _consider(self, request: Request) -> None:
        """Answer what can be answered at once, and else find out who it is."""
        try:
            self._address = self._admission.proxies.client_of(self._address, request)
        except CallError as error:
            self._decline(error)
            return
        if self._answer_probe(request):
            return
        accepted = self._protocol.accept(request)  # checks the origin, too
        if accepted.status_code != 101:
            if isinstance(self._protocol.handshake_exc, InvalidOrigin):
                self._tell("origin")
            self._link.respond(accepted)
            return
        try:
            if self._connect is not None:
                check_asked(request, self._connect)
        except CallError as error:
            self._decline(error, why="request")
            return
        try:
            if self._admission.is_stopping:  # the socket is still open for those who ask whether it is
                self._tell("stopping")
                self._link.respond(refusal(self._protocol, Unavailable(STOPPING)))
                return
            if self._counted is None:
                self._count(self._address)
            self._check_crowd()
            self._credentials = credentials_of(request, self._address, self._link.peer_certificate, self._connect)
        except CallError as error:
            self._decline(error)
            return
        if self._credentials.token is None and self._admission.login == "first_message":
            self._link.bound(FIRST_MESSAGE)
            self._admission.unfinished.enter(self._make_room)
            self._link.respond(accepted)
        else:
            self._scope.spawn(self._receive, accepted)

    def _answer_probe(self, request: Request) -> bool:
        """Answer those who look after the server; False where somebody else asks."""
        probes, stopping = self._party.probes, self._admission.is_stopping
        answer = probes and probes.answer(self._protocol, request, self._address, stopping=stopping)
        if answer:
            self._link.respond(answer)
        return bool(answer)

    def _check_crowd(self) -> None:
        if self._crowd > self._admission.addresses.limit:
            raise _TooMany("connections_per_address", "there are too many from this one")

    async def _receive(self, accepted: Response) -> None:
        """Answer the handshake as the authenticator says."""
        try:
            if not self._shows_token:
                self._identity = await self._admission.identify(self._credentials)
            if self._link.closed:
                return
            if self._identity is not None and self._greeting is None:
                self._let_in(self._identity)
            else:
                self._link.bound(FIRST_MESSAGE)
                self._admission.unfinished.enter(self._make_room)
            self._link.respond(accepted)
        except CallError as error:
            self._decline(error, shown=self._credentials.token is not None)

    def _decline(self, error: CallError, *, shown: bool = True, why: str | None = None) -> None:
        """Answer the handshake with an error; `shown` says whether there was a token, `why` what observers hear."""
        self._tell(why or _reason(error))
        self._link.respond(refusal(self._protocol, error, shown=shown))

    def _let_in(self, identity: Identity, variables: Mapping[str, bytes] | None = None) -> Connection:
        """Make the conversation. Raises `ResourceExhausted` where the identity has enough of them."""
        if not self._admission.has_room(identity):
            raise _TooMany("connections_per_identity", "there are too many of this one")
        self.connection = Connection(
            self._link, self._party, identity, self._credentials, self._admission, variables=variables
        )
        self._forget_login()
        self._credentials = _NONE  # the connection has what it needs of them
        self._link.bound(self._party.limits.frame)
        self.connection.begin(self._scope)
        self._desk.let_in(self, self.connection)
        return self.connection

    # ------------------------------------------------------------------------------------------------ the first message
    def on_open(self, subprotocol: str | None) -> None:
        self._subprotocol = subprotocol
        until = self._executor.now() + self._party.limits.handshake
        self._login = self._executor.alarm_at(until, self._nobody_came)
        if self._greeting is not None:
            self._scope.spawn(self._greet, self._greeting)

    def on_message(self, data: bytes) -> None:
        if self._greeting is not None:
            if len(self._ear.heard) < MOST_UNHEARD:
                self._ear.take(data)
            else:
                self._refuse("too much was said before the handshake was over")
            return
        self._admission.unfinished.leave(self._make_room)
        try:
            message = _CODEC.decode(data)
            if self._asked or message.action != "authenticate" or not isinstance(message.id, str):
                raise Unauthenticated("`authenticate` comes first, and nothing before it is answered")
            token = token_of(bytes(message.params) if isinstance(message.params, Raw) else b"")
        except (BadText, BadMessage, CallError) as error:
            self._refuse(str(error))
            return
        self._asked = True
        self._scope.spawn(self._log_in, message.id, token)

    def on_binary(self, data: bytes) -> None:
        self._refuse("`authenticate` comes first" if self._greeting is None else "no binary message is expected")

    # ------------------------------------------------------------------------------------------ a declared handshake
    async def _greet(self, greeting: Greeting) -> None:
        """Shake hands as the protocol declares, and let in whoever does."""
        try:
            await greeting.run(self._say, self._ear.hear)
            identity = self._identity or await self._admission.identify(self._credentials)
            if not self._link.is_open:
                return
            connection = self._let_in(identity, greeting.variables)
            self._admission.unfinished.leave(self._make_room)
        except GreetingFailed as error:
            self._refuse(str(error), close=error.close)
            return
        except CallError as error:
            self._turn_away(error)
            return
        except Exception:  # noqa: BLE001 - whatever a hook raises lets nobody in
            self._refuse(incident("handshake").message)
            return
        connection.catch_up(self._subprotocol, self._ear.heard)

    async def _authenticate(self, token: str) -> None:
        self._identity = await self._admission.identify(replace(self._credentials, token=token))

    def _say(self, message: bytes) -> None:
        if self._link.is_open:
            self._link.send(message)
            self._link.flush()

    async def _log_in(self, id: str, token: str) -> None:
        try:
            identity = await self._admission.identify(replace(self._credentials, token=token))
            if not self._link.is_open:
                return
            connection = self._let_in(identity)
        except CallError as error:
            if self._link.is_open:
                self._link.send(_CODEC.failure(id, body_of(error)))
                self._turn_away(error)
            return
        self._link.send(_CODEC.result(id, answer(identity)))
        connection.on_open(self._subprotocol)
        self._link.flush()

    def _turn_away(self, error: CallError) -> None:
        """Close for somebody whom the authenticator, or a limit, does not let in."""
        code = NO_REFUSAL.get(error.status, CloseCode.UNAUTHENTICATED)
        if isinstance(error, _TooMany):
            self._refuse(error.reason, limit=error.limit, code=code)
        else:
            self._refuse(error.message, _reason(error), code=code)

    def _refuse(
        self,
        reason: str,
        why: str = "authentication",
        limit: str | None = None,
        close: Close | None = None,
        code: CloseCode = CloseCode.UNAUTHENTICATED,
    ) -> None:
        """Close; `close` is how the protocol says so."""
        if limit is None:  # else it is told when the connection is gone
            self._tell(why)
        if close is None:
            self._link.close(code, reason, limit)
        else:
            self._link.close(close["code"], close.get("reason", reason), limit)

    def _nobody_came(self) -> None:
        self._refuse("nobody signed in in time", limit="handshake")

    def _forget_login(self) -> None:
        if self._login is not None:
            self._login.cancel()

    def on_closed(self, code: int, reason: str) -> None:
        self._forget_login()
        if self._link.exceeded is not None:
            self._tell(self._link.exceeded)

    def _tell(self, limit: str) -> None:
        """Tell the observers that somebody was not let in."""
        if self._party.observers is not None:
            self._party.observers.tell(lambda observer: observer.refused(limit, self._address, None))

    def on_pass_end(self) -> None: ...
    def on_room(self) -> None: ...
