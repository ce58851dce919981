"""The messages of a conversation: the one table of member names, types and bounds.

The first of these members present decides what a message is:
``hello goaway action event cancel sub item ack credit data|error``. Unknown members are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Final, Protocol

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

SUBPROTOCOL: Final = "duologue.v1"
"""The WebSocket subprotocol under which both ends speak the extensions."""

SAFE_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact (RFC 8259, section 6)."""

MAX_META: Final = 4096
"""Bytes of a request's `meta`, names and values together."""

MAX_KEY: Final = 128
"""Characters of an idempotency key."""

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Key = Annotated[str, Meta(min_length=1, max_length=MAX_KEY)]
Count = Annotated[int, Meta(ge=0, le=SAFE_INTEGER)]
Millis = Count
StreamId = Annotated[int, Meta(ge=1, le=2**32 - 1)]


class Point(Struct, frozen=True):
    """A position in an event log: the epoch changes when history is lost."""

    epoch: str
    seq: Count


class HelloLimits(Struct, frozen=True):
    """What a peer takes: bytes of a message, its caller's calls in flight, items of a stream under way."""

    frame: Count = 64 * 1024
    in_flight: Count = 64
    window: Count = 64


class Keys(Struct, frozen=True):
    """For how long answers of keyed calls are kept; a new epoch says that earlier ones were lost."""

    epoch: str
    ttl: Millis


class Hello(Struct, frozen=True, omit_defaults=True):
    """What each end says first, and once, without waiting; a server also for how long the credentials are good.

    `items` has a short digest of each action and event, by which the other end finds where two versions part.
    """

    protocol: str
    version: str
    api: int
    session: Annotated[str, Meta(max_length=128)]
    gen: Count
    limits: HelloLimits = HelloLimits()
    keys: Keys | UnsetType = UNSET
    expires_in: Millis | UnsetType = UNSET
    items: str = ""


class Goaway(Struct, frozen=True, omit_defaults=True):
    """Later requests are refused unrun; the connection closes by `deadline`.

    Who reconnects does so at a random time within `reconnect_in`, so that not all come back at once.
    """

    reason: str = ""
    reconnect_in: Millis | None = None
    deadline: Millis | None = None


class UploadForm(Struct, frozen=True):
    """What is going to be uploaded: how many bytes, and the digest of them all in hexadecimal."""

    size: Count
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Ack(Struct, frozen=True):
    """So much of an upload is held; the sender may go on to `offset + window`."""

    offset: Count
    window: Count


class ErrorBody(Struct, frozen=True, omit_defaults=True):
    """Why a call has no result. `ran: false` is the runtime's word that the handler did not start."""

    code: str
    status: str
    message: str = ""
    details: Raw | UnsetType = UNSET
    retry_after: Millis | UnsetType = UNSET
    ran: bool | UnsetType = UNSET


class Loss(Struct, frozen=True):
    """Volatile events dropped since last told."""

    event: str
    count: Count


class Reset(Struct, frozen=True):
    """Continuity is broken; the subscription goes on from here."""

    reason: str
    epoch: str
    seq: Count


class SubscriptionEnd(Struct, frozen=True, omit_defaults=True):
    """The last word about a subscription."""

    status: str
    reason: str = ""
    retry_after: Millis | UnsetType = UNSET


class Message(Struct, rename={"for_": "for"}, gc=False):
    """Any message, with all the members there are; payloads stay raw until somebody who knows their type asks."""

    id: Id | UnsetType | None = UNSET
    action: str | UnsetType = UNSET
    params: Raw | UnsetType = UNSET
    deadline: Millis | UnsetType = UNSET
    key: Key | UnsetType = UNSET
    meta: dict[str, str] | UnsetType = UNSET
    stream: StreamId | UnsetType = UNSET
    upload: UploadForm | UnsetType = UNSET
    data: Raw | UnsetType = UNSET
    error: ErrorBody | UnsetType | None = UNSET
    event: str | UnsetType = UNSET
    seq: Count | UnsetType = UNSET
    for_: Id | UnsetType = UNSET
    item: Raw | UnsetType = UNSET
    n: Count | UnsetType = UNSET
    credit: Count | UnsetType = UNSET
    ack: Ack | UnsetType = UNSET
    cancel: Id | UnsetType = UNSET
    sub: Id | UnsetType = UNSET
    live: Point | UnsetType = UNSET
    at: Point | UnsetType = UNSET
    lost: Loss | UnsetType = UNSET
    reset: Reset | UnsetType = UNSET
    end: SubscriptionEnd | UnsetType = UNSET
    hello: Hello | UnsetType = UNSET
    goaway: Goaway | UnsetType = UNSET


class Foreign(Message, gc=False):
    """A message of a declared profile.

    Attributes:
        route: What it is for, besides the connection.
        acked: It is a first answer, and not the result.
        answers: The action of the call that it answers, where it says so.
        whole: All of it, where no rule says what it is.
    """

    route: Raw | None = None
    acked: bool = False
    answers: str | None = None
    whole: Raw | None = None


