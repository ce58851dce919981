"""What a server author, or a client that can be called, implements: handlers and what they are given."""

from __future__ import annotations

import hashlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic

import anyio
from msgspec import Struct
from typing_extensions import TypeVar, override

from ..auth import Identity
from ..calling.peer import Peer
from ..descriptors import Action, DownloadAction, EventDescriptor, I, P, Protocol, R, StreamAction, UploadAction
from ..errors import Cancelled, ResourceExhausted
from ..events.publisher import EventLog, MemoryLog, Publisher
from ..events.undeclared import Undeclared
from ..models import Event, to_json
from ..observing.lines import Line
from ..wire import PAYLOAD
from .answers import AnswerStore, Claim, MemoryAnswers
from .keyed import KeyedCalls
from .uploads import HeldUploads, Upload

if TYPE_CHECKING:
    from ..connection.connection import Connection

_LOG: Final = logging.getLogger("duologue")

PeerT = TypeVar("PeerT", bound=Peer)
E = TypeVar("E", bound=Event)


class Call(Struct, Generic[PeerT], eq=False):
    """The call being handled: who called, until when, and a typed way back.

    Attributes:
        peer: The caller: what it serves can be called from within the handler.
        connection: The connection that the call came on.
        action: The action's name on the wire.
        meta: What the caller sent along.
        key: The caller's idempotency key, None when it gave none.
        deadline: When the caller stops waiting, on the event loop's clock; None when it waits for ever.
        identity: Who called, as of when the handler started.
        claim: Of a keyed call with a key: what a store that keeps answers itself has to record.
        id: The request's id, by which logs tell of it: unique on its connection while it runs; empty for an event.
        route: What it is for, where the protocol's messages say so: a session, an object, a subscription.
    """

    peer: PeerT
    connection: Connection
    action: str
    meta: Mapping[str, str]
    key: str | None
    deadline: float | None
    identity: Identity
    claim: Claim | None = None
    id: str = ""
    route: int | str | None = None

    @override
    def __repr__(self) -> str:
        """Without what the caller has sent, which may be secret."""
        return f"<Call of {self.action}, id {self.id!r}>"

    @override
    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The same for the library Rich, which shows the locals of tracebacks."""
        return [("action", self.action), ("id", self.id)]

    @property
    def wire_id(self) -> int | str | None:
        """The request's id as its message has it; None where it has none. Others address by it what follows."""
        return self.connection.codec.wire_id(self.id) if self.id else None

    def time_left(self) -> float | None:
        """Seconds until the caller stops waiting; None when it waits for ever."""
        return None if self.deadline is None else max(0.0, self.deadline - self.connection.executor.now())


class Sink(Generic[I]):
    """Where a streaming handler puts its items."""

    __slots__ = ("_action", "_must_arrive", "_send")

    def __init__(
        self, send: Callable[[bytes], Awaitable[bool]], action: StreamAction[Any, I, Any], *, must_arrive: bool
    ) -> None:
        self._send = send
        self._action = action
        self._must_arrive = must_arrive

    async def send(self, item: I) -> None:
        """Send an item; waits until the caller has room for it.

        Raises:
            Cancelled: The connection is gone. A keyed call goes on without its items, since a retry may want its
                result.
        """
        data = to_json(self._action.item.serializer, item)
        if not await self._send(data) and self._must_arrive:
            raise Cancelled("the caller is gone")


