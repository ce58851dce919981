"""Errors on their way to the wire and back."""

from __future__ import annotations

import logging
import math
import re
import secrets
from collections.abc import Sequence
from typing import Any, Final, TypeVar, cast

from msgspec import UNSET, Raw, UnsetType
from pydantic import TypeAdapter, ValidationError

from ..descriptors import Action
from ..errors import STATUS_CLASSES, CallError, Declared, Internal, Ran, Status, Unknown
from ..models import Model, validator_of
from ..observing.lines import Line
from ..wire import ErrorBody, Foreign, ForeignError, Message, Validation, plain
from ..wire.messages import SAFE_INTEGER
from .lenient import as_it_came

R = TypeVar("R")

_LOG: Final = logging.getLogger("duologue")

STOPPED: Final = frozenset({Status.DEADLINE_EXCEEDED, Status.CANCELLED, Status.UNKNOWN})
"""What a handler ends in that was stopped on its way: nobody knows whether it had its effect before."""
_INCIDENT: Final = re.compile(r"\(incident (\w+)\)$")

MOST_LISTED: Final = 256
"""Mistakes in one message, of which some are described; of more only the number is told."""


def unrun(status: Status, text: str, *, retry_after: float | None = None) -> ErrorBody:
    """The runtime's refusal of a call whose handler did not start; `retry_after` in seconds."""
    return ErrorBody(status, status, text, retry_after=_millis(retry_after), ran=False)


def body_of(error: CallError) -> ErrorBody:
    """An error that a handler, or a built-in action, ended in."""
    details = cast("Declared[Model | None]", error).details if isinstance(error, Declared) else None
    return ErrorBody(
        error.code,
        error.status,
        error.message,
        details=UNSET if details is None else Raw(details.to_wire()),
        retry_after=_millis(error.retry_after),
        ran=False if error.ran is Ran.NO else UNSET,
    )


def _millis(seconds: float | None) -> int | UnsetType:
    """Seconds that a handler named, whatever it named, as the wire can carry them."""
    if seconds is None or math.isnan(seconds):
        return UNSET
    return math.ceil(min(max(seconds, 0.0) * 1000, SAFE_INTEGER))


def incident(action: str, *, connection: int | None = None, call: str | None = None) -> ErrorBody:
    """The exception being handled, as the peer may see it: under a number by which the log tells the rest.

    Args:
        connection: The number of the connection that it happened on; `call` the request's id there.
    """
    number = secrets.token_hex(6)
    _LOG.exception("%s", Line("handler failed", incident=number, connection=connection, call=call, action=action))
    return ErrorBody(Status.INTERNAL, Status.INTERNAL, f"the handler of {action} failed (incident {number})")


def incident_of(error: ErrorBody) -> str | None:
    """The number of the incident that an error tells of, if it does."""
    found = _INCIDENT.search(error.message) if error.status == Status.INTERNAL else None
    return None if found is None else found[1]


def explain(error: ValidationError) -> str:
    """What does not fit, without the values: they may be secret."""
    count = error.error_count()
    if count > MOST_LISTED:  # each would be described at a cost before the first is known
        return f"{count} members do not fit"
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}" for problem in problems[:5]]
    return "; ".join(told) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")


def data_of(answer: Message | CallError, declared: Sequence[type[CallError]] = ()) -> bytes:
    """The data of an answer. Raises the error that it carries instead."""
    if isinstance(answer, CallError):
        raise answer
    if isinstance(answer.error, ErrorBody):
        raise error_of(answer.error, declared)
    return bytes(answer.data) if isinstance(answer.data, Raw) else b"null"


def result_of(action: Action[Any, R], answer: Message | CallError, validation: Validation = "strict") -> R:
    """The typed result of an answer. Raises the error that it carries instead."""
    raw = data_of(answer, action.errors)
    try:
        return decode(action.result, raw)
    except ValidationError as error:
        if isinstance(answer, Foreign) and action.has_no_result:
            return cast("R", None)  # whatever others answer where nothing is to be told
        if validation != "strict":
            return cast("R", as_it_came(action.name, action.result_type, raw, validation))
        raise Internal(f"{action.name}: the answer does not fit the protocol: {explain(error)}") from None


def decode(adapter: TypeAdapter[R], raw: bytes) -> R:
    """A payload from the wire: strictly, and by wire names alone."""
    return validator_of(adapter).validate_json(raw, strict=True, by_alias=True, by_name=False)  # type: ignore[no-any-return]


def error_of(body: ErrorBody, declared: Sequence[type[CallError]]) -> CallError:
    """The exception that an error on the wire stands for."""
    ran = Ran.NO if body.ran is False else Ran.YES
    error = _declared_error(body, declared)
    if error is None:
        if body.status in STOPPED and ran is Ran.YES:
            ran = Ran.UNKNOWN
        error = STATUS_CLASSES.get(body.status, Unknown)(body.message)
        if body.code != error.code:  # declared by a newer spec than ours
            error.__dict__["code"] = body.code
    error.ran = ran
    if isinstance(body, ForeignError):
        error.wire_code = body.wire_code
        error.data = None if body.data is None else plain(body.data)
    if isinstance(body.retry_after, int):
        error.retry_after = body.retry_after / 1000
    return error


def _declared_error(body: ErrorBody, declared: Sequence[type[CallError]]) -> CallError | None:
    for kind in declared:
        if kind.code == body.code and issubclass(kind, Declared):
            try:
                details = None if kind.details_type is None else kind.details_type.from_wire(_raw(body.details))
            except ValidationError:
                if not isinstance(body, ForeignError) or kind.details_type is None:
                    return None  # details that we cannot read: the status is what is left to tell
                details = as_it_came(kind.code, kind.details_type, _object(body.details), "off")
            error: CallError = cast("Any", kind).restore(body.message, details)
            return error
    return None


def _object(details: object) -> bytes:
    """Details as an object, whatever came in their place: other protocols have errors with less, or none."""
    raw = _raw(details)
    return raw if raw[:1] == b"{" else b"{}"


def _raw(details: object) -> bytes:
    return bytes(details) if isinstance(details, Raw) else b"{}"
