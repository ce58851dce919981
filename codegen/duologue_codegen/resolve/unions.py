"""Named unions: every member of one with a discriminator says its tag, and says it alone."""

from __future__ import annotations

from ..ir import Const, Presence, Ref
from ..nodes import ScalarNode
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
        return
    holders: dict[str, str] = {}
    for node, type_ in union.members:
        tag = _tag(context, types, union, node, union.discriminator.text) if type_ is not UNRESOLVED else None
        if tag is not None and holders.setdefault(tag, node.text) != node.text:
            message = f"{quote(node.text)} and {quote(holders[tag])} have the same {quote(union.discriminator.text)}"
            context.complain(node, f"{message}, {quote(tag)}", "each member needs a value of its own")
        union.tags.append(tag)


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
