"""What a session decides, for its owner to carry out, and the calls that this is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import UNSET, Raw, Struct

from ..deadlines import Deadline
from ..errors import CallError, NotSent, OutcomeUnknown, Ran, Status, Unavailable
from ..observing.observer import ObservedCall
from ..wire import Foreign, Goaway, Message, UploadForm
from .batches import Batch
from .flow import Inflow, Outflow


class OutgoingCall:
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

    __slots__ = (
        "abandoned",
        "action",
        "complete",
        "deadline",
        "id",
        "inflow",
        "is_settled_by_ack",
        "message",
        "observed",
        "outflow",
        "owner",
        "shared",
        "stream",
        "upload",
    )

    def __init__(self, id: str, action: str, owner: Any) -> None:
        self.id = id
        self.action = action
        self.owner = owner
        self.observed: ObservedCall | None = None
        self.message: bytes | None = None
        self.abandoned = False
        self.deadline: Deadline[Expiring] | None = None
        self.inflow: Inflow | None = None
        self.outflow: Outflow | None = None
        self.stream: int | None = None
        self.upload: UploadForm | None = None
        self.complete = False
        self.shared = False
        self.is_settled_by_ack = False

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


class IncomingCall:
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

    __slots__ = (
        "acked",
        "action",
        "batch",
        "deadline",
        "expires_at",
        "id",
        "inflow",
        "key",
        "meta",
        "observed",
        "outflow",
        "owner",
        "params",
        "route",
        "stream",
        "upload",
    )

    def __init__(self, message: Message, id: str, now: float, *, extensions: bool) -> None:
        self.id = id
        self.action = str(message.action)
        self.params = bytes(message.params) if isinstance(message.params, Raw) else b"{}"
        self.key: str | None = None
        self.meta: Mapping[str, str] = {}
        self.outflow: Outflow | None = None
        self.stream: int | None = None
        self.upload: UploadForm | None = None
        self.inflow: Inflow | None = None
        self.expires_at: float | None = None
        self.owner: Any = None
        self.observed: ObservedCall | None = None
        self.deadline: Deadline[Expiring] | None = None
        self.route: Raw | None = None
        self.acked = False
        self.batch: Batch | None = None
        if extensions:
            self._extend(message, now)
        elif isinstance(message, Foreign):
            self.route = message.route
            self.meta = message.meta or {}

    def _extend(self, message: Message, now: float) -> None:
        """Take what the plain contract does not have."""
        if message.deadline is not UNSET:
            self.expires_at = now + message.deadline / 1000
        if message.key is not UNSET:
            self.key = message.key
        if message.meta is not UNSET:
            self.meta = message.meta
        if message.credit is not UNSET:
            self.outflow = Outflow(message.credit)
        if message.stream is not UNSET:
            self.stream = message.stream
        if message.upload is not UNSET:
            self.upload = message.upload


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
