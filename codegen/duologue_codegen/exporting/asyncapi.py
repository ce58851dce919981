"""A protocol as an AsyncAPI 3 document, as its server has it: one channel, an operation for each direction."""

from __future__ import annotations

from typing import Any, Final

from .. import ir
from .parts import Json, Parts, described, hint

VERSION: Final = "3.0.0"
_CHANNEL: Final = {"$ref": "#/channels/main"}


def export(protocol: ir.Protocol) -> Json:
    """The document as JSON data."""
    parts = Parts(protocol, "#/components/schemas/", draft7=True)
    messages: dict[str, Json] = {}
    operations: dict[str, Json] = {}
    for action in protocol.actions:
        _enter(operations, action, _action(parts, action, messages), parts.action(action))
    for event in protocol.events:
        _enter(operations, event, _event(parts, event, messages), parts.event(event))
    return {
        "asyncapi": VERSION,
        "info": parts.info(),
        "defaultContentType": "application/json",
        "channels": {"main": {"address": "/", "messages": messages}},
        "operations": operations,
        "components": {"schemas": parts.types()},
        **parts.spec(),
    }


def _action(parts: Parts, action: ir.ActionDef, messages: dict[str, Json]) -> Json:
    item = parts.item(action)
    answers = [
        *([_message(messages, f"{action.name}.item", item, item=True)] if item is not None else []),
        _message(messages, f"{action.name}.result", parts.result(action)),
    ]
    return {
        "channel": _CHANNEL,
        "messages": [_message(messages, f"{action.name}.params", parts.params(action))],
        "reply": {"channel": _CHANNEL, "messages": answers},
        **described(action.doc),
    }


def _event(parts: Parts, event: ir.EventDef, messages: dict[str, Json]) -> Json:
    return {
        "channel": _CHANNEL,
        "messages": [_message(messages, f"{event.name}.data", parts.data(event))],
        **described(event.doc),
    }


def _message(messages: dict[str, Json], name: str, payload: Any, *, item: bool = False) -> Json:
    messages[name] = {"payload": payload, **hint("item", item or None)}
    return {"$ref": f"#/channels/main/messages/{name.replace('~', '~0').replace('/', '~1')}"}


def _enter(operations: dict[str, Json], one: ir.ActionDef | ir.EventDef, operation: Json, hints: Json) -> None:
    """An operation for the end that begins it; where both do, a second one that says whose it is.

    An action and an event may have one name, and what is entered later another key: a hint says its name then.
    """
    kind = "action" if isinstance(one, ir.ActionDef) else "event"
    client, server = {"action": "receive", **operation}, {"action": "send", **operation}
    key = _free(operations, one.name, kind)
    first = client if one.side.from_client else server
    operations[key] = {**first, **hints, **hint("name", None if key == one.name else one.name)}
    if one.side is ir.Side.BOTH:
        operations[_free(operations, f"{key}.{kind}.sent", kind)] = {**server, **hint("of", one.name)}


def _free(operations: dict[str, Json], key: str, kind: str) -> str:
    return key if key not in operations else _free(operations, f"{key}.{kind}", kind)
