"""Calls to the peer: waiting for a place, sending, and giving each caller its outcome."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .decisions import DownloadEnd, Item, OutgoingCall, Settle
from .descriptors import Action, DownloadAction, StreamAction
from .drivers.port import Future, wake
from .errors import CallError, NotSent, PermissionDenied, Ran
from .models import Params
from .outcomes import data_of, result_of
from .wire import Message, UploadForm

if TYPE_CHECKING:
    from .connection import Connection

R = TypeVar("R")

BUILT_IN_TIMEOUT: Final = 30.0
"""Seconds that `subscribe` and `unsubscribe` may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """What a single call may change, besides its timeout.

    Attributes:
        key: The idempotency key, at most 128 characters.
        meta: Values that travel with the request, at most 4 KiB.
    """

    key: str | None = None
    meta: Mapping[str, str] | None = None


_DEFAULTS: Final = CallOptions()


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
    """The calls that go out on one connection."""

    __slots__ = ("_connection", "_places", "_settled")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._places: deque[Future] = deque()
        self._settled: Future | None = None

    async def call(
        self, action: Action[Any, R], params: Params, timeout: float | None, options: CallOptions | None
    ) -> R:
        """Call and wait for the answer. See `Peer` for the errors."""
        outcome = self._connection.executor.future()
        call = await self.begin(action, params, outcome, timeout, options)
        return result_of(action, await self._outcome(call, outcome))

    async def ask(self, name: str, params: bytes, timeout: float = BUILT_IN_TIMEOUT) -> bytes:
        """Call a built-in action; returns the raw data."""
        outcome = self._connection.executor.future()
        call = await self._send(name, params, outcome, timeout=timeout)
        return data_of(await self._outcome(call, outcome))

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
        limits = self._connection.limits
        if (denied := self._connection.refusal(action)) is not None:
            raise PermissionDenied(f"the peer may not be asked: {denied.message}", ran=Ran.NO)
        data = params.to_wire()
        if action.max_request is not None and len(data) > action.max_request:
            raise NotSent(f"{action.name}: params of {len(data)} bytes; the action takes at most {action.max_request}")
        options = options or _DEFAULTS
        window, download = None, isinstance(action, DownloadAction)
        if download:
            window = limits.bulk_window
        elif isinstance(action, StreamAction):
            window = limits.stream_window
        return await self._send(
            action.name,
            data,
            owner,
            timeout=timeout,
            key=options.key,
            meta=options.meta,
            window=window,
            upload=upload,
            shared=shared,
            download=download,
        )

    def abandon(self, call: OutgoingCall) -> None:
        """Nobody waits for this call any more."""
        self._connection.session.abandon(call)
        self._connection.touch()
        self.pass_on()  # a request that had not left yet gives its place back at once

    def consume(self, call: OutgoingCall, amount: int) -> None:
        """So many items, or bytes, were read."""
        self._connection.session.consume(call, amount)
        self._connection.touch()

    def settle(self, decision: Settle) -> None:
        """Give a call its outcome, and its place to the next."""
        owner: Future | Arrivals = decision.call.owner
        if not owner.done():
            owner.set_result(decision.outcome)
        self.pass_on()

    async def until_settled(self) -> None:
        """Wait until nobody waits for an answer any more."""
        while not all(call.abandoned for call in self._connection.session.outgoing.values()):
            self._settled = self._connection.executor.future()
            await self._settled

    def pass_on(self) -> None:
        """A call has ended: give its place, if it left one, to whoever waits longest."""
        if self._places and self._connection.session.may_request:
            wake(self._places.popleft())
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
            wake(self._places.popleft())

    async def _outcome(self, call: OutgoingCall, outcome: Future) -> Message | CallError:
        try:
            answer: Message | CallError = await outcome
        except BaseException:  # the caller was cancelled
            self.abandon(call)
            raise
        return answer

    async def _send(
        self, name: str, params: bytes, owner: Future | Arrivals, *, timeout: float | None, **extras: Any
    ) -> OutgoingCall:
        try:
            return await self._send_in_turn(name, params, owner, timeout=timeout, **extras)
        except BaseException:
            self.pass_on()  # it may have been given a place that it does not use
            raise

    async def _send_in_turn(
        self, name: str, params: bytes, owner: Future | Arrivals, *, timeout: float | None, **extras: Any
    ) -> OutgoingCall:
        connection = self._connection
        now = connection.executor.now()
        until = None if timeout is None else now + timeout
        while connection.closed is None and not (connection.session.may_request and connection.has_room):
            await self._wait(until)
            now = connection.executor.now()
        if connection.closed is not None:
            raise NotSent(str(connection.closed))
        left = None if until is None else until - now
        if left is not None and left <= 0:
            raise NotSent(f"{name}: the timeout passed before the request could be sent")
        call = connection.session.request(name, params, owner, now=now, timeout=left, **extras)
        connection.touch()
        return call

    async def _wait(self, until: float | None) -> None:
        """Wait for a place among the calls in flight, or for room to send; not longer than `until`."""
        connection = self._connection
        place = connection.executor.future()
        if connection.has_room:
            self._places.append(place)
        else:
            connection.room_waiters[place] = None
        timer = connection.executor.call_at(until, lambda: wake(place)) if until is not None else None
        try:
            await place
        finally:
            if timer is not None:
                timer.cancel()
            if place in self._places:
                self._places.remove(place)
            connection.room_waiters.pop(place, None)
        if until is not None and connection.executor.now() >= until:
            raise NotSent("the timeout passed while the request waited for its turn")
