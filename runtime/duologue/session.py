"""The protocol as a state machine: messages and the time go in, messages and decisions come out.

One class serves both ends, since both may call. It awaits nothing and knows no socket: whoever owns it sends what
`messages()` holds, carries out the decisions that `receive`, `tick` and `lose` return, and calls `tick` at `wake_at`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

from .deadlines import Deadline, Deadlines
from .errors import CallError, DeadlineExceeded, Internal, NotSent, OutcomeUnknown, Ran, ResourceExhausted, Status
from .limits import Limits
from .wire import BadMessage, BadText, Capabilities, Codec, ErrorBody, Goaway, Hello, HelloLimits, Message, is_set


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

PROTOCOL_VIOLATION: Final = 4400
INVALID_DATA: Final = 1007


class IllegalMove(Exception):
    """This side asked the session for something that its state does not allow."""


class OutgoingCall:
    """A call of ours: its id is taken until its one response.

    Attributes:
        abandoned: The caller was settled without the response, which will be dropped when it comes.
        owner: Whatever the session's owner keeps with it.
    """

    __slots__ = ("abandoned", "deadline", "granted", "id", "items", "owner")

    def __init__(self, id: str, owner: Any, granted: int | None) -> None:
        self.id = id
        self.owner = owner
        self.granted = granted
        self.items = 0
        self.abandoned = False
        self.deadline: Deadline[_Expiry] | None = None


class IncomingCall:
    """A call of the peer's that was accepted and has no response yet.

    Attributes:
        expires_at: When its caller stops waiting, on the session's clock.
        credit: Items that the caller takes in all; None when it asked for no stream.
        items: Items sent.
        owner: Whatever the session's owner keeps with it.
    """

    __slots__ = ("action", "credit", "deadline", "expires_at", "id", "items", "key", "meta", "owner", "params")

    def __init__(self, message: Message, id: str, now: float, *, extensions: bool) -> None:
        self.id = id
        self.action = str(message.action)
        self.params = bytes(message.params) if isinstance(message.params, msgspec.Raw) else b"{}"
        self.key = message.key if extensions and isinstance(message.key, str) else None
        self.meta = message.meta if extensions and isinstance(message.meta, dict) else {}
        self.credit = message.credit if extensions and isinstance(message.credit, int) else None
        deadline = message.deadline if extensions else None
        self.expires_at = now + deadline / 1000 if isinstance(deadline, int) else None
        self.items = 0
        self.owner: Any = None
        self.deadline: Deadline[_Expiry] | None = None


_Expiry: TypeAlias = OutgoingCall | IncomingCall


# -------------------------------------------------------------------------------------------------------- decisions
@dataclass(slots=True)
class Start:
    """Run the handler of a call; its response is owed from here on."""

    call: IncomingCall


@dataclass(slots=True)
class Stop:
    """Stop the handler of a call, for this reason; its response is still owed."""

    call: IncomingCall
    status: Status


@dataclass(slots=True)
class Settle:
    """A call of ours has its outcome: the response, or an error of this side's making."""

    call: OutgoingCall
    outcome: Message | CallError


@dataclass(slots=True)
class Item:
    """An item of a streaming call of ours."""

    call: OutgoingCall
    raw: bytes


@dataclass(slots=True)
class Granted:
    """The caller takes more items."""

    call: IncomingCall


@dataclass(slots=True)
class EventArrived:
    """The peer published an event."""

    message: Message


@dataclass(slots=True)
class SubscriptionNote:
    """The peer says something about a subscription."""

    message: Message


@dataclass(slots=True)
class PeerLeaving:
    """The peer will take no more calls."""

    goaway: Goaway


@dataclass(slots=True)
class Fail:
    """The peer broke the protocol: close the connection with this code."""

    code: int
    reason: str


Decision: TypeAlias = Start | Stop | Settle | Item | Granted | EventArrived | SubscriptionNote | PeerLeaving | Fail


