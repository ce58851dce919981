"""`{schema: …}`: JSON Schema 2020-12, the part of it that our own types can say, lowered to them.

Annotations (`title description examples deprecated readOnly writeOnly $comment`) are allowed everywhere. What says
something that our types cannot is refused, so that no constraint is silently dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ir, names
from ..nodes import MapNode, Node, ScalarNode, SeqNode, describe
from ..problems import quote
from ..spec import TypeForm
from . import constraints, enums
from .context import IN_PLACE, Context
from .drafts import UNRESOLVED, EnumDraft, FieldDraft, Notes, ObjectDraft

if TYPE_CHECKING:
    from .types import Types

_ANNOTATIONS = frozenset(
    {"title", "description", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "default"}
)
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_KEYS: dict[str, tuple[str, ...]] = {
    "string": ("pattern", "minLength", "maxLength", "format", "contentEncoding"),
    "integer": (*_BOUNDS, "format"),
    "number": (*_BOUNDS, "format"),
    "boolean": (),
    "null": (),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "object": ("properties", "required", "additionalProperties"),
}
_FORMATS = {
    "date": ir.ScalarKind.DATE,
    "date-time": ir.ScalarKind.DATETIME,
    "duration": ir.ScalarKind.DURATION,
    "uuid": ir.ScalarKind.UUID,
}


class Verbatim:
    """`declared` is the class name that the schema's own object or enum may have: that of the type it declares."""

    def __init__(self, context: Context, types: Types, declared: str | None = None) -> None:
        self._context = context
        self._types = types
        self._declared = declared

    def _claim(self, name: str, node: MapNode) -> bool:
        if name == self._declared:
            self._declared = None
            return True
        return self._context.claim(name, "a type written in place", node.origin, IN_PLACE)

    def lower(self, node: Node, namespace: str | None, name: str) -> ir.Type:
        """The type that a schema says. `name` is the class name for an object or enum in it."""
        if isinstance(node, ScalarNode) and node.value is True:
            return ir.Json()
        if not isinstance(node, MapNode):
            return self._refuse(node, f"a schema is a mapping, not {describe(node)}")
        said = [key for key in node if key not in _ANNOTATIONS]
        if not said:
            return ir.Json()
        for key in ("$ref", "const", "enum", "oneOf", "anyOf"):
            if key in node:
                others = [other for other in said if other not in (key, "type")]
                if others:
                    return self._refuse(node.keys_at[others[0]], f"{quote(others[0])} beside {quote(key)}")
                return self._special(key, node, namespace, name)
        return self._typed(node, said, namespace, name)

    def _special(self, key: str, node: MapNode, namespace: str | None, name: str) -> ir.Type:
        value = node[key]
        if key == "$ref":
            return self._reference(value, namespace)
        if key == "const":
            if isinstance(value, ScalarNode) and isinstance(constant := value.value, str | int | bool):
                return ir.Const(value=constant)
            return self._refuse(value, "a const is text, a whole number, `true` or `false`")
        if not isinstance(value, SeqNode) or not value:
            return self._refuse(value, f"{quote(key)} is a list, not {describe(value)}")
        if key == "enum":
            return self._enum(node, namespace, name)
        members = [self.lower(item, namespace, f"{name}Option{index}") for index, item in enumerate(value, 1)]
        return self._types.union_of(members, value)

    def _reference(self, node: Node, namespace: str | None) -> ir.Type:
        text = node.text if isinstance(node, ScalarNode) else ""
        if not text.startswith("#/types/"):
            pointer = "point at a declared type: `$ref: '#/types/Name'`"
            message = "a remote `$ref`" if "://" in text or not text.startswith("#") else "a `$ref` to somewhere else"
            self._context.complain(node, f"{message}, {describe(node)}", pointer)
            return UNRESOLVED
        assert isinstance(node, ScalarNode)
        target = ScalarNode(text.removeprefix("#/types/"), node.file, node.line, node.column, plain=False)
        symbol = self._context.find(self._context.types, target.text, namespace)
        if symbol is None:
            hint = self._context.suggest(target.text, self._context.types, namespace)
            self._context.complain(node, f"no type is called {quote(target.text)}", hint)
            return UNRESOLVED
        return ir.Ref(name=symbol.class_name)

    def _enum(self, node: MapNode, namespace: str | None, name: str) -> ir.Type:
        values = node["enum"]
        assert isinstance(values, SeqNode)
        nulls = [item for item in values if isinstance(item, ScalarNode) and item.is_null]
        rest = SeqNode(values.file, values.line, values.column)
        rest.extend(item for item in values if item not in nulls)
        members, integers = enums.members(self._context, rest, None)
        if not self._claim(name, node):
            return UNRESOLVED
        self._context.definitions[name] = EnumDraft(
            class_name=name, name=None, origin=node.origin, namespace=namespace, members=members, integers=integers,
            open=False, notes=_notes(node),
        )  # fmt: skip
        reference = ir.Ref(name=name)
        return ir.Nullable(inner=reference) if nulls else reference

    def _typed(self, node: MapNode, said: list[str], namespace: str | None, name: str) -> ir.Type:
        kinds = node.get("type")
        if kinds is None:
            return self._refuse(node.keys_at[said[0]], f"{quote(said[0])} in a schema without `type`")
        words = [item for item in (kinds if isinstance(kinds, SeqNode) else [kinds]) if isinstance(item, ScalarNode)]
        unknown = [word for word in words if word.text not in _KEYS]
        if unknown or not words:
            wrong = unknown[0] if unknown else kinds
            return self._refuse(wrong, f"the type {describe(wrong)}")
        allowed = {"type", *(key for word in words for key in _KEYS[word.text])}
        for key in said:
            if key not in allowed:
                return self._refuse(node.keys_at[key], quote(key))
        members = [self._one(word.text, node, namespace, name) for word in words]
        return members[0] if len(members) == 1 else self._types.union_of(members, kinds)

    def _one(self, kind: str, node: MapNode, namespace: str | None, name: str) -> ir.Type:
        match kind:
            case "null":
                return ir.Null()
            case "array":
                return self._array(node, namespace, name)
            case "object":
                return self._object(node, namespace, name)
            case _:
                return self._scalar(kind, node)

    def _scalar(self, kind: str, node: MapNode) -> ir.Type:
        scalar = ir.ScalarKind(kind)
        if "contentEncoding" in node:
            encoding = node["contentEncoding"]
            if not isinstance(encoding, ScalarNode) or encoding.text != "base64":
                return self._refuse(encoding, "an encoding other than base64")
            scalar = ir.ScalarKind.BYTES
        elif "format" in node and kind == "string":
            form = node["format"]
            text = form.text if isinstance(form, ScalarNode) else ""
            if text not in _FORMATS:
                return self._refuse(form, f"the format {describe(form)}", "known: date, date-time, duration, uuid")
            scalar = _FORMATS[text]
        elif "format" in node:
            return self._refuse(node.keys_at["format"], "a format of numbers", "say it with bounds")
        return self._constrained(ir.Scalar(kind=scalar), node, _KEYS[kind])

    def _constrained(self, base: ir.Type, node: MapNode, keys: tuple[str, ...]) -> ir.Type:
        wanted = {"type", *constraints.WORDS.values()} & set(keys)
        reduced = node.without(set(node) - wanted)
        if not reduced:
            return base
        # The same checks as in our own long form, which needs a type: the base stands in for it.
        reduced["type"] = node["type"]
        form = self._context.read(TypeForm, reduced, "a schema", node)
        return base if form is None else constraints.constrain(self._context, base, constraints.given(form), node)

    def _array(self, node: MapNode, namespace: str | None, name: str) -> ir.Type:
        prefix = node.get("prefixItems")
        items = node.get("items")
        if prefix is not None:
            if not isinstance(prefix, SeqNode) or not (isinstance(items, ScalarNode) and items.value is False):
                return self._refuse(node.keys_at["prefixItems"], "`prefixItems` without `items: false`")
            members = [self.lower(item, namespace, f"{name}Item{index}") for index, item in enumerate(prefix, 1)]
            return ir.Tuple(items=tuple(members))
        item: ir.Type = ir.Json() if items is None else self.lower(items, namespace, f"{name}Item")
        return self._constrained(ir.Array(item=item), node, ("minItems", "maxItems", "uniqueItems"))

    def _object(self, node: MapNode, namespace: str | None, name: str) -> ir.Type:
        properties = node.get("properties")
        extra = node.get("additionalProperties")
        if properties is None:
            value: ir.Type = ir.Json() if extra is None else self.lower(extra, namespace, f"{name}Value")
            return ir.Map(key=ir.Scalar(kind=ir.ScalarKind.STRING), value=value)
        if extra is not None and not (isinstance(extra, ScalarNode) and extra.value is True):
            hint = "unknown members are ignored: remove it"
            return self._refuse(
                node.keys_at["additionalProperties"], "`additionalProperties` beside `properties`", hint
            )
        if not isinstance(properties, MapNode):
            return self._refuse(properties, f"`properties` is a mapping, not {describe(properties)}")
        if not self._claim(name, node):
            return UNRESOLVED
        draft = ObjectDraft(class_name=name, name=None, origin=node.origin, namespace=namespace, notes=_notes(node))
        self._context.definitions[name] = draft
        required = self._required(node, properties)
        for key, schema in properties.items():
            field = self._field(properties.keys_at[key], schema, namespace, name, required=key in required)
            if field is not None:
                draft.fields.append(field)
        self._types.fields.check_names(draft.fields)
        return ir.Ref(name=name)

    def _required(self, node: MapNode, properties: MapNode) -> set[str]:
        listed = node.get("required")
        if listed is None:
            return set()
        if not isinstance(listed, SeqNode):
            self._refuse(listed, f"`required` is a list, not {describe(listed)}")
            return set()
        for item in listed:
            if not isinstance(item, ScalarNode) or item.text not in properties:
                self._refuse(item, f"a required property {describe(item)} that is not among `properties`")
        return {item.text for item in listed if isinstance(item, ScalarNode)}

    def _field(
        self, key: ScalarNode, node: Node, namespace: str | None, owner: str, *, required: bool
    ) -> FieldDraft | None:
        python_name = names.field(key.text)
        if python_name is None:
            self._context.complain(key, f"no Python name can be made of {quote(key.text)}")
            return None
        type_ = self.lower(node, namespace, owner + (names.pascal(key.text) or "Field"))
        field = self._types.fields.draft(key, key.text, python_name, type_, optional=not required)
        if isinstance(node, MapNode):
            field.notes = _notes(node)
            if not required and "default" in node:
                field.default, field.presence = node["default"], ir.Presence.DEFAULT
        if isinstance(type_, ir.Const):
            field.presence = ir.Presence.CONST
        return field

    def _refuse(self, at: Node, what: str, hint: str | None = None) -> ir.Type:
        self._context.complain(at, f"not in the subset of JSON Schema that is understood: {what}", hint)
        return UNRESOLVED


def _notes(node: MapNode) -> Notes:
    description: Any = node.get("description")
    examples: Any = node.get("examples")
    deprecated: Any = node.get("deprecated")
    return Notes(
        doc=description.text if isinstance(description, ScalarNode) else None,
        examples=tuple(examples) if isinstance(examples, SeqNode) else (),
        deprecated=ir.Deprecation() if isinstance(deprecated, ScalarNode) and deprecated.value is True else None,
    )
