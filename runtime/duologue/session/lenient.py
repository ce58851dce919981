"""What does not fit, as it came: models of data that break their own protocol, for clients that live with it."""

from __future__ import annotations

import json
import logging
import re
import types
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final, TypeAlias, Union, cast, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import TypeAliasType

from ..models import validator_of
from ..observing.lines import Line
from ..wire import Validation, plain

Tell: TypeAlias = Callable[[str, str], None]
"""Is told the path of what does not fit, and why."""

_LOG: Final = logging.getLogger("duologue")

MOST_TOLD: Final = 10_000
"""Paths that are remembered as told; those beyond are told each time."""
_TOLD: Final[set[tuple[str, str]]] = set()

_UNIONS: Final = frozenset({Union, types.UnionType})


def as_it_came(what: str, kind: Any, raw: bytes, validation: Validation) -> Any:
    """A value that does not fit its type; with `warn` the log has one line for each of its paths, once."""

    def tell(path: str, reason: str) -> None:
        path = re.sub(r"\b[0-9]+\b", "*", path)  # one line for all items of a list; keys of a map are `*` already
        if validation == "warn" and (what, path) not in _TOLD:
            if len(_TOLD) < MOST_TOLD:
                _TOLD.add((what, path))
            _LOG.warning("%s", Line("does not fit the protocol", of=what, path=path, reason=reason))

    return lenient(kind, raw, tell)


def lenient(kind: Any, raw: bytes, tell: Tell) -> Any:
    """A value of a type: what fits is converted, what does not stays plain JSON, a field that is missing reads None."""
    return _value(kind, plain(raw), "", tell)


def _value(kind: Any, value: Any, path: str, tell: Tell) -> Any:
    try:
        return _validate(_adapter(kind), value)
    except ValidationError as error:
        kind = _bare(kind, value)
        if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(value, dict):
            return _model(kind, cast("dict[str, Any]", value), path, tell)
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is list and isinstance(value, list):
            items = cast("Sequence[Any]", value)
            return [_value(arguments[0], item, _join(path, index), tell) for index, item in enumerate(items)]
        if origin is dict and isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            return {key: _value(arguments[1], item, _join(path, "*"), tell) for key, item in members.items()}
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        tell(path or "value", problem["msg"])
        return value


def _model(kind: type[BaseModel], value: Mapping[str, Any], path: str, tell: Tell) -> BaseModel:
    kind.model_rebuild()  # it may not have been used so far
    found: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        wire = field.alias or name
        if wire in value:
            annotation = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
            found[name] = _value(annotation, value[wire], _join(path, wire), tell)
        elif field.is_required():
            tell(_join(path, wire), "it is missing")
            found[name] = None
    return kind.model_construct(**found)


def _validate(adapter: TypeAdapter[Any], value: Any) -> Any:
    text = json.dumps(value).encode()  # the strict rules of JSON are others than those of Python's objects
    return validator_of(adapter).validate_json(text, strict=True, by_alias=True, by_name=False)


def _bare(kind: Any, value: Any) -> Any:
    """The type inside an alias or an annotation; of a union, its one member that could be meant."""
    while True:
        if isinstance(kind, TypeAliasType):
            kind = kind.__value__
        elif get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in _UNIONS:
            fitting = [inner for inner in get_args(kind) if _could_be(inner, value)]
            if len(fitting) != 1:
                return kind
            kind = fitting[0]
        else:
            return kind


def _could_be(kind: Any, value: Any) -> bool:
    bare = _bare(kind, value)
    if isinstance(value, dict):
        return get_origin(bare) is dict or (isinstance(bare, type) and issubclass(bare, BaseModel))
    return isinstance(value, list) and get_origin(bare) is list


def _join(path: str, step: str | int) -> str:
    return f"{path}.{step}" if path else str(step)


@lru_cache(maxsize=4096)  # a process has as many as its protocols have fields
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
