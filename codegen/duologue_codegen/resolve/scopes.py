"""Scopes and roles: what is declared, and who asks for what."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .. import ir
from ..grammar import did_you_mean
from ..nodes import MapNode, Node, ScalarNode, SeqNode, describe, entries
from ..problems import quote
from .context import Context

PUBLIC = "public"
_SCOPE = re.compile(r"[A-Za-z][A-Za-z0-9_:./*-]*")
_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def declare(context: Context, section: MapNode | None) -> None:
    for key, node in entries(section):
        name = key.text
        if name == PUBLIC:
            context.complain(key, "`public` is no scope: it says that none is needed")
        elif not _SCOPE.fullmatch(name):
            context.complain(key, f"{quote(name)} is no name for a scope", "as in `services:read`")
        elif name in context.scopes:
            context.complain(key, f"the scope {quote(name)} is declared twice")
        else:
            if not isinstance(node, ScalarNode):
                context.complain(node, f"a text that says what {quote(name)} allows, not {describe(node)}")
            doc = node.text if isinstance(node, ScalarNode) and not node.is_null else None
            context.scopes[name] = ir.Scope(name=name, doc=doc, origin=key.origin)


def roles(context: Context, section: MapNode | None, found: dict[str, ir.Role]) -> None:
    for key, node in entries(section):
        name = key.text
        if not _ROLE.fullmatch(name):
            context.complain(key, f"{quote(name)} is no name for a role")
            continue
        if name in found:
            context.complain(key, f"the role {quote(name)} is declared twice")
            continue
        if not isinstance(node, SeqNode):
            context.complain(node, f"a list of scopes expected, not {describe(node)}", "write `[one, two]`")
            continue
        listed = [item for item in node if _is_text(context, item) and _declared(context, item)]
        found[name] = ir.Role(name=name, scopes=_unique(context, listed))


def needed(
    context: Context, own: Sequence[ScalarNode] | None, default: Sequence[ScalarNode] | None, at: Node, what: str
) -> tuple[str, ...]:
    """Scopes of an action or event; () is public. Saying nothing is an error, so that nothing is open by accident."""
    nodes = own if own is not None else default
    if nodes is None:
        hint = "say which scope is needed, or `scope: public`"
        context.complain(at, f"{what} says no scope", hint)
        return ()
    if not nodes:
        context.complain(at, f"{what} says an empty list of scopes", "write `scope: public`")
        return ()
    if any(node.text == PUBLIC for node in nodes):
        if len(nodes) > 1:
            context.complain(nodes[0], "`public` stands alone")
        return ()
    return _unique(context, [node for node in nodes if _declared(context, node)])


def _is_text(context: Context, node: Node) -> bool:
    if isinstance(node, ScalarNode) and not node.is_null:
        return True
    context.complain(node, f"a scope expected, not {describe(node)}")
    return False


def _declared(context: Context, node: Node) -> bool:
    if not isinstance(node, ScalarNode) or node.text in context.scopes:
        return isinstance(node, ScalarNode)
    hint = did_you_mean(node.text, context.scopes) or f"declare it: `scopes: {{{node.text}: what it allows}}`"
    context.complain(node, f"the scope {quote(node.text)} is not declared", hint)
    return False


def _unique(context: Context, nodes: Sequence[Node]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for node in nodes:
        if isinstance(node, ScalarNode):
            if node.text in found:
                context.complain(node, f"the scope {quote(node.text)} stands here twice")
            found[node.text] = None
    return tuple(found)
