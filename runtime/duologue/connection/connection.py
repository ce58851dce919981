"""One connection: a `Session` (what is said), a `Link` (how it travels), calls out and handlers in.

It carries out what the session decides. No user code runs while a read is being handled: handlers are tasks that start
after it, so a handler may call the peer back, to any depth.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from websockets.client import ClientProtocol
from websockets.http11 import Request

from ..access.admission import Admission
from ..access.gate import Descriptor
from ..access.standing import THE_SERVER, Standing
from ..auth import Credentials, Identity
from ..calling.calls import Calls
from ..calling.channel import Channel
from ..close_codes import CloseCode
from ..drivers.port import Executor, Future, Scope, Socket, Task, wake
from ..errors import ConnectionClosed, InvalidArgument, NotSent, PermissionDenied, Ran
from ..events.subscriptions import Subscriptions
from ..handling.giving import granted
from ..handling.handlers import Handlers
from ..handling.notifications import Notifications
from ..models import Event
from ..net.link import Link
from ..net.refusals import refusal
from ..session.decisions import (
    Decision,
    DownloadEnd,
    Dropped,
    EventArrived,
    Fail,
    Granted,
    IncomingCall,
    Item,
    PeerLeaving,
    Refused,
    Settle,
    Start,
    Stop,
    SubscriptionNote,
    UploadBroken,
    UploadPiece,
)
from ..session.session import Session
from ..session.states import Role, State
from ..wire import SUBPROTOCOL, ErrorBody, Goaway, NotCarried, Validation
from .outlet import Outlet
from .party import Party
from .watching import Watch

_NUMBERS = count(1)


class Connection:
    """One conversation with one peer.

    Attributes:
        id: A number that tells it apart from the others of this process.
        channel: Where calls to the peer go: here, or to the connection that takes this one's place.
        standing: Who the peer is, and what it may do.
        peer: What handlers find in `call.peer`.
        closed: None while the connection lives, then why it ended.
        scope: Where its tasks run, handlers among them; None before it is given by `begin`.
        outlet: Sends what the session has to say.
        watch: Tells its observers; None where there are none.
        variables: What the handshake of a declared protocol has settled, as JSON by name.
        codec: Turns messages into bytes and back.
        is_native: Whether it speaks the native wire format, and not one that its protocol declares.
        is_introducing: Whether calls are being made that come before the users'.
        validation: What is done with results that do not fit.
        around_calls: What is put around calls to the peer.
    """

    def __init__(
        self,
        link: Link,
        party: Party,
        identity: Identity = THE_SERVER,
        credentials: Credentials | None = None,
        admission: Admission | None = None,
        *,
        variables: Mapping[str, bytes] | None = None,
    ) -> None:
        self.id = next(_NUMBERS)
        role = Role.CLIENT if link.is_client else Role.SERVER
        self.executor: Executor = link.executor
        self.limits = party.limits
        self.closed: ConnectionClosed | None = None
        self.gate = party.gate
        self.standing = Standing(self, party.gate, identity, credentials, admission)
        self.variables: Mapping[str, bytes] = variables if variables is not None else {}
        self.codec = party.speech.codec(self.variables)
        self.is_native = party.speech.envelope is None
        self.validation: Validation = party.validation
        self.is_introducing = False
        self.session = Session(role, self.codec, party.limits, self.standing.greeting(party.hello))
        self.session.first_difference = party.speech.first_difference
        self.around_calls = party.around_calls
        self.watch = None if party.observers is None else Watch(self, party.observers)
        if self.watch is not None:
            self.session.answering.on_answered = self.watch.answered
        self.outlet = Outlet(self.session, link, self._tick)
        self._party = party
        self._link = link
        link.owner = self
        self._subscriptions = Subscriptions(self, party.publisher) if party.publisher is not None else None
        self._handlers = Handlers(self, party.handlers, party.keyed, party.uploads, self._subscriptions)
        self._notifications: Notifications | None = None
        self.calls = Calls(self)
        self.channel = Channel(self.executor, self)
        self.peer = party.make_peer(self)
        self._ready = False
        self._end_waiters: dict[Future, None] = {}
        self.scope: Scope | None = None
        self._held: list[Decision] = []

    # ------------------------------------------------------------------------------------------------------- lifetime
    async def establish(self, socket: Socket) -> None:
        """Carry out the opening handshake on a connected socket, and nothing more.

        Raises:
            ConnectFailed: It did not succeed.
        """
        await socket.run(self._link, self._link.high_water)
        if self.closed is not None:
            raise refusal(self._link.protocol.handshake_exc, self.closed) from self.closed

    async def run(self, socket: Socket) -> None:
        """Carry the conversation until it ends; handlers that still run are cancelled then, but for keyed ones."""
        async with self.executor.scope() as scope:
            self.begin(scope)
            await socket.run(self._link, self._link.high_water)
            await self.until_done()

    def begin(self, scope: Scope) -> None:
        """From now on handlers may run, in `scope`."""
        self.scope = scope
        held, self._held = self._held, []
        if self.closed is None:
            self._carry_out(held)
        if self._party.keepalive is not None and self.closed is None:
            scope.spawn(self._party.keepalive, self)

    async def until_done(self) -> None:
        """Wait, when the connection is gone, for the keyed handlers that run in its scope."""
        if self._party.scope is None:
            await self._handlers.until_done()

    def close(self, code: int = CloseCode.NORMAL, reason: str = "", limit: str | None = None) -> None:
        """Begin the closing handshake; what was said before still leaves. `limit` names what the peer has exceeded."""
        if self._subscriptions is not None:
            self._subscriptions.tell_positions()
        self.outlet.flush()
        self._link.close(code, reason, limit)

    def abort(self) -> None:
        """Cut the connection."""
        self._link.abort()

    def expel(self, code: int, reason: str) -> None:
        """End at once all that the peer has here: it has no rights any more."""
        self.standing.end()
        self.close(code, reason)
        assert self._subscriptions is not None, "only a server expels, and it publishes"
        self._subscriptions.close()
        self._handlers.stop_all()
        if self._notifications is not None:
            self._notifications.stop_all()

    def refusal(self, descriptor: Descriptor) -> ErrorBody | None:
        """Why the peer may not call an action, be asked it, or have an event; None when it may."""
        rights = self.standing.rights
        return None if rights.everything else self.gate.admit(rights, descriptor)

    def recheck(self) -> None:
        """The peer's rights are others than before: end what they do not cover."""
        assert self._subscriptions is not None, "only a server's peers have rights, and it publishes"
        self._subscriptions.recheck()
        self._handlers.recheck()
        if self._notifications is not None:
            self._notifications.recheck()

    def leave(self, goaway: Goaway) -> None:
        """Take no more calls, and say so."""
        if self.session.state in (State.OPEN, State.LEAVING):
            self.session.leave(goaway)
            self.outlet.touch()

    def follow(self, earlier: Connection) -> None:
        """Take the place of an earlier connection of the same peer: calls to it go here from now on."""
        self.channel.go_on(earlier.channel)
        self.channel, self.peer = earlier.channel, earlier.peer
        self.channel.take(self)

    async def until_idle(self) -> None:
        """Wait until nothing of the peer's is being handled, and no call of ours is under way."""
        await self._handlers.until_idle()
        if self._party.scope is not None:  # else the connection's end waits for them, whose tasks are its own
            await self._handlers.until_done()
        if self._notifications is not None and self.closed is None:
            await self._notifications.until_idle()
        await self.calls.until_settled()

    async def until_closed(self) -> None:
        """Wait until the connection is gone."""
        if self.closed is None:
            waiting = self.executor.future()
            self._end_waiters[waiting] = None
            try:
                await waiting
            finally:
                self._end_waiters.pop(waiting, None)

    @property
    def identity(self) -> Identity:
        """Who the peer is."""
        return self.standing.identity

    @property
    def protocol(self) -> str:
        """The name of the protocol that is spoken."""
        return self._party.hello.protocol

    @property
    def server_address(self) -> tuple[str, int] | None:
        """Host and port that a client has connected to; None at a server's end."""
        if not self._link.is_client:  # of whose protocol the library keeps nothing
            return None
        assert isinstance(self._link.protocol, ClientProtocol)
        uri = self._link.protocol.uri
        return uri.host, uri.port

    @property
    def peer_address(self) -> str:
        """The peer's address, known once the handshake is over; empty where nobody observes.

        Of a client that comes through a trusted proxy it is the client's.
        """
        return "" if self.watch is None else self.watch.peer

    @property
    def network_address(self) -> str:
        """The address at the other end of the socket, as `peer_address`; through a proxy it is the proxy's."""
        return "" if self.watch is None else self.watch.network_peer

    @property
    def generation(self) -> int:
        """Which connection of its session this is, by the peer's count; 0 before it has told."""
        return self.session.peer.gen if self.session.peer is not None else 0

    @property
    def is_open(self) -> bool:
        """Whether the handshake is over and the closing has not begun."""
        return self._link.is_open

    @property
    def takes_calls(self) -> bool:
        """Whether a call may be sent here: it is open, and the peer has not said that it leaves."""
        return self._link.is_open and not self.session.peer_leaving

    def sends(self, name: str) -> bool:
        """Whether this end sends an event of that name, outside any subscription."""
        return self._party.speech.is_notification(name)

    @property
    def extensions(self) -> bool:
        """Whether the peer speaks more than the plain three shapes."""
        return self.session.outbox.capabilities.extensions

    def spawn(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> Task:
        """Run something for as long as the connection lives."""
        assert self.scope is not None, "decisions are held until there is a scope"
        return self.scope.spawn(function, *args)

    def detach(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> Task:
        """Run something that outlasts the connection, if there is a scope for that."""
        return self.spawn(function, *args) if self._party.scope is None else self._party.scope.spawn(function, *args)

    async def notify(self, event: Event, *, route: int | str | None = None) -> None:
        """Send the peer an event of ours, outside any subscription.

        Args:
            route: What it is for, where the protocol's messages say so.

        Raises:
            InvalidArgument: The protocol's messages have no place for a route.
            PermissionDenied: The peer does not hold the scope of the event.
            NotSent: The connection is gone, or the peer takes no message of this size.
        """
        if not await self.outlet.room():
            raise NotSent(str(self.closed))
        descriptor = None if self._party.publisher is None else self._party.publisher.events.get(event.event_name)
        if descriptor is not None and (denied := self.refusal(descriptor)) is not None:
            raise PermissionDenied(denied.message, ran=Ran.NO)
        limit = self.session.outbox.capabilities.frame
        try:
            message = self.codec.event(event.event_name, event.to_wire(), route=route)
        except NotCarried as error:
            raise InvalidArgument(f"{event.event_name}: {error}", ran=Ran.NO) from None
        if len(message) > limit:
            raise NotSent(f"{event.event_name}: an event of {len(message)} bytes; the peer takes at most {limit}")
        self.outlet.send_event(message)

    def _tick(self) -> None:
        self._carry_out(self.session.tick(self.executor.now()))
        self.outlet.touch()

    # ------------------------------------------------------------------------------------------------- the link's owner
    def on_request(self, request: Request) -> None:
        raise AssertionError("a connection is made when its handshake was answered")

    def on_open(self, subprotocol: str | None) -> None:
        self.session.open(extensions=self.is_native and subprotocol == SUBPROTOCOL)
        if not self.is_native and self._subscriptions is not None:
            self._subscriptions.follow_all()
        if self.watch is not None:
            self.watch.opened(self._link.peer_name)
        if not self.extensions:
            self._get_ready()
        self.outlet.touch()

    def catch_up(self, subprotocol: str | None, heard: Iterable[bytes]) -> None:
        """Begin where a handshake has ended, with what the peer has said ahead of its end."""
        self.on_open(subprotocol)
        for message in heard:
            if not self._link.is_open:  # one of them has led to it
                return
            self.on_message(message)
        self.on_pass_end()

    def on_message(self, data: bytes) -> None:
        self._carry_out(self.session.receive(data, self._link.now))

    def on_binary(self, data: bytes) -> None:
        self._carry_out(self.session.receive_binary(data))

    def on_pass_end(self) -> None:
        if self.session.peer is not None and not self._ready:
            self._get_ready()
        if self._handlers.writing:
            self._handlers.write_uploads()
        self.outlet.touch(pass_end=True)

    def on_room(self) -> None:
        if self._subscriptions is not None:
            self._subscriptions.on_room()
        self.outlet.on_room()

    def on_closed(self, code: int, reason: str) -> None:
        self.closed = ConnectionClosed(code, reason)
        if self.watch is not None:
            self.watch.lose()
        self._carry_out(self.session.lose())
        if self.watch is not None:
            self.watch.closed(self.closed, self._link.exceeded)
        if self._subscriptions is not None:
            self._subscriptions.close()
        self._handlers.closed()
        self.standing.forget()
        self.outlet.close()
        if self._party.on_closed is not None:
            self._party.on_closed(self, self.closed)
        self.on_room()
        self.calls.release()
        for future in list(self._end_waiters):
            wake(future)

    def _get_ready(self) -> None:
        """The handshake is over, and the peer has told what it takes."""
        self._ready = True
        self.calls.release()  # it may take more calls than were assumed
        if self.session.peer is not None and self._party.on_known is not None:
            self._party.on_known(self, self.session.peer)
        if self.scope is None and not self.is_introducing:
            self._link.hold()  # `establish` goes no further

    # ------------------------------------------------------------------------------------------------------ decisions
    def _carry_out(self, decisions: Sequence[Decision]) -> None:  # noqa: C901, PLR0912 - one case a decision
        """Carry out what the session has decided, the most frequent first; some of it has to wait for the scope."""
        for decision in decisions:
            match decision:
                case Settle():
                    self.calls.settle(decision)
                case Fail():
                    self.close(decision.code, decision.reason)
                case _ if self.scope is None and self.closed is None:
                    self._held.append(decision)
                case Start():
                    self._handlers.start(decision)
                case Stop():
                    self._handlers.stop(decision)
                case EventArrived():
                    self._take_event(decision)
                case Item():
                    self.calls.take_item(decision)
                case UploadPiece() | UploadBroken():
                    self._handlers.take_upload(decision)
                case Granted():
                    self._grant(decision)
                case DownloadEnd():
                    self.calls.end_download(decision)
                case Dropped():
                    self.calls.drop()
                case Refused():
                    self._refuse(decision)
                case SubscriptionNote():
                    self._take_note(decision)
                case _:
                    self._take_leave(decision)

    def _grant(self, decision: Granted) -> None:
        if isinstance(decision.call, IncomingCall):
            granted(decision.call)
        else:
            self.calls.granted(decision.call)

    def _take_event(self, decision: EventArrived) -> None:
        if self._notifications is None:
            self._notifications = Notifications(self, self._party.handlers)
        if self._notifications.take(decision):
            return
        if self._party.on_event is not None:
            self._party.on_event(decision.message)
        else:
            assert self._party.on_undeclared is not None, "who is given no events takes what nobody knows"
            self._notifications.take_undeclared(decision, self._party.on_undeclared)

    def _take_note(self, decision: SubscriptionNote) -> None:
        if self._party.on_note is not None:
            self._party.on_note(decision.message)

    def _refuse(self, decision: Refused) -> None:
        if self.watch is not None:
            self.watch.refused(decision.limit)

    def _take_leave(self, decision: PeerLeaving) -> None:
        assert self._party.on_leaving is not None, "clients and servers both ask to be told"
        self._party.on_leaving(self, decision.goaway)
