"""Messages of a protocol as they travel: written by the codecs that its clients and servers use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal, cast

from msgspec import Raw

from duologue.wire import Capabilities, Codec, Envelope, ErrorBody, NativeCodec, NotCarried, UploadForm
from duologue.wire.declared import DeclaredCodec
from duologue.wire.positions import Member
from duologue.wire.profile import Profile, Table

from .. import ir

_DIGEST: Final = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
_SIZE: Final = 5
"""An upload of the five bytes `hello`, and their SHA-256."""


class Frames:
    """Writes messages of one protocol; each is the text of a frame."""

    def __init__(self, protocol: ir.Protocol) -> None:
        self._protocol = protocol
        self._codecs: Mapping[ir.Side, Codec] = {
            ir.Side.CLIENT: self._codec("client"),
            ir.Side.SERVER: self._codec("server"),
        }
        self.native = protocol.envelope is None

    def _codec(self, end: Literal["client", "server"]) -> Codec:
        envelope = self._protocol.envelope
        if envelope is None:
            return NativeCodec()
        errors = self._protocol.errors
        codes = {one.code: (str(one.status), one.code if one.number is None else one.number) for one in errors}
        nothing = frozenset[str]().__contains__  # it reads no messages
        table = Table(params=self._params, data=self._data, takes=nothing, hears=nothing, codes=codes)
        return DeclaredCodec(Profile(Envelope(**cast("dict[str, object]", envelope)), end, table), {})  # type: ignore[arg-type]  # the compiler has checked it

    def _params(self, action: str) -> Sequence[Member]:
        found = next((one.params for one in self._protocol.actions if one.name == action), None)
        return () if found is None else self._members(found)

    def _data(self, event: str) -> Sequence[Member]:
        found = next((one.class_name for one in self._protocol.events if one.name == event), None)
        return () if found is None else self._members(found)

    def _members(self, class_name: str) -> Sequence[Member]:
        definition = self._protocol.definition(class_name)
        assert isinstance(definition, ir.ObjectDef), "params and data are objects"
        return [_member(field) for field in definition.fields]

    def request(self, action: ir.ActionDef, params: ir.JsonValue) -> str:
        """The call, from whoever makes it."""
        codec = self._codecs[ir.Side.SERVER if action.side is ir.Side.SERVER else ir.Side.CLIENT]
        unary = action.kind is ir.ActionKind.UNARY
        upload: UploadForm | None = None
        if action.kind is ir.ActionKind.UPLOAD:
            upload = UploadForm(size=_SIZE, sha256=_DIGEST)
        return codec.request(
            Capabilities(extensions=not unary),
            codec.id_of(1),
            action.name,
            _encoded(params),
            credit=16 if action.kind is ir.ActionKind.STREAM else None,
            stream=1 if action.transfer is not None else None,
            upload=upload,
        ).decode()

    def item(self, action: ir.ActionDef, item: ir.JsonValue) -> str:
        """One item of a stream."""
        codec = self._answering(action)
        return codec.item(codec.id_of(1), _encoded(item), 0).decode()

    def result(self, action: ir.ActionDef, result: ir.JsonValue) -> str:
        """The answer."""
        codec = self._answering(action)
        return codec.result(codec.id_of(1), _encoded(result), action=action.name).decode()

    def failure(self, action: ir.ActionDef, error: ir.ErrorDef, details: ir.JsonValue, message: str) -> str:
        """The answer that an error is."""
        codec = self._answering(action)
        body = ErrorBody(code=error.code, status=str(error.status), message=message)
        if details is not None:
            body = ErrorBody(code=error.code, status=str(error.status), message=message, details=Raw(_encoded(details)))
        return codec.failure(codec.id_of(1), body, action=action.name).decode()

    def event(self, event: ir.EventDef, data: ir.JsonValue) -> str | None:
        """The event, from whoever sends it; None where the protocol's messages have no place for it."""
        codec = self._codecs[ir.Side.CLIENT if event.side is ir.Side.CLIENT else ir.Side.SERVER]
        try:
            return codec.event(event.name, _encoded(data)).decode()
        except NotCarried:
            return None

    def _answering(self, action: ir.ActionDef) -> Codec:
        return self._codecs[ir.Side.CLIENT if action.side is ir.Side.SERVER else ir.Side.SERVER]


def _member(field: ir.Field) -> Member:
    absent = b"null" if field.default is None else _encoded(field.default.wire)
    return Member(field.name, absent, nullable=isinstance(field.type, ir.Nullable | ir.Null | ir.Json))


def _encoded(value: ir.JsonValue) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
