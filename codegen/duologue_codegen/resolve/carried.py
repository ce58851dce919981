"""What only the native wire carries: refused where it is used, and what fits a declared one checked against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from .. import ir
from ..grammar import did_you_mean
from ..nodes import MapNode, Node, ScalarNode, SeqNode
from ..problems import quote
from ..spec import ActionSpec, DefaultsSpec, EventSpec
from ..wirespec import NATIVE
from .context import Context
from .rules import SPREAD
from .wires import DECLARED, Wire

_ACTION: Final[Mapping[str, tuple[str, str]]] = {
    "stream": ("streams", "send an event for each item (`call.connection.notify`), or say `wire: native`"),
    "upload": ("uploads", "send the bytes as a param of type `bytes`, or say `wire: native`"),
    "download": ("downloads", "answer the bytes as a result of type `bytes`, or say `wire: native`"),
}


def check_action(context: Context, spec: ActionSpec, raw: MapNode, defaults: DefaultsSpec) -> None:
    """Complain of what an action asks of its wire in vain."""
    if context.wire == NATIVE:
        return
    for key, (what, instead) in _ACTION.items():
        if key in raw:
            _refuse(context, raw.keys_at[key], what, instead)
    if (spec.effect or defaults.effect) == "keyed" and "upload" not in raw:
        at = raw.get("effect", raw)
        _refuse(context, at, "idempotency keys", "write `effect: safe` or `unsafe`, or say `wire: native`")


def check_event(context: Context, spec: EventSpec, raw: MapNode, defaults: DefaultsSpec) -> None:
    """Complain of a delivery that is more than best effort."""
    delivery = spec.delivery or (defaults.delivery if spec.from_ != "client" else None)
    if context.wire != NATIVE and delivery in ("log", "state"):
        at = raw.get("delivery", raw)
        what = "the numbers that a log resumes by" if delivery == "log" else "states that are sent anew"
        _refuse(context, at, what, "write `delivery: volatile`, or say `wire: native`")


def _refuse(context: Context, at: Node, what: str, instead: str) -> None:
    told = "the declared `wire`" if context.wire == DECLARED else f"`wire: {context.wire}`"
    context.complain(at, f"{told} cannot carry {what}", instead)


def check_wire(context: Context, wire: Wire, protocol: ir.Protocol) -> None:
    """Complain where the profile and what is declared do not fit each other."""
    envelope = wire.envelope
    if not envelope:
        return
    actions = {action.name for action in protocol.actions if action.side.from_client}
    sent = actions | {event.name for event in protocol.notifications}
    ack = envelope.get("ack", {})
    every = {action.name for action in protocol.actions}
    for key in ("to", "settles"):
        _check_names(context, ack.get(key, []), every, wire.at("ack", key), "action")
    calls = wire.at("after")
    for index, call in enumerate(envelope.get("after", [])):
        _check_names(context, [call["call"]], actions, _item(calls, index), "action of the client's")
    if "keepalive" in envelope:
        at = wire.at("keepalive", "action")
        _check_names(context, [envelope["keepalive"]["action"]], sent, at, "action or event of the client's")
    _check_events(context, wire, protocol)
    _check_spread(context, envelope.get("request"), "params", protocol, ((a.name, a.params) for a in protocol.actions))
    keep = envelope.get("route", {}).get("keep", {})
    _check_names(context, keep.values(), every, wire.at("route", "keep"), "action")
    if keep and "$route" not in _strings(envelope.get("request")):
        context.complain(wire.at("route"), "`request` has no place for the `$route` that keeps something", "add it")


def _item(node: Node, index: int) -> Node:
    return node[index] if isinstance(node, SeqNode) else node


def _check_names(context: Context, names: Iterable[str], known: Iterable[str], at: Node, what: str) -> None:
    known = sorted(known)
    for name in names:
        if name not in known:
            place = next((item for item in _texts(at) if item.text == name), at)
            context.complain(place, f"no {what} is called {quote(name)}", did_you_mean(name, known))


def _texts(node: Node) -> Sequence[ScalarNode]:
    if isinstance(node, MapNode):
        return [inner for value in node.values() for inner in _texts(value)]
    if isinstance(node, SeqNode):
        return [inner for value in node for inner in _texts(value)]
    return [node]


def _check_events(context: Context, wire: Wire, protocol: ir.Protocol) -> None:
    envelope = wire.envelope or {}
    events, shapes = {event.name for event in protocol.events}, wire.at("shapes")
    for index, shape in enumerate(envelope.get("shapes", [])):
        _check_names(context, shape.get("events", []), events, _item(shapes, index), "event")
    for event in protocol.events:
        assert event.origin is not None, "it was read from a file"
        for sender in event.side.ends:
            form = _form_of(envelope, event.name, sender)
            if form is None:
                hint = "add `notify`, as in `notify: {method: $event, params: $data}`"
                what = f"`wire` has no `notify` for the event {quote(event.name)}, which the {sender} sends"
                context.complain(event.origin, what, hint)
            else:
                _check_event(context, form, event, protocol)


def _check_event(context: Context, form: Mapping[str, Any], event: ir.EventDef, protocol: ir.Protocol) -> None:
    assert event.origin is not None, "it was read from a file"
    parts, join = sum(text.startswith("$event.") for text in _strings(form["notify"])), form.get("join", ".")
    if parts and len(event.name.split(join, parts - 1)) != parts:
        message = f"the event {quote(event.name)} is not of {parts} parts joined by {quote(join)}"
        context.complain(event.origin, message, "`notify` has a place for each part")
    _check_spread(context, form["notify"], "data", protocol, [(event.name, event.class_name)])


def _form_of(envelope: Mapping[str, Any], event: str, sender: ir.Side) -> Mapping[str, Any] | None:
    """How an event looks that one end sends: the first shape that has it, or what all have."""
    for shape in envelope.get("shapes", []):
        if shape.get("from", sender) == sender and event in shape.get("events", [event]):
            return cast("Mapping[str, Any]", shape)
    notify = envelope.get("notify")
    return None if notify is None else {**envelope.get("event", {}), "notify": notify}


def _check_spread(
    context: Context, template: Any, name: str, protocol: ir.Protocol, owners: Iterable[tuple[str, str]]
) -> None:
    """Members that are spread into a message must not be called like the message's own."""
    beside = _beside(template, f"${name}")
    for owner, class_name in owners if beside else ():
        definition = protocol.definition(class_name)
        assert isinstance(definition, ir.ObjectDef)
        for field in definition.fields:
            if field.name in beside and field.origin is not None:
                message = f"{quote(field.name)} of {quote(owner)} is a member of the message itself"
                context.complain(field.origin, message, f"`wire` spreads `${name}` beside it: rename one of the two")


def _beside(template: Any, placeholder: str) -> frozenset[str]:
    """The members that stand in the object into which a value is spread."""
    if isinstance(template, dict):
        members = cast("dict[str, Any]", template)
        if members.get(SPREAD) == placeholder:
            return frozenset(members) - {SPREAD}
        return frozenset(name for value in members.values() for name in _beside(value, placeholder))
    return frozenset()


def _strings(template: Any) -> list[str]:
    if isinstance(template, dict):
        return [text for value in cast("dict[str, Any]", template).values() for text in _strings(value)]
    if isinstance(template, list):
        return [text for value in cast("Sequence[Any]", template) for text in _strings(value)]
    return [template] if isinstance(template, str) else []
