"""Declared profiles, read: from the bytes of a message to what it is, by the rules of an `Envelope`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Final

import msgspec
from msgspec import Raw

from .depth import MAX_DEPTH, is_too_deep
from .messages import BadMessage, BadText, Foreign, ForeignError, Message
from .positions import to_object
from .profile import Profile, key_of
from .shapes import text_of
from .templates import Place
from .trees import Frame, level

MAX_ID: Final = 130
"""Bytes of an id as it is written: 128 characters, and quotes."""

_MADE_UP: Final = "#"
"""Begins the number that tells calls apart whose messages have no id, or all the same."""

_NULL: Final = b"null"


def written(id: str) -> bytes | None:
    """The id of a peer's call as its answer repeats it; None where its messages have none."""
    if id.startswith(_MADE_UP):
        return None
    return _NULL if id.startswith("null") else id.encode()


class Reader:
    """Reads what comes to one end of one connection.

    Args:
        on_request: Is told id, action and route of each request.
    """

    def __init__(self, profile: Profile, on_request: Callable[[str, str, Raw | None], None]) -> None:
        self._profile = profile
        self._on_request = on_request
        self._made_up = count(1)
        self._read: Mapping[str, Callable[[Frame], Message]] = {
            "request": self._read_request,
            "response": self._read_response,
            "error": self._read_error,
            "event": self._read_event,
            "ack": self._read_ack,
            "cancel": self._read_cancel,
        }

    def decode(self, data: bytes) -> Message:
        """See `Codec.decode`."""
        if not data.isascii():
            try:
                data.decode()
            except UnicodeDecodeError as error:
                raise BadText(str(error)) from None
        if is_too_deep(data):
            raise BadMessage(f"nested deeper than {MAX_DEPTH}", code="not_a_message")
        try:
            frame = Frame(data)
            for rule in self._profile.rules:
                if rule.holds(frame):
                    return self._read[rule.kind](frame)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadMessage(f"not JSON: {error}", code="not_json") from None
        return Foreign(whole=Raw(frame.text))

    def _read_request(self, frame: Frame) -> Message:
        found, table = self._profile.in_request, self._profile.table
        action = text_of(found["action"].read(frame))
        if (action is None or not table.takes(action)) and self._is_event(frame):
            return self._read_event(frame)
        id = self._id_of_request(frame)
        if id is None or action is None:
            reason = "a request needs the name of an action"
            if not self._profile.in_order:
                reason = f"a request needs an id of at most {MAX_ID - 2} characters, and the name of an action"
            raise BadMessage(reason, id, code="not_a_message")
        params = found["params"].read(frame) if "params" in found else None
        message = Foreign(id=id, action=action, route=_route(frame, [found["route"]] if "route" in found else ()))
        if params is not None and params != _NULL:
            message.params = Raw(to_object(table.params(action), params))
        if "meta" in found and (meta := found["meta"].read(frame)) is not None:
            message.meta = _texts(meta)
        self._on_request(id, action, message.route)
        return message

    def _is_event(self, frame: Frame) -> bool:
        """Whether what looks like a request is called like an event that may come here."""
        found = self._profile.event_in(frame)
        return found is not None and self._profile.table.hears(found[0])

    def _id_of_request(self, frame: Frame) -> str | None:
        if self._profile.in_order:
            return f"{_MADE_UP}{next(self._made_up)}"
        place = self._profile.in_request["id"]
        if place.read(frame) == _NULL:  # several calls at once may have it
            return f"null{_MADE_UP}{next(self._made_up)}"
        return _id(frame, [place])

    def _read_response(self, frame: Frame) -> Message:
        result = _first(frame, self._profile.results)
        message = self._answer("response", frame)
        message.data = Raw(_NULL if result is None else result)
        return message

    def _answer(self, kind: str, frame: Frame) -> Foreign:
        profile = self._profile
        return Foreign(id=_id(frame, profile.ids[kind]), answers=text_of(_first(frame, profile.actions[kind])))

    def _read_error(self, frame: Frame) -> Message:
        profile = self._profile
        raw, data = _first(frame, profile.error["code"]), _first(frame, profile.error["data"])
        code = None if raw is None else msgspec.json.decode(raw)
        code = code if isinstance(code, (int, str)) and not isinstance(code, bool) else None
        name, status = profile.names.get(key_of(code), (str(code), "unknown")) if code is not None else ("unknown",) * 2
        told = _told(_first(frame, profile.error["message"])) or _untold(code)
        body = ForeignError(name, status, told, wire_code=code)
        if data is not None and data != _NULL:
            body = msgspec.structs.replace(body, data=Raw(data), details=Raw(data))
        message = self._answer("error", frame)
        message.error = body
        message.whole = Raw(frame.text) if message.id is None else None
        return message

    def _read_event(self, frame: Frame) -> Message:
        found = self._profile.event_in(frame)
        if found is None:
            return Foreign(whole=Raw(frame.text))
        name, shape = found
        message = Foreign(event=name, route=_route(frame, [] if shape.route is None else [shape.route]))
        message.data = Raw(shape.data(name, frame))
        return message

    def _read_ack(self, frame: Frame) -> Message:
        message = self._answer("ack", frame)
        message.acked = True
        return message

    def _read_cancel(self, frame: Frame) -> Message:
        id = _id(frame, [self._profile.in_cancel["id"]] if self._profile.in_cancel else ())
        return Foreign(whole=Raw(frame.text)) if id is None else Foreign(cancel=id)


def _first(frame: Frame, candidates: Sequence[Place]) -> bytes | None:
    return next((value for place in candidates if (value := place.read(frame)) is not None), None)


def _id(frame: Frame, candidates: Sequence[Place]) -> str | None:
    raw = _first(frame, candidates)
    if raw is None or len(raw) > MAX_ID or raw[:1] not in b'"-0123456789' or raw == b'""':
        return None
    return raw.decode()


def _route(frame: Frame, candidates: Sequence[Place]) -> Raw | None:
    raw = _first(frame, candidates)
    return None if raw is None or raw == _NULL else Raw(raw)


def _texts(value: bytes) -> dict[str, str]:
    """The members of an object that are text, which is all that a `meta` of ours is made of."""
    found = level(value)
    members = found.items() if isinstance(found, dict) else ()
    return {name: text for name, raw in members if (text := text_of(bytes(raw))) is not None}


def _told(value: bytes | None) -> str:
    """A value that should be text, as text."""
    return "" if value in (None, _NULL) else text_of(value) or value.decode()


def _untold(code: int | str | None) -> str:
    """The message of an error that came without one."""
    return "the other end tells no reason" if code is None else f"the other end tells no more than its code, {code}"
