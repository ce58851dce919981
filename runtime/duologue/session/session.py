"""The protocol as a state machine: messages and the time go in, messages and decisions come out.

One class serves both ends, since both may call. It awaits nothing and knows no socket: whoever owns it sends what
`outbox` holds, carries out the decisions that `receive`, `tick` and `lose` return, and calls `tick` when one of
`deadlines` is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from ..close_codes import CloseCode
from ..deadlines import Deadlines
from ..errors import DeadlineExceeded, Internal, InvalidArgument, NotSent, Ran, Status
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
    Foreign,
    Goaway,
    Hello,
    HelloLimits,
    Message,
    NotCarried,
    UploadForm,
    decode_piece,
)
from . import skew
from .answering import Answering
from .batches import MOST
from .decisions import (
    Decision,
    Dropped,
    EventArrived,
    Expiring,
    Fail,
    IncomingCall,
    Item,
    OutgoingCall,
    PeerLeaving,
    Settle,
    Stop,
    SubscriptionNote,
)
from .flow import Inflow
from .outbox import Outbox
from .states import LEGAL, OPEN, Life, Role, State
from .transfers import Transfers
from .turns import next_answered


class Session:
    """One end of one conversation, from the end of the WebSocket handshake to the loss of the connection.

    Attributes:
        outbox: What is to be sent.
        peer: The peer's `hello`, None before it came.
        incoming: Calls of the peer's that wait for their answers, by id; `answering` sends them.
        outgoing: Calls of ours, by id.
        transfers: Sends and receives the bytes of uploads and downloads.
        deadlines: When the calls have to have ended.
        first_difference: Finds in the `items` of a `hello` what of ours the other end lacks, or has otherwise.
    """

    def __init__(self, role: Role, codec: Codec, limits: Limits, hello: Hello) -> None:
        self.role = role
        self.limits = limits
        self.peer: Hello | None = None
        self.peer_leaving = False
        self.incoming: dict[str, IncomingCall] = {}
        self.outgoing: dict[str, OutgoingCall] = {}
        self.deadlines: Deadlines[Expiring] = Deadlines()
        self.outbox = Outbox(codec)
        self.transfers = Transfers(self.incoming, self.outgoing, self.outbox, client=role is Role.CLIENT)
        self._life = Life(role)
        self.answering = Answering(self.incoming, self._life, self.outbox, self.transfers, self.deadlines, limits)
        self.first_difference: Callable[[str], str | None] = lambda _: None
        self._hello = hello
        self._requested = 0
        self._following_id = codec.id_of(1)
        self._decisions: list[Decision] = []
        self._know(Capabilities(extensions=False))

    # --------------------------------------------------------------------------------------------------- the owner's
    def open(self, *, extensions: bool) -> None:
        """The handshake is over; `extensions` says whether both ends chose our subprotocol."""
        self._life.move("open")
        if extensions:
            self._know(Capabilities(extensions=True))
            told = HelloLimits(self.limits.frame, self.limits.in_flight, self.limits.stream_window)
            self.outbox.send(self.outbox.codec.hello(msgspec.structs.replace(self._hello, limits=told)))
        else:
            self._know(
                Capabilities(extensions=False, frame=self.limits.frame, in_flight=self.limits.in_flight, window=0)
            )

    @property
    def piece_size(self) -> int:
        """Bytes of an upload or a download that may go in one message."""
        return max(1, min(PAYLOAD, self.outbox.capabilities.frame - HEADER))

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return self._life.state

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
        self._life.move("lose")
        for call in self.outgoing.values():
            if not call.abandoned:
                self._decisions.append(Settle(call, call.lost()))
        self._decisions.extend(Stop(call, Status.CANCELLED) for call in self.incoming.values())
        self.outgoing.clear()
        self.incoming.clear()
        self.transfers.clear()
        self.deadlines.clear()
        self.outbox.clear()
        return self._take()

    def leave(self, goaway: Goaway) -> None:
        """Take no more calls, and say so to a peer that understands it."""
        first = self.state is not State.LEAVING
        self._life.move("leave")
        if first and self.outbox.capabilities.extensions:
            self.outbox.send(self.outbox.codec.goaway(goaway))

    # ----------------------------------------------------------------------------------------------------- our calls
    @property
    def may_request(self) -> bool:
        """Whether another call is within what the peer runs at once."""
        return len(self.outgoing) < self._most_calls

    @property
    def next_id(self) -> str:
        """The id of the next `request`."""
        return self._following_id

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
        route: int | str | None = None,
    ) -> OutgoingCall:
        """Call the peer; the outcome comes as `Settle`.

        Args:
            timeout: Seconds, None for no end.
            window: For a stream or a download, how many items or bytes the peer may send ahead.
            upload: What is to be uploaded, once the peer says so (`Granted`).
            shared: Whether another call may come under the same key.
            route: What the call is for, where the protocol's messages say so.

        Raises:
            NotSent: The peer takes no more calls, or no message of this size, or it does not speak of bytes.
            InvalidArgument: The protocol's messages have no place for something of this.
        """
        state, capabilities = self._life.state, self.outbox.capabilities
        if (state is not OPEN and state not in LEGAL["request"]) or self.peer_leaving:
            raise NotSent("the connection is closing")
        codec = self.outbox.codec
        call = OutgoingCall(self._following_id, action, owner, action in codec.settled_by_ack)
        if window is not None:
            call.inflow = Inflow(window)
        if upload is not None or download:
            if not capabilities.extensions:
                raise NotSent(f"{action}: the other end does not speak {SUBPROTOCOL}, which uploads and downloads need")
            call.stream, call.upload, call.shared = self.transfers.number(), upload, shared
        try:
            message = codec.request(
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
                route=route,
            )
        except NotCarried as error:
            raise InvalidArgument(f"{action}: {error}", ran=Ran.NO) from None
        size = len(message)
        if size > capabilities.frame:
            raise NotSent(f"{action}: a request of {size} bytes; the peer takes at most {capabilities.frame}")
        if timeout is not None:
            call.deadline = self.deadlines.push(now + timeout, call)
        self.outgoing[call.id] = call
        self._requested += 1
        self._following_id = codec.id_of(self._requested + 1)
        if call.stream is not None:
            self.transfers.open(call)
        self.outbox.request(call, message)
        return call

    def abandon(self, call: OutgoingCall) -> None:
        """Nobody waits any more: tell the peer, and drop the response when it comes; or do not send the request."""
        if self.outgoing.get(call.id) is not call or call.abandoned:
            return
        call.abandoned = True
        if call.deadline is not None:
            self.deadlines.discard(call.deadline)
        if call.message is not None:
            call.message = None
            self._end(call)
        elif self.outbox.capabilities.extensions or self.outbox.codec.says_cancel:
            self.outbox.send(self.outbox.codec.cancel(call.id))
        codec = self.outbox.codec
        if not codec.is_native and not codec.in_order:  # such peers need not ever answer: it would keep its place
            self._end(call)

    def consume(self, call: OutgoingCall, amount: int) -> None:
        """So many items, or bytes, were read: let the peer send more when it is time."""
        wanted = self.outgoing.get(call.id) is call and not call.abandoned
        if wanted and call.inflow is not None and call.inflow.advance(amount):
            self.outbox.send(self.outbox.codec.credit(call.id, call.inflow.granted))

    def send(self, message: bytes) -> None:
        """Send an encoded event, a word about a subscription, or an answer to what is no call."""
        self._life.move("respond")
        self.outbox.send(message)

    # ------------------------------------------------------------------------------------------------------ messages
    def receive(self, data: bytes, now: float) -> list[Decision]:
        """A text message came."""
        if self._life.state is not OPEN:
            self._life.move("receive")
        codec = self.outbox.codec
        if codec.batches and self.answering.batch is None and (parts := codec.parts(data)) is not None:
            return self._receive_batch(parts, now)
        try:
            message = codec.decode(data)
        except BadText as error:
            self._decisions.append(Fail(CloseCode.INVALID_DATA, str(error)))
        except BadMessage as error:
            self._receive_bad(error)
        else:
            self._receive(message, now)
        return self._take()

    def _receive_batch(self, parts: list[bytes], now: float) -> list[Decision]:
        """Each by itself; only what is answered is answered together."""
        if not 0 < len(parts) <= MOST:
            reason = f"a batch of {len(parts)} messages, of which one has at most {MOST}" if parts else "an empty batch"
            self.answering.reject(None, reason, "not_a_message")
            return self._take()
        decisions: list[Decision] = []
        with self.answering.together():
            for part in parts:
                decisions += self.receive(part, now)
                if decisions and isinstance(decisions[-1], Fail):  # as after a frame: what follows is not heard
                    break
        return decisions

    def receive_binary(self, data: bytes) -> list[Decision]:
        """A binary message came."""
        if self._life.state is not OPEN:
            self._life.move("receive")
        if not self.outbox.capabilities.extensions:
            self._decisions.append(Fail(CloseCode.UNSUPPORTED, "no binary message is expected"))
            return self._take()
        try:
            decision = self.transfers.receive(decode_piece(data))
        except BadMessage as error:
            decision = Fail(CloseCode.VIOLATION, error.reason)
        if isinstance(decision, Settle):  # of a download that cannot go on
            self.abandon(decision.call)
        self._add(decision)
        return self._take()

    def _receive(self, message: Message, now: float) -> None:
        extensions = self.outbox.capabilities.extensions
        if extensions and message.hello is not UNSET:
            self._receive_hello(message)
        elif extensions and message.goaway is not UNSET:
            self.peer_leaving = True
            self._decisions.append(PeerLeaving(message.goaway))
        elif message.action is not UNSET:
            if (decision := self.answering.receive(message, now)) is not None:
                self._decisions.append(decision)
        elif message.event is not UNSET:
            self._decisions.append(EventArrived(message))
        elif extensions and message.cancel is not UNSET:
            self._receive_cancel(message.cancel)
        elif extensions and message.sub is not UNSET:
            self._decisions.append(SubscriptionNote(message))
        elif extensions and message.item is not UNSET:
            self._receive_item(message, bytes(message.item))
        elif extensions and message.ack is not UNSET:
            self._receive_ack(message, message.ack)
        elif extensions and message.credit is not UNSET:
            self._add(self.answering.receive_credit(message, message.credit))
        elif message.data is not UNSET or message.error is not UNSET:
            self._receive_response(message)
        elif isinstance(message, Foreign):
            self._receive_foreign(message)
        else:
            self.answering.reject(None, "none of the known members is there")

    def _receive_foreign(self, message: Foreign) -> None:
        """What only declared protocols have; what no rule of theirs knows is for whoever wants to see it."""
        if message.cancel is not UNSET:
            self._receive_cancel(message.cancel)
        elif message.acked:
            acked = self.outgoing.get(message.id) if isinstance(message.id, str) else None
            if acked is not None and acked.is_settled_by_ack:
                self._receive_response(message)
        else:
            if self.outbox.codec.answers_unknown and message.whole is not None:
                self.answering.reject(None, "this is none of the protocol's messages", "not_a_message")
            self._decisions.append(EventArrived(message))

    def _receive_cancel(self, id: str) -> None:
        if (call := self.incoming.get(id)) is not None:
            self._decisions.append(Stop(call, Status.CANCELLED))

    def _receive_bad(self, bad: BadMessage) -> None:
        """Answer a bad request; a bad answer ends the call that waits for it."""
        call = self.outgoing.get(bad.id) if bad.answer and bad.id is not None else None
        if call is None:  # under the id of an answer the peer may have a call of its own: it is named for requests only
            self.answering.reject(None if bad.answer else bad.id, bad.reason, bad.code)
            return
        if not call.abandoned:
            self.abandon(call)  # it may have been an item, with more to come
            self._decisions.append(Settle(call, Internal(f"the answer is no message: {bad.reason}")))
        else:
            self._decisions.append(Dropped())
        self._end(call)

    def _receive_hello(self, message: Message) -> None:
        hello = message.hello
        if self.peer is not None or not isinstance(hello, Hello):
            self._decisions.append(Fail(CloseCode.VIOLATION, "a second hello"))
        elif (reason := skew.refusal(self._hello, hello, self.first_difference)) is not None:
            self._decisions.append(Fail(CloseCode.VIOLATION, reason))
        else:
            self.peer = hello
            told = hello.limits
            self._know(Capabilities(extensions=True, frame=told.frame, in_flight=told.in_flight, window=told.window))

    def _receive_response(self, message: Message) -> None:
        if isinstance(message, Foreign) and self.outbox.codec.in_order:
            answered = next_answered(self.outgoing.values(), message.answers)
            message.id = None if answered is None else answered.id
        if not isinstance(message.id, str):  # it concerns no call of ours
            if isinstance(message, Foreign):
                self._decisions.append(EventArrived(message))
            return
        call = self.outgoing.get(message.id)
        if call is not None:
            self._end(call)
        if call is None or call.abandoned:
            self._decisions.append(Dropped())
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
            self._add(self.transfers.receive_ack(call, ack))
        except ValueError as error:
            self._add(Fail(CloseCode.VIOLATION, str(error)))

    # ------------------------------------------------------------------------------------------------------- helpers
    def _know(self, capabilities: Capabilities) -> None:
        self.outbox.capabilities = capabilities
        self._most_calls = min(capabilities.in_flight, self.limits.calls)

    def _add(self, decision: Decision | None) -> None:
        if decision is not None:
            self._decisions.append(decision)

    def _take(self) -> list[Decision]:
        decisions, self._decisions = self._decisions, []
        return decisions

    def _end(self, call: OutgoingCall) -> None:
        """A call has its response: its id, its stream and its deadline are free."""
        self.outgoing.pop(call.id, None)  # none where giving it up has ended it
        if call.stream is not None:
            self.transfers.close(call)
        if call.deadline is not None:
            self.deadlines.discard(call.deadline)
