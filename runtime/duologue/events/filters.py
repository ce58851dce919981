"""Filters of subscriptions: a declared field equals a value, or any of several.

Both ends decide with the same code: the server what to send, the client which of its streams an event is for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import GenericAlias, UnionType
from typing import Annotated, Any, Final, Union, cast, get_args, get_origin

from msgspec import Raw
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError

from ..descriptors import EventDescriptor
from ..errors import InvalidArgument, Ran
from ..later import Later
from ..limits import KIB
from ..models import Event

VALUES: Final = 256
"""Values in all that the filter of one subscription may hold."""

SIZE: Final = 16 * KIB
"""Bytes of JSON in all that they may take."""


def _value_type(annotation: Any, attributes: Sequence[str]) -> Any:
    """The type of the field at a path of attributes, without its None; what makes its form on the wire is kept."""
    if isinstance(annotation, Later):
        return _value_type(annotation.resolve(), attributes)
    if get_origin(annotation) is Annotated:
        inner, *rules = get_args(annotation)
        value = _value_type(inner, attributes)
        return value if attributes else Annotated[value, *rules]
    if get_origin(annotation) in (Union, UnionType):
        members = tuple(member for member in get_args(annotation) if member is not type(None))
        return _value_type(members[0], attributes) if attributes or len(members) == 1 else Union[members]  # noqa: UP007
    if not attributes:
        return annotation
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        raise TypeError(f"{annotation!r} has no field {attributes[0]}")
    annotation.model_rebuild()  # else a field that names what stands below it may not have its type yet
    field = annotation.model_fields[attributes[0]]
    return _value_type(annotated(field.annotation, field), attributes[1:])


def annotated(kind: Any, field: FieldInfo) -> Any:
    """The type of a field with what its field says of it."""
    return Annotated[kind, *field.metadata] if field.metadata else kind


@lru_cache(maxsize=4096)
def _adapter(model: type[Event], attributes: tuple[str, ...], *, several: bool) -> TypeAdapter[Any]:
    value: Any = _value_type(model, attributes)
    kind: Any = GenericAlias(list, (value,)) if several else value
    return TypeAdapter(kind)


def value_at(event: Event, attributes: Sequence[str]) -> Any:
    """The value at a path of attributes, None where an optional part is absent."""
    value: Any = event
    for attribute in attributes:
        value = getattr(value, attribute, None)
    return value


def wire_path(model: type[Event], attributes: Sequence[str]) -> str:
    """A path of attributes as it is on the wire: `report.status`."""
    steps: list[str] = []
    for end, attribute in enumerate(attributes):
        owner: Any = _value_type(model, attributes[:end])
        steps.append(owner.model_fields[attribute].serialization_alias or attribute)
    return ".".join(steps)


def encode_filter(descriptor: EventDescriptor[Event], values: Mapping[str, object]) -> dict[str, Raw]:
    """Values by wire path as JSON; None means that it does not matter."""
    encoded: dict[str, Raw] = {}
    for path, value in values.items():
        if value is None:
            continue
        several = not isinstance(value, (str, bytes)) and isinstance(value, (Sequence, set, frozenset))
        if several:
            value = list(cast("Sequence[object]", value))  # noqa: PLW2901 - the same filter as a JSON array
        adapter = _adapter(descriptor.model, descriptor.filters[path], several=several)
        try:
            encoded[path] = Raw(adapter.dump_json(adapter.validate_python(value), warnings="error"))
        except ValidationError as error:
            raise InvalidArgument(f"filter {path}: {error.errors()[0]['msg']}", ran=Ran.NO) from None
        except PydanticSerializationError:  # half a surrogate pair
            raise InvalidArgument(f"filter {path}: JSON cannot hold it", ran=Ran.NO) from None
    return encoded


class Filter:
    """What one subscription lets through.

    Raises:
        InvalidArgument: A path that the event does not declare, a value that does not fit it, more than `VALUES` of
            them, or more than `SIZE`.
    """

    __slots__ = ("_fields",)

    def __init__(self, descriptors: Sequence[EventDescriptor[Event]], values: Mapping[str, Raw]) -> None:
        if sum(len(bytes(raw)) for raw in values.values()) > SIZE:
            raise InvalidArgument(f"filter: at most {SIZE} bytes of values for one subscription", ran=Ran.NO)
        once = {descriptor.name: descriptor for descriptor in descriptors}
        shared: dict[frozenset[Any], frozenset[Any]] = {}  # most often all events have the same type there
        self._fields = {
            name: [(attributes, shared.setdefault(allowed, allowed)) for attributes, allowed in self._parse(d, values)]
            for name, d in (once.items() if values else ())
        }

    def _parse(
        self, descriptor: EventDescriptor[Event], wanted: Mapping[str, Raw]
    ) -> list[tuple[tuple[str, ...], frozenset[Any]]]:
        fields: list[tuple[tuple[str, ...], frozenset[Any]]] = []
        room = VALUES
        for path, raw in wanted.items():
            attributes = descriptor.filters.get(path)
            if attributes is None:
                known = ", ".join(descriptor.filters) or "none"
                raise InvalidArgument(f"{descriptor.name} has no filter {path}; it has: {known}", ran=Ran.NO)
            try:
                several = bytes(raw).lstrip().startswith(b"[")
                value = _adapter(descriptor.model, attributes, several=several).validate_json(bytes(raw), strict=True)
            except ValidationError as error:
                raise InvalidArgument(f"filter {path}: {error.errors()[0]['msg']}", ran=Ran.NO) from None
            allowed = value if several else [value]
            room -= len(allowed)
            if room < 0:
                raise InvalidArgument(f"filter: at most {VALUES} values for one subscription", ran=Ran.NO)
            fields.append((attributes, frozenset(allowed)))
        return fields

    def takes_all(self, name: str) -> bool:
        """Whether every event of this name passes."""
        return not self._fields.get(name)

    def matches(self, event: Event) -> bool:
        """Whether an event passes."""
        fields = self._fields.get(event.event_name)
        return not fields or all(value_at(event, attributes) in allowed for attributes, allowed in fields)
