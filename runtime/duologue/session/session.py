"""The protocol as a state machine: messages and the time go in, messages and decisions come out.

One class serves both ends, since both may call. It awaits nothing and knows no socket: whoever owns it sends what
`messages()` holds, carries out the decisions that `receive`, `tick` and `lose` return, and calls `tick` at `wake_at`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET

from ..close_codes import CloseCode
from ..deadlines import Deadlines
from ..errors import (
    CallError,
    DeadlineExceeded,
    Internal,
    NotSent,
    OutcomeUnknown,
    Ran,
    ResourceExhausted,
    Status,
    Unavailable,
)
from ..limits import Limits
from ..wire import (
    HEADER,
    PAYLOAD,
    SUBPROTOCOL,
    Ack,
    BadMessage,
    BadText,
    Capabilities,
    Codec,
    ErrorBody,
    Goaway,
    Hello,
    HelloLimits,
    Message,
    PieceKind,
    UploadForm,
    decode_piece,
)
from .decisions import (
    Decision,
    EventArrived,
    Expiring,
    Fail,
    Granted,
    IncomingCall,
    Item,
    OutgoingCall,
    PeerLeaving,
    Refused,
    Settle,
    Start,
    Stop,
    SubscriptionNote,
)
from .flow import Inflow
from .transfers import Transfers


class Role(enum.StrEnum):
    """Which end of the connection this is."""

    CLIENT = "client"
    SERVER = "server"


class State(enum.StrEnum):
    """Where a session is in its life."""

    NEW = "new"
    OPEN = "open"
    LEAVING = "leaving"
    CLOSED = "closed"


LEGAL: Final[Mapping[str, Mapping[State, State]]] = {
    "open": {State.NEW: State.OPEN},
    "request": {State.OPEN: State.OPEN, State.LEAVING: State.LEAVING},
    "receive": {State.OPEN: State.OPEN, State.LEAVING: State.LEAVING},
    "respond": {State.OPEN: State.OPEN, State.LEAVING: State.LEAVING},
    "leave": {State.OPEN: State.LEAVING, State.LEAVING: State.LEAVING},
    "lose": dict.fromkeys(State, State.CLOSED),
}
"""For each move the states in which it is legal, and the state that follows."""

_OPEN: Final = State.OPEN
"""Nearly always the state, and then nothing is looked up: members of enums have a hash that is slow."""

Outbound: TypeAlias = tuple[bytes, bool] | OutgoingCall
"""A message and whether it is binary, or a request, which can be taken back until it leaves."""


class IllegalMove(Exception):
    """This side asked the session for something that its state does not allow."""


class Session:
    """One end of one conversation, from the end of the WebSocket handshake to the loss of the connection.

    Attributes:
        capabilities: What the peer understands; until its `hello` the assumptions of the wire format.
        peer: The peer's `hello`, None before it came.
        dropped: Responses that came when nobody waited for them any more.
        pending_bytes: How much waits to be taken.
        deadlines: When the calls have to have ended.
        on_answered: Is told of each response to a call of the peer's: its error, None for a result.
    """

    def __init__(self, role: Role, codec: Codec, limits: Limits, hello: Hello) -> None:
        self.role = role
        self.state = State.NEW
        self.codec = codec
        self.limits = limits
        self.peer: Hello | None = None
        self.peer_leaving = False
        self.dropped = 0
        self.on_answered: Callable[[IncomingCall, ErrorBody | None], None] | None = None
        self.incoming: dict[str, IncomingCall] = {}
        self.outgoing: dict[str, OutgoingCall] = {}
        self.deadlines: Deadlines[Expiring] = Deadlines()
        self._hello = hello
        self._last_id = 0
        self._transfers = Transfers(client=role is Role.CLIENT)
        self.pending_bytes = 0
        self._queue: list[Outbound] = []
        self._decisions: list[Decision] = []
        self._know(Capabilities(extensions=False))

    # --------------------------------------------------------------------------------------------------- the owner's
    def open(self, *, extensions: bool) -> None:
        """The handshake is over; `extensions` says whether both ends chose our subprotocol."""
        self._move("open")
        if extensions:
            self._know(Capabilities(extensions=True))
            told = HelloLimits(self.limits.frame, self.limits.in_flight, self.limits.stream_window)
            self._send(self.codec.hello(msgspec.structs.replace(self._hello, limits=told)))
        else:
            self._know(
                Capabilities(extensions=False, frame=self.limits.frame, in_flight=self.limits.in_flight, window=0)
            )

    def messages(self) -> list[tuple[bytes, bool]]:
        """Take what is to be sent, in order: each message, and whether it is binary. From now on it counts as sent."""
        messages: list[tuple[bytes, bool]] = []
        for entry in self._queue:
            if isinstance(entry, tuple):
                messages.append(entry)
            elif entry.message is not None:
                messages.append((entry.message, False))
                entry.message = None
        self._queue.clear()
        self.pending_bytes = 0
        return messages

    @property
    def piece_size(self) -> int:
        """Bytes of an upload or a download that may go in one message."""
        return max(1, min(PAYLOAD, self.capabilities.frame - HEADER))

    @property
    def pending(self) -> int:
        """How many messages wait to be taken."""
        return len(self._queue)

    @property
    def wake_at(self) -> float | None:
        """When `tick` has something to do."""
        return self.deadlines.next()

    def tick(self, now: float) -> list[Decision]:
        """Deal with the deadlines that have passed."""
        for call in self.deadlines.due(now):
            if isinstance(call, IncomingCall):
                self._decisions.append(Stop(call, Status.DEADLINE_EXCEEDED))
            else:
                ran = Ran.UNKNOWN if call.may_have_run else Ran.NO
                self.abandon(call)
                self._decisions.append(Settle(call, DeadlineExceeded("no answer within the call's timeout", ran=ran)))
        return self._take()

    def lose(self) -> list[Decision]:
        """The connection is gone: every call of ours is settled, every handler stopped."""
        self._move("lose")
        for call in self.outgoing.values():
            if not call.abandoned:
                self._decisions.append(Settle(call, _lost(call)))
        self._decisions.extend(Stop(call, Status.CANCELLED) for call in self.incoming.values())
        self.outgoing.clear()
        self.incoming.clear()
        self._transfers.clear()
        self.deadlines = Deadlines()
        self._queue.clear()
        self.pending_bytes = 0
        return self._take()

    def leave(self, goaway: Goaway) -> None:
        """Take no more calls, and say so to a peer that understands it."""
        first = self.state is not State.LEAVING
        self._move("leave")
        if first and self.capabilities.extensions:
            self._send(self.codec.goaway(goaway))

    # ----------------------------------------------------------------------------------------------------- our calls
    @property
    def may_request(self) -> bool:
        """Whether another call is within what the peer runs at once."""
        return len(self.outgoing) < self._most_calls

    @property
    def next_id(self) -> str:
        """The id of the next `request`."""
        return str(self._last_id + 1)

    def request(
        self,
        action: str,
        params: bytes,
        owner: Any,
        *,
        now: float,
        timeout: float | None,
        key: str | None = None,
        meta: Mapping[str, str] | None = None,
        window: int | None = None,
        upload: UploadForm | None = None,
        shared: bool = False,
        download: bool = False,
    ) -> OutgoingCall:
        """Call the peer; the outcome comes as `Settle`.

        Args:
            timeout: Seconds, None for no end.
            window: For a stream or a download, how many items or bytes the peer may send ahead.
            upload: What is to be uploaded, once the peer says so (`Granted`).
            shared: Whether another call may come under the same key.

        Raises:
            NotSent: The peer takes no more calls, or no message of this size, or it does not speak of bytes.
        """
        capabilities = self.capabilities
        if (self.state is not _OPEN and self.state not in LEGAL["request"]) or self.peer_leaving:
            raise NotSent("the connection is closing")
        self._last_id += 1
        call = OutgoingCall(str(self._last_id), owner)
        if window is not None:
            call.inflow = Inflow(window)
        if upload is not None or download:
            if not capabilities.extensions:
                raise NotSent(f"{action}: the other end does not speak {SUBPROTOCOL}, which uploads and downloads need")
            call.stream, call.upload, call.shared = self._transfers.number(), upload, shared
        message = self.codec.request(
            capabilities,
            call.id,
            action,
            params,
            deadline=None if timeout is None else max(1, int(timeout * 1000)),
            key=key,
            meta=meta,
            credit=window,
            stream=call.stream,
            upload=upload,
        )
        size = len(message)
        if size > capabilities.frame:
            raise NotSent(f"{action}: a request of {size} bytes; the peer takes at most {capabilities.frame}")
        if timeout is not None:
            call.deadline = self.deadlines.push(now + timeout, call)
        call.message = message
        self.outgoing[call.id] = call
        if call.stream is not None:
            self._transfers.open(call)
        self._queue.append(call)
        self.pending_bytes += size
        return call

    def abandon(self, call: OutgoingCall) -> None:
        """Nobody waits any more: tell the peer, and drop the response when it comes; or do not send the request."""
        if self.outgoing.get(call.id) is not call or call.abandoned:
            return
        call.abandoned = True
        self._forget_deadline(call)
        if call.message is not None:
            call.message = None
            self._end(call)
        elif self.capabilities.extensions:
            self._send(self.codec.cancel(call.id))

    def consume(self, call: OutgoingCall, amount: int) -> None:
        """So many items, or bytes, were read: let the peer send more when it is time."""
        wanted = self.outgoing.get(call.id) is call and not call.abandoned
        if wanted and call.inflow is not None and call.inflow.advance(amount):
            self._send(self.codec.credit(call.id, call.inflow.granted))

    def upload(self, call: OutgoingCall, data: bytes | memoryview) -> None:
        """Send the next bytes of an upload, which the caller has seen to be granted; none of them ends it."""
        if self.outgoing.get(call.id) is call and not call.abandoned:
            call.complete = not data
            self._send_piece(call, PieceKind.DATA if data else PieceKind.END, data)

    def stop_upload(self, call: OutgoingCall) -> None:
        """Say that the rest of an upload cannot be had."""
        if self.outgoing.get(call.id) is call and call.outflow is not None:
            self._send_piece(call, PieceKind.ABORT)

    # ---------------------------------------------------------------------------------------------- the peer's calls
    def expire_at(self, call: IncomingCall, when: float) -> None:
        """Give a call that came without a deadline one."""
        call.expires_at = when
        call.deadline = self.deadlines.push(when, call)

    def send_item(self, call: IncomingCall, item: bytes) -> None:
        """Send an item; the caller has waited for credit.

        Raises:
            ResourceExhausted: The peer takes no message of this size.
        """
        self._move("respond")
        assert call.outflow is not None, "a stream is only started for a caller that takes items"
        message = self.codec.item(call.id, item, call.outflow.sent)
        if len(message) > self.capabilities.frame:
            raise ResourceExhausted(self._oversize(call, "an item", message))
        self._send(message)
        call.outflow.sent += 1

    def download(self, call: IncomingCall, data: bytes | memoryview) -> None:
        """Send the next bytes of a download; the handler has waited for credit."""
        if self.incoming.get(call.id) is call:
            self._send_piece(call, PieceKind.DATA, data)

    def end_download(self, call: IncomingCall, sha256: bytes) -> None:
        """Say that all was sent, and its digest."""
        if self.incoming.get(call.id) is call:
            self._send_piece(call, PieceKind.END, sha256)

    def ack(self, call: IncomingCall, offset: int, window: int) -> None:
        """Let the caller upload: so much is held, and so much more may come. The first time tells where to begin."""
        if self.incoming.get(call.id) is not call:
            return
        if call.inflow is None:
            call.inflow = Inflow(window, offset)
        self._send(self.codec.ack(call.id, Ack(offset, window)))

    def hold(self, call: IncomingCall, amount: int) -> None:
        """So many more bytes of an upload are held: say so when it is time."""
        flow = call.inflow
        if flow is not None and flow.advance(amount):
            self.ack(call, flow.read, flow.window)

    def succeed(self, call: IncomingCall, data: bytes, *, replayed: bool = False) -> None:
        """Answer with a result, or an earlier call's; one that the peer cannot take becomes `resource_exhausted`."""
        self._respond(call, self.codec.result(call.id, data, replayed=replayed and self.capabilities.extensions), None)

    def refuse(self, call: IncomingCall, error: ErrorBody, *, replayed: bool = False) -> None:
        """Answer with an error, or the one of an earlier call."""
        message = self.codec.failure(call.id, error, replayed=replayed and self.capabilities.extensions)
        self._respond(call, message, error)

    def complain(self, error: ErrorBody) -> None:
        """Answer what is no call, and so has no id."""
        self._move("respond")
        self._send(self.codec.failure(None, error))

    def send(self, message: bytes) -> None:
        """Send an encoded event or a word about a subscription."""
        self._move("respond")
        self._send(message)

    # ------------------------------------------------------------------------------------------------------ messages
    def receive(self, data: bytes, now: float) -> list[Decision]:
        """A text message came."""
        if self.state is not _OPEN:
            self._move("receive")
        try:
            message = self.codec.decode(data)
        except BadText as error:
            self._decisions.append(Fail(CloseCode.INVALID_DATA, str(error)))
        except BadMessage as error:
            self._receive_bad(error)
        else:
            self._receive(message, now)
        return self._take()

    def receive_binary(self, data: bytes) -> list[Decision]:
        """A binary message came."""
        self._move("receive")
        if not self.capabilities.extensions:
            self._decisions.append(Fail(CloseCode.UNSUPPORTED, "no binary message is expected"))
            return self._take()
        try:
            decision = self._transfers.receive(decode_piece(data))
        except BadMessage as error:
            decision = Fail(CloseCode.VIOLATION, error.reason)
        if isinstance(decision, Settle):  # of a download that cannot go on
            self.abandon(decision.call)
        if decision is not None:
            self._decisions.append(decision)
        return self._take()

    def _receive(self, message: Message, now: float) -> None:
        extensions = self.capabilities.extensions
        if extensions and message.hello is not UNSET:
            self._receive_hello(message)
        elif extensions and message.goaway is not UNSET:
            self.peer_leaving = True
            self._decisions.append(PeerLeaving(message.goaway))
        elif message.action is not UNSET:
            self._receive_request(message, now)
        elif message.event is not UNSET:
            self._decisions.append(EventArrived(message))
        elif extensions and message.cancel is not UNSET:
            if (call := self.incoming.get(message.cancel)) is not None:
                self._decisions.append(Stop(call, Status.CANCELLED))
        elif extensions and message.sub is not UNSET:
            self._decisions.append(SubscriptionNote(message))
        elif extensions and message.item is not UNSET:
            self._receive_item(message, bytes(message.item))
        elif extensions and message.ack is not UNSET:
            self._receive_ack(message, message.ack)
        elif extensions and message.credit is not UNSET:
            self._receive_credit(message, message.credit)
        elif message.data is not UNSET or message.error is not UNSET:
            self._receive_response(message)
        else:
            self._complain(None, "none of the known members is there")

    def _receive_bad(self, bad: BadMessage) -> None:
        """Answer a bad request; a bad answer ends the call that waits for it."""
        call = self.outgoing.get(bad.id) if bad.answer and bad.id is not None else None
        if call is None:  # under the id of an answer the peer may have a call of its own: it is named for requests only
            self._complain(None if bad.answer else bad.id, bad.reason)
            return
        if not call.abandoned:
            self.abandon(call)  # it may have been an item, with more to come
            self._decisions.append(Settle(call, Internal(f"the answer is no message: {bad.reason}")))
        else:
            self.dropped += 1
        self._end(call)

    def _receive_hello(self, message: Message) -> None:
        hello, ours = message.hello, self._hello
        if self.peer is not None or not isinstance(hello, Hello):
            self._decisions.append(Fail(CloseCode.VIOLATION, "a second hello"))
        elif hello.protocol != ours.protocol:
            reason = f"this is {ours.protocol} {ours.version}, not {hello.protocol} {hello.version}"
            self._decisions.append(Fail(CloseCode.VIOLATION, reason))
        else:
            self.peer = hello
            told = hello.limits
            self._know(Capabilities(extensions=True, frame=told.frame, in_flight=told.in_flight, window=told.window))

    def _receive_request(self, message: Message, now: float) -> None:
        id = message.id
        if not isinstance(id, str):
            self._complain(None, "a request needs an id of 1 to 64 characters")
        elif id in self.incoming:
            self._decisions.append(Fail(CloseCode.VIOLATION, f"id {id} is in flight already"))
        elif self.state is State.LEAVING:
            self._refuse_unrun(id, Status.UNAVAILABLE, "closing: no more calls are taken")
        elif len(self.incoming) >= self.limits.in_flight:
            limit = self.limits.in_flight
            self._refuse_unrun(id, Status.RESOURCE_EXHAUSTED, f"in_flight: {limit} calls are running already")
            self._decisions.append(Refused("in_flight"))
        else:
            self._accept(IncomingCall(message, id, now, extensions=self.capabilities.extensions))

    def _accept(self, call: IncomingCall) -> None:
        if call.stream is not None:
            if not self._transfers.may_open(call.stream):
                self._refuse_unrun(call.id, Status.INVALID_ARGUMENT, f"stream {call.stream} is taken, or not yours")
                return
            self._transfers.open(call)
        self.incoming[call.id] = call
        if call.expires_at is not None:
            call.deadline = self.deadlines.push(call.expires_at, call)
        self._decisions.append(Start(call))

    def _receive_response(self, message: Message) -> None:
        if not isinstance(message.id, str):  # it concerns no call of ours
            return
        call = self.outgoing.get(message.id)
        if call is not None:
            self._end(call)
        if call is None or call.abandoned:
            self.dropped += 1
        else:
            self._decisions.append(Settle(call, message))

    def _receive_item(self, message: Message, raw: bytes) -> None:
        call = self.outgoing.get(message.id) if isinstance(message.id, str) else None
        if call is None or call.abandoned:
            return
        flow = call.inflow if call.stream is None else None  # a download has no items
        if flow is None or message.n != flow.received or not flow.take(1):
            self._decisions.append(Fail(CloseCode.VIOLATION, f"item {message.n} of call {call.id} is out of turn"))
            return
        self._decisions.append(Item(call, raw))

    def _receive_ack(self, message: Message, ack: Ack) -> None:
        call = self.outgoing.get(message.id) if isinstance(message.id, str) else None
        if call is None or call.abandoned:
            return
        try:
            decision = self._transfers.receive_ack(call, ack)
        except ValueError as error:
            decision = Fail(CloseCode.VIOLATION, str(error))
        if decision is not None:
            self._decisions.append(decision)

    def _receive_credit(self, message: Message, total: int) -> None:
        call = self.incoming.get(message.id) if isinstance(message.id, str) else None
        if call is not None and call.outflow is not None and call.outflow.raise_to(total):
            self._decisions.append(Granted(call))

    # ------------------------------------------------------------------------------------------------------- helpers
    def _know(self, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        self._most_calls = min(capabilities.in_flight, self.limits.calls)

    def _move(self, move: str) -> None:
        following = LEGAL[move].get(self.state)
        if following is None:
            raise IllegalMove(f"{self.role} session: cannot {move} while {self.state}")
        self.state = following

    def _send(self, message: bytes) -> None:
        self._queue.append((message, False))
        self.pending_bytes += len(message)

    def _send_piece(self, call: Expiring, kind: PieceKind, data: bytes | memoryview = b"") -> None:
        piece = self._transfers.piece(call, kind, data)
        self._queue.append((piece, True))
        self.pending_bytes += len(piece)

    def _take(self) -> list[Decision]:
        decisions, self._decisions = self._decisions, []
        return decisions

    def _respond(self, call: IncomingCall, message: bytes, error: ErrorBody | None) -> None:
        if self.incoming.get(call.id) is not call:  # the connection was lost meanwhile
            return
        if self.state is not _OPEN:
            self._move("respond")
        self._end(call)
        if len(message) > self.capabilities.frame:
            status, text = Status.RESOURCE_EXHAUSTED, self._oversize(call, "an answer", message)
            error = ErrorBody(status, status, text)
            message = self.codec.failure(call.id, error)
        self._send(message)
        if self.on_answered is not None:
            self.on_answered(call, error)

    def _oversize(self, call: IncomingCall, what: str, message: bytes) -> str:
        return f"{call.action[:64]}: {what} of {len(message)} bytes; the peer takes at most {self.capabilities.frame}"

    def _refuse_unrun(self, id: str, status: Status, text: str) -> None:
        self._send(self.codec.failure(id, ErrorBody(status, status, text, ran=False)))

    def _complain(self, id: str | None, reason: str) -> None:
        """Say that what came was no message."""
        if id not in self.incoming:  # that id has its own response to come
            status = Status.INVALID_ARGUMENT
            self._send(self.codec.failure(id, ErrorBody(status, status, reason, ran=False)))

    def _end(self, call: Expiring) -> None:
        """A call has its response: its id, its stream and its deadline are free."""
        del (self.incoming if isinstance(call, IncomingCall) else self.outgoing)[call.id]
        if call.stream is not None:
            self._transfers.close(call)
        self._forget_deadline(call)

    def _forget_deadline(self, call: Expiring) -> None:
        if call.deadline is not None:
            self.deadlines.discard(call.deadline)


def _lost(call: OutgoingCall) -> CallError:
    """What to tell the caller of a call whose connection was lost."""
    if call.message is not None:
        return NotSent("the connection was lost before the request could leave")
    if not call.may_have_run:
        return Unavailable("the connection was lost before all was uploaded", ran=Ran.NO)
    return OutcomeUnknown("the connection was lost before the answer came")
