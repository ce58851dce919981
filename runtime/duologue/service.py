"""What a server author, or a client that can be called, implements: handlers and what they are given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from typing_extensions import TypeVar

from .descriptors import Action, EventDescriptor, I, P, Protocol, R, StreamAction
from .errors import Cancelled
from .keyed import AnswerStore, Claim, KeyedCalls, MemoryAnswers
from .models import Event
from .publisher import EventLog, MemoryLog, Publisher

if TYPE_CHECKING:
    from .connection import Connection
    from .handlers import Handlers
    from .peer import Peer
    from .session import IncomingCall

PeerT = TypeVar("PeerT", bound="Peer")
E = TypeVar("E", bound=Event)


class Call(Generic[PeerT]):
    """The call being handled: who called, until when, and a typed way back.

    Attributes:
        peer: The caller: what it serves can be called from within the handler.
        connection: The connection that the call came on.
        action: The action's name on the wire.
        meta: What the caller sent along.
        key: The caller's idempotency key, None when it gave none.
        claim: Of a keyed call with a key: what a store that keeps answers itself has to record.
        deadline: When the caller stops waiting, on the event loop's clock; None when it waits for ever.
    """

    __slots__ = ("action", "claim", "connection", "deadline", "key", "meta", "peer")

    def __init__(
        self,
        peer: PeerT,
        connection: Connection,
        action: str,
        *,
        meta: Mapping[str, str],
        key: str | None,
        deadline: float | None,
        claim: Claim | None = None,
    ) -> None:
        self.peer = peer
        self.connection = connection
        self.action = action
        self.meta = meta
        self.key = key
        self.claim = claim
        self.deadline = deadline

    def time_left(self) -> float | None:
        """Seconds until the caller stops waiting; None when it waits for ever."""
        return None if self.deadline is None else max(0.0, self.deadline - self.connection.executor.now())


class Sink(Generic[I]):
    """Where a streaming handler puts its items."""

    __slots__ = ("_action", "_call", "_handlers")

    def __init__(self, handlers: Handlers, call: IncomingCall, action: StreamAction[Any, I, Any]) -> None:
        self._handlers = handlers
        self._call = call
        self._action = action

    async def send(self, item: I) -> None:
        """Send an item; waits until the caller has room for it.

        Raises:
            Cancelled: The connection is gone. A keyed call goes on without its items, since a retry may want its
                result.
        """
        data = self._action.item.serializer.to_json(item, by_alias=True, warnings="error")
        if not await self._handlers.send_item(self._call, data) and self._call.key is None:
            raise Cancelled("the caller is gone")


@dataclass(frozen=True, slots=True)
class Bound:
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


def notified(event: EventDescriptor[E], handler: Callable[[Call[PeerT], E], Awaitable[None]]) -> Bound:
    """A handler of an event that the other end sends."""
    return Bound(event.name, handler, event=event)


class Service(ABC, Generic[PeerT]):
    """Base of the generated services.

    Attributes:
        protocol: The generated table of the protocol.
        peer_type: What handlers find in `call.peer`.
    """

    protocol: ClassVar[Protocol]
    peer_type: ClassVar[type[Peer]]

    @abstractmethod
    def handlers(self) -> Sequence[Bound]:
        """Which handler answers which action."""

    def answer_store(self) -> AnswerStore:
        """Where the answers of keyed calls are kept, asked for once; in memory, for a day, unless overridden."""
        return MemoryAnswers()

    @cached_property
    def keyed(self) -> KeyedCalls:
        """The keyed calls of this service, whatever connections they come on."""
        return KeyedCalls(self.answer_store())

    def event_log(self) -> EventLog:
        """The history of `log` events, asked for once; in memory, the last ten thousand, unless overridden."""
        return MemoryLog()

    @cached_property
    def publisher(self) -> Publisher:
        """Where this service publishes its events, whatever listeners it is served on."""
        return Publisher(self.protocol, self.event_log())
