"""The words of JSON Schema: which kinds of values each is about, and what the less plain ones mean."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from ..resolve.constraints import WORDS
from .draft import hints, shortened
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
ASIDE: Final = frozenset(
    "$schema $id id $defs definitions $anchor $dynamicAnchor $vocabulary title description examples example deprecated "
    "default nullable type discriminator".split()
)
"""Words that are read elsewhere, or say nothing about values."""


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


def hinted_bounds(schema: dict[str, Any]) -> dict[str, Any]:
    """Constraints that JSON Schema has no word for; those of decimals are text, so that no digit is lost."""
    said = {key: value for key, value in hints(schema).items() if key in WORDS.values()}
    return {key: Decimal(value) if isinstance(value, str) else value for key, value in said.items()}


def tag(discriminator: Any) -> str | None:
    """The field that tells members apart: AsyncAPI says its name, OpenAPI a mapping."""
    found = discriminator.get("propertyName") if is_map(discriminator) else discriminator
    return found if isinstance(found, str) else None


def is_unknown(option: Any) -> bool:
    """Whether a member of an exported union stands for those that later versions may add."""
    return is_map(option) and bool(hints(option).get("unknown"))
