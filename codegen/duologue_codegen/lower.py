"""The definitions of a protocol as a small, closed subset of JSON Schema, for the model generator to print.

The model generator never sees a word of the author's. Class names, field names, texts and bounds are replaced by
tokens (`Def00003`, `field00007`, `text00012`), which it prints unchanged and `Tokens.restore` turns into what they
stand for. So it cannot rename a class that is called like something of its own, nor misquote, nor interpret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from . import ir
from .text import Code, literal

Schema: TypeAlias = "dict[str, Any]"

_BOUND_BASE: Final = 7_000_000_000
_TOKEN: Final = re.compile(
    r"r?(?P<quote>['\"])(?P<text>(?:text|wire)\d{5})(?P=quote)|\b(?P<name>(?:Def|field|MEMBER)\d{5})\b"
    r"|\b(?P<bound>7\d{9})(?:\.0)?\b"
)

# How a scalar is asked for. `customTypePath` prints the last part of its path.
_SCALARS: Final[dict[ir.ScalarKind, Schema]] = {
    ir.ScalarKind.STRING: {"type": "string"},
    ir.ScalarKind.INTEGER: {"type": "integer"},
    ir.ScalarKind.NUMBER: {"type": "number"},
    ir.ScalarKind.BOOLEAN: {"type": "boolean"},
    ir.ScalarKind.BYTES: {"type": "string", "customTypePath": "duologue.Base64"},
    ir.ScalarKind.DATE: {"type": "string", "format": "date"},
    ir.ScalarKind.DATETIME: {"type": "string", "format": "date-time"},
    ir.ScalarKind.DURATION: {"type": "string", "format": "duration"},
    ir.ScalarKind.UUID: {"type": "string", "format": "uuid"},
    ir.ScalarKind.INT64: {"type": "integer", "customTypePath": "duologue.Int64"},
    ir.ScalarKind.DECIMAL: {"type": "number", "format": "decimal"},
}
_BOUNDS: Final = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusive_minimum": "exclusiveMinimum",
    "exclusive_maximum": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}


@dataclass(slots=True)
class Tokens:
    """Words and what stands for them."""

    meanings: dict[str, str] = field(default_factory=dict[str, str])
    _issued: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def issue(self, kind: str, word: str, meaning: str) -> str:
        """The token for a word; the same word of the same kind always has the same."""
        key = (kind, word)
        if key not in self._issued:
            self._issued[key] = f"{kind}{len(self._issued):05}"
            self.meanings[self._issued[key]] = meaning
        return self._issued[key]

    def class_name(self, word: str) -> str:
        return self.issue("Def", word, word)

    def text(self, word: str) -> str:
        return self.issue("text", word, literal(word))

    def bound(self, written: str) -> int:
        number = _BOUND_BASE + len(self._issued)
        token = self._issued.setdefault(("bound", written), str(number))
        self.meanings[token] = written
        return int(token)

    def restore(self, text: str) -> Code:
        """The text with everything in it that a token stands for."""
        return Code(_TOKEN.sub(lambda match: self.meanings[match["text"] or match["name"] or match["bound"]], text))


@dataclass(slots=True)
class Lowered:
    schema: Schema
    tokens: Tokens
    aliases: dict[str, str]
    """`Def00001.wire00002` → `field00003`: the fields whose name on the wire is not their name in Python."""
    bases: dict[str, str]
    """Class token → runtime class, where it is not `Model`."""


def lower(protocol: ir.Protocol, bound: Callable[[object], str]) -> Lowered:
    """`bound` writes a bound as Python (`annotations` does, for signatures and for comparison)."""
    return _Lowering(protocol, bound).run()


@dataclass(slots=True)
class _Lowering:
    protocol: ir.Protocol
    bound: Callable[[object], str]
    tokens: Tokens = field(default_factory=Tokens)
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    bases: dict[str, str] = field(default_factory=dict[str, str])
    definitions: Schema = field(default_factory=dict[str, Any])

    def run(self) -> Lowered:
        for definition in self.protocol.definitions:
            token = self.tokens.class_name(definition.class_name)
            self.definitions[token] = self._definition(token, definition)
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": self.definitions}
        return Lowered(schema, self.tokens, self.aliases, self.bases)

    def _definition(self, token: str, definition: ir.Definition) -> Schema:
        match definition:
            case ir.ObjectDef():
                return self._object(token, definition)
            case ir.EnumDef():
                return self._enum(definition)
            case ir.UnionDef():
                return self._union(definition)
            case ir.AliasDef(type=ir.Null()):
                # Were it known for null, `| None` would be printed where its name is used.
                return {"type": "string", "customTypePath": f"builtins.{self.tokens.class_name('None')}"}
            case ir.AliasDef(type=type_):
                return self._type(type_)

    def _object(self, token: str, definition: ir.ObjectDef) -> Schema:
        if definition.base is not ir.Base.MODEL:
            self.bases[token] = f"duologue.{definition.base.value}"
        properties: Schema = {}
        required: list[str] = []
        for member in definition.fields:
            key = self._property(token, member)
            properties[key] = self._field(member)
            # What has a default is printed as if it were required: its default is spliced in afterwards.
            if member.presence is not ir.Presence.OPTIONAL:
                required.append(key)
        return {"type": "object", "properties": properties, "required": required}

    def _property(self, owner: str, member: ir.Field) -> str:
        python = self.tokens.issue("field", member.python_name, member.python_name)
        if member.name == member.python_name:
            return python
        wire = self.tokens.issue("wire", member.name, literal(member.name))
        self.aliases[f"{owner}.{wire}"] = python
        return wire

    def _field(self, member: ir.Field) -> Schema:
        if member.presence is ir.Presence.MISSING:
            # None is printed last, whatever the order here.
            return {"anyOf": [*self._members(member.type), {"type": "string", "customTypePath": "pydantic.MISSING"}]}
        return self._type(member.type)

    def _enum(self, definition: ir.EnumDef) -> Schema:
        names = [self.tokens.issue("MEMBER", member.python_name, member.python_name) for member in definition.members]
        values = [m.value if isinstance(m.value, int) else self.tokens.text(m.value) for m in definition.members]
        return {"type": "integer" if definition.integers else "string", "enum": values, "x-enum-varnames": names}

    def _union(self, definition: ir.UnionDef) -> Schema:
        members = [self._type(variant.type) for variant in definition.variants]
        if definition.discriminator is None or definition.discriminator_python is None:
            return {"anyOf": members}
        name = definition.discriminator_python
        closed: Schema = {
            "oneOf": members,
            "discriminator": {
                "propertyName": self.tokens.issue("field", name, name)
                if name == definition.discriminator
                else self.tokens.issue("wire", definition.discriminator, literal(definition.discriminator)),
                "mapping": {
                    self.tokens.text(variant.tag or ""): member["$ref"]
                    for variant, member in zip(definition.variants, members, strict=True)
                },
            },
        }
        if definition.unknown_class is None:
            return closed
        # The discriminator of a union inside a union would be dropped.
        unknown = self.tokens.class_name(definition.unknown_class)
        return {"anyOf": [self._part(closed), {"type": "string", "customTypePath": f"unknown.{unknown}"}]}

    def _part(self, schema: Schema) -> Schema:
        """A reference to a definition of its own, which `models` expands where it is used."""
        token = f"Part{len(self.definitions):05}"
        self.definitions[token] = schema
        return self._ref(token)

    @staticmethod
    def _ref(token: str) -> Schema:
        return {"$ref": f"#/$defs/{token}"}

    def _members(self, type_: ir.Type) -> list[Schema]:
        """What a type adds to a union that it stands in: flat, as Python's `|` is."""
        match type_:
            case ir.Union(members=members):
                return [schema for member in members for schema in self._members(member)]
            case ir.Nullable(inner=inner):
                return [*self._members(inner), {"type": "null"}]
            case ir.Ref(name=class_name):
                definition = self.protocol.definition(class_name)
                reference = self._ref(self.tokens.class_name(class_name))
                if isinstance(definition, ir.EnumDef) and definition.open:
                    return [reference, {"type": "string", "customTypePath": "duologue.UnknownValue"}]
                return [reference]
            case ir.Const():
                return [self._part(self._const(type_))]  # side by side they would become an enum
            case ir.Tuple():
                return [self._item(type_)]
            case _:
                return [self._type(type_)]

    def _type(self, type_: ir.Type) -> Schema:
        match type_:
            case ir.Scalar():
                return self._scalar(type_)
            case ir.Array(item=item, min_items=low, max_items=high):
                bounds = {"minItems": low, "maxItems": high}
                return {"type": "array", "items": self._item(item), **_present(bounds)}
            case ir.Map(key=key, value=value):
                names = {} if isinstance(key, ir.Scalar) else {"propertyNames": self._type(key)}
                return {"type": "object", "additionalProperties": self._type(value), **names}
            case ir.Tuple(items=items):
                count = len(items)
                return {
                    "type": "array", "prefixItems": [self._item(item) for item in items],
                    "minItems": count, "maxItems": count,
                }  # fmt: skip
            case ir.Const():
                return self._const(type_)
            case ir.Null():
                return {"type": "null"}
            case ir.Json():
                return {"type": "string", "customTypePath": "duologue.Json"}
            case ir.Ref() | ir.Union() | ir.Nullable():
                members = self._members(type_)
                return members[0] if len(members) == 1 else {"anyOf": members}

    def _item(self, type_: ir.Type) -> Schema:
        """The type of an item; the length of a tuple would be printed once more inside another array."""
        return self._part(self._type(type_)) if isinstance(type_, ir.Tuple) else self._type(type_)

    def _const(self, const: ir.Const) -> Schema:
        if isinstance(const.value, str):
            return {"type": "string", "const": self.tokens.text(const.value)}
        return {"const": const.value}

    def _scalar(self, scalar: ir.Scalar) -> Schema:
        schema = dict(_SCALARS[scalar.kind])
        constraints = scalar.constraints
        if constraints.pattern is not None:
            schema["pattern"] = self.tokens.text(constraints.pattern)
        schema |= _present({"minLength": constraints.min_length, "maxLength": constraints.max_length})
        for attribute, keyword in _BOUNDS.items():
            value = getattr(constraints, attribute)
            if value is not None:
                schema[keyword] = self.tokens.bound(self.bound(value))
        return schema


def _present(bounds: dict[str, int | None]) -> Schema:
    return {keyword: value for keyword, value in bounds.items() if value is not None}
