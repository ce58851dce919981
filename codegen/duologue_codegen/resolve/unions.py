"""Unions: their members can be told apart, objects by a discriminator or by the fields that they require."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from ..ir import (
    Array,
    Const,
    Json,
    Map,
    Null,
    Nullable,
    Presence,
    Ref,
    Scalar,
    ScalarKind,
    Tuple,
    Type,
    Union,
)
from ..nodes import Node, ScalarNode
from ..problems import quote
from . import texts
from .constraints import shown
from .context import Context
from .drafts import UNRESOLVED, EnumDraft, ObjectDraft, UnionDraft
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
    """Tell pairs of members of which one could be taken for the other: a reader would have to guess."""
    leaves = [(node, leaf) for node, type_ in members for leaf in _leaves(types, type_)]
    for (_, one), (node, other) in combinations(leaves, 2):
        told = _mistaken(types, node, one, other) if one.type != other.type else None
        if told is not None:
            names = f"{_shown(types, one.type)} and {_shown(types, other.type)}"
            context.complain(node, f"{names} cannot be told apart{told.why}", told.hint)


@dataclass(frozen=True, slots=True)
class _Leaf:
    """What a member of a union may be; a `Ref` names an object or an enum. `tagged`: the union with a discriminator."""

    type: Type
    tagged: UnionDraft | None = None


def _leaves(types: Types, type_: Type, tagged: UnionDraft | None = None) -> Iterator[_Leaf]:
    """Through names and unions."""
    known = types.underlying(type_)
    draft = types.definition(known.name) if isinstance(known, Ref) else None
    match known:
        case Union(members=members):
            inner: Sequence[Type] = members
        case Nullable():
            inner = [known.inner, Null()]
        case _:
            inner = [member for _, member in draft.members] if isinstance(draft, UnionDraft) else []
    if known is not UNRESOLVED and not inner:
        yield _Leaf(known, tagged)
    if isinstance(draft, UnionDraft) and draft.discriminator is not None:
        tagged = draft
    for member in inner:
        yield from _leaves(types, member, tagged)


@dataclass(frozen=True, slots=True)
class _Told:
    """Why two members cannot be told apart, and what to write instead."""

    hint: str
    why: str = ""


_EVERY_KIND: Final = ("null", "boolean", "number", "string", "array", "object")
_TAGGED: Final = "add a `const` to each, and name the union: `{oneOf: […], discriminator: kind}`"
_OPEN: Final = "an enum that takes other texts as well says `open: true`"
_ALONE: Final = "write the one that takes all of them alone, or make an object of each"


def _mistaken(types: Types, node: Node, one: _Leaf, other: _Leaf) -> _Told | None:
    leaves = (one.type, other.type)
    if any(isinstance(leaf, Json) for leaf in leaves):
        return _Told("`json` takes any value already: write it alone")
    drafts = [types.definition(leaf.name) if isinstance(leaf, Ref) else None for leaf in leaves]
    match drafts:
        case [ObjectDraft() as first, ObjectDraft() as second]:
            return None if _differs(first, second) and _differs(second, first) else _Told(_TAGGED)
        case [ObjectDraft() as draft, _]:
            return _Told(_ALONE) if isinstance(other.type, Map) and _fits_map(types, draft, one, other.type) else None
        case [_, ObjectDraft() as draft]:
            return _Told(_ALONE) if isinstance(one.type, Map) and _fits_map(types, draft, other, one.type) else None
        case _:
            text = texts.shared(types, node, *leaves)
    if text is None:
        return None
    may_open = any(isinstance(draft, EnumDraft) and not draft.open for draft in drafts)
    takes_more = any(isinstance(leaf, Scalar) and leaf.kind is ScalarKind.STRING for leaf in leaves)
    return _Told(_OPEN if may_open and takes_more else _ALONE, f": {quote(text)} could be either")


def _shown(types: Types, leaf: Type) -> str:
    draft = types.definition(leaf.name) if isinstance(leaf, Ref) else None
    return quote(draft.name or draft.class_name) if draft is not None else shown(leaf)


def _fits_map(types: Types, draft: ObjectDraft, leaf: _Leaf, map_: Map) -> bool:
    """Whether a map may hold what a reader asks of an object: what it requires, but of its constants the tag alone."""
    values = _json_kinds(types, map_.value)
    if leaf.tagged is not None and "string" not in values:
        return False
    if leaf.tagged is not None and leaf.tagged.unknown_class is not None:
        return True  # with any other tag it would be a member that nobody knows
    needed = [field.type for field in draft.fields if field.presence is Presence.REQUIRED]
    return all(not values.isdisjoint(_json_kinds(types, type_)) for type_ in needed)


def _json_kinds(types: Types, type_: Type) -> set[str]:
    """What values of a type are in JSON."""
    return {kind for leaf in _leaves(types, type_) for kind in _kinds_of(types, leaf.type)}


def _kinds_of(types: Types, leaf: Type) -> Sequence[str]:
    match leaf:
        case Scalar(kind=ScalarKind.INTEGER | ScalarKind.NUMBER):
            return ["number"]
        case Scalar(kind=ScalarKind.BOOLEAN) | Const(value=bool()):
            return ["boolean"]
        case Const(value=int()):
            return ["number"]
        case Scalar() | Const():
            return ["string"]
        case Array() | Tuple():
            return ["array"]
        case Null():
            return ["null"]
        case Ref(name=name):
            draft = types.definition(name)
            return ["object" if not isinstance(draft, EnumDraft) else "number" if draft.integers else "string"]
        case Map():
            return ["object"]
        case _:
            return _EVERY_KIND


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
