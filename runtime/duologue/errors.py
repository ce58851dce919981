"""What a call can end in, but a result.

::

    DuologueError
    ├── CallError                   .status .message .ran .code .retry_after
    │   ├── Cancelled, InvalidArgument, NotFound, … one class a status of the fixed set (gRPC's names)
    │   │   └── the errors that a spec declares: `Declared` beside their status class
    │   ├── NotSent                 the request never left this side; ran is `no`
    │   └── OutcomeUnknown          it left, and no answer came; ran is `unknown`
    ├── ConnectFailed               no connection could be made
    ├── ConnectionClosed            the connection is gone
    └── HistoryLost                 events do not continue from here
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar, Generic, Self, cast, get_args, get_origin

from typing_extensions import TypeVar, get_original_bases, override

from .later import Later
from .models import Model


class Status(enum.StrEnum):
    """The fixed set of outcomes other than success; names and meanings are gRPC's status codes."""

    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    INVALID_ARGUMENT = "invalid_argument"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    PERMISSION_DENIED = "permission_denied"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    FAILED_PRECONDITION = "failed_precondition"
    ABORTED = "aborted"
    OUT_OF_RANGE = "out_of_range"
    UNIMPLEMENTED = "unimplemented"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    DATA_LOSS = "data_loss"
    UNAUTHENTICATED = "unauthenticated"


class Ran(enum.StrEnum):
    """Whether the handler at the other end ran."""

    NO = "no"
    """It did not start: the call may be repeated, whatever its effect."""
    YES = "yes"
    UNKNOWN = "unknown"


class DuologueError(Exception):
    """Base of all errors of this library. All of them can be pickled."""

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[DuologueError], args: tuple[Any, ...], attributes: dict[str, Any]) -> DuologueError:
    """Unpickle without the constructor: it makes the text from its arguments, the declared errors' take keywords."""
    error = cls.__new__(cls, *args)
    error.__dict__.update(attributes)
    return error


