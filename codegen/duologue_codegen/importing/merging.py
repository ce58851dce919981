"""`allOf`: objects that are made of others, and schemas that can be said as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from . import words
from .draft import shortened
from .source import MAX_CHAIN, Place, Sources, is_list, is_map, listed, mapping, text

Part = tuple[dict[str, Any], Place]

_NOTES: Final = frozenset("title description examples example deprecated default $comment".split())
_OBJECT: Final = frozenset("type properties required additionalProperties unevaluatedProperties".split())


_MEANT: Final = frozenset({"type", "enum", "const", "$ref", "anyOf", "oneOf"}).union(*words.BY_KIND.values())


class Ambiguous(Exception):
    """The parts say different things about the same."""


def is_note(key: str) -> bool:
    return key in _NOTES or key.startswith("x-")


def says_nothing(schema: dict[str, Any]) -> bool:
    """Whether it only describes."""
    return all(is_note(key) or key in ("$defs", "definitions", "$id", "$schema", "discriminator") for key in schema)


def parts_of(schema: dict[str, Any], place: Place) -> list[Part]:
    """The members of `allOf`; `true` adds nothing."""
    at = place / "allOf"
    found = [(part, at / n) for n, part in enumerate(listed(schema.get("allOf", []), at)) if part is not True]
    return [({"not": {}} if part is False else mapping(part, where, "a schema"), where) for part, where in found]


@dataclass(frozen=True, slots=True)
class Split:
    """An object as the fields that it has from declared types, and its own."""

    mixins: list[tuple[str, Place]]
    own: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Merger:
    sources: Sources

    def split(self, parts: list[Part]) -> Split | None:
        """None where some part is no object, or a field is in two of them."""
        seen: set[str] = set()
        mixins: list[tuple[str, Place]] = []
        own: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        for schema, place in parts:
            whole = self._object(schema, place)
            if whole is None or not seen.isdisjoint(whole["properties"]) or set(whole["required"]) & seen:
                return None
            seen |= set(whole["properties"])
            if set(schema) == {"$ref"}:
                mixins.append((schema["$ref"], place / "$ref"))
            else:
                own["properties"] |= whole["properties"]
                own["required"] += whole["required"]
        missing = set(own["required"]) - set(own["properties"])
        return None if missing & seen else Split(mixins, own)

    def _object(self, schema: dict[str, Any], place: Place, depth: int = 0) -> dict[str, Any] | None:
        """All properties of an object, and which of them are required; None for what is no plain object."""
        if depth > MAX_CHAIN:
            raise place.refusal("`allOf` includes itself")
        if "$ref" in schema:
            value, at = self.sources.follow(schema["$ref"], place / "$ref")
            return self._object(value, at, depth + 1) if is_map(value) and len(schema) == 1 else None
        own = {key: value for key, value in schema.items() if not is_note(key) and key != "allOf"}
        if not _OBJECT.issuperset(own) or own.get("type", "object") != "object":
            return None
        made: dict[str, Any] = {
            "properties": dict(mapping(own.get("properties", {}), place / "properties")),
            "required": [
                text(name, place / "required") for name in listed(own.get("required", []), place / "required")
            ],
        }
        for part, at in parts_of(schema, place):
            inner = self._object(part, at, depth + 1)
            if inner is None or not inner["properties"].keys().isdisjoint(made["properties"]):
                return None
            made["properties"] |= inner["properties"]
            made["required"] += inner["required"]
        return made

    def merged(self, parts: list[Part], depth: int = 0) -> dict[str, Any]:
        """One schema that says what all parts say. Raises Ambiguous."""
        whole: dict[str, Any] = {}
        for schema, place in parts:
            for key, value in self._flat(schema, place, depth).items():
                if is_note(key) or key not in whole:
                    whole.setdefault(key, value)
                else:
                    whole[key] = _joined(key, whole[key], value)
        return whole

    def _flat(self, schema: dict[str, Any], place: Place, depth: int) -> dict[str, Any]:
        if depth > MAX_CHAIN:
            raise place.refusal("`allOf` includes itself")
        if "$ref" in schema:
            value, at = self.sources.follow(schema["$ref"], place / "$ref")
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            if value is not True:
                value = mapping(value, at, "a schema")
            whole: dict[str, Any] = {} if value is True else self._flat(value, at, depth + 1)
            return self.merged([(whole, at), (rest, place)], depth + 1) if rest else whole
        if "allOf" not in schema:
            return schema
        parts = parts_of(schema, place)
        own = {key: value for key, value in schema.items() if key != "allOf"}
        return self.merged([*parts, (own, place)], depth + 1)


def _joined(key: str, one: Any, other: Any) -> Any:
    if one == other:
        return one
    match key:
        case "required" if is_list(one) and is_list(other):
            return [*one, *(name for name in other if name not in one)]
        case "properties" if is_map(one) and is_map(other):
            shared = {name: _fields(name, one[name], other[name]) for name in one if name in other}
            return {**one, **other, **shared}
        case "minimum" | "minLength" | "minItems" | "exclusiveMinimum" if _numbers(one, other):
            return max(one, other)
        case "maximum" | "maxLength" | "maxItems" | "exclusiveMaximum" if _numbers(one, other):
            return min(one, other)
        case "additionalProperties" | "unevaluatedProperties" if isinstance(one, bool) and isinstance(other, bool):
            return one and other
        case _ if key in _MEANT:
            raise Ambiguous(f"{key} is {shortened(one)} and {shortened(other)}")
        case _:  # a word such as `if`, which is left out whatever it says
            return [one, other]


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _fields(name: str, one: Any, other: Any) -> Any:
    if one == other or other is True or one is True:
        return other if one is True else one
    if not is_map(one) or not is_map(other) or "$ref" in one or "$ref" in other:
        raise Ambiguous(f"two parts have a field {name}")
    made = dict(one)
    for key, value in other.items():
        made[key] = _joined(key, made[key], value) if key in made and not is_note(key) else value
    return made
