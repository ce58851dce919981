"""The words of JSON Schema: which kinds of values each is about, and what the less plain ones mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from ..resolve.constraints import WORDS
from .draft import shortened
from .source import Place, is_list, is_map

TEXT: Final = ("pattern", "minLength", "maxLength")
BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
ITEMS: Final = ("minItems", "maxItems", "uniqueItems")
BY_KIND: Final[dict[str, tuple[str, ...]]] = {
    "string": (*TEXT, "format", "contentEncoding"),
    "integer": BOUNDS,
    "number": BOUNDS,
    "boolean": (),
    "null": (),
    "array": (*ITEMS, "items", "prefixItems", "additionalItems"),
    "object": ("properties", "required", "additionalProperties", "propertyNames", "patternProperties"),
}
_DIGITS: Final = re.compile(r"-?[0-9]{1,200}(\.[0-9]{1,200})?", re.ASCII)
ASIDE: Final = frozenset(
    "$schema $id id $defs definitions $anchor $dynamicAnchor $vocabulary title description examples example deprecated "
    "default nullable type discriminator".split()
)
"""Words that are read elsewhere, or say nothing about values."""


def _texts(value: Any) -> bool:
    return is_list(value) and all(isinstance(item, str) for item in value)


def _text_by_text(value: Any) -> bool:
    return is_map(value) and all(isinstance(item, str) for item in value.values())


HINTS: Final[dict[str, Callable[[Any], bool]]] = {
    "python": _text_by_text,
    "name": lambda value: isinstance(value, str),
    "names": _text_by_text,
    "with": _texts,
    "errors": _texts,
    "examples": is_list,
    "since": lambda value: isinstance(value, str),
    "discriminator": lambda value: isinstance(value, str),
}
"""What the hints of an export hold that are looked into before the compiler sees them."""


def kinds(schema: dict[str, Any], place: Place) -> list[str]:
    """The values of `type`; where there is none, the kind of values that its words are about."""
    if "type" not in schema:
        about = [kind for kind, words in BY_KIND.items() if kind != "integer" and not schema.keys().isdisjoint(words)]
        return about if len(about) == 1 else []
    said = schema["type"]
    found: list[Any] = said if is_list(said) else [said]
    for kind in found:
        if not isinstance(kind, str) or kind not in BY_KIND:
            raise (place / "type").refusal(f"{shortened(kind)} is no type; the types are {', '.join(BY_KIND)}")
    return found


def bounds_of(schema: dict[str, Any], kind: str) -> dict[str, Any]:
    """The constraints of a scalar."""
    bounds = {key: schema[key] for key in BY_KIND[kind] if key in schema and key in WORDS.values()}
    for key in ("exclusiveMinimum", "exclusiveMaximum"):  # in draft 4, a remark on the other bound
        if isinstance(bounds.get(key), bool):
            plain = key.replace("exclusiveM", "m")
            if bounds.pop(key) and plain in bounds:
                bounds[key] = bounds.pop(plain)
    return bounds


def hinted_bounds(hints: dict[str, Any]) -> dict[str, Any]:
    """Constraints that JSON Schema has no word for; those of decimals are text, so that no digit is lost."""
    said = {key: value for key, value in hints.items() if key in WORDS.values()}
    digits = {key: value for key, value in said.items() if isinstance(value, str) and _DIGITS.fullmatch(value)}
    return said | {key: Decimal(value) for key, value in digits.items()}


def tag(discriminator: Any) -> str | None:
    """The field that tells members apart: AsyncAPI says its name, OpenAPI a mapping."""
    found = discriminator.get("propertyName") if is_map(discriminator) else discriminator
    return found if isinstance(found, str) else None
