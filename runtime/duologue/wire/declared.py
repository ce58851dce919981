"""Declared profiles: one codec, at both ends, for whatever an `Envelope` describes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw

from .depth import is_too_deep
from .messages import Capabilities, ErrorBody, Message, NotCarried, UploadForm, WithoutExtensions
from .positions import to_array
from .profile import Profile
from .reading import Reader, written
from .templates import Node, Values
from .trees import join_array, level, plain

MOST_ROUTES: Final = 4096
"""Routes of one connection whose variables are kept; those of the one that began first are forgotten."""


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
        self.in_order, self.by_name = profile.in_order, profile.names_actions
        self.answers_unknown = profile.answers_unknown
        self._reader = Reader(profile, self._keep)
        self._kept: dict[bytes, dict[str, bytes]] = {}

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
        return self._reader.decode(data)

    # -------------------------------------------------------------------------------------------------------- writing
    def id_of(self, number: int) -> str:
        match self._profile.envelope.id:
            case "integer":
                return str(number)
            case "string":
                return f'"{number}"'
            case "uuid":
                return f'"{uuid.uuid4()}"'
            case _:  # answers keep the order: it is never said
                return f"#{number}"

    def wire_id(self, id: str) -> int | str | None:
        raw = written(id)
        return None if raw is None else plain(raw)

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
        values = self._values(id=written(id), action=msgspec.json.encode(action))
        self._put_route(values, route, has_place="route" in profile.in_request)
        self._keep(id, action, values.get("route"))
        self._put_kept(values)
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
        values = self._values(id=written(id), action=msgspec.json.encode(action), **_routed(route))
        self._put_kept(values)
        said = profile.no_result if data == b"null" else data
        if said is not None:
            values["result"] = said
        return _filled(profile.acked_reply if acked else profile.reply, values)

    def failure(
        self, id: str | None, error: ErrorBody, *, replayed: bool = False, action: str = "", route: Raw | None = None
    ) -> bytes:
        """Nothing where the profile has no errors."""
        profile, codes = self._profile, self._profile.code_of
        code = codes.get(error.code, codes.get(error.status, profile.envelope.error.get("default", error.code)))
        if profile.reply_error is None:
            return b""
        values = self._values(
            id=b"null" if id is None else written(id),
            action=msgspec.json.encode(action),
            code=msgspec.json.encode(code),
            message=msgspec.json.encode(error.message),
            **_routed(route),
        )
        if isinstance(error.details, Raw):
            values["data"] = bytes(error.details)
        self._put_kept(values)
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
        shape = profile.shape_of(name)
        if shape is None:
            raise NotCarried("events")
        values = self._values(**shape.values(name, data, sends_empty=profile.sends_empty))
        self._put_route(values, route, has_place=shape.route is not None)
        self._put_kept(values)
        return _filled(shape.node, values)

    def cancel(self, id: str) -> bytes:
        """Only where `says_cancel`."""
        assert self._profile.cancel is not None, "the session has asked whether there is one"
        return _filled(self._profile.cancel, self._values(id=written(id)))

    def first_answer(self, id: str, route: Raw | None) -> bytes:
        assert self._profile.ack is not None, "some actions are acknowledged"
        return _filled(self._profile.ack, self._values(id=written(id), **_routed(route)))

    def _values(self, **values: bytes | None) -> dict[str, bytes]:
        return {**self._variables, **{name: value for name, value in values.items() if value is not None}}

    def _put_route(self, values: dict[str, bytes], route: int | str | None, *, has_place: bool) -> None:
        if route is not None and not has_place:
            raise NotCarried("routes")
        if route is not None:
            values["route"] = msgspec.json.encode(route)
        elif (node := self._profile.default_route) is not None and (default := node.fill(values)) is not None:
            values["route"] = default

    # --------------------------------------------------------------------------------------------- variables of a route
    def _keep(self, id: str, action: str, route: bytes | Raw | None) -> None:
        """Take what the call of an action tells of its route."""
        names = self._profile.kept_by.get(action)
        if names is None or route is None or (told := written(id)) is None:
            return
        kept = self._kept.pop(bytes(route), {})
        self._kept[bytes(route)] = kept | dict.fromkeys(names, told)
        if len(self._kept) > MOST_ROUTES:
            del self._kept[next(iter(self._kept))]

    def _put_kept(self, values: dict[str, bytes]) -> None:
        if self._kept and (route := values.get("route")) is not None:
            values.update(self._kept.get(route, {}))


def _routed(route: Raw | None) -> dict[str, bytes]:
    return {} if route is None else {"route": bytes(route)}


def _filled(node: Node | None, values: Values) -> bytes:
    text = None if node is None else node.fill(values)
    assert text is not None, "a message is an object or an array, and the compiler asks for those that are needed"
    return text
