"""Errors: one tree, whether the handler ran, pickling, and the way over the wire and back."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any, ClassVar

import pytest
from msgspec import UNSET
from pydantic import TypeAdapter, ValidationError
from tests.runtime.chat import NoRoom, NoRoomDetails

import duologue.errors
from duologue.descriptors import Action
from duologue.errors import (
    STATUS_CLASSES,
    Aborted,
    CallError,
    ConnectFailed,
    ConnectionClosed,
    Declared,
    DuologueError,
    HistoryLost,
    Internal,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Ran,
    ResourceExhausted,
    Status,
    Unavailable,
    Unknown,
)
from duologue.models import Params
from duologue.session.outcomes import STOPPED, body_of, data_of, error_of, explain, incident, result_of, unrun
from duologue.wire import ErrorBody, Message, NativeCodec

CODEC = NativeCodec()


class Busy(Declared[None], ResourceExhausted):
    """Declared without details, with a hint when to come again."""

    code: ClassVar[str] = "busy"
    text: ClassVar[str] = "Too many are here."
    retry_after: float | None = 2.5

    def __init__(self, message: str | None = None, /) -> None:
        super().__init__(message, None)


def every_class() -> list[type[DuologueError]]:
    found = [kind for kind in vars(duologue.errors).values() if isinstance(kind, type)]
    return [kind for kind in found if issubclass(kind, DuologueError)]


def over_the_wire(error: CallError, declared: tuple[type[CallError], ...] = ()) -> CallError:
    body = CODEC.decode(CODEC.failure("1", body_of(error))).error
    assert isinstance(body, ErrorBody)
    return error_of(body, declared)


# ------------------------------------------------------------------------------------------------------------- the tree
def test_every_status_has_its_class_and_its_name_as_code() -> None:
    assert set(STATUS_CLASSES) == {str(status) for status in Status}
    for status, kind in STATUS_CLASSES.items():
        assert (kind.status, kind.code) == (status, status)
        assert kind.__name__ == "".join(word.capitalize() for word in status.split("_"))


def test_the_tree_is_the_one_drawn() -> None:
    assert all(issubclass(kind, CallError) for kind in STATUS_CLASSES.values())
    assert issubclass(NotSent, Unavailable)
    assert (NotSent.code, NotSent.status) == ("not_sent", Status.UNAVAILABLE)
    assert (OutcomeUnknown.code, OutcomeUnknown.status) == ("outcome_unknown", Status.UNKNOWN)
    assert (NoRoom.status, NoRoom.code, NoRoom.details_type) == (Status.NOT_FOUND, "no_room", NoRoomDetails)
    assert (Busy.status, Busy.details_type) == (Status.RESOURCE_EXHAUSTED, None)
    for kind in (ConnectFailed, ConnectionClosed, HistoryLost):
        assert issubclass(kind, DuologueError)
        assert not issubclass(kind, CallError)


def test_an_error_says_whether_the_handler_ran() -> None:
    assert Internal().ran is Ran.YES
    assert NotSent("x").ran is Ran.NO
    assert OutcomeUnknown("x").ran is Ran.UNKNOWN
    assert NoRoom(room="a").ran is Ran.YES


def test_a_declared_error_writes_its_text_from_its_details() -> None:
    error = NoRoom(room="attic")
    assert (str(error), error.message, error.details.room) == ("No room is called attic.",) * 2 + ("attic",)
    assert str(NoRoom("gone", room="attic")) == "gone"
    assert str(Busy()) == "Too many are here."


def test_without_details_its_text_says_so() -> None:
    class Full(Declared[NoRoomDetails | None], ResourceExhausted):
        text: ClassVar[str] = "{room} is full."

    assert str(Full(None, None)) == "none is full."


def test_a_code_of_ones_own_does_not_change_the_class() -> None:
    assert NotFound("x", code="no_such_page").code == "no_such_page"
    assert NotFound.code == "not_found"


# ------------------------------------------------------------------------------------------------------------- pickling
SAMPLES: list[DuologueError] = [
    *(kind("why", ran=Ran.NO, code="newer") for kind in STATUS_CLASSES.values()),
    *(kind("why") for kind in STATUS_CLASSES.values()),
    DuologueError("why"),
    CallError("why"),
    NotSent("why"),
    OutcomeUnknown("why"),
    NoRoom(room="attic"),
    NoRoom("gone", room="attic"),
    Busy(),
    ConnectFailed("refused", status_code=401),
    ConnectionClosed(4409, "fenced"),
    ConnectionClosed(1006),
    HistoryLost("epoch_changed"),
]


def test_every_class_is_sampled() -> None:
    assert {type(error) for error in SAMPLES} - {NoRoom, Busy} == set(every_class()) - {Declared}


@pytest.mark.parametrize("error", SAMPLES, ids=repr)
@pytest.mark.parametrize("how", ["pickle", "copy", "deepcopy"])
def test_errors_come_out_of_a_pickle_as_they_went_in(error: DuologueError, how: str) -> None:
    if isinstance(error, CallError):
        error.retry_after = 1.5
    again = pickle.loads(pickle.dumps(error)) if how == "pickle" else getattr(copy, how)(error)
    assert type(again) is type(error)
    assert (str(again), again.args, again.__dict__) == (str(error), error.args, error.__dict__)


# ---------------------------------------------------------------------------------------------------- over the wire
@pytest.mark.parametrize("kind", STATUS_CLASSES.values())
@pytest.mark.parametrize("ran", [Ran.YES, Ran.NO])
def test_a_status_arrives_as_its_class(kind: type[CallError], ran: Ran) -> None:
    error = over_the_wire(kind("why", ran=ran))
    if ran is Ran.YES and kind.status in STOPPED:  # before it had its effect, or after: nobody knows
        ran = Ran.UNKNOWN
    assert (type(error), error.message, error.ran, error.code) == (kind, "why", ran, kind.code)
    assert error.retry_after is None


def test_a_declared_error_arrives_with_its_details() -> None:
    error = over_the_wire(NoRoom(room="attic"), (Busy, NoRoom))
    assert isinstance(error, NoRoom)
    assert (error.message, error.details, error.ran) == (
        "No room is called attic.",
        NoRoomDetails(room="attic"),
        Ran.YES,
    )


def test_a_hint_when_to_retry_travels_in_milliseconds() -> None:
    assert body_of(Busy()).retry_after == 2500
    error = over_the_wire(Busy(), (Busy,))
    assert isinstance(error, Busy)
    assert error.retry_after == 2.5
    once = NotFound()
    once.retry_after = 0.25
    assert over_the_wire(once).retry_after == 0.25


@pytest.mark.parametrize(
    ("seconds", "millis"), [(0.0, 0), (-1.0, 0), (float("inf"), 2**53 - 1), (float("nan"), UNSET), (None, UNSET)]
)
def test_any_hint_is_one_that_the_wire_can_carry(seconds: float | None, millis: object) -> None:
    error = NotFound("why")
    error.retry_after = seconds
    assert body_of(error).retry_after == millis
    over_the_wire(error)


def test_an_error_that_this_side_does_not_declare_is_its_status_with_the_code_kept() -> None:
    error = over_the_wire(NoRoom(room="attic"), (Busy,))
    assert (type(error), error.code, error.message) == (NotFound, "no_room", "No room is called attic.")
    assert over_the_wire(error).code == "no_room"


@pytest.mark.parametrize("details", [b'{"place": "attic"}', b"null", b'{"room": 5}', None])
def test_details_that_cannot_be_read_leave_the_status(details: bytes | None) -> None:
    member = b"" if details is None else b',"details":' + details
    body = CODEC.decode(b'{"id":"1","error":{"code":"no_room","status":"not_found"%b}}' % member).error
    assert isinstance(body, ErrorBody)
    error = error_of(body, (NoRoom,))
    assert (type(error), error.code) == (NotFound, "no_room")


def test_a_status_of_the_future_is_unknown() -> None:
    error = error_of(ErrorBody("melted", "melted", "hot"), ())
    assert (type(error), error.code, error.message) == (Unknown, "melted", "hot")


def test_a_class_that_is_not_declared_the_declared_way_is_never_made_from_the_wire() -> None:
    assert type(error_of(ErrorBody("aborted", "aborted"), (Aborted,))) is Aborted


def test_details_without_a_type_are_dropped() -> None:
    body = CODEC.decode(b'{"id":"1","error":{"code":"busy","status":"x","details":{"a":1}}}').error
    assert isinstance(body, ErrorBody)
    error = error_of(body, (Busy,))
    assert isinstance(error, Busy)
    assert error.details is None


# -------------------------------------------------------------------------------- answers, made and read
ADAPTER: TypeAdapter[int] = TypeAdapter(int)
ACTION: Any = Action(name="a", params=Params, result=ADAPTER, errors=(NoRoom,))


def answer(text: bytes) -> Message:
    return CODEC.decode(text)


def test_an_answer_is_its_data_or_raises_its_error() -> None:
    assert result_of(ACTION, answer(b'{"id":"1","data":5,"error":null}')) == 5
    with pytest.raises(NoRoom):
        result_of(ACTION, answer(CODEC.failure("1", body_of(NoRoom(room="x")))))
    with pytest.raises(OutcomeUnknown):
        result_of(ACTION, OutcomeUnknown("lost"))
    assert data_of(answer(b'{"id":"1","error":null}')) == b"null"


def test_an_answer_that_does_not_fit_is_an_error_without_its_values() -> None:
    with pytest.raises(Internal) as caught:
        result_of(ACTION, answer(b'{"id":"1","data":"secret","error":null}'))
    assert "a: the answer does not fit the protocol: value: Input should be a valid integer" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_an_explanation_names_five_places_and_no_values() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(list[int]).validate_json(json.dumps(["secret"] * 7))
    text = explain(caught.value)
    assert "secret" not in text
    assert text.count("Input should be") == 5
    assert text.endswith("; and 2 more")


def test_a_failed_handler_is_told_by_number_and_logged_in_full(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("secret")
    except ValueError:
        body = incident("echo")
    [record] = caplog.records
    number = body.message.split()[-1].rstrip(")")
    assert (body.code, body.status, body.ran) == ("internal", "internal", UNSET)
    assert "secret" not in body.message
    assert number in record.getMessage()
    assert "secret" in str(record.exc_info)


def test_a_refusal_of_the_runtime_says_that_nothing_ran() -> None:
    assert error_of(unrun(Status.UNIMPLEMENTED, "no"), ()).ran is Ran.NO
