"""The peer's calls: each is started once, and has exactly one response."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from ..close_codes import CloseCode
from ..deadlines import Deadlines
from ..errors import ResourceExhausted, Status
from ..limits import Limits
from ..wire import ErrorBody, Foreign, Message
from .batches import Batch
from .decisions import Decision, Expiring, Fail, Granted, IncomingCall, Refused, Start
from .outbox import Outbox
from .states import OPEN, Life, State
from .transfers import Transfers
from .turns import Turns


class Answering:
    """One session's answers to its peer.

    Attributes:
        calls: The calls that are not answered yet, by id.
        on_answered: Is told of each response: its error, None for a result.
        batch: The batch whose requests are being looked at; None where each came by itself.
    """

    __slots__ = ("_deadlines", "_life", "_limits", "_outbox", "_transfers", "_turns", "batch", "calls", "on_answered")

    def __init__(
        self,
        calls: dict[str, IncomingCall],
        life: Life,
        outbox: Outbox,
        transfers: Transfers,
        deadlines: Deadlines[Expiring],
        limits: Limits,
    ) -> None:
        self.calls = calls
        self.on_answered: Callable[[IncomingCall, ErrorBody | None], None] | None = None
        self.batch: Batch | None = None
        self._life = life
        self._outbox = outbox
        self._transfers = transfers
        self._deadlines = deadlines
        self._limits = limits
        self._turns = Turns(by_name=outbox.codec.by_name) if outbox.codec.in_order else None

    # ----------------------------------------------------------------------------------------------------- to receive
    def receive(self, message: Message, now: float) -> Decision | None:
        """A request came; None when it was refused, and its peer alone need know."""
        id, limit = message.id, self._limits.in_flight
        if not isinstance(id, str):
            self.reject(None, "a request needs an id of 1 to 64 characters")
        elif id in self.calls:
            return Fail(CloseCode.VIOLATION, f"id {id} is in flight already")
        elif self._life.state is State.LEAVING:
            self._refuse_unrun(message, Status.UNAVAILABLE, "closing: no more calls are taken")
        elif len(self.calls) >= limit:
            self._refuse_unrun(message, Status.RESOURCE_EXHAUSTED, f"in_flight: {limit} calls are running already")
            return Refused("in_flight")
        else:
            call = IncomingCall.of(message, id, now, extensions=self._outbox.capabilities.extensions)
            return self._accept(call, message)
        return None

    def _accept(self, call: IncomingCall, message: Message) -> Start | None:
        if call.stream is not None:
            if not self._transfers.may_open(call.stream):
                self._refuse_unrun(message, Status.INVALID_ARGUMENT, f"stream {call.stream} is taken, or not yours")
                return None
            self._transfers.open(call)
        self.calls[call.id] = call
        if self._turns is not None:
            self._turns.enter(call.id, call.action)
        if call.action in self._outbox.codec.acknowledged:
            call.acked = True
            self._outbox.send(self._outbox.codec.first_answer(call.id, call.route))
        if self.batch is not None:
            call.batch = self.batch
            call.batch.owed += 1
        if call.expires_at is not None:
            call.deadline = self._deadlines.push(call.expires_at, call)
        return Start(call)

    @contextmanager
    def together(self) -> Generator[None]:
        """What comes in the block is a batch: it is answered in one message, once the last of its calls is."""
        batch = self.batch = Batch()
        yield
        self.batch, batch.is_read = None, True
        self._send_whole(batch)

    def _send_whole(self, batch: Batch) -> None:
        if batch.is_whole:
            joined = self._outbox.codec.joined(batch.answers)
            for message in [joined] if len(joined) <= self._outbox.capabilities.frame else batch.answers:
                self._outbox.send(message)

    def receive_credit(self, message: Message, total: int) -> Granted | None:
        """The peer takes more items, or bytes, of the answer to its call."""
        call = self.calls.get(message.id) if isinstance(message.id, str) else None
        if call is not None and call.outflow is not None and call.outflow.raise_to(total):
            return Granted(call)
        return None

    # ------------------------------------------------------------------------------------------------------- to send
    def expire_at(self, call: IncomingCall, when: float) -> None:
        """Give a call that came without a deadline one."""
        call.expires_at = when
        call.deadline = self._deadlines.push(when, call)

    def send_item(self, call: IncomingCall, item: bytes) -> None:
        """Send an item; the caller has waited for credit.

        Raises:
            ResourceExhausted: The peer takes no message of this size.
        """
        self._life.move("respond")
        assert call.outflow is not None, "a stream is only started for a caller that takes items"
        message = self._outbox.codec.item(call.id, item, call.outflow.sent)
        if len(message) > self._outbox.capabilities.frame:
            raise ResourceExhausted(self._oversize(call, "an item", message))
        self._outbox.send(message)
        call.outflow.sent += 1

    def succeed(self, call: IncomingCall, data: bytes, *, replayed: bool = False) -> None:
        """Answer with a result, or an earlier call's; one that the peer cannot take becomes `resource_exhausted`."""
        outbox = self._outbox
        replayed = replayed and outbox.capabilities.extensions
        message = outbox.codec.result(
            call.id, data, replayed=replayed, action=call.action, route=call.route, acked=call.acked
        )
        self._respond(call, message, None)

    def refuse(self, call: IncomingCall, error: ErrorBody, *, replayed: bool = False) -> None:
        """Answer with an error, or the one of an earlier call."""
        outbox = self._outbox
        replayed = replayed and outbox.capabilities.extensions
        self._respond(
            call, outbox.codec.failure(call.id, error, replayed=replayed, action=call.action, route=call.route), error
        )

    def complain(self, error: ErrorBody) -> None:
        """Answer what is no call, and so has no id; where no message has one, that would answer another call."""
        self._life.move("respond")
        if self._turns is None:
            self._send_if_any(self._outbox.codec.failure(None, error))

    def reject(self, id: str | None, reason: str, code: str | None = None) -> None:
        """Say that what came was no message; `code` is the kind of mistake, where the profile tells them apart."""
        if id not in self.calls:  # that id has its own response to come
            self._refuse_unrun(Message(id=id), Status.INVALID_ARGUMENT, reason, code)

    def _respond(self, call: IncomingCall, message: bytes, error: ErrorBody | None) -> None:
        if self.calls.get(call.id) is not call:  # the connection was lost meanwhile
            return
        if self._life.state is not OPEN:
            self._life.move("respond")
        del self.calls[call.id]
        if call.stream is not None:
            self._transfers.close(call)
        if call.deadline is not None:
            self._deadlines.discard(call.deadline)
        if len(message) > self._outbox.capabilities.frame:
            status, text = Status.RESOURCE_EXHAUSTED, self._oversize(call, "an answer", message)
            error = ErrorBody(status, status, text)
            message = self._outbox.codec.failure(call.id, error, action=call.action, route=call.route)
        if call.batch is not None:
            call.batch.answers.append(message)
            call.batch.owed -= 1
            self._send_whole(call.batch)
        elif self._turns is not None:
            for answer in self._turns.leave(call.id, call.action, message):
                self._outbox.send(answer)
        else:
            self._outbox.send(message)
        if self.on_answered is not None:
            self.on_answered(call, error)

    def _oversize(self, call: IncomingCall, what: str, message: bytes) -> str:
        most = self._outbox.capabilities.frame
        return f"{call.action[:64]}: {what} of {len(message)} bytes; the peer takes at most {most}"

    def _refuse_unrun(self, message: Message, status: Status, text: str, code: str | None = None) -> None:
        id, action = message.id or None, message.action or ""
        route = message.route if isinstance(message, Foreign) else None
        error = ErrorBody(code or status, status, text, ran=False)
        answer = self._outbox.codec.failure(id, error, action=action, route=route)
        if self.batch is not None:
            self.batch.answers.append(answer)
        elif self._turns is not None:
            for one in self._turns.refuse(action, answer):
                self._outbox.send(one)
        else:
            self._send_if_any(answer)

    def _send_if_any(self, answer: bytes) -> None:
        """Send what a profile without errors has nothing to say for."""
        if answer:
            self._outbox.send(answer)
