"""`wire`: a given profile, or one that the spec declares, as the envelope that the runtime interprets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, cast

from pydantic import BaseModel

from .. import ir
from ..grammar import Grammar, did_you_mean
from ..load import load_text
from ..nodes import MapNode, Node, ScalarNode, SeqNode, describe, to_json
from ..problems import quote
from ..wirespec import ITEMS, NATIVE, PROFILES, WireSpec
from .context import Context
from .placeholders import check_placeholders
from .rules import at_their_ends, confused, derived

DECLARED = "declared"
"""What `ir.Protocol.wire` says where the spec has a mapping."""

_MERGED = frozenset({"params", "result", "error", "event", "route", "connect"})
"""Keys whose members are taken one by one from the profile that is extended."""

_REQUIRED = {
    "request": "{id: $id, method: $action, params: $params}",
    "reply": "{id: $id, result: $result}",
    "reply_error": "{id: $id, error: {code: $code, message: $message, data: $data}}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How messages look.

    Attributes:
        name: `native`, the name of a given profile, or `declared`.
        envelope: The options of the profile by name, each written out; None for `native`.
        node: Where it is written; None where it is not.
    """

    name: str = NATIVE
    envelope: Mapping[str, Any] | None = None
    node: Node | None = field(default=None, compare=False)

    @property
    def is_native(self) -> bool:
        return self.envelope is None

    def at(self, *path: str) -> Node:
        """Where an option is written, or the nearest thing around it."""
        node = self.node
        assert node is not None, "only what is written can be wrong"
        for step in path:
            if not isinstance(node, MapNode) or step not in node:
                break
            node = node[step]
        return node


def resolve(context: Context, node: Node | None) -> Wire:
    """What a spec says; what is wrong with it is told, and the wire is `native` then."""
    if node is None:
        return Wire()
    if isinstance(node, ScalarNode):
        if node.text == NATIVE:
            return Wire()
        if node.text in PROFILES:
            return Wire(name=node.text, envelope=given(node.text), node=node)
        known = ", ".join((NATIVE, *PROFILES))
        hint = did_you_mean(node.text, (NATIVE, *PROFILES)) or "or declare one: `wire: {request: {id: $id, …}, …}`"
        context.complain(node, f"{describe(node)} is no wire profile: there are {known}", hint)
        return Wire()
    before = len(context.problems)
    said = _read(context, node)
    if said is None or len(context.problems) > before:
        return Wire(name=DECLARED, envelope={}, node=node)
    envelope = _merged(given(str(said.pop("extends"))), said) if "extends" in said else said
    check_placeholders(context, cast("MapNode", node), envelope)
    return Wire(name=DECLARED, envelope=_ordered(envelope), node=node)


def completed(context: Context, wire: Wire, actions: Sequence[ir.ActionDef]) -> Wire:
    """The same with rules for what comes, which follow from who calls whom."""
    if not wire.envelope:
        return wire
    envelope = dict(wire.envelope)
    for key, example in _REQUIRED.items() if actions else ():
        if envelope.get(key) is None:
            hint = f"as in `{key}: {example}`; or begin with `extends: jsonrpc2`"
            context.complain(wire.at(), f"`wire` has no `{key}`", hint)
            return wire
    callers = {str(end) for action in actions for end in action.side.ends}
    are_derived = "incoming" not in envelope
    rules = at_their_ends(derived(envelope) if are_derived else envelope["incoming"], callers, are_derived=are_derived)
    if are_derived and (pair := confused(rules)) is not None:
        one, other = map(quote, pair)
        hint = "give one of them a member that the other has not, or write the rules under `incoming`"
        context.complain(wire.at(), f"nothing tells messages of the kinds {one} and {other} apart", hint)
    envelope["incoming"] = rules
    return replace(wire, envelope=_ordered(envelope))


@cache
def given(name: str) -> dict[str, Any]:
    """The envelope of a given profile."""
    place = files("duologue_codegen") / "profiles" / f"{name}.yaml"
    root, problems = load_text(place.read_bytes(), f"{name}.yaml")
    context = Context()
    envelope = _read(context, root) if root is not None else None
    assert envelope is not None, problems
    assert not problems + context.problems, problems + context.problems
    return _ordered(envelope)


def _read(context: Context, node: Node) -> dict[str, Any] | None:
    spec = context.read(WireSpec, node, "`wire`", node)
    if spec is None or not isinstance(node, MapNode):
        return None
    said: dict[str, Any] = _plain(spec)
    for key, model in ITEMS.items():
        items = node.get(key)
        if isinstance(items, SeqNode):
            read = [context.read(model, item, f"an item of `{key}`", item) for item in items]
            said[key] = [_plain(item) for item in read if item is not None]
    return said


def _plain(model: Grammar) -> dict[str, Any]:
    """What was written, as plain JSON."""
    fields = type(model).model_fields
    return {
        fields[name].alias or name: _value(getattr(model, name)) for name in fields if name in model.model_fields_set
    }


def _value(value: object) -> Any:
    match value:
        case BaseModel():
            return _plain(cast("Grammar", value))
        case ScalarNode() | MapNode() | SeqNode():
            return to_json(value)
        case tuple():
            return [node.text for node in cast("Sequence[ScalarNode]", value)]
        case _:
            return value


def _merged(base: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said, over what the base says; `codes`, `query` and `headers` are taken one by one as well."""
    merged = {**base, **said}
    for key in _MERGED & base.keys() & said.keys():
        merged[key] = {**base[key], **said[key]}
        for name, inner in base[key].items():
            if isinstance(inner, dict) and name in ("codes", "query", "headers"):
                merged[key][name] = {**inner, **said[key].get(name, {})}
    return merged


def _ordered(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """In the order of the grammar, whatever the order of the spec."""
    return {name: envelope[name] for name in WireSpec.model_fields if envelope.get(name) is not None}