class CallError(DuologueError):
    """A call that ended without a result.

    Attributes:
        message: What happened, in words.
        ran: Whether the handler ran; `Ran.YES` for an answer that the handler itself gave.
        code: The declared error's code, or the status.
        retry_after: Seconds after which a retry makes sense, if the other end said so.
        wire_code: The code as it stood on the wire, a number or text; None in native protocols, and where none stood.
        data: What came with the error, as JSON in plain Python; None in native protocols, and where nothing came.
    """

    status: ClassVar[Status] = Status.UNKNOWN
    code: ClassVar[str] = "unknown"
    retry_after: float | None = None
    wire_code: int | str | None = None
    data: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "status" in cls.__dict__ and "code" not in cls.__dict__:
            cls.code = str(cls.status)

    def __init__(self, message: str = "", /, *, ran: Ran = Ran.YES, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.ran = ran
        if code is not None:  # an error declared by a newer spec than ours: its class is its status, its code its own
            self.__dict__["code"] = code


class Cancelled(CallError):
    """The caller gave up."""

    status: ClassVar[Status] = Status.CANCELLED


class Unknown(CallError):
    """An answer whose status this side does not know."""

    status: ClassVar[Status] = Status.UNKNOWN


class InvalidArgument(CallError):
    """The params do not fit the action."""

    status: ClassVar[Status] = Status.INVALID_ARGUMENT


class DeadlineExceeded(CallError):
    """No answer came in time."""

    status: ClassVar[Status] = Status.DEADLINE_EXCEEDED


class NotFound(CallError):
    """What was asked for does not exist."""

    status: ClassVar[Status] = Status.NOT_FOUND


class AlreadyExists(CallError):
    """What was to be made exists."""

    status: ClassVar[Status] = Status.ALREADY_EXISTS


class PermissionDenied(CallError):
    """The caller may not do this."""

    status: ClassVar[Status] = Status.PERMISSION_DENIED


class ResourceExhausted(CallError):
    """A limit was reached."""

    status: ClassVar[Status] = Status.RESOURCE_EXHAUSTED


class FailedPrecondition(CallError):
    """The system is not in a state in which this can be done."""

    status: ClassVar[Status] = Status.FAILED_PRECONDITION


class Aborted(CallError):
    """Somebody else's change came first."""

    status: ClassVar[Status] = Status.ABORTED


class OutOfRange(CallError):
    """Past the end."""

    status: ClassVar[Status] = Status.OUT_OF_RANGE


class Unimplemented(CallError):
    """The other end has no such action."""

    status: ClassVar[Status] = Status.UNIMPLEMENTED


class Internal(CallError):
    """The handler failed; the message names the incident under which the log there tells more."""

    status: ClassVar[Status] = Status.INTERNAL


class Unavailable(CallError):
    """Not now; a retry may succeed."""

    status: ClassVar[Status] = Status.UNAVAILABLE


class DataLoss(CallError):
    """Data is lost or damaged."""

    status: ClassVar[Status] = Status.DATA_LOSS


class Unauthenticated(CallError):
    """No valid credentials."""

    status: ClassVar[Status] = Status.UNAUTHENTICATED


class NotSent(Unavailable):
    """The request never left this side; the call may be repeated, whatever its effect."""

    code: ClassVar[str] = "not_sent"

    def __init__(self, message: str = "", /) -> None:
        super().__init__(message, ran=Ran.NO)


class OutcomeUnknown(CallError):
    """The request was handed to the transport and no answer came: the handler may or may not have run."""

    code: ClassVar[str] = "outcome_unknown"

    def __init__(self, message: str = "", /) -> None:
        super().__init__(message, ran=Ran.UNKNOWN)


STATUS_CLASSES: dict[str, type[CallError]] = {
    cls.status: cls
    for cls in (
        Cancelled,
        Unknown,
        InvalidArgument,
        DeadlineExceeded,
        NotFound,
        AlreadyExists,
        PermissionDenied,
        ResourceExhausted,
        FailedPrecondition,
        Aborted,
        OutOfRange,
        Unimplemented,
        Internal,
        Unavailable,
        DataLoss,
        Unauthenticated,
    )
}
"""The class that stands for a status on the wire."""

DetailsT = TypeVar("DetailsT", bound="Model | None", default=None)


class _Shown(dict[str, Any]):
    """Details as a message shows them; an optional one that is absent reads `none`."""

    def __missing__(self, name: str) -> str:
        return "none"


class Declared(CallError, Generic[DetailsT]):
    """Mix-in of the errors that a spec declares.

    Attributes:
        details: The typed details, or None.
        number: The code on the wire, where codes are numbers there.
    """

    number: ClassVar[int | None] = None
    text: ClassVar[str] = ""
    details_type: ClassVar[type[Model] | None] = None
    details: DetailsT

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in get_original_bases(cls):
            if get_origin(base) is Declared:
                details = get_args(base)[0]
                is_model = isinstance(details, Later) or (isinstance(details, type) and issubclass(details, Model))
                cls.details_type = cast("type[Model]", details) if is_model else None

    def __init__(self, message: str | None, details: DetailsT, /) -> None:
        if message is None:
            message = self.text.format_map(_Shown({} if details is None else details.model_dump(mode="json")))
        super().__init__(message)
        self.details = details

    @classmethod
    def restore(cls, message: str, details: DetailsT) -> Self:
        """An error as it came over the wire; the subclasses' own constructors take the details one by one."""
        error = cls.__new__(cls)
        super(Declared, error).__init__(message)
        error.details = details
        return error


class ConnectFailed(DuologueError):
    """No connection could be made: refused, unreachable, or the handshake did not succeed.

    Attributes:
        status_code: The HTTP status of a refused handshake, None when it did not come so far.
        close_code: The WebSocket close code of a server that closed right after the handshake, None otherwise.
        retry_after: Seconds that a refused handshake asked to wait before the next attempt, None when it did not.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        close_code: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.close_code = close_code
        self.retry_after = retry_after


class ConnectionClosed(DuologueError):
    """The connection is gone.

    Attributes:
        close_code: The WebSocket close code (RFC 6455, section 7.4; `duologue.CloseCode`), 1006 when none came.
        reason: What the other end said.
    """

    def __init__(self, close_code: int, reason: str = "") -> None:
        super().__init__(f"connection closed: {close_code}{' ' + reason if reason else ''}")
        self.close_code = close_code
        self.reason = reason


class HistoryLost(DuologueError):
    """The events do not continue from here: read a snapshot, then subscribe again.

    Attributes:
        reason: Why, one of the wire's reset reasons.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"events were lost ({reason}): read the current state, then subscribe again")
        self.reason = reason
