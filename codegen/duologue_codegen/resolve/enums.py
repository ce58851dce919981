"""Enums: their values, and a Python name for each."""

from __future__ import annotations

from .. import ir, names
from ..nodes import MapNode, Node, ScalarNode, SeqNode, describe, entries
from ..problems import quote
from .context import Context

_MAX_SAFE_INTEGER = 2**53 - 1


def members(context: Context, listed: SeqNode, chosen_names: MapNode | None) -> tuple[tuple[ir.EnumMember, ...], bool]:
    """The members, and whether they are whole numbers."""
    values, integers = _values(context, listed)
    chosen = _chosen(context, chosen_names, values)
    found: list[ir.EnumMember] = []
    takers: dict[str, str | int] = {}
    for value, node in values:
        name = chosen.get(str(value)) or names.enum_member(value)
        if name is None:
            hint = f"give it one: `names: {{{value!r}: NAME}}`"
            context.complain(node, f"no Python name can be made of {quote(value)}", hint)
        elif name in takers:
            hint = "give one of them another: `names: {value: NAME}`"
            context.complain(node, f"{quote(value)} and {quote(takers[name])} are both {quote(name)} in Python", hint)
        else:
            takers[name] = value
            found.append(ir.EnumMember(value=value, python_name=name))
    return tuple(found), integers


def _values(context: Context, nodes: SeqNode) -> tuple[list[tuple[str | int, Node]], bool]:
    scalars = [node for node in nodes if isinstance(node, ScalarNode) and not node.is_null]
    for node in nodes:
        if not isinstance(node, ScalarNode) or node.is_null:
            hint = "a type that may be null is written `Type|null`" if isinstance(node, ScalarNode) else None
            context.complain(node, f"a value of an enum is text or a whole number, not {describe(node)}", hint)
    if not nodes:
        context.complain(nodes, "an enum without values")
    numbers = [node for node in scalars if isinstance(node.value, int) and not isinstance(node.value, bool)]
    integers = bool(numbers) and len(numbers) == len(scalars)
    if numbers and not integers:
        context.complain(numbers[0], "an enum holds text or whole numbers, not both", f"quote it: '{numbers[0].text}'")
    seen: dict[str | int, Node] = {}
    for node in scalars:
        value = node.value if integers and isinstance(node.value, int) else node.text
        if isinstance(value, int) and abs(value) > _MAX_SAFE_INTEGER:
            context.complain(node, f"{value} is beyond 2**53 - 1: other languages cannot read it")
        elif value in seen:
            context.complain(node, f"the value {quote(value)} stands here twice")
        else:
            seen[value] = node
    return list(seen.items()), integers


def _chosen(context: Context, written: MapNode | None, values: list[tuple[str | int, Node]]) -> dict[str, str]:
    """`names:` as written, as far as it is right."""
    known = {str(value) for value, _ in values}
    chosen: dict[str, str] = {}
    for key, node in entries(written):
        value = key.text
        if value not in known:
            context.complain(key, f"the enum has no value {quote(value)}")
        elif (
            not isinstance(node, ScalarNode)
            or not names.is_identifier(node.text)
            or node.text in ("mro", "name", "value")
        ):
            context.complain(node, f"{describe(node)} is no Python name", "as in `ROLLED_BACK`")
        else:
            chosen[value] = node.text
    return chosen