class Session:
    """One end of one conversation, from the end of the WebSocket handshake to the loss of the connection.

    Attributes:
        capabilities: What the peer understands; until its `hello` the assumptions of the wire format.
        peer: The peer's `hello`, None before it came.
        dropped: Responses that came when nobody waited for them any more.
    """

    def __init__(self, role: Role, codec: Codec, limits: Limits, hello: Hello) -> None:
        self.role = role
        self.state = State.NEW
        self.codec = codec
        self.limits = limits
        self.capabilities = Capabilities(extensions=False)
        self.peer: Hello | None = None
        self.peer_leaving = False
        self.dropped = 0
        self.incoming: dict[str, IncomingCall] = {}
        self.outgoing: dict[str, OutgoingCall] = {}
        self._hello = hello
        self._deadlines: Deadlines[_Expiry] = Deadlines()
        self._last_id = 0
        self._messages: list[bytes] = []
        self._decisions: list[Decision] = []

    # --------------------------------------------------------------------------------------------------- the owner's
    def open(self, *, extensions: bool) -> None:
        """The handshake is over; `extensions` says whether both ends chose our subprotocol."""
        self._move("open")
        if extensions:
            self.capabilities = Capabilities(extensions=True)
            told = HelloLimits(self.limits.frame, self.limits.in_flight, self.limits.stream_window)
            self._messages.append(self.codec.hello(msgspec.structs.replace(self._hello, limits=told)))
        else:
            self.capabilities = Capabilities(
                extensions=False, frame=self.limits.frame, in_flight=self.limits.in_flight, window=0
            )

    def messages(self) -> list[bytes]:
        """Take what is to be sent, in order."""
        messages, self._messages = self._messages, []
        return messages

    @property
    def pending(self) -> int:
        """How many messages wait to be taken."""
        return len(self._messages)

    @property
    def wake_at(self) -> float | None:
        """When `tick` has something to do."""
        return self._deadlines.next()

    def tick(self, now: float) -> list[Decision]:
        """Deal with the deadlines that have passed."""
        for call in self._deadlines.due(now):
            if isinstance(call, IncomingCall):
                self._decisions.append(Stop(call, Status.DEADLINE_EXCEEDED))
            else:
                self.abandon(call)
                error = DeadlineExceeded("no answer within the call's timeout", ran=Ran.UNKNOWN)
                self._decisions.append(Settle(call, error))
        return self._take()

    def lose(self) -> list[Decision]:
        """The connection is gone: every call of ours is settled, every handler stopped."""
        self._move("lose")
        for call in self.outgoing.values():
            if not call.abandoned:
                self._decisions.append(Settle(call, OutcomeUnknown("the connection was lost before the answer came")))
        self._decisions.extend(Stop(call, Status.CANCELLED) for call in self.incoming.values())
        self.outgoing.clear()
        self.incoming.clear()
        self._deadlines = Deadlines()
        self._messages.clear()
        return self._take()

    def leave(self, goaway: Goaway) -> None:
        """Take no more calls, and say so to a peer that understands it."""
        first = self.state is not State.LEAVING
        self._move("leave")
        if first and self.capabilities.extensions:
            self._messages.append(self.codec.goaway(goaway))

    # ----------------------------------------------------------------------------------------------------- our calls
    @property
    def may_request(self) -> bool:
        """Whether another call is within what the peer runs at once."""
        return len(self.outgoing) < min(self.capabilities.in_flight, self.limits.calls)

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
    ) -> OutgoingCall:
        """Call the peer; the outcome comes as `Settle`.

        Args:
            timeout: Seconds, None for no end.
            window: For a streaming action, how many items the peer may send ahead.

        Raises:
            NotSent: The peer takes no more calls, or no message of this size.
        """
        if self.state not in LEGAL["request"] or self.peer_leaving:
            raise NotSent("the connection is closing")
        self._last_id += 1
        call = OutgoingCall(str(self._last_id), owner, window)
        message = self.codec.request(
            self.capabilities,
            call.id,
            action,
            params,
            deadline=None if timeout is None else max(1, int(timeout * 1000)),
            key=key,
            meta=meta,
            credit=window,
        )
        if len(message) > self.capabilities.frame:
            size, limit = len(message), self.capabilities.frame
            raise NotSent(f"{action}: a request of {size} bytes; the peer takes at most {limit}")
        if timeout is not None:
            call.deadline = self._deadlines.push(now + timeout, call)
        self.outgoing[call.id] = call
        self._messages.append(message)
        return call

    def abandon(self, call: OutgoingCall) -> None:
        """Nobody waits any more: tell the peer, and drop the response when it comes."""
        if self.outgoing.get(call.id) is not call or call.abandoned:
            return
        call.abandoned = True
        self._forget_deadline(call)
        if self.capabilities.extensions:
            self._messages.append(self.codec.cancel(call.id))

    def grant(self, call: OutgoingCall, total: int) -> None:
        """Let the peer send items up to `total` in all."""
        wanted = self.outgoing.get(call.id) is call and not call.abandoned
        if wanted and call.granted is not None and total > call.granted:
            call.granted = total
            self._messages.append(self.codec.credit(call.id, total))

    # ---------------------------------------------------------------------------------------------- the peer's calls
    def expire_at(self, call: IncomingCall, when: float) -> None:
        """Give a call that came without a deadline one."""
        call.expires_at = when
        call.deadline = self._deadlines.push(when, call)

    def send_item(self, call: IncomingCall, item: bytes) -> None:
        """Send an item; the caller has waited for credit.

        Raises:
            ResourceExhausted: The peer takes no message of this size.
        """
        self._move("respond")
        message = self.codec.item(call.id, item, call.items)
        if len(message) > self.capabilities.frame:
            raise ResourceExhausted(self._oversize(call, "an item", message))
        self._messages.append(message)
        call.items += 1

    def succeed(self, call: IncomingCall, data: bytes, *, replayed: bool = False) -> None:
        """Answer with a result, or an earlier call's; one that the peer cannot take becomes `resource_exhausted`."""
        self._respond(call, self.codec.result(call.id, data, replayed=replayed and self.capabilities.extensions))

    def refuse(self, call: IncomingCall, error: ErrorBody, *, replayed: bool = False) -> None:
        """Answer with an error, or the one of an earlier call."""
        self._respond(call, self.codec.failure(call.id, error, replayed=replayed and self.capabilities.extensions))

    def send(self, message: bytes) -> None:
        """Send an encoded event or a word about a subscription."""
        self._move("respond")
        self._messages.append(message)

    # ------------------------------------------------------------------------------------------------------ messages
    def receive(self, data: bytes, now: float) -> list[Decision]:
        """A text message came."""
        self._move("receive")
        try:
            message = self.codec.decode(data)
        except BadText as error:
            self._decisions.append(Fail(INVALID_DATA, str(error)))
        except BadMessage as error:
            self._receive_bad(error)
        else:
            self._receive(message, now)
        return self._take()

    def _receive(self, message: Message, now: float) -> None:
        extensions = self.capabilities.extensions
        if extensions and is_set(message.hello):
            self._receive_hello(message)
        elif extensions and isinstance(message.goaway, Goaway):
            self.peer_leaving = True
            self._decisions.append(PeerLeaving(message.goaway))
        elif is_set(message.action):
            self._receive_request(message, now)
        elif is_set(message.event):
            self._decisions.append(EventArrived(message))
        elif extensions and isinstance(message.cancel, str):
            if (call := self.incoming.get(message.cancel)) is not None:
                self._decisions.append(Stop(call, Status.CANCELLED))
        elif extensions and is_set(message.sub):
            self._decisions.append(SubscriptionNote(message))
        elif extensions and isinstance(message.item, msgspec.Raw):
            self._receive_item(message, bytes(message.item))
        elif extensions and isinstance(message.credit, int):
            self._receive_credit(message, message.credit)
        elif is_set(message.data) or is_set(message.error):
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
        del self.outgoing[call.id]

    def _receive_hello(self, message: Message) -> None:
        hello, ours = message.hello, self._hello
        if self.peer is not None or not isinstance(hello, Hello):
            self._decisions.append(Fail(PROTOCOL_VIOLATION, "a second hello"))
        elif hello.protocol != ours.protocol:
            reason = f"this is {ours.protocol} {ours.version}, not {hello.protocol} {hello.version}"
            self._decisions.append(Fail(PROTOCOL_VIOLATION, reason))
        else:
            self.peer = hello
            told = hello.limits
            self.capabilities = Capabilities(
                extensions=True, frame=told.frame, in_flight=told.in_flight, window=told.window
            )

    def _receive_request(self, message: Message, now: float) -> None:
        id = message.id
        if not isinstance(id, str):
            self._complain(None, "a request needs an id of 1 to 64 characters")
        elif id in self.incoming:
            self._decisions.append(Fail(PROTOCOL_VIOLATION, f"id {id} is in flight already"))
        elif self.state is State.LEAVING:
            self._refuse_unrun(id, Status.UNAVAILABLE, "closing: no more calls are taken")
        elif len(self.incoming) >= self.limits.in_flight:
            self._refuse_unrun(id, Status.RESOURCE_EXHAUSTED, f"{self.limits.in_flight} calls are in flight already")
        else:
            call = self.incoming[id] = IncomingCall(message, id, now, extensions=self.capabilities.extensions)
            if call.expires_at is not None:
                call.deadline = self._deadlines.push(call.expires_at, call)
            self._decisions.append(Start(call))

    def _receive_response(self, message: Message) -> None:
        if not isinstance(message.id, str):  # it concerns no call of ours
            return
        call = self.outgoing.pop(message.id, None)
        if call is None or call.abandoned:
            self.dropped += 1
            return
        self._forget_deadline(call)
        self._decisions.append(Settle(call, message))

    def _receive_item(self, message: Message, raw: bytes) -> None:
        call = self.outgoing.get(message.id) if isinstance(message.id, str) else None
        if call is None or call.abandoned:
            return
        if call.granted is None or message.n != call.items or call.items >= call.granted:
            self._decisions.append(Fail(PROTOCOL_VIOLATION, f"item {message.n} of call {call.id} is out of turn"))
            return
        call.items += 1
        self._decisions.append(Item(call, raw))

    def _receive_credit(self, message: Message, total: int) -> None:
        call = self.incoming.get(message.id) if isinstance(message.id, str) else None
        if call is not None and call.credit is not None and total > call.credit:
            call.credit = total
            self._decisions.append(Granted(call))

    # ------------------------------------------------------------------------------------------------------- helpers
    def _move(self, move: str) -> None:
        following = LEGAL[move].get(self.state)
        if following is None:
            raise IllegalMove(f"{self.role} session: cannot {move} while {self.state}")
        self.state = following

    def _take(self) -> list[Decision]:
        decisions, self._decisions = self._decisions, []
        return decisions

    def _respond(self, call: IncomingCall, message: bytes) -> None:
        if self.incoming.get(call.id) is not call:  # the connection was lost meanwhile
            return
        self._move("respond")
        del self.incoming[call.id]
        self._forget_deadline(call)
        if len(message) > self.capabilities.frame:
            status, text = Status.RESOURCE_EXHAUSTED, self._oversize(call, "an answer", message)
            message = self.codec.failure(call.id, ErrorBody(status, status, text))
        self._messages.append(message)

    def _oversize(self, call: IncomingCall, what: str, message: bytes) -> str:
        return f"{call.action[:64]}: {what} of {len(message)} bytes; the peer takes at most {self.capabilities.frame}"

    def _refuse_unrun(self, id: str, status: Status, text: str) -> None:
        self._messages.append(self.codec.failure(id, ErrorBody(status, status, text, ran=False)))

    def _complain(self, id: str | None, reason: str) -> None:
        """Say that what came was no message."""
        if id not in self.incoming:  # that id has its own response to come
            status = Status.INVALID_ARGUMENT
            self._messages.append(self.codec.failure(id, ErrorBody(status, status, reason, ran=False)))

    def _forget_deadline(self, call: _Expiry) -> None:
        if call.deadline is not None:
            self._deadlines.discard(call.deadline)
