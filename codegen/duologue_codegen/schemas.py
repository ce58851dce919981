"""Types of a protocol as JSON Schema: for the formats of others, and for what only a schema can say in a spec."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from . import chosen, ir, names
from .resolve.constraints import WORDS

Schema = dict[str, Any]

HINT: Final = "x-duologue-"
"""What members begin with that say what a format has no word for."""

_SCALARS: Final[dict[ir.ScalarKind, Schema]] = {
    ir.ScalarKind.STRING: {"type": "string"},
    ir.ScalarKind.INTEGER: {"type": "integer"},
    ir.ScalarKind.NUMBER: {"type": "number"},
    ir.ScalarKind.BOOLEAN: {"type": "boolean"},
    ir.ScalarKind.BYTES: {"type": "string", "contentEncoding": "base64"},
    ir.ScalarKind.DATE: {"type": "string", "format": "date"},
    ir.ScalarKind.DATETIME: {"type": "string", "format": "date-time"},
    ir.ScalarKind.DURATION: {"type": "string", "format": "duration"},
    ir.ScalarKind.UUID: {"type": "string", "format": "uuid"},
    ir.ScalarKind.INT64: {"type": "string", "format": "int64"},
    ir.ScalarKind.DECIMAL: {"type": "string", "format": "decimal"},
}
FORMATS: Final = {schema["format"]: kind for kind, schema in _SCALARS.items() if "format" in schema}
"""Format of a string, and the builtin type that it is."""

PATTERNS: Final = {
    ir.ScalarKind.INT64: "^(0|-?[1-9][0-9]{0,18})$",
    ir.ScalarKind.DECIMAL: r"^-?[0-9]+(\.[0-9]+)?$",
    ir.ScalarKind.BYTES: "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
"""What text of these looks like, told to readers whose formats and encodings are only remarks."""


@dataclass(frozen=True, slots=True)
class Schemas:
    """Writes schemas for one document.

    Attributes:
        prefix: What stands before the name of a declared type in a reference.
        draft7: Write draft 07, whose tuples are others and which ignores what stands beside a reference; else 2020-12.
        verbatim: Write the subset that `{schema: …}` takes, without hints.
        absent: What an absent field reads as where nothing is said of it.
    """

    protocol: ir.Protocol
    prefix: str
    draft7: bool = False
    verbatim: bool = False
    absent: ir.Presence = ir.Presence.OPTIONAL

    # --------------------------------------------------------------------------------------------------- definitions
    def definition(self, definition: ir.Definition) -> Schema:
        """A declared type, or one written in place."""
        python = chosen.of_type(definition) if definition.name is not None else {}
        return self._annotated(self._bare(definition), definition, **self._hints(python=python))

    def _bare(self, definition: ir.Definition) -> Schema:
        match definition:
            case ir.ObjectDef():
                return self.object(definition)
            case ir.EnumDef():
                return self._enum(definition)
            case ir.UnionDef():
                return self._named_union(definition)
            case ir.AliasDef():
                return self.type(definition.type, definition.class_name)

    def object(self, definition: ir.ObjectDef, reserved: frozenset[str] = frozenset()) -> Schema:
        """An object with all its fields, those that it has from others as well. `reserved`: see `chosen.of_field`."""
        prefix = (
            definition.class_name.removesuffix("Params") if definition.base is ir.Base.PARAMS else definition.class_name
        )
        properties = {field.name: self._field(field, prefix, reserved) for field in definition.fields}
        needed = (ir.Presence.REQUIRED, ir.Presence.CONST)
        required = [field.name for field in definition.fields if field.presence in needed]
        return {
            "type": "object",
            "properties": properties,
            **({"required": required} if required else {}),
            **({"additionalProperties": False} if definition.base is ir.Base.PARAMS else {}),
            **self._hints(**{"with": [self._name(mixin) for mixin in definition.mixins]}),
        }

    def _name(self, class_name: str) -> str:
        return self.protocol.definition(class_name).name or class_name

    def _field(self, field: ir.Field, prefix: str, reserved: frozenset[str]) -> Schema:
        name = prefix + (names.pascal(field.name) or names.pascal(field.python_name) or "Field")
        schema = self.type(field.type, name)
        default = {} if field.default is None else {"default": field.default.wire}
        python = chosen.of_field(field, reserved, self.absent)
        return self._annotated(schema, field, **default, **self._hints(python=python))

    def _enum(self, definition: ir.EnumDef) -> Schema:
        values = [member.value for member in definition.members]
        kind = "integer" if definition.integers else "string"
        known = {"type": kind, "enum": values, **self._hints(names=chosen.of_members(definition))}
        if definition.open and not self.verbatim:
            return {"anyOf": [known, {"type": kind}], **self._hints(open=True)}
        return known

    def _named_union(self, union: ir.UnionDef) -> Schema:
        members = [self.type(variant.type, union.class_name) for variant in union.variants]
        if union.discriminator is None:
            return {"anyOf": members, **self._hints(named=True)}
        tag = union.discriminator
        if union.open:
            known = [variant.tag for variant in union.variants]
            other = {"type": "string", "not": {"enum": known}}
            unknown = {"type": "object", "properties": {tag: other}, "required": [tag]}
            members.append({**unknown, **self._hints(unknown=True)})
        return {"oneOf": members, **self._hints(discriminator=tag)}

    # --------------------------------------------------------------------------------------------------------- types
    def type(self, type_: ir.Type, name: str) -> Schema:
        """A type; `name` is what a class that is written in place is called by itself."""
        match type_:
            case ir.Scalar():
                return self._scalar(type_)
            case ir.Ref(name=class_name):
                return self._reference(class_name, name)
            case ir.Array(item=item):
                return {"type": "array", "items": self.type(item, f"{name}Item"), **_limits(type_)}
            case ir.Map(key=key, value=value):
                schema = {"type": "object", "additionalProperties": self.type(value, f"{name}Value")}
                return {**schema, **({} if isinstance(key, ir.Scalar) else {"propertyNames": self.type(key, name)})}
            case ir.Tuple(items=items):
                return self._tuple([self.type(item, f"{name}Item{index}") for index, item in enumerate(items, 1)])
            case ir.Const(value=value):
                return {"const": value}
            case ir.Nullable(inner=inner):
                members = inner.members if isinstance(inner, ir.Union) else [inner]
                return self._or_null(inner, name) or self._any_of(members, name, null=True)
            case ir.Union(members=members):
                return self._any_of(members, name, null=False)
            case ir.Null():
                return {"type": "null"}
            case ir.Json():
                return {}

    def _scalar(self, scalar: ir.Scalar) -> Schema:
        schema = dict(_SCALARS[scalar.kind])
        if not self.verbatim and scalar.kind in PATTERNS:
            schema["pattern"] = PATTERNS[scalar.kind]
        bounds = _limits(scalar.constraints)
        if scalar.kind in (ir.ScalarKind.INT64, ir.ScalarKind.DECIMAL):  # bounds of text are none to JSON Schema
            return {**schema, **self._hints(**bounds)}
        return {**schema, **bounds}

    def _reference(self, class_name: str, expected: str) -> Schema:
        definition = self.protocol.definition(class_name)
        if definition.name is None:
            python = {} if class_name == expected else {"name": class_name}
            return {**self.definition(definition), **self._hints(python=python)}
        return {"$ref": f"{self.prefix}{definition.name.replace('~', '~0').replace('/', '~1')}"}

    def _tuple(self, items: list[Schema]) -> Schema:
        if self.verbatim:
            return {"type": "array", "prefixItems": items, "items": False}
        count = {"minItems": len(items), "maxItems": len(items)}
        if self.draft7:
            return {"type": "array", "items": items, "additionalItems": False, **count}
        return {"type": "array", "prefixItems": items, "items": False, **count}

    def _or_null(self, inner: ir.Type, name: str) -> Schema | None:
        """The type or null by one more word; None where that cannot be said."""
        schema = self.type(inner, name)
        definition = self.protocol.definition(inner.name) if isinstance(inner, ir.Ref) else None
        if definition is not None and (definition.name is not None or definition.class_name != name):
            return None
        if isinstance(definition, ir.EnumDef) and "enum" in schema:
            schema = {**schema, "enum": [*schema["enum"], None]}
        return {**schema, "type": [schema["type"], "null"]} if isinstance(schema.get("type"), str) else None

    def _any_of(self, members: Sequence[ir.Type], name: str, *, null: bool) -> Schema:
        """Classes written in place are called by where they stand (`Option2`): each goes back to its place."""
        slots: list[Schema | None] = [None] * (len(members) + null)
        rest: list[Schema] = []
        for member in members:
            option = self._option(member, name)
            schema = self.type(member, name if option is None else f"{name}Option{option}")
            if option is not None and option <= len(slots) and slots[option - 1] is None:
                slots[option - 1] = schema
            else:
                rest.append(schema)
        rest += [{"type": "null"}] if null else []
        return {"anyOf": [schema if schema is not None else rest.pop(0) for schema in slots]}

    def _option(self, member: ir.Type, name: str) -> int | None:
        definition = self.protocol.definition(member.name) if isinstance(member, ir.Ref) else None
        found = re.fullmatch(re.escape(name) + r"Option([0-9]+)", definition.class_name) if definition else None
        return int(found[1]) if found and definition and definition.name is None else None

    # ---------------------------------------------------------------------------------------------------------- notes
    def _annotated(self, schema: Schema, declared: ir.Definition | ir.Field, **more: Any) -> Schema:
        notes: Schema = {} if declared.doc is None else {"description": declared.doc}
        notes |= {"deprecated": True} if declared.deprecated else {}
        notes |= {"examples": list(declared.examples)} if declared.examples else {}
        notes |= self._hints(since=declared.since, experimental=declared.experimental, deprecated=_why(declared))
        notes |= more
        if self.draft7 and notes and "$ref" in schema:
            return {"allOf": [schema], **notes}
        return {**schema, **notes}

    def _hints(self, **hints: Any) -> Schema:
        if self.verbatim:
            return {}
        return {f"{HINT}{word}": _number(value) for word, value in hints.items() if value not in (None, [], {}, False)}


def _limits(holder: Any) -> Schema:
    """Constraints by the words of JSON Schema, which are the grammar's."""
    found = {word: getattr(holder, attribute, None) for attribute, word in WORDS.items()}
    return {word: _number(value) for word, value in found.items() if value is not None and value is not False}


def _why(declared: ir.Definition | ir.Field) -> dict[str, str]:
    """More than that it is deprecated."""
    note = declared.deprecated
    said = {"since": note.since, "use": note.use, "reason": note.reason} if note else {}
    return {key: value for key, value in said.items() if value is not None}


def _number(value: Any) -> Any:
    """Bounds of decimals as text: digit by digit."""
    return str(value) if isinstance(value, Decimal) else value
