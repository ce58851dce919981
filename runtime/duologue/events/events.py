"""The subscriber's side of events: typed streams, each with its own bounded queue."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeAlias, TypeVar, cast, overload

import msgspec
from typing_extensions import override

from ..calling.attempts import Attempts
from ..calling.calls import BUILT_IN_TIMEOUT
from ..descriptors import Action, Delivery, Effect, EventDescriptor
from ..drivers.port import Future, wake
from ..errors import CallError, HistoryLost, InvalidArgument
from ..models import Event, Params, deferred
from ..observing.observer import Fate
from ..wire import Foreign, Loss, Message, Point, Reset, SubscriptionEnd
from .filters import Filter, encode_filter, value_at
from .publisher import Position
from .undeclared import route_of

if TYPE_CHECKING:
    from ..client.client import Client
    from ..connection.connection import Connection

_State: TypeAlias = tuple[Any, ...]
"""Which state an event tells of: its name and its key. What waits to be read is the latest for each."""

E = TypeVar("E", bound=Event)
E1 = TypeVar("E1", bound=Event)
E2 = TypeVar("E2", bound=Event)
E3 = TypeVar("E3", bound=Event)


_SUBSCRIBE: Final = Action(
    name="subscribe", params=Params, result=deferred(object), effect=Effect.SAFE, timeout=BUILT_IN_TIMEOUT
)
"""How often subscribing may be tried: as any call that does no harm when it is sent again."""


class _Answer(msgspec.Struct):
    """What `subscribe` answers."""

    sub: str
    epoch: str
    seq: int
    resumed: bool = False
    reason: str = "resume_refused"


class EventStream(AbstractAsyncContextManager["EventStream[E]"], Generic[E]):
    """Events in order. Enter it, then iterate; a hole raises `HistoryLost`.

    Attributes:
        position: After the last event that was read; None before the subscription stands.
        lost: Volatile events that were dropped so far, here or on the way.
        standing: Whether it is subscribed, and to be renewed after a reconnect.
        by_name: Whether `subscribe` made it, and `unsubscribe` may end it.
        route: Of the last event that was read, where the protocol's messages have one.
    """

    def __init__(
        self,
        client: Client,
        descriptors: Sequence[EventDescriptor[Event]],
        values: Mapping[str, object],
        since: Position | None,
    ) -> None:
        self.position = since
        self.lost = 0
        self.standing = False
        self.by_name = False
        self.route: int | str | None = None
        self._routes: frozenset[int | str] = frozenset()
        self._client = client
        self._descriptors = {descriptor.name: descriptor for descriptor in descriptors}
        self._values = encode_filter(descriptors[0], values) if values else {}
        self._filter = Filter(descriptors, self._values)
        self._sub = ""
        self._live = False
        self._asked: Connection | None = None
        self._since: Position | None = None
        self._received: Position | None = since
        self._queue: deque[tuple[Event | None, int | None, _State | None, int | str | None]] = deque()
        self._states: dict[_State, Event] = {}
        self._behind = False
        self._failure: Exception | None = None
        self._done = False
        self._waiting: Future | None = None

    # ----------------------------------------------------------------------------------------------------- the user's
    @override
    async def __aenter__(self) -> Self:
        await self.start()
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> AsyncIterator[E]:
        return self

    async def __anext__(self) -> E:
        """The next event; waits for one.

        Raises:
            HistoryLost: Events are missing between the last one and whatever comes next.
            CallError: The subscription could not be renewed after a reconnect.
            RuntimeError: Another task waits for one already.
        """
        while not self._queue:
            if self._failure is not None:
                raise self._failure
            if self._done:
                raise StopAsyncIteration
            if self._behind:
                await self._catch_up()
                continue
            if self._waiting is not None:
                raise RuntimeError(
                    f"{', '.join(self._descriptors)}: another task reads this already; one at a time can"
                )
            self._waiting = self._client.executor.future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        event, seq, state, self.route = self._queue.popleft()
        if state is not None:
            event = self._states.pop(state)
        if seq is not None and self.position is not None:
            self.position = Position(self.position.epoch, seq)
        return cast("E", event)

    def on(self, *routes: int | str) -> Self:
        """Take only events of these routes, as in ``client.events.page.loaded().on(session)``."""
        self._routes = frozenset(routes)
        return self

    async def start(self) -> None:
        """Subscribe, unless that is done already.

        Raises:
            CallError: The server refused.
            HistoryLost: The position to start from is no more.
        """
        if not self._sub:
            self._sub = self._client.hub.add(self)
            try:
                await self._begin()
                if self._failure is not None:
                    raise self._failure
            except BaseException:
                self._client.hub.remove(self._sub)
                _ = self._client.forget(self._sub)  # the server may have taken it, and only its answer not have come
                self._sub, self._asked = "", None
                raise

    async def aclose(self) -> None:
        """Unsubscribe; what came already can still be read."""
        if self._done or not self._sub:
            return
        self.end()
        self._client.hub.remove(self._sub)
        await self._client.forget(self._sub)

    # -------------------------------------------------------------------------------------------------------- the hub's
    @property
    def names(self) -> Sequence[str]:
        """The events that it holds, by their names on the wire."""
        return list(self._descriptors)

    async def _begin(self, timeout: float | None = None) -> None:
        """Subscribe where nobody renews it; a connection that is lost meanwhile makes no difference."""
        attempts = Attempts.of(self._client, _SUBSCRIBE, timeout, None)
        while True:
            connection = await attempts.connect()
            try:
                await self.resume(connection, attempts.time_left())
            except CallError as error:
                attempts.failed(error, connection)
            else:
                self.standing = not self._behind
                return

    async def renew(self, connection: Connection) -> None:
        """Subscribe on a new connection, from where the last one ended.

        An error that comes with the end of this connection, too, is nothing: the next one is there for the rest.
        """
        try:
            await self.resume(connection)
        except CallError as error:
            if connection.takes_calls:
                self.fail(error)

    async def _catch_up(self) -> None:
        """The reader was too slow for the log, and has read what it had: subscribe anew from there."""
        old = self._sub
        self._client.hub.remove(old)
        self._sub = self._client.hub.add(self)
        await self._client.forget(old)
        self._received = self.position
        self._asked = None
        self._behind = False
        try:
            await self._begin(math.inf)  # a reader waits as long as it takes
        except BaseException:
            self._behind = True
            raise

    async def resume(self, connection: Connection, timeout: float | None = None) -> None:
        """Subscribe on a connection: anew, or from where the last one ended; once, whoever comes first."""
        if self._asked is connection:
            return
        self._asked = connection
        if not connection.is_native:  # whoever is connected is told of all that happens
            self._live = True
            return
        self._live = False
        since = self._received if any(d.delivery is Delivery.LOG for d in self._descriptors.values()) else None
        self._since = since
        request: dict[str, Any] = {"events": self.names, "sub": self._sub}
        if self._values:
            request["filter"] = self._values
        if since is not None:
            request["since"] = Point(since.epoch, since.seq)
        if not connection.extensions:
            self._live = True
            request = {"events": self.names}
        timeout = BUILT_IN_TIMEOUT if timeout is None else timeout
        raw = await connection.calls.ask("subscribe", msgspec.json.encode(request), timeout)
        if self._done:  # left meanwhile, and the server may have heard of that before
            await self._client.forget(self._sub)
        try:
            answer = msgspec.json.decode(raw, type=_Answer)
        except msgspec.DecodeError as error:
            raise InvalidArgument(f"subscribe: the answer does not fit: {error}") from None
        start = Position(answer.epoch, answer.seq)
        if since is not None and not answer.resumed:
            self.fail(HistoryLost(answer.reason))
        elif self._received is None or (since is None and not self._live):  # else `live`, and events, came before us
            self._received = start
        if self.position is None:
            self.position = start

    def offer(self, event: Event, message: Message) -> None:
        """An event of this connection came; it may not be for this stream."""
        tagged = isinstance(message.for_, str)
        if (message.for_ != self._sub if tagged else not self._live) or not self._filter.matches(event):
            return
        if self._behind:
            if self._descriptors[event.event_name].delivery is Delivery.VOLATILE:
                self._lose(event.event_name)
            return
        route = route_of(message) if isinstance(message, Foreign) else None
        if self._routes and route not in self._routes:
            return
        seq = message.seq if isinstance(message.seq, int) else None
        if seq is not None and self._received is not None:
            if seq <= self._received.seq:
                return
            self._received = Position(self._received.epoch, seq)
        self._put(self._descriptors[event.event_name], event, seq, route)

    def note(self, message: Message) -> None:
        """The server says something about this subscription."""
        if isinstance(message.live, Point):
            self._begin_live(message.live)
        if isinstance(message.at, Point):
            self._look(message.at)
        if isinstance(message.lost, Loss):
            self._lose(message.lost.event, message.lost.count)
        if isinstance(message.reset, Reset):
            self.fail(HistoryLost(message.reset.reason))
        if isinstance(message.end, SubscriptionEnd):
            self.fail(HistoryLost(message.end.reason or message.end.status))

    def _begin_live(self, point: Point) -> None:
        """From here on events come as they happen; `live` may be handled before the answer to `subscribe` is."""
        self._live = True
        if self._since is not None and (point.epoch != self._since.epoch or point.seq < self._since.seq):
            self.fail(HistoryLost("epoch_changed"))
        self._look(point)

    def wait_for_live(self, connection: Connection) -> None:
        """What a new connection carries is not for this stream before its own `live`."""
        if self._asked is not connection and connection.is_native:
            self._live = False

    def fail(self, error: Exception) -> None:
        """What came can still be read; then the error is raised."""
        if self._failure is None:
            self._failure = error
            if isinstance(error, HistoryLost) and self.position is not None:
                self._client.hub.tell_reset(self.names, error.reason)
        self._wake()

    def end(self) -> None:
        """No more events will come."""
        self._done = True
        self._wake()

    # ---------------------------------------------------------------------------------------------------------- helpers
    def _look(self, point: Point) -> None:
        """The log has been looked through so far: resuming starts there, also when nothing passed the filter."""
        if self._behind or self._failure is not None:
            return
        self._received = Position(point.epoch, point.seq)
        if not self._queue:
            self.position = self._received

    def _put(self, descriptor: EventDescriptor[Event], event: Event, seq: int | None, route: int | str | None) -> None:
        if self._failure is not None or self._done:
            return
        if descriptor.delivery is Delivery.STATE:  # as many as there are keys: the reader must hear of each
            state = (descriptor.name, *(value_at(event, path) for path in descriptor.key))
            if state in self._states:
                self._tell(descriptor.name, Fate.COALESCED)
            else:
                self._queue.append((None, None, state, route))
                self._tell(descriptor.name, Fate.DELIVERED)
            self._states[state] = event
            self._wake()
        elif len(self._queue) < self._client.limits.event_queue:
            self._queue.append((event, seq, None, route))
            if self._client.hub.tell_events is not None:
                self._client.hub.tell_events(descriptor.name, Fate.DELIVERED, 1)
            self._wake()
        elif descriptor.delivery is Delivery.LOG:
            self._behind, self.standing = True, False
        else:
            self._lose(descriptor.name)

    def _lose(self, event: str, count: int = 1) -> None:
        self.lost += count
        self._tell(event, Fate.DROPPED, count)

    def _tell(self, event: str, fate: Fate, count: int = 1) -> None:
        if self._client.hub.tell_events is not None:
            self._client.hub.tell_events(event, fate, count)

    def _wake(self) -> None:
        if self._waiting is not None:
            wake(self._waiting)


class Events:
    """Base of the generated events: one method an event; call it for several at once."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @overload
    def __call__(self, one: type[E], /) -> EventStream[E]: ...
    @overload
    def __call__(self, one: type[E1], two: type[E2], /) -> EventStream[E1 | E2]: ...
    @overload
    def __call__(self, one: type[E1], two: type[E2], three: type[E3], /) -> EventStream[E1 | E2 | E3]: ...
    @overload
    def __call__(self, *events: type[E]) -> EventStream[E]: ...
    def __call__(self, *events: type[Any]) -> EventStream[Any]:
        """Several events in one stream, in the order in which they come."""
        descriptors = [self._client.hub.descriptor(event) for event in events]
        return EventStream(self._client, descriptors, {}, None)

    def _open(self, event: type[E], filter: Mapping[str, object], since: Position | None) -> EventStream[E]:
        return EventStream(self._client, [self._client.hub.descriptor(event)], filter, since)
