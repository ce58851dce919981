"""What a session decides, for its owner to carry out, and the calls that this is about.

They are structs since those are made without a call of a Python function, and there is one at least for each message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeAlias

from msgspec import UNSET, Raw, Struct

from ..deadlines import Deadline
from ..errors import CallError, NotSent, OutcomeUnknown, Ran, Status, Unavailable
from ..observing.observer import ObservedCall
from ..wire import Foreign, Goaway, Message, UploadForm
from .batches import Batch
from .flow import Inflow, Outflow


class OutgoingCall(Struct, eq=False):
    """A call of ours: its id is taken until its one response.

    Attributes:
        action: What is called.
        message: The request, until it is handed to the transport.
        abandoned: The caller was settled without the response, which will be dropped when it comes.
        inflow: Of a stream or a download: what the peer may send.
        outflow: Of an upload: what may be sent; None until the peer has said where to begin.
        upload: What is to be uploaded.
        complete: Whether all of an upload was sent; before that its handler cannot have started.
        shared: Whether another call may have brought the upload, under the same key.
        is_settled_by_ack: Whether the first answer is the only one.
        owner: Whatever the session's owner keeps with it; `observed` what its observers were told, until it ended.
    """

    id: str
    action: str
    owner: Any
    is_settled_by_ack: bool = False
    observed: ObservedCall | None = None
    message: bytes | None = None
    abandoned: bool = False
    deadline: Deadline[Expiring] | None = None
    inflow: Inflow | None = None
    outflow: Outflow | None = None
    stream: int | None = None
    upload: UploadForm | None = None
    complete: bool = False
    shared: bool = False

    @property
    def may_have_run(self) -> bool:
        """Whether the peer may have started the handler. Its first word about an upload says that it has not."""
        if self.message is not None:
            return False
        return self.upload is None or self.complete or (self.shared and self.outflow is None)

    def lost(self) -> CallError:
        """What to tell the caller when the connection is lost."""
        if self.message is not None:
            return NotSent("the connection was lost before the request could leave")
        if not self.may_have_run:
            return Unavailable("the connection was lost before all was uploaded", ran=Ran.NO)
        return OutcomeUnknown("the connection was lost before the answer came")


class IncomingCall(Struct, eq=False):
    """A call of the peer's that was accepted and has no response yet.

    Attributes:
        expires_at: When its caller stops waiting, on the session's clock.
        outflow: Of a stream or a download: what the caller takes; None when it asked for neither.
        inflow: Of an upload: what the caller may send; None until it was told to begin.
        upload: What the caller is going to upload.
        route: What the call is for, as JSON, where the protocol's messages say so.
        acked: Whether it was answered once already, and the result is still to come.
        batch: The batch that it came in, if it did.
        owner: Whatever the session's owner keeps with it; `observed` what its observers were told, until it ended.
    """

    id: str
    action: str
    params: bytes
    key: str | None = None
    meta: Mapping[str, str] = {}
    outflow: Outflow | None = None
    stream: int | None = None
    upload: UploadForm | None = None
    inflow: Inflow | None = None
    expires_at: float | None = None
    owner: Any = None
    observed: ObservedCall | None = None
    deadline: Deadline[Expiring] | None = None
    route: Raw | None = None
    acked: bool = False
    batch: Batch | None = None

    @classmethod
    def of(cls, message: Message, id: str, now: float, *, extensions: bool) -> Self:
        """The call that a request asks for; what the plain contract does not have counts with `extensions` alone."""
        call = cls(id, str(message.action), bytes(message.params) if isinstance(message.params, Raw) else b"{}")
        if extensions:
            if message.deadline is not UNSET:
                call.expires_at = now + message.deadline / 1000
            if message.key is not UNSET:
                call.key = message.key
            if message.meta is not UNSET:
                call.meta = message.meta
            if message.credit is not UNSET:
                call.outflow = Outflow(message.credit)
            if message.stream is not UNSET:
                call.stream = message.stream
            if message.upload is not UNSET:
                call.upload = message.upload
        elif isinstance(message, Foreign):
            call.route = message.route
            call.meta = message.meta or {}
        return call


Expiring: TypeAlias = OutgoingCall | IncomingCall


class Start(Struct):
    """Run the handler of a call; its response is owed from here on."""

    call: IncomingCall


class Stop(Struct):
    """Stop the handler of a call, for this reason; its response is still owed."""

    call: IncomingCall
    status: Status


class Refused(Struct):
    """A request was refused before it became a call, for this limit."""

    limit: str


class Settle(Struct):
    """A call of ours has its outcome: the response, or an error of this side's making."""

    call: OutgoingCall
    outcome: Message | CallError


class Dropped(Struct):
    """A response came that nobody waits for any more."""


class Item(Struct):
    """An item of a streaming call of ours, or a piece of a download."""

    call: OutgoingCall
    raw: bytes | memoryview


class DownloadEnd(Struct):
    """All of a download came; the sender's digest of it."""

    call: OutgoingCall
    sha256: bytes


class Granted(Struct):
    """The peer takes more: of the items or bytes that answer its call, or of an upload of ours."""

    call: IncomingCall | OutgoingCall


class UploadPiece(Struct):
    """Bytes of an upload of the peer's, in order; at its end there are none."""

    call: IncomingCall
    data: memoryview
    end: bool


class UploadBroken(Struct):
    """The peer will not finish an upload, or did not keep to its order."""

    call: IncomingCall
    reason: str


class EventArrived(Struct):
    """The peer published an event."""

    message: Message


class SubscriptionNote(Struct):
    """The peer says something about a subscription."""

    message: Message


class PeerLeaving(Struct):
    """The peer will take no more calls."""

    goaway: Goaway


class Fail(Struct):
    """The peer broke the protocol: close the connection with this code."""

    code: int
    reason: str


Decision: TypeAlias = (
    Start
    | Stop
    | Refused
    | Settle
    | Dropped
    | Item
    | DownloadEnd
    | Granted
    | UploadPiece
    | UploadBroken
    | EventArrived
    | SubscriptionNote
    | PeerLeaving
    | Fail
)