class ForeignError(ErrorBody, frozen=True):
    """An error with its code and its data as they came."""

    wire_code: int | str | None = None
    data: Raw | None = None


class Capabilities(Struct, frozen=True, kw_only=True):
    """What the other end understands and takes: settled by the handshake, completed by its `hello`.

    Attributes:
        extensions: It speaks more than the three plain shapes.
        frame: Bytes of a message that it takes.
        in_flight: Calls of ours that it runs at once.
        window: Items of a stream that it takes ahead of its reader.
    """

    extensions: bool
    frame: int = 64 * 1024
    in_flight: int = 64
    window: int = 64


class BadText(Exception):
    """What came is not UTF-8: the connection ends with 1007 (RFC 6455, section 8.1)."""


class BadMessage(Exception):
    """What came is no message.

    Attributes:
        id: The id that it seems to carry, so that the error reaches whom it concerns.
        answer: Whether it seems to be a response, or an item of one, rather than a request.
        code: Which kind of mistake it is, where the profile tells them apart: `not_json` or `not_a_message`.
    """

    def __init__(self, reason: str, id: str | None = None, *, answer: bool = False, code: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.id = id
        self.answer = answer
        self.code = code


class NotCarried(Exception):
    """A message was to hold what this profile has no place for.

    Attributes:
        what: What that is, in the plural.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"the protocol's messages have no place for {what}")
        self.what = what


class Codec(Protocol):
    """A wire profile: pure functions between messages and bytes.

    Attributes:
        is_native: Whether it is the native wire format.
        says_cancel: Whether `cancel` means something to a peer without extensions.
        batches: Whether a message may be a batch of several, see `parts`.
        acknowledged: Actions whose calls get a `first_answer` before their result.
        settled_by_ack: Actions whose first answer is the only one.
        in_order: Messages have no ids: each answer is that to the oldest call; `by_name` of the action that it names.
        answers_unknown: Whether this end tells its peer of what is none of the profile's messages.
    """

    is_native: bool
    says_cancel: bool
    batches: bool
    acknowledged: frozenset[str]
    settled_by_ack: frozenset[str]
    in_order: bool
    by_name: bool
    answers_unknown: bool

    def decode(self, data: bytes) -> Message:
        """Raises `BadText` or `BadMessage`."""
        ...

    def parts(self, data: bytes) -> list[bytes] | None:
        """The messages of a batch; None for what is none, and so one message."""
        ...

    def joined(self, answers: list[bytes]) -> bytes:
        """The answers to a batch."""
        ...

    @property
    def id_of(self) -> Callable[[int], str]:
        """Gives the id of our call of that number on this connection."""
        ...

    def wire_id(self, id: str) -> int | str | None:
        """The id of a call as messages have it; None where they have none."""
        ...

    def request(
        self,
        capabilities: Capabilities,
        id: str,
        action: str,
        params: bytes,
        *,
        deadline: int | None = None,
        key: str | None = None,
        meta: Mapping[str, str] | None = None,
        credit: int | None = None,
        stream: int | None = None,
        upload: UploadForm | None = None,
        route: int | str | None = None,
    ) -> bytes:
        """Raises `NotCarried` for what the profile has no place for."""
        ...

    def result(
        self,
        id: str,
        data: bytes,
        *,
        replayed: bool = False,
        action: str = "",
        route: Raw | None = None,
        acked: bool = False,
    ) -> bytes: ...
    def failure(
        self, id: str | None, error: ErrorBody, *, replayed: bool = False, action: str = "", route: Raw | None = None
    ) -> bytes: ...
    def event(
        self,
        name: str,
        data: bytes,
        *,
        seq: int | None = None,
        for_: str | None = None,
        route: int | str | None = None,
    ) -> bytes:
        """Raises `NotCarried` for what the profile has no place for."""
        ...

    def cancel(self, id: str) -> bytes: ...
    def first_answer(self, id: str, route: Raw | None) -> bytes:
        """What a call of the peer's is answered before its result."""
        ...

    def item(self, id: str, item: bytes, n: int) -> bytes: ...
    def credit(self, id: str, total: int) -> bytes: ...
    def ack(self, id: str, ack: Ack) -> bytes: ...
    def hello(self, hello: Hello) -> bytes: ...
    def goaway(self, goaway: Goaway) -> bytes: ...
    def about(self, sub: str, **note: Point | Loss | Reset | SubscriptionEnd) -> bytes: ...


class WithoutExtensions:
    """A profile without extensions: the session never asks for what they say."""

    def item(self, id: str, item: bytes, n: int) -> bytes:
        raise AssertionError("there are no streams")

    def credit(self, id: str, total: int) -> bytes:
        raise AssertionError("there are no streams")

    def ack(self, id: str, ack: Ack) -> bytes:
        raise AssertionError("there are no uploads")

    def hello(self, hello: Hello) -> bytes:
        raise AssertionError("nobody says hello")

    def goaway(self, goaway: Goaway) -> bytes:
        raise AssertionError("nobody says goodbye")

    def about(self, sub: str, **note: Point | Loss | Reset | SubscriptionEnd) -> bytes:
        raise AssertionError("subscriptions have no names")
