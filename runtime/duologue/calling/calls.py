"""Calls to the peer: waiting for a place, sending, and giving each caller its outcome."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard, cast

from ..descriptors import Action, DownloadAction, StreamAction
from ..drivers.port import Future, wake
from ..errors import CallError, InvalidArgument, NotSent, PermissionDenied, Ran
from ..models import Params
from ..session.decisions import DownloadEnd, Item, OutgoingCall, Settle
from ..session.outcomes import data_of
from ..wire import MAX_KEY, MAX_META, Message, UploadForm, Validation, is_large_meta

if TYPE_CHECKING:
    from ..connection.connection import Connection

BUILT_IN_TIMEOUT: Final = 30.0
"""Seconds that a built-in action may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """What a single call may change, besides its timeout.

    Attributes:
        key: The idempotency key, 1 to 128 characters.
        meta: Texts that travel with the request, at most 4 KiB of UTF-8, names and values together.
        route: What the call is for, besides the connection, where the protocol's messages say so: a session, an object,
            a subscription.
        validation: What is done with a result that does not fit; None for what the client was opened with.
        on_id: Is told the request's id before it leaves, where messages have one: others may address by it what
            follows from a call.
    """

    key: str | None = None
    meta: Mapping[str, str] | None = None
    route: int | str | None = None
    validation: Validation | None = None
    on_id: Callable[[int | str], object] | None = None


DEFAULTS: Final = CallOptions()

_NO_HALVES: Final = "without half a surrogate pair, which UTF-8 cannot carry"
_Pairs: TypeAlias = Mapping[object, object]


def check_extras(action: str, key: object, meta: object) -> None:
    """Refuse what cannot travel with a request. Raises `InvalidArgument`, which does not quote it."""
    if key is not None and not (_is_text(key) and 1 <= len(key) <= MAX_KEY):
        raise InvalidArgument(f"{action}: the key has to be 1 to {MAX_KEY} characters, {_NO_HALVES}", ran=Ran.NO)
    if not meta:
        return
    if not (isinstance(meta, Mapping) and all(map(_is_text, chain.from_iterable(cast("_Pairs", meta).items())))):
        raise InvalidArgument(f"{action}: meta has to map texts to texts, {_NO_HALVES}", ran=Ran.NO)
    if is_large_meta(cast("Mapping[str, str]", meta)):
        raise InvalidArgument(f"{action}: meta is larger than {MAX_META} bytes", ran=Ran.NO)


def _is_text(value: object) -> TypeGuard[str]:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def encoded(action: Action[Any, Any], params: Params) -> bytes:
    """The params of a call, as they travel. Raises `NotSent` where they are more than the action takes."""
    data = params.to_wire()
    if action.max_request is not None and len(data) > action.max_request:
        raise NotSent(f"{action.name}: params of {len(data)} bytes; the action takes at most {action.max_request}")
    return data


class Arrivals:
    """What came for a call and was not read yet: items of a stream or pieces of a download, then the outcome.

    Attributes:
        sha256: The sender's digest of a download, None before its end came.
    """

    __slots__ = ("items", "outcome", "sha256", "waiting")

    def __init__(self) -> None:
        self.items: deque[bytes | memoryview] = deque()
        self.sha256: bytes | None = None
        self.outcome: Message | CallError | None = None
        self.waiting: Future | None = None

    def put(self, item: bytes | memoryview) -> None:
        self.items.append(item)
        self.wake()

    def set_result(self, outcome: Message | CallError, /) -> None:
        self.outcome = outcome
        self.wake()

    def done(self) -> bool:
        return self.outcome is not None

    def wake(self) -> None:
        """Let whoever waits for more look again."""
        if self.waiting is not None:
            wake(self.waiting)


