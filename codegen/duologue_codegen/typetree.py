"""Types of a protocol as a spec writes them, in the shortest of the forms that say the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import chosen, ir, names
from .resolve.constraints import WORDS
from .schemas import Schemas
from .yamltext import Tree

Entry = dict[str, Any]


class Long(Entry):
    """A type in its long form: a mapping to which notes may be added, unlike `{string: A}`."""


def present(**entries: Any) -> Entry:
    """What is there: neither None, nor empty, nor False. A trailing underscore of a keyword is no part of its name."""
    kept = {key.rstrip("_"): value for key, value in entries.items()}
    return {
        key: value for key, value in kept.items() if value is not None and value is not False and value not in ([], {})
    }


class TypeTrees:
    """`absent` is what an absent field of the protocol reads as unless it says otherwise."""

    def __init__(self, protocol: ir.Protocol, absent: ir.Presence = ir.Presence.OPTIONAL) -> None:
        self._protocol = protocol
        self._absent = absent

    # --------------------------------------------------------------------------------------------------- declarations
    def declaration(self, definition: ir.Definition) -> Tree:
        """What stands under `types`."""
        assert definition.name is not None
        if isinstance(definition, ir.AliasDef):
            tree = self.position(definition.type, definition.class_name, definition.namespace)
        else:
            tree = self._form(definition)
        return annotated(tree, _all_notes(definition), python=chosen.of_type(definition))

    def _form(self, definition: ir.ObjectDef | ir.EnumDef | ir.UnionDef) -> Long:
        match definition:
            case ir.ObjectDef():
                mixins = [self.name_of(mixin, definition.namespace) for mixin in definition.mixins]
                return Long({**({"with": mixins} if mixins else {}), "fields": self.fields(definition)})
            case ir.EnumDef():
                return _enum(definition)
            case ir.UnionDef():
                return self._union(definition)

    def _union(self, union: ir.UnionDef) -> Long:
        members = [self._text(variant.type, union.namespace) for variant in union.variants]
        return Long(
            oneOf=members,
            **({"discriminator": union.discriminator} if union.discriminator else {}),
            **({"open": True} if union.open else {}),
        )

    def name_of(self, class_name: str, namespace: str | None) -> str:
        """What a declared type is called in a namespace."""
        definition = self._protocol.definition(class_name)
        assert definition.name is not None
        same = namespace is not None and definition.namespace == namespace
        return definition.name.removeprefix(f"{namespace}.") if same else definition.name

    # --------------------------------------------------------------------------------------------------------- fields
    def fields(self, owner: ir.ObjectDef, reserved: frozenset[str] = frozenset()) -> Entry:
        """The fields of an object that it does not have from others. `reserved`: arguments that it stands among."""
        mixed = {field.name for mixin in owner.mixins for field in self._object(mixin).fields}
        prefix = owner.class_name.removesuffix("Params") if owner.base is ir.Base.PARAMS else owner.class_name
        optional = (ir.Presence.OPTIONAL, ir.Presence.MISSING)
        return {
            f"{field.name}?" if field.presence in optional else field.name: self._field(field, prefix, owner, reserved)
            for field in owner.fields
            if field.name not in mixed
        }

    def _object(self, class_name: str) -> ir.ObjectDef:
        definition = self._protocol.definition(class_name)
        assert isinstance(definition, ir.ObjectDef)
        return definition

    def object_of(self, type_: ir.Type) -> ir.ObjectDef:
        """The object that a type is, through aliases, null or not."""
        type_ = type_.inner if isinstance(type_, ir.Nullable) else type_
        assert isinstance(type_, ir.Ref)
        definition = self._protocol.definition(type_.name)
        return self.object_of(definition.type) if isinstance(definition, ir.AliasDef) else self._object(type_.name)

    def _field(self, field: ir.Field, prefix: str, owner: ir.ObjectDef, reserved: frozenset[str]) -> Tree:
        name = prefix + (names.pascal(field.name) or names.pascal(field.python_name) or "Field")
        tree = self._inner(field.type, name, owner.namespace)
        default = {} if field.default is None else {"default": field.default.wire}
        python = chosen.of_field(field, reserved, self._absent)
        return annotated(tree, {**_all_notes(field), **default}, python=python)

    # ------------------------------------------------------------------------------------------------ type positions
    def position(self, type_: ir.Type, name: str, namespace: str | None) -> Tree:
        """A type where no field is; `name` is what a class that is written in place is called by itself."""
        tree = self._inner(type_, name, namespace)
        inline = self._inline(type_)
        own = {} if inline is None or inline.class_name == name else {"name": inline.class_name}
        return annotated(tree, {}, python=own)

    def _inline(self, type_: ir.Type) -> ir.ObjectDef | ir.EnumDef | ir.UnionDef | None:
        """The definition that is written in place where this type stands."""
        definition = self._protocol.definition(type_.name) if isinstance(type_, ir.Ref) else None
        return (
            definition if definition and definition.name is None and not isinstance(definition, ir.AliasDef) else None
        )

    def _inner(self, type_: ir.Type, name: str, namespace: str | None) -> Tree:
        inline = self._inline(type_)
        if inline is not None:
            return annotated(self._form(inline), _all_notes(inline))
        match type_:
            case ir.Scalar(kind=kind):
                bounds = _bounds(type_)
                return Long(type=kind.value, **bounds) if bounds else kind.value
            case ir.Array(item=item):
                listed = [self.position(item, f"{name}Item", namespace)]
                bounds = _bounds(type_)
                return Long(type=listed, **bounds) if bounds else listed
            case ir.Map(key=key, value=value):
                return {self._text(key, namespace) or "string": self.position(value, f"{name}Value", namespace)}
            case ir.Tuple(items=items):
                parts = [self.position(item, f"{name}Item{index}", namespace) for index, item in enumerate(items, 1)]
                return Long(tuple=parts)
            case ir.Const(value=value):
                return Long(const=value)
            case _:
                return self._text(type_, namespace) or self._bounded(type_, namespace) or self._verbatim(type_, name)

    def _bounded(self, type_: ir.Type, namespace: str | None) -> Long | None:
        """A type that may be null and has bounds of its own: `{type: string|null, maxLength: 5}`."""
        if not isinstance(type_, ir.Nullable):
            return None
        bare = self._text(_unbounded(type_.inner), namespace)
        bounds = _bounds(type_.inner)
        return Long(type=f"{bare}|null", **bounds) if bare and bounds else None

    def _verbatim(self, type_: ir.Type, name: str) -> Long:
        return Long(schema=Schemas(self._protocol, prefix="#/types/", verbatim=True).type(type_, name))

    def _text(self, type_: ir.Type, namespace: str | None) -> str | None:
        """The type as text; None for what text cannot say."""
        match type_:
            case ir.Scalar(kind=kind):
                return None if _bounds(type_) else kind.value
            case ir.Ref(name=class_name):
                return None if self._inline(type_) else self.name_of(class_name, namespace)
            case ir.Array(item=item):
                inner = self._text(item, namespace)
                return None if inner is None or _bounds(type_) else f"[{inner}]"
            case ir.Map(key=key, value=value):
                inner, outer = self._text(value, namespace), self._text(key, namespace)
                return None if inner is None or outer is None else f"{{{outer}: {inner}}}"
            case ir.Union(members=members):
                return _joined(self._text(member, namespace) for member in members)
            case ir.Nullable(inner=inner):
                return _joined([self._text(inner, namespace), "null"])
            case ir.Null():
                return "null"
            case ir.Json():
                return "json"
            case ir.Tuple() | ir.Const():
                return None


def notes(declared: Any) -> Entry:
    """What is said of anything that is declared."""
    return present(
        description=declared.doc,
        since=declared.since,
        deprecated=deprecated(declared.deprecated),
        experimental=declared.experimental,
    )


def deprecated(note: ir.Deprecation | None) -> Entry | bool | None:
    if note is None:
        return None
    return present(since=note.since, use=note.use, reason=note.reason) or True


def _all_notes(declared: ir.Definition | ir.Field) -> Entry:
    return {**notes(declared), **({"examples": list(declared.examples)} if declared.examples else {})}


def annotated(tree: Tree, notes: Entry, python: Entry | None = None) -> Tree:
    """The type with what is said of it; in its long form as soon as something is."""
    said = {**notes, **({"python": python} if python else {})}
    if not said:
        return tree
    form = dict(tree) if isinstance(tree, Long) else {"type": tree}
    first = {key: said.pop(key) for key in ("description",) if key in said}
    return Long({**first, **form, **said}) if "fields" in form or "oneOf" in form else Long({**form, **first, **said})


def _joined(parts: Iterable[str | None]) -> str | None:
    found = list(parts)
    return None if None in found else "|".join(part or "" for part in found)


def _enum(definition: ir.EnumDef) -> Long:
    members = chosen.of_members(definition)
    return Long(
        enum=[member.value for member in definition.members],
        **({"open": True} if definition.open else {}),
        **({"names": members} if members else {}),
    )


def _bounds(type_: ir.Type) -> Entry:
    """Constraints of the type itself, by the words of the grammar."""
    holder: Any = type_.constraints if isinstance(type_, ir.Scalar) else type_
    found = {word: getattr(holder, attribute, None) for attribute, word in WORDS.items()}
    return {word: value for word, value in found.items() if value is not None and value is not False}


def _unbounded(type_: ir.Type) -> ir.Type:
    match type_:
        case ir.Scalar(kind=kind):
            return ir.Scalar(kind=kind)
        case ir.Array(item=item):
            return ir.Array(item=item)
        case _:
            return type_
