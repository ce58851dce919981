"""From the table of a protocol to the codecs that speak it: native, or as its package declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from ..descriptors import Protocol
from ..errors import CallError, Declared
from ..models import Model
from ..wire import Codec, DeclaredCodec, End, Member, NativeCodec, Profile, Table
from . import skew

NATIVE: Final = NativeCodec()


class Speech:
    """How one end speaks a protocol, on all of its connections."""

    def __init__(self, protocol: Protocol, end: End) -> None:
        self._protocol = protocol
        self.envelope = protocol.wire
        self._profile = None if protocol.wire is None else Profile(protocol.wire, end, _Tables(protocol, end).table)

    def codec(self, variables: Mapping[str, bytes] | None = None) -> Codec:
        """A codec for one connection; `variables` are what its handshake has settled."""
        if self._profile is None:
            return NATIVE
        return DeclaredCodec(self._profile, {} if variables is None else variables)

    @cached_property
    def items(self) -> str:
        """What `hello` tells of the items of the protocol."""
        return skew.told(self._protocol)

    def first_difference(self, items: str) -> str | None:
        """The first item of ours that the other end, by its `hello`, lacks or has otherwise."""
        return skew.first_difference(self._protocol, items)

    def is_notification(self, name: str) -> bool:
        """Whether clients send an event of that name."""
        return any(event.name == name for event in self._protocol.part_of(name).notifications)


class _Tables:
    """What a declared profile has to know of a protocol, looked up when it is first needed."""

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