class Calls:
    """The calls that go out on one connection.

    Attributes:
        dropped: Answers that came when nobody waited for them any more.
    """

    __slots__ = ("_connection", "_places", "_settled", "dropped")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._places: OrderedDict[Future, None] = OrderedDict()
        self._settled: Future | None = None
        self.dropped = 0

    async def ask(
        self, name: str, params: bytes, timeout: float = BUILT_IN_TIMEOUT, options: CallOptions | None = None
    ) -> bytes:
        """Call an action by its name; returns the raw data."""
        left = await self.turn(timeout) if self.is_full else timeout
        outcome = self._connection.executor.future()
        call = self.request(name, params, outcome, left, options or DEFAULTS)
        try:
            answer: Message | CallError = await outcome
        except BaseException:  # the caller was cancelled
            self.abandon(call)
            raise
        return data_of(answer)

    async def begin(
        self,
        action: Action[Any, Any],
        params: Params,
        owner: Future | Arrivals,
        timeout: float | None,
        options: CallOptions | None,
        upload: UploadForm | None = None,
        *,
        shared: bool = False,
    ) -> OutgoingCall:
        """Send a request as soon as there is a place and room for it; `owner` gets what comes of it.

        Args:
            timeout: Seconds, None for no end.
            upload: What is going to be uploaded.
            shared: Whether another call may bring the same upload.

        Raises:
            PermissionDenied: The peer does not hold the scope of what it would be asked.
            NotSent: See `Session.request`.
        """
        self.check_rights(action)
        limits, data, window = self._connection.limits, encoded(action, params), None
        if self.is_full:
            timeout = await self.turn(timeout, action)
        download = isinstance(action, DownloadAction)
        if download:
            window = limits.bulk_window
        elif isinstance(action, StreamAction):
            window = limits.stream_window
        return self.request(
            action.name,
            data,
            owner,
            timeout,
            options or DEFAULTS,
            window=window,
            upload=upload,
            shared=shared,
            download=download,
        )

    def abandon(self, call: OutgoingCall) -> None:
        """Nobody waits for this call any more."""
        if self._connection.watch is not None:
            self._connection.watch.abandoned(call)
        self._connection.session.abandon(call)
        self._connection.outlet.touch()
        self.pass_on()  # a request that had not left yet gives its place back at once

    def consume(self, call: OutgoingCall, amount: int) -> None:
        """So many items, or bytes, were read."""
        self._connection.session.consume(call, amount)
        self._connection.outlet.touch()

    def settle(self, decision: Settle) -> None:
        """Give a call its outcome, and its place to the next."""
        owner: Future | Arrivals = decision.call.owner
        if self._connection.watch is not None:
            self._connection.watch.settled(decision.call, decision.outcome)
        if not owner.done():
            owner.set_result(decision.outcome)
        if self._places or self._settled is not None:  # hardly ever
            self.pass_on()

    async def until_settled(self) -> None:
        """Wait until nobody waits for an answer any more."""
        while not all(call.abandoned for call in self._connection.session.outgoing.values()):
            self._settled = self._connection.executor.future()
            await self._settled

    def drop(self) -> None:
        """An answer has come too late: the place of its call is free."""
        self.dropped += 1
        self.pass_on()

    def pass_on(self) -> None:
        """A call has ended: give its place, if it left one, to whoever waits longest."""
        if self._places and self._connection.session.may_request:
            wake(self._places.popitem(last=False)[0])
        if self._settled is not None:
            wake(self._settled)

    def take_item(self, decision: Item) -> None:
        arrivals: Arrivals = decision.call.owner
        arrivals.put(decision.raw)

    def end_download(self, decision: DownloadEnd) -> None:
        arrivals: Arrivals = decision.call.owner
        arrivals.sha256 = decision.sha256

    def granted(self, call: OutgoingCall) -> None:
        """The peer takes more of an upload."""
        arrivals: Arrivals = call.owner
        arrivals.wake()

    def release(self) -> None:
        """The connection is gone, or takes more than before: let those who wait look again."""
        while self._places:
            wake(self._places.popitem(last=False)[0])

    def check_rights(self, action: Action[Any, Any]) -> None:
        """Raises `PermissionDenied` where the peer does not hold the scope of what it would be asked."""
        if (denied := self._connection.refusal(action)) is not None:
            raise PermissionDenied(f"the peer may not be asked: {denied.message}", ran=Ran.NO)

    def request(
        self,
        name: str,
        params: bytes,
        owner: Future | Arrivals,
        timeout: float | None,
        options: CallOptions,
        *,
        window: int | None = None,
        upload: UploadForm | None = None,
        shared: bool = False,
        download: bool = False,
    ) -> OutgoingCall:
        """Send a request for which there is a place and room, see `turn`; `owner` gets what comes of it."""
        connection = self._connection
        try:
            if timeout is not None and timeout <= 0:
                raise NotSent(f"{name}: the timeout passed before the request could be sent")
            if options is not DEFAULTS:
                check_extras(name, options.key, options.meta)
            requesting = connection.session if connection.watch is None else connection.watch
            call = requesting.request(
                name,
                params,
                owner,
                now=connection.executor.now(),
                timeout=timeout,
                key=options.key,
                meta=options.meta,
                route=options.route,
                window=window,  # each by its name: to pass on what is in a dictionary takes twice as long
                upload=upload,
                shared=shared,
                download=download,
            )
            if options.on_id is not None and (id := connection.codec.wire_id(call.id)) is not None:
                options.on_id(id)
        except BaseException:
            self.pass_on()  # it may have been given a place that it does not use
            raise
        connection.outlet.touch()
        return call

    @property
    def is_full(self) -> bool:
        """Whether a request has to wait, or cannot be sent any more."""
        connection = self._connection
        return not (connection.session.may_request and connection.outlet.link.has_room and connection.closed is None)

    async def turn(self, timeout: float | None, action: Action[Any, Any] | None = None) -> float | None:
        """Wait until a request may be sent; returns the seconds that are left for it.

        Args:
            action: What the peer is to be asked; None for what needs no scope.

        Raises:
            PermissionDenied: Meanwhile the peer has lost the scope of it.
            NotSent: The time has passed, or the connection is gone.
        """
        connection = self._connection
        until = None if timeout is None else connection.executor.now() + timeout
        try:
            while connection.closed is None and self.is_full:
                await self._wait(until)
            if connection.closed is not None:
                raise NotSent(str(connection.closed))
            if action is not None:
                self.check_rights(action)
        except BaseException:
            self.pass_on()  # it may have been given a place that it does not use
            raise
        return None if until is None else until - connection.executor.now()

    async def _wait(self, until: float | None) -> None:
        """Wait for a place among the calls in flight, or for room to send; not longer than `until`."""
        connection = self._connection
        place = connection.executor.future()
        if connection.outlet.link.has_room:
            self._places[place] = None
        else:
            connection.outlet.waiters[place] = None
        timer = connection.executor.call_at(until, lambda: wake(place)) if until is not None else None
        try:
            await place
        finally:
            if timer is not None:
                timer.cancel()
            self._places.pop(place, None)
            connection.outlet.waiters.pop(place, None)
        if until is not None and connection.executor.now() >= until:
            raise NotSent("the timeout passed while the request waited for its turn")
