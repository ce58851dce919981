"""The placeholders of templates: each stands where it may, and is one that there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..grammar import did_you_mean
from ..nodes import MapNode, Node, ScalarNode, SeqNode, to_json
from ..problems import quote
from ..wirespec import ENDS
from .context import Context
from .patterns import objection
from .rules import PLACEHOLDER, SPREAD, is_spread, leaves

_ALLOWED: Final[Mapping[tuple[str, ...], frozenset[str]]] = {
    ("request",): frozenset("id action params route meta".split()),
    ("reply",): frozenset("id action result route".split()),
    ("reply_error",): frozenset("id action code message data route".split()),
    ("cancel",): frozenset("id route".split()),
    ("ack", "send"): frozenset("id route".split()),
    ("ack", "reply"): frozenset("id action result route".split()),
}
_NEEDED: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    ("request",): ("id", "action"),
    ("reply",): ("id",),
    ("reply_error",): ("id",),
    ("cancel",): ("id",),
    ("ack", "send"): ("id",),
    ("ack", "reply"): ("id",),
}
_IN_EVENTS: Final = frozenset("event data route".split())
_NO_VARIABLES: Final = "an event holds no variables but those that its route keeps, since one is written for many"
_AS_NAME: Final = (
    "a placeholder stands for a value, not for the name of a member: messages whose members are called like actions or "
    "events cannot be declared"
)
_OWN: Final = _IN_EVENTS.union(*_ALLOWED.values())
TOKEN: Final = "token"  # noqa: S105 - the name of a variable
"""A variable that every client has: the `token=` that it was opened with."""

_WITHOUT_IDS: Final[Mapping[str, str]] = {
    "cancel": "nothing says which call is given up",
    "ack": "nothing says which call a first answer is to",
    "batch": "the answers of a batch come in any order",
}


def check_placeholders(context: Context, wire: MapNode, envelope: Mapping[str, Any]) -> None:
    """Complain of placeholders that nothing fills, of those that a template lacks, and of patterns."""
    variables, has_ids = variables_of(envelope), envelope.get("id") != "order"
    for path, allowed in _ALLOWED.items():
        node = _at(wire, path)
        if node is None:
            continue
        _check(context, node, allowed if has_ids else allowed - {"id"}, variables)
        _check_shape(context, node, has_rules="incoming" in envelope)
        found = {text.partition(".")[0] for _, text in _texts(node)}
        for name in _NEEDED.get(path, ()):
            if name not in found and (has_ids or name != "id"):
                hint = _AS_NAME if _is_name(node, f"${name}") else f"put `${name}` where it is"
                context.complain(node, f"`{'.'.join(path)}` has no place for `${name}`", hint)
    for path in (("route", "default"), ("keepalive",), ("after",), ("connect",)):
        node = _at(wire, path)
        if node is not None:
            _check(context, node, frozenset(), variables, inside=path == ("connect",))
    _check_variables(context, wire, envelope)
    _check_events(context, wire, envelope)
    _check_steps(context, wire)
    _check_rules(context, wire)
    if not has_ids:
        _check_without_ids(context, wire, envelope)


def _check_without_ids(context: Context, wire: MapNode, envelope: Mapping[str, Any]) -> None:
    for key, why in _WITHOUT_IDS.items():
        if envelope.get(key):
            context.complain(wire.keys_at.get(key, wire), f"`id: order` goes without `{key}`: {why}", f"remove `{key}`")
    if "keep" in envelope.get("route", {}):
        context.complain(wire.keys_at.get("route", wire), "`id: order` has no ids that a route could keep")


def _check_variables(context: Context, wire: MapNode, envelope: Mapping[str, Any]) -> None:
    """Each variable is given by one end, or by what the other answers, and not by both."""
    for name in sorted(variables_of(envelope) & _OWN):
        context.complain(wire, f"the variable {quote(name)} is called like a placeholder of messages", "rename it")
    ours = {TOKEN, *envelope.get("hooks", [])} | {name for end in ENDS for name in _said(envelope, end)}
    steps, kept = _at(wire, ("after",)), _at(wire, ("route", "keep"))
    saves = [_at(step, ("save",)) for step in steps] if isinstance(steps, SeqNode) else []
    for node in (*saves, kept):
        for name, key in node.keys_at.items() if isinstance(node, MapNode) else ():
            if name in ours:
                message = f"{quote(name)} is told by one end already, and what comes later would take its place"
                context.complain(key, message, "give it another name")


def _check_events(context: Context, wire: MapNode, envelope: Mapping[str, Any]) -> None:
    shapes = wire.get("shapes")
    for shape in shapes if isinstance(shapes, SeqNode) else ():
        if not isinstance(shape, MapNode) or "notify" not in shape:
            continue
        if "from" not in shape and "events" not in shape:
            hint = "say `from: client` or `server`, or which `events`; how all look is said by `notify`"
            context.complain(shape, "nothing says which events look like this", hint)
        events = shape.get("events")
        is_one = isinstance(events, ScalarNode) or (isinstance(events, SeqNode) and len(events) == 1)
        _check_event(context, shape["notify"], envelope, is_named="name" in shape, is_one=is_one)
    if "notify" in wire:
        _check_event(context, wire["notify"], envelope, is_named="name" in envelope.get("event", {}), is_one=False)


def _check_event(context: Context, node: Node, envelope: Mapping[str, Any], *, is_named: bool, is_one: bool) -> None:
    """Check a template of events; the name of a single one need not be in it."""
    kept = frozenset(envelope.get("route", {}).get("keep", {}))
    _check(context, node, _IN_EVENTS, kept, otherwise=_NO_VARIABLES)
    _check_shape(context, node, has_rules="incoming" in envelope)
    parts = sorted(name for _, name in _texts(node) if name.partition(".")[0] == "event")
    if parts and parts not in (["event"], [f"event.{index}" for index in range(len(parts))]):
        context.complain(node, "`$event` stands alone, or in parts from `$event.0` on, each once")
    if parts or is_named:
        return
    if not is_one:
        hint = _AS_NAME if _is_name(node, "$event") else "put `$event` where the name of the event is"
        context.complain(node, "`notify` has no place for `$event`", hint)
    elif not any(value == "$data" or _is_constant(value) for _, value in leaves(to_json(node))):
        context.complain(node, "nothing tells this event from others", "put `$event` where its name is")


def _is_name(node: Node, text: str) -> bool:
    """Whether a member is called so, at any depth."""
    if isinstance(node, MapNode):
        return text in node.keys_at or any(_is_name(node[name], text) for name in node.keys_at)
    return isinstance(node, SeqNode) and any(_is_name(item, text) for item in node)


def _is_constant(value: object) -> bool:
    return not (isinstance(value, str) and PLACEHOLDER.fullmatch(value.removeprefix(SPREAD)))


def _check_shape(context: Context, node: Node, *, has_rules: bool) -> None:
    """Complain where nobody could find what a template holds: after two values of any length, or by a dotted path."""
    if isinstance(node, SeqNode) and sum(is_spread(to_json(item)) for item in node) > 1:
        context.complain(
            node, "two values are spread in one array", "spread one, and give the other a place of its own"
        )
    if isinstance(node, MapNode) and not has_rules:
        for name, key in node.keys_at.items():
            if "." in name and name != SPREAD:
                context.complain(key, f"a rule would take {quote(name)} for a path", "write the rules under `incoming`")
    for item in node if isinstance(node, SeqNode) else node.values() if isinstance(node, MapNode) else ():
        _check_shape(context, item, has_rules=has_rules)


def variables_of(envelope: Mapping[str, Any]) -> frozenset[str]:
    """The names that something gives a value: hooks, messages of the handshake, results of calls after it, routes."""
    found = {TOKEN, *envelope.get("hooks", []), *envelope.get("route", {}).get("keep", {})}
    found.update(name for end in ENDS for name in _said(envelope, end))
    for call in envelope.get("after", []):
        found.update(call.get("save", {}))
    return frozenset(found)


def _said(envelope: Mapping[str, Any], end: str) -> Iterator[str]:
    """The variables that an end tells in the handshake."""
    for step in envelope.get("handshake", []):
        if end in step:
            yield from (text[1:] for _, text in leaves(step[end]) if isinstance(text, str) and text[:1] == "$")


def _check(
    context: Context,
    node: Node,
    allowed: frozenset[str],
    variables: frozenset[str],
    *,
    inside: bool = False,
    otherwise: str = "name it in `hooks` where users give it",
) -> None:
    for scalar, name in _texts(node, inside=inside):
        if name.partition(".")[0] in allowed and ("." not in name or name.startswith("event.")):
            continue
        if name not in variables:
            known = sorted(f"${one}" for one in allowed | variables)
            hint = did_you_mean(f"${name}", known) or (
                f"there are {', '.join(known)}; {otherwise}; a text itself begins with `$$`"
            )
            context.complain(scalar, f"nothing fills the placeholder {quote('$' + name)} here", hint)


def _check_steps(context: Context, wire: MapNode) -> None:
    steps = wire.get("handshake")
    for step in steps if isinstance(steps, SeqNode) else ():
        if not isinstance(step, MapNode):
            continue
        if ("client" in step) == ("server" in step):
            context.complain(step, "a message of the handshake is said by one end", "write `client: …` or `server: …`")
        for key, what in (("refuse", "what is said"), ("close", "how it ends")):
            if key in step and "check" not in step:
                context.complain(step.keys_at[key], f"`{key}` is {what} where `check` refuses", "add `check`")


def _check_rules(context: Context, wire: MapNode) -> None:
    rules = wire.get("incoming")
    for rule in rules if isinstance(rules, SeqNode) else ():
        patterns = rule.get("regex") if isinstance(rule, MapNode) else None
        for pattern in patterns.values() if isinstance(patterns, MapNode) else ():
            if isinstance(pattern, ScalarNode) and (wrong := objection(pattern.text)) is not None:
                context.complain(pattern, *wrong)
        equals = rule.get("equals") if isinstance(rule, MapNode) else None
        for value in equals.values() if isinstance(equals, MapNode) else ():
            if not isinstance(value, ScalarNode):
                context.complain(value, "`equals` compares texts, numbers, `true`, `false` and null")


def _at(node: Node, path: tuple[str, ...]) -> Node | None:
    for step in path:
        if not isinstance(node, MapNode) or step not in node:
            return None
        node = node[step]
    return node


def _texts(node: Node, *, inside: bool = False) -> Iterator[tuple[ScalarNode, str]]:
    """The placeholders in a template, without their `$`; also those `inside` of longer texts."""
    match node:
        case ScalarNode():
            if inside:
                yield from ((node, found[1]) for found in PLACEHOLDER.finditer(node.text))
            elif (named := PLACEHOLDER.fullmatch(node.text.removeprefix(SPREAD))) is not None:
                yield node, named[1]
        case SeqNode():
            for item in node:
                yield from _texts(item, inside=inside)
        case MapNode():
            for item in node.values():
                yield from _texts(item, inside=inside)