class ByteSink:
    """Where the handler of a download puts its bytes."""

    __slots__ = ("_action", "_digest", "_send", "_sent", "_turn")

    def __init__(self, send: Callable[[memoryview], Awaitable[bool]], action: DownloadAction[Any, Any]) -> None:
        self._send = send
        self._action = action
        self._digest = hashlib.sha256()
        self._sent = 0
        self._turn = anyio.Lock(fast_acquire=True)

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes, any number of them; waits until the caller has room for them.

        Several tasks may send: what each gives at once stays together.

        Raises:
            Cancelled: The connection is gone.
            ResourceExhausted: More than the action may give.
        """
        view = memoryview(data).cast("B")
        self._sent += len(view)
        if self._sent > self._action.max_size:
            raise ResourceExhausted(f"more than the {self._action.max_size} bytes that {self._action.name} may give")
        async with self._turn:
            for start in range(0, len(view), PAYLOAD):
                piece = view[start : start + PAYLOAD]
                self._digest.update(piece)
                if not await self._send(piece):
                    raise Cancelled("the caller is gone")

    def digest(self) -> bytes:
        """The SHA-256 digest of what was sent so far."""
        return self._digest.digest()


class Bound(Struct, frozen=True):
    """Which handler answers what."""

    name: str
    handler: Callable[..., Awaitable[Any]]
    action: Action[Any, Any] | None = None
    event: EventDescriptor[Event] | None = None


def unary(action: Action[P, R], handler: Callable[[Call[PeerT], P], Awaitable[R]]) -> Bound:
    """A handler that returns the result."""
    return Bound(action.name, handler, action=action)


def streaming(action: StreamAction[P, I, R], handler: Callable[[Call[PeerT], P, Sink[I]], Awaitable[R]]) -> Bound:
    """A handler that sends items before it returns the result."""
    return Bound(action.name, handler, action=action)


def uploading(action: UploadAction[P, R], handler: Callable[[Call[PeerT], P, Upload], Awaitable[R]]) -> Bound:
    """A handler that is given the bytes that came with the call."""
    return Bound(action.name, handler, action=action)


def downloading(action: DownloadAction[P, R], handler: Callable[[Call[PeerT], P, ByteSink], Awaitable[R]]) -> Bound:
    """A handler that sends bytes before it returns the result."""
    return Bound(action.name, handler, action=action)


def notified(event: EventDescriptor[E], handler: Callable[[Call[PeerT], E], Awaitable[None]]) -> Bound:
    """A handler of an event that the other end sends."""
    return Bound(event.name, handler, event=event)


class Service(ABC, Generic[PeerT]):
    """Base of the generated services.

    Attributes:
        protocol: The generated table of the protocol.
        peer_type: What handlers find in `call.peer`.
        describe_scope: Scopes that a peer must hold to ask what is served here (`describe`), of which each is told no
            more than it may use. None: nobody is answered.
    """

    protocol: ClassVar[Protocol]
    peer_type: ClassVar[type[Peer]]
    describe_scope: ClassVar[tuple[str, ...] | None] = ()

    @abstractmethod
    def handlers(self) -> Sequence[Bound]:
        """Which handler answers which action."""

    async def undeclared(self, call: Call[PeerT], message: Undeclared) -> None:
        """Take what comes and is not in the spec: an event of another name, or a message that is nothing it knows.

        Only in protocols that declare their own wire format; it is logged unless this is overridden.
        """
        _LOG.info("%s", Line("undeclared", connection=call.connection.id, event=message.name))

    def answer_store(self) -> AnswerStore:
        """Where the answers of keyed calls are kept, asked for once; in memory, for a day, unless overridden."""
        return MemoryAnswers()

    @cached_property
    def keyed(self) -> KeyedCalls:
        """The keyed calls of this service, whatever connections they come on."""
        return KeyedCalls(self.answer_store())

    def hold_uploads(self) -> HeldUploads:
        """Where uploads are held until all is there, asked for once; in the system's folder for temporary files.

        A service that keeps what is uploaded gives a folder on the disk where it is kept, so that it can be moved.
        """
        return HeldUploads()

    @cached_property
    def uploads(self) -> HeldUploads:
        """The uploads that are under way to this service, whatever connections they come on."""
        return self.hold_uploads()

    def event_log(self) -> EventLog:
        """The history of `log` events, asked for once; in memory, the last ten thousand, unless overridden."""
        return MemoryLog()

    @cached_property
    def publisher(self) -> Publisher:
        """Where this service publishes its events, whatever listeners it is served on."""
        return Publisher(self.protocol, self.event_log())
