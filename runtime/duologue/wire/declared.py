"""Declared profiles: one codec, at both ends, for whatever an `Envelope` describes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from .depth import MAX_DEPTH, is_too_deep
from .messages import (
    BadMessage,
    BadText,
    Capabilities,
    ErrorBody,
    Message,
    NotCarried,
    UploadForm,
    WithoutExtensions,
)
from .positions import to_array, to_object
from .profile import Profile, is_items, key_of
from .templates import Node, Place, Values
from .trees import Frame, join_array, level

MAX_ID: Final = 130
"""Bytes of an id as it is written: 128 characters, and quotes."""


class Foreign(Message, gc=False):
    """A message of a declared profile.

    Attributes:
        route: What it is for, besides the connection.
        acked: It is a first answer, and not the result.
        whole: All of it, where no rule says what it is.
    """

    route: Raw | None = None
    acked: bool = False
    whole: Raw | None = None


class ForeignError(ErrorBody, frozen=True):
    """An error with its code and its data as they came."""

    wire_code: int | str | None = None
    data: Raw | None = None


def _first(frame: Frame, candidates: Sequence[Place]) -> bytes | None:
    return next((value for place in candidates if (value := place.read(frame)) is not None), None)


def _text(value: bytes | None) -> str | None:
    """A value that has to be text; None for anything else."""
    text = None if value is None else msgspec.json.decode(value)
    return text if isinstance(text, str) else None


def _told(value: bytes | None) -> str:
    """A value that should be text, as text."""
    return "" if value in (None, b"null") else _text(value) or value.decode()


def _untold(code: int | str | None) -> str:
    """The message of an error that came without one."""
    return "the other end tells no reason" if code is None else f"the other end tells no more than its code, {code}"


class DeclaredCodec(WithoutExtensions):
    """Speaks one declared profile at one end of one connection.

    An id is kept as it is written, `7` or `"7"`: an answer echoes value and type.

    Args:
        variables: JSON by the name of a placeholder that is none of the profile's own; may grow while the handshake
            lasts.
    """

    is_native = False

    def __init__(self, profile: Profile, variables: Mapping[str, bytes]) -> None:
        self._profile = profile
        self._variables = variables
        self.says_cancel = profile.cancel is not None
        self.batches = profile.envelope.batch
        self.acknowledged, self.settled_by_ack = profile.acked, profile.settles
        self._read: Mapping[str, Callable[[Frame], Message]] = {
            "request": self._read_request,
            "response": self._read_response,
            "error": self._read_error,
            "event": self._read_event,
            "ack": self._read_ack,
            "cancel": self._read_cancel,
        }

    # -------------------------------------------------------------------------------------------------------- reading
    def parts(self, data: bytes) -> list[bytes] | None:
        """The messages of a batch; None for what is none."""
        if data.lstrip()[:1] != b"[" or is_too_deep(data):
            return None
        try:
            found = level(data.strip())
        except msgspec.DecodeError:
            return None  # `decode` tells what is wrong with it
        return [bytes(part) for part in found] if isinstance(found, list) else None

    def joined(self, answers: list[bytes]) -> bytes:
        return join_array(answers)

    def decode(self, data: bytes) -> Message:
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
        found = self._profile.in_request
        id = self._id(frame, [found["id"]])
        action = _text(found["action"].read(frame))
        if id is None or action is None:
            reason = f"a request needs an id of at most {MAX_ID - 2} characters, and the name of an action"
            raise BadMessage(reason, id, code="not_a_message")
        params = found["params"].read(frame) if "params" in found else None
        message = Foreign(id=id, action=action, route=self._route(frame, [found["route"]] if "route" in found else ()))
        if params is not None and params != b"null":
            message.params = Raw(to_object(self._profile.table.params(action), params))
        return message

    def _read_response(self, frame: Frame) -> Message:
        result = _first(frame, self._profile.results)
        return Foreign(id=self._id(frame, self._profile.ids), data=Raw(b"null" if result is None else result))

    def _read_error(self, frame: Frame) -> Message:
        profile = self._profile
        raw, data = _first(frame, profile.error["code"]), _first(frame, profile.error["data"])
        code = None if raw is None else msgspec.json.decode(raw)
        code = code if isinstance(code, (int, str)) and not isinstance(code, bool) else None
        name, status = profile.names.get(key_of(code), (str(code), "unknown")) if code is not None else ("unknown",) * 2
        told = _told(_first(frame, profile.error["message"])) or _untold(code)
        body = ForeignError(name, status, told, wire_code=code)
        if data is not None and data != b"null":
            body = msgspec.structs.replace(body, data=Raw(data), details=Raw(data))
        id = self._id(frame, profile.ids)
        return Foreign(id=id, error=body, whole=Raw(frame.text) if id is None else None)

    def _read_event(self, frame: Frame) -> Message:
        profile = self._profile
        names = [_text(place.read(frame)) for place in profile.event_names]
        if None in names or not names:
            return Foreign(whole=Raw(frame.text))
        name = profile.join.join(map(str, names))
        data = profile.event_data.read(frame) if profile.event_data is not None else None
        message = Foreign(event=name, route=self._route(frame, profile.routes))
        message.data = Raw(b"{}" if data is None or data == b"null" else to_object(profile.table.data(name), data))
        return message

    def _read_ack(self, frame: Frame) -> Message:
        return Foreign(id=self._id(frame, self._profile.ids), acked=True)

    def _read_cancel(self, frame: Frame) -> Message:
        id = self._id(frame, [self._profile.in_cancel["id"]] if self._profile.in_cancel else ())
        return Foreign(whole=Raw(frame.text)) if id is None else Foreign(cancel=id)

    def _id(self, frame: Frame, candidates: Sequence[Place]) -> str | None:
        raw = _first(frame, candidates)
        if raw is None or len(raw) > MAX_ID or raw[:1] not in b'"-0123456789' or raw == b'""':
            return None
        return raw.decode()

    def _route(self, frame: Frame, candidates: Sequence[Place]) -> Raw | None:
        raw = _first(frame, candidates)
        return None if raw is None or raw == b"null" else Raw(raw)

    # -------------------------------------------------------------------------------------------------------- writing
    def id_of(self, number: int) -> str:
        match self._profile.envelope.id:
            case "integer":
                return str(number)
            case "string":
                return f'"{number}"'
            case "uuid":
                return f'"{uuid.uuid4()}"'

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
        """Raises `NotCarried` for what has no place in this protocol's requests."""
        profile = self._profile
        if key is not None:
            raise NotCarried("keys")
        if meta and "meta" not in profile.in_request:
            raise NotCarried("meta")
        values = self._values(id=id.encode(), action=msgspec.json.encode(action))
        self._put_route(values, route, profile.in_request)
        if meta:
            values["meta"] = msgspec.json.encode(dict(meta))
        if params != b"{}" or profile.sends_empty:
            values["params"] = to_array(profile.table.params(action), params) if profile.positional else params
        return _filled(profile.request, values)

    def result(
        self,
        id: str,
        data: bytes,
        *,
        replayed: bool = False,
        action: str = "",
        route: Raw | None = None,
        acked: bool = False,
    ) -> bytes:
        profile = self._profile
        if action in profile.settles:
            return self.first_answer(id, route)
        values = self._values(id=id.encode(), action=msgspec.json.encode(action), **_routed(route))
        said = profile.no_result if data == b"null" else data
        if said is not None:
            values["result"] = said
        return _filled(profile.acked_reply if acked else profile.reply, values)

    def failure(
        self, id: str | None, error: ErrorBody, *, replayed: bool = False, action: str = "", route: Raw | None = None
    ) -> bytes:
        profile, codes = self._profile, self._profile.code_of
        code = codes.get(error.code, codes.get(error.status, profile.envelope.error.get("default", error.code)))
        values = self._values(
            id=b"null" if id is None else id.encode(),
            action=msgspec.json.encode(action),
            code=msgspec.json.encode(code),
            message=msgspec.json.encode(error.message),
            **_routed(route),
        )
        if isinstance(error.details, Raw):
            values["data"] = bytes(error.details)
        return _filled(profile.reply_error, values)

    def event(
        self,
        name: str,
        data: bytes,
        *,
        seq: int | None = None,
        for_: str | None = None,
        route: int | str | None = None,
    ) -> bytes:
        """Raises `NotCarried` where the profile has no events, or none that are called so."""
        profile = self._profile
        if profile.notify is None:
            raise NotCarried("events")
        values = self._values()
        if "event" in profile.in_event:
            values["event"] = msgspec.json.encode(name)
        else:
            parts = name.split(profile.join, profile.event_parts - 1)
            values.update((f"event.{index}", msgspec.json.encode(part)) for index, part in enumerate(parts))
        self._put_route(values, route, profile.in_event)
        if data != b"{}" or profile.sends_empty:
            items = is_items(profile.in_event, "data")
            values["data"] = to_array(profile.table.data(name), data) if items else data
        return _filled(profile.notify, values)

    def cancel(self, id: str) -> bytes:
        """Only where `says_cancel`."""
        assert self._profile.cancel is not None, "the session has asked whether there is one"
        return _filled(self._profile.cancel, self._values(id=id.encode()))

    def first_answer(self, id: str, route: Raw | None) -> bytes:
        assert self._profile.ack is not None, "some actions are acknowledged"
        return _filled(self._profile.ack, self._values(id=id.encode(), **_routed(route)))

    def _values(self, **values: bytes) -> dict[str, bytes]:
        return {**self._variables, **values}

    def _put_route(self, values: dict[str, bytes], route: int | str | None, found: Mapping[str, Place]) -> None:
        if route is not None and "route" not in found:
            raise NotCarried("routes")
        if route is not None:
            values["route"] = msgspec.json.encode(route)
        elif (node := self._profile.default_route) is not None and (default := node.fill(values)) is not None:
            values["route"] = default


def _routed(route: Raw | None) -> dict[str, bytes]:
    return {} if route is None else {"route": bytes(route)}


def _filled(node: Node, values: Values) -> bytes:
    text = node.fill(values)
    assert text is not None, "a message is an object or an array"
    return text
