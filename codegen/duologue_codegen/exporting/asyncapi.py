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
        operations |= _action(parts, action, messages)
    for event in protocol.events:
        operations |= _event(parts, event, messages)
    return {
        "asyncapi": VERSION,
        "info": parts.info(),
        "defaultContentType": "application/json",
        "channels": {"main": {"address": "/", "messages": messages}},
        "operations": operations,
        "components": {"schemas": parts.types()},
        **parts.spec(),
    }


def _action(parts: Parts, action: ir.ActionDef, messages: dict[str, Json]) -> dict[str, Json]:
    item = parts.item(action)
    answers = [
        *([_message(messages, f"{action.name}.item", item, item=True)] if item is not None else []),
        _message(messages, f"{action.name}.result", parts.result(action)),
    ]
    operation = {
        "channel": _CHANNEL,
        "messages": [_message(messages, f"{action.name}.params", parts.params(action))],
        "reply": {"channel": _CHANNEL, "messages": answers},
        **described(action.doc),
    }
    return _both_ways(action.name, action.side, operation, parts.action(action), "action")


def _event(parts: Parts, event: ir.EventDef, messages: dict[str, Json]) -> dict[str, Json]:
    operation = {
        "channel": _CHANNEL,
        "messages": [_message(messages, f"{event.name}.data", parts.data(event))],
        **described(event.doc),
    }
    return _both_ways(event.name, event.side, operation, parts.event(event), "event")


def _message(messages: dict[str, Json], name: str, payload: Any, *, item: bool = False) -> Json:
    messages[name] = {"payload": payload, **hint("item", item or None)}
    return {"$ref": f"#/channels/main/messages/{name.replace('~', '~0').replace('/', '~1')}"}


def _both_ways(name: str, side: ir.Side, operation: Json, hints: Json, kind: str) -> dict[str, Json]:
    """An operation for the end that begins it; where both do, a second one that says whose it is."""
    client, server = {"action": "receive", **operation}, {"action": "send", **operation}
    first = client if side.from_client else server
    made = {name: {**first, **hints}}
    return made | ({f"{name}.{kind}.sent": {**server, **hint("of", name)}} if side is ir.Side.BOTH else {})
