"""The codecs of a declared protocol: its envelope, and what they have to know of its models and errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from ..descriptors import Protocol
from ..errors import CallError, Declared
from ..models import Model
from ..wire import Codec, End, Envelope
from ..wire.declared import DeclaredCodec
from ..wire.positions import Member
from ..wire.profile import Profile, Table


def codecs_of(protocol: Protocol, envelope: Envelope, end: End) -> Callable[[Mapping[str, bytes]], Codec]:
    """What makes a codec for one connection, of the variables that its handshake has settled."""
    return partial(DeclaredCodec, Profile(envelope, end, _Tables(protocol, end).table))


class _Tables:
    """What they have to know, looked up when it is first needed."""

    def __init__(self, protocol: Protocol, end: End) -> None:
        self._protocol = protocol
        self._is_server = end == "server"
        self._members: dict[type[Model], Sequence[Member]] = {}
        codes = {error.code: (str(error.status), _code(error)) for error in protocol.errors}
        self.table = Table(
            params=self._of_params, data=self._of_data, takes=self._takes, hears=self._hears, codes=codes
        )

    def _takes(self, action: str) -> bool:
        part = self._protocol.part_of(action)
        return any(one.name == action for one in (part.client_actions if self._is_server else part.server_actions))

    def _hears(self, event: str) -> bool:
        part = self._protocol.part_of(event)
        return any(one.name == event for one in (part.notifications if self._is_server else part.events))

    def _of_params(self, action: str) -> Sequence[Member]:
        part = self._protocol.part_of(action)
        actions = (*part.client_actions, *part.server_actions)
        return self._of(next((one.params for one in actions if one.name == action), None))

    def _of_data(self, event: str) -> Sequence[Member]:
        part = self._protocol.part_of(event)
        return self._of(next((one.model for one in (*part.events, *part.notifications) if one.name == event), None))

    def _of(self, model: type[Model] | None) -> Sequence[Member]:
        if model is None:
            return ()
        if model not in self._members:
            model.model_rebuild()  # it may not have been used so far
            self._members[model] = [_member(name, field) for name, field in model.model_fields.items()]
        return self._members[model]


def _member(name: str, field: FieldInfo) -> Member:
    default: Any = None if field.is_required() else field.get_default(call_default_factory=True)
    kind: Any = field.annotation
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    absent = b"null" if default is None else adapter.dump_json(default, by_alias=True)
    return Member(field.alias or name, absent, nullable=_takes_null(adapter))


def _takes_null(adapter: TypeAdapter[Any]) -> bool:
    """Asked of the type itself: null may be among the values of an alias, too."""
    try:
        adapter.validate_json(b"null")
    except ValidationError:
        return False
    return True


def _code(error: type[CallError]) -> int | str:
    number = error.number if issubclass(error, Declared) else None
    return error.code if number is None else number
