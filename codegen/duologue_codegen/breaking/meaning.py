"""Whether two versions of a package take a message for the same."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

from pydantic import BaseModel

Plain: TypeAlias = "dict[str, Plain] | list[Plain] | object"


def meaning(value: object) -> Plain:
    """A value as plain data that can be compared: members of models by their names on the wire, absent ones as well."""
    match value:
        case BaseModel():
            fields = type(value).model_fields.items()
            known = {field.alias or name: meaning(getattr(value, name)) for name, field in fields}
            return {**known, **{name: meaning(item) for name, item in (value.model_extra or {}).items()}}
        case dict():
            return _members(value)
        case list() | tuple():
            return [meaning(item) for item in cast("list[Any]", value)]
        case _:
            return None if repr(value) == "MISSING" else value  # absent: how that reads is no matter of the wire


def _members(value: Any) -> Plain:
    return {str(key): meaning(item) for key, item in value.items()}


def agree(one: Plain, other: Plain) -> bool:
    """Whether two readers understand the same, as far as both know what is spoken of."""
    match one, other:
        case dict(), dict():
            left, right = cast("dict[str, Plain]", one), cast("dict[str, Plain]", other)
            return all(agree(left[name], right[name]) for name in left if name in right)
        case list(), list():
            items, others = cast("list[Plain]", one), cast("list[Plain]", other)
            return len(items) == len(others) and all(map(agree, items, others))
        case _:
            if isinstance(one, str) is not isinstance(other, str) and None not in (one, other):
                return True  # text that one of them reads as a date, say: what it says is the same
            return bool(one == other)
