"""JSON Schema (2020-12) of what the models read, in the words in which `duologue export` writes it.

What JSON Schema has no word for is in members that begin with `x-duologue-`; readers that do not know them lose nothing
that decides whether a payload fits, but for the bounds of texts that are numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, TypeAlias, cast

from pydantic import MISSING, BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticUndefined, core_schema
from typing_extensions import override

from ..events.filters import annotated
from ..models import UnknownVariant, is_unique

Schema: TypeAlias = dict[str, Any]

HINT: Final = "x-duologue-"
_UNKNOWN: Final = f"{HINT}unknown"
_REF: Final = "#/$defs/"
_NULL: Final = {"type": "null"}
_BOUNDS: Final = {
    "ge": "minimum",
    "le": "maximum",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}


def schema_of(adapter: TypeAdapter[Any]) -> tuple[Schema, dict[str, Schema]]:
    """The schema of a type, and those of the named types that it refers to as ``#/$defs/Name``."""
    schema: Schema = adapter.json_schema(by_alias=True, schema_generator=_Generator)
    definitions: dict[str, Schema] = schema.pop("$defs", {})
    _open(schema, definitions)
    for one in definitions.values():
        one.pop("title", None)  # which is its name
    for one in list(definitions.values()):
        _open(one, definitions)
    return schema, {name: definitions[name] for name in _reachable(schema, definitions)}


def _reachable(schema: object, definitions: dict[str, Schema]) -> Iterator[str]:
    """The names of all definitions that a schema needs, each once."""
    seen: set[str] = set()
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(cast("list[object]", value))
        elif isinstance(value, dict):
            members = cast("dict[str, object]", value)
            reference = members.get("$ref")
            if isinstance(reference, str) and (name := reference.removeprefix(_REF)) not in seen:
                seen.add(name)
                waiting.append(definitions[name])
                yield name
            waiting.extend(members.values())


class _Generator(GenerateJsonSchema):
    """Of pydantic's own schemas: what our models read otherwise, or what names they have on the wire."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default", "skipped-discriminator"}  # noqa: RUF012 - pydantic's own name and kind

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    @override
    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        return self.generate_inner(schema["schema"])  # the model tells its defaults: it knows how they are written

    @override
    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        cls: type[BaseModel] = schema["cls"]
        if issubclass(cls, UnknownVariant):
            return _unknown_member(cls)
        told = super().model_schema(schema)
        del told["title"]
        for name, field in cls.model_fields.items():
            wire = field.serialization_alias or name
            _tell_absence(told, wire, field)
        return told

    @override
    def enum_schema(self, schema: core_schema.EnumSchema) -> Schema:
        return {key: value for key, value in super().enum_schema(schema).items() if key != "title"}

    @override
    def chain_schema(self, schema: core_schema.ChainSchema) -> Schema:
        return self.generate_inner(schema["steps"][-1])  # those before it say how strictly JSON is read

    @override
    def decimal_schema(self, schema: core_schema.DecimalSchema) -> Schema:
        bounds = {f"{HINT}{word}": f"{schema[key]:f}" for key, word in _BOUNDS.items() if schema.get(key) is not None}  # type: ignore[literal-required]
        return {"type": "string", "format": "decimal", **bounds}

    @override
    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> Schema:
        metadata = schema.get("metadata", {})
        if metadata.get("duologue_unknown"):
            return {"type": "string", _UNKNOWN: True}
        inner = {**super().function_after_schema(schema), **metadata.get("duologue_form", {})}
        return {**inner, "uniqueItems": True} if is_unique(schema["function"]["function"]) else inner

    @override
    def dict_schema(self, schema: core_schema.DictSchema) -> Schema:
        values = self.generate_inner(schema.get("values_schema", core_schema.any_schema()))
        told: Schema = {"type": "object", "additionalProperties": values}
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {"type": "string"}
        return told if keys == {"type": "string"} else {**told, "propertyNames": keys}


def _unknown_member(cls: type[UnknownVariant]) -> Schema:
    """What stands in an open union for the members that later versions may add."""
    tag = cls.model_fields[cls.tag_field].serialization_alias or cls.tag_field
    other = {"type": "string", "not": {"enum": sorted(cls.known_tags)}}
    return {"type": "object", "properties": {tag: other}, "required": [tag], _UNKNOWN: True}


def _tell_absence(told: Schema, wire: str, field: FieldInfo) -> None:
    """What it means that a member is not there."""
    schema: Schema = told["properties"][wire]
    if "const" in schema:
        told.setdefault("required", []).append(wire)
    elif field.default is MISSING:
        schema[f"{HINT}python"] = {"absent": "missing"}
    elif field.default is None:
        told["properties"][wire] = _without_null(schema)
    elif not field.is_required():
        schema["default"] = _encoded_default(field)


def _without_null(schema: Schema) -> Schema:
    members = [member for member in schema.get("anyOf", ()) if member != _NULL]
    if not members:
        return schema
    return members[0] if len(members) == 1 else {**schema, "anyOf": members}


def _encoded_default(field: FieldInfo) -> Any:
    """The default as it stands on the wire."""
    value = field.get_default(call_default_factory=True)
    assert value is not PydanticUndefined, "the field was asked whether it needs a value"
    kind: Any = field.annotation
    adapter: TypeAdapter[Any] = TypeAdapter(annotated(kind, field))
    return json.loads(adapter.dump_json(value, by_alias=True))


def _open(schema: object, definitions: dict[str, Schema]) -> None:
    """Say of enums and unions that they are open, where members beside them say that they are."""
    if isinstance(schema, list):
        for item in cast("list[object]", schema):
            _open(item, definitions)
    if not isinstance(schema, dict):
        return
    members = cast("Schema", schema)
    if "discriminator" in members:
        members[f"{HINT}discriminator"] = members.pop("discriminator")["propertyName"]
    if "anyOf" in members:
        _merge_unknown(members, definitions)
    for value in list(members.values()):
        _open(value, definitions)


def _merge_unknown(schema: Schema, definitions: dict[str, Schema]) -> None:
    """`Enum|UnknownValue` is a reference to an open enum; `Union|UnknownUnion` is one union."""
    known: list[Schema] = []
    unknown: Schema = {}
    for member in cast("list[Schema]", schema["anyOf"]):
        meant: Schema = definitions.get(str(member.get("$ref", "")).removeprefix(_REF), member)
        if meant.get(_UNKNOWN):
            unknown = meant
        else:
            known.append(member)
    if not unknown:
        return
    [enum_or_union, *others] = known
    if unknown["type"] == "string":
        name = str(enum_or_union.get("$ref", "")).removeprefix(_REF)
        definitions[name] = _open_enum(definitions[name])
        whole = enum_or_union
    else:
        tag = enum_or_union["discriminator"]["propertyName"]
        whole = {"oneOf": [*enum_or_union["oneOf"], unknown], f"{HINT}discriminator": tag}
    if others:
        schema["anyOf"] = [whole, *others]
    else:
        del schema["anyOf"]
        schema |= whole


def _open_enum(schema: Schema) -> Schema:
    if "anyOf" in schema:
        return schema
    notes = {key: value for key, value in schema.items() if key not in ("type", "enum")}
    known = {"type": "string", "enum": schema["enum"]}
    return {**notes, "anyOf": [known, {"type": "string"}], f"{HINT}open": True}
