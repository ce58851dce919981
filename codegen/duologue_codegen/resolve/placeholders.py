"""The placeholders of templates: each stands where it may, and is one that there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..grammar import did_you_mean
from ..nodes import MapNode, Node, ScalarNode, SeqNode
from ..problems import quote
from .context import Context
from .patterns import objection
from .rules import PLACEHOLDER, SPREAD, leaves

_ALLOWED: Final[Mapping[tuple[str, ...], frozenset[str]]] = {
    ("request",): frozenset("id action params route meta".split()),
    ("reply",): frozenset("id action result route".split()),
    ("reply_error",): frozenset("id action code message data route".split()),
    ("notify",): frozenset("event data route".split()),
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
_IN_NOTIFY: Final = "`notify` holds no variables, since an event is written once for all connections"
_OWN: Final = frozenset(name for names in _ALLOWED.values() for name in names)
TOKEN: Final = "token"  # noqa: S105 - the name of a variable
"""A variable that every client has: the `token=` that it was opened with."""


def check_placeholders(context: Context, wire: MapNode, envelope: Mapping[str, Any]) -> None:
    """Complain of placeholders that nothing fills, of those that a template lacks, and of patterns."""
    variables = variables_of(envelope)
    for path, allowed in _ALLOWED.items():
        node = _at(wire, path)
        if node is None:
            continue
        if path == ("notify",):
            _check(context, node, allowed, frozenset(), otherwise=_IN_NOTIFY)
        else:
            _check(context, node, allowed, variables)
        found = {text.partition(".")[0] for _, text in _texts(node)}
        for name in _NEEDED.get(path, ()):
            if name not in found:
                context.complain(node, f"`{'.'.join(path)}` has no place for `${name}`", f"put `${name}` where it is")
    _check_event(context, wire)
    for path in (("route",), ("keepalive",), ("after",), ("connect",)):
        node = _at(wire, path)
        if node is not None:
            _check(context, node, frozenset(), variables, inside=path == ("connect",))
    for name in sorted(variables & _OWN):
        context.complain(wire, f"the variable {quote(name)} is called like a placeholder of messages", "rename it")
    _check_steps(context, wire)
    _check_rules(context, wire)


def variables_of(envelope: Mapping[str, Any]) -> frozenset[str]:
    """The names that something gives a value: hooks, messages of the handshake, results of calls after it."""
    found = {TOKEN, *envelope.get("hooks", [])}
    for step in envelope.get("handshake", []):
        for end in ("client", "server"):
            if end in step:
                found.update(text[1:] for _, text in leaves(step[end]) if isinstance(text, str) and text[:1] == "$")
    for call in envelope.get("after", []):
        found.update(call.get("save", {}))
    return frozenset(found)


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


def _check_event(context: Context, wire: MapNode) -> None:
    node = wire.get("notify")
    if node is None:
        return
    parts = sorted(name for _, name in _texts(node) if name.partition(".")[0] == "event")
    if parts and parts not in (["event"], [f"event.{index}" for index in range(len(parts))]):
        context.complain(node, "`$event` stands alone, or in parts from `$event.0` on, each once")
    if not parts and "event" not in wire:
        context.complain(node, "`notify` has no place for `$event`", "put `$event` where the name of the event is")


def _check_steps(context: Context, wire: MapNode) -> None:
    steps = wire.get("handshake")
    for step in steps if isinstance(steps, SeqNode) else ():
        if not isinstance(step, MapNode):
            continue
        if ("client" in step) == ("server" in step):
            context.complain(step, "a message of the handshake is said by one end", "write `client: …` or `server: …`")
        if "refuse" in step and "check" not in step:
            context.complain(step.keys_at["refuse"], "`refuse` is what is said where `check` refuses", "add `check`")


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
