"""Unions: members that are objects can be told apart, by a discriminator or by the fields that they require."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from ..ir import Const, Presence, Ref, Type, Union
from ..nodes import Node, ScalarNode
from ..problems import quote
from .context import Context
from .drafts import UNRESOLVED, ObjectDraft, UnionDraft
from .types import Types


def check_union(context: Context, types: Types, union: UnionDraft) -> None:
    """Fill in the tags; tell members that lack one, share one or are no objects."""
    seen: set[str] = set()
    for node, type_ in union.members:
        if isinstance(type_, Ref) and type_.name in seen:
            context.complain(node, f"{quote(node.text)} is a member twice")
        if isinstance(type_, Ref):
            seen.add(type_.name)
    if union.discriminator is None:
        union.tags = [None] * len(union.members)
        check_told_apart(context, types, union.members)
        return
    holders: dict[str, str] = {}
    for node, type_ in union.members:
        tag = _tag(context, types, union, node, union.discriminator.text) if type_ is not UNRESOLVED else None
        if tag is not None and holders.setdefault(tag, node.text) != node.text:
            message = f"{quote(node.text)} and {quote(holders[tag])} have the same {quote(union.discriminator.text)}"
            context.complain(node, f"{message}, {quote(tag)}", "each member needs a value of its own")
        union.tags.append(tag)


def check_told_apart(context: Context, types: Types, members: Sequence[tuple[Node, Type]]) -> None:
    """Tell pairs of objects of which one could be taken for the other: a reader would have to guess."""
    objects = [(node, draft) for node, type_ in members for draft in _objects(types, type_)]
    for (_, one), (node, other) in combinations(objects, 2):
        if one is not other and not (_differs(one, other) and _differs(other, one)):
            names = f"{quote(one.name or one.class_name)} and {quote(other.name or other.class_name)}"
            hint = "add a `const` to each, and name the union: `{oneOf: […], discriminator: kind}`"
            context.complain(node, f"{names} cannot be told apart", hint)


def _objects(types: Types, type_: Type) -> Iterator[ObjectDraft]:
    """The objects that a member of a union may be."""
    if isinstance(type_, Union):
        for member in type_.members:
            yield from _objects(types, member)
        return
    draft = types.definition(type_.name) if isinstance(type_ := types.underlying(type_), Ref) else None
    if isinstance(draft, ObjectDraft):
        yield draft
    elif isinstance(draft, UnionDraft):
        for _, member in draft.members:
            yield from _objects(types, member)


def _differs(one: ObjectDraft, other: ObjectDraft) -> bool:
    """Whether what the one sends is never read as the other."""
    for field in other.fields:
        sent = one.field_named(field.name)
        if sent is None and field.presence is Presence.REQUIRED:
            return True
        if (
            sent is not None
            and isinstance(sent.type, Const)
            and isinstance(field.type, Const)
            and sent.type != field.type
        ):
            return True
    return False


def _tag(context: Context, types: Types, union: UnionDraft, node: ScalarNode, field_name: str) -> str | None:
    type_ = next(type_ for member, type_ in union.members if member is node)
    # Through no alias: the class of the member is what the union matches on.
    draft = types.definition(type_.name) if isinstance(type_, Ref) else None
    if not isinstance(draft, ObjectDraft):
        context.complain(
            node, f"{quote(node.text)} is no object type", "a union with a discriminator holds objects only"
        )
        return None
    field = draft.field_named(field_name)
    hint = f"add `{field_name}: {{const: …}}` to its fields"
    if field is None:
        context.complain(node, f"{quote(node.text)} lacks the discriminator {quote(field_name)}", hint)
        return None
    if (
        field.presence is not Presence.CONST
        or not isinstance(field.type, Const)
        or not isinstance(field.type.value, str)
    ):
        context.complain(node, f"{quote(field_name)} of {quote(node.text)} is no const of text", hint)
        return None
    if union.discriminator_python not in (None, field.python_name):
        context.complain(node, f"{quote(field_name)} has another Python name in {quote(node.text)}")
    union.discriminator_python = field.python_name
    return field.type.value
