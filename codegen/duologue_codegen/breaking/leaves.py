"""What a type may be on the wire, without the names it is reached by: aliases, unions and nullables are gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from .. import ir


@dataclass(frozen=True, slots=True)
class Member:
    """An object of a union that has a discriminator."""

    definition: ir.ObjectDef
    union: ir.UnionDef
    tag: str


@dataclass(frozen=True, slots=True)
class Others:
    """The members that an open union does not know."""

    union: ir.UnionDef


Plain: TypeAlias = ir.Scalar | ir.Array | ir.Map | ir.Tuple | ir.Const | ir.Null | ir.Json
Leaf: TypeAlias = Plain | ir.EnumDef | ir.ObjectDef | Member | Others


def leaves(protocol: ir.Protocol, type_: ir.Type) -> Iterator[Leaf]:
    """All that a value of a type may be."""
    match type_:
        case ir.Ref(name=name):
            yield from _of_definition(protocol, protocol.definition(name))
        case ir.Union(members=members):
            for member in members:
                yield from leaves(protocol, member)
        case ir.Nullable(inner=inner):
            yield from leaves(protocol, inner)
            yield ir.Null()
        case _:
            yield type_


def _of_definition(protocol: ir.Protocol, definition: ir.Definition) -> Iterator[Leaf]:
    match definition:
        case ir.AliasDef(type=type_):
            yield from leaves(protocol, type_)
        case ir.UnionDef(variants=variants):
            for variant in variants:
                for leaf in leaves(protocol, variant.type):
                    tagged = variant.tag is not None and isinstance(leaf, ir.ObjectDef)
                    yield (
                        Member(leaf, definition, variant.tag or "")
                        if tagged and isinstance(leaf, ir.ObjectDef)
                        else leaf
                    )
            if definition.open:
                yield Others(definition)
        case _:
            yield definition


def object_of(leaf: Leaf) -> ir.ObjectDef | None:
    """The object that a leaf is, in a union or not."""
    if isinstance(leaf, Member):
        return leaf.definition
    return leaf if isinstance(leaf, ir.ObjectDef) else None


def origin_of(leaf: Leaf) -> ir.Origin | None:
    """Where a leaf was declared, if it has a name."""
    if isinstance(leaf, Others):
        return leaf.union.origin
    found = object_of(leaf) or leaf
    return found.origin if isinstance(found, ir.ObjectDef | ir.EnumDef) else None


def called(leaf: Leaf) -> str:
    """What a leaf is called in a message."""
    match leaf:
        case ir.Scalar(kind=kind):
            return kind.value
        case ir.Array():
            return "list"
        case ir.Map():
            return "map"
        case ir.Tuple():
            return "tuple"
        case ir.Const(value=value):
            return f"constant {value!r}"
        case ir.Null():
            return "null"
        case ir.Json():
            return "json"
        case Others(union=union):
            return f"unknown member of {union.name or union.class_name}"
        case Member(definition=definition) | (ir.ObjectDef() as definition) | (ir.EnumDef() as definition):
            return definition.name or definition.class_name


def is_alike(one: Leaf, other: Leaf) -> int:
    """How much two leaves seem to be the same thing, from 0."""
    left, right = object_of(one), object_of(other)
    if left is not None and right is not None:
        if (
            isinstance(one, Member)
            and isinstance(other, Member)
            and one.union.discriminator == other.union.discriminator
        ):
            return 4 if one.tag == other.tag else 0
        if left.class_name == right.class_name or (left.name is not None and left.name == right.name):
            return 3
        return 0 if _tag(left) is not None and _tag(left) != _tag(right) else 1
    if isinstance(one, ir.Scalar) and isinstance(other, ir.Scalar):
        return 3 if one.kind is other.kind else 1
    return 2 if type(one) is type(other) else 0


def tag_of(definition: ir.ObjectDef, discriminator: str | None) -> object:
    """The constant by which an object is told from others; None where it has none of that name."""
    field = next((field for field in definition.fields if field.name == discriminator), None)
    return field.type.value if field is not None and isinstance(field.type, ir.Const) else None


def _tag(definition: ir.ObjectDef) -> tuple[str, ir.Type] | None:
    """The first constant of an object."""
    return next(((field.name, field.type) for field in definition.fields if field.presence is ir.Presence.CONST), None)
