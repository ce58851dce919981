"""A protocol as an OpenRPC document: the actions that clients call are its methods."""

from __future__ import annotations

from typing import Any, Final

from .. import ir
from .parts import Json, Parts, described, hint

VERSION: Final = "1.3.2"


def export(protocol: ir.Protocol) -> Json:
    """The document as JSON data."""
    parts = Parts(protocol, "#/components/schemas/", draft7=True)
    served = [action for action in protocol.actions if not action.side.from_client]
    order = [action.name for action in protocol.actions] if served else None
    spec = parts.spec("events", order=order, actions={action.name: parts.entry(action) for action in served})
    return {
        "openrpc": VERSION,
        "info": parts.info(),
        "methods": [_method(parts, action) for action in protocol.actions if action.side.from_client],
        "components": {"schemas": parts.types()},
        **spec,
    }


def _method(parts: Parts, action: ir.ActionDef) -> Json:
    params = parts.params(action)
    required = params.get("required", [])
    numbered = [error for error in parts.errors_of(action) if error.number is not None]
    return {
        "name": action.name,
        **described(action.doc),
        **({"deprecated": True} if action.deprecated else {}),
        "paramStructure": "by-name",
        "params": [
            _descriptor(name, schema, required=name in required) for name, schema in params["properties"].items()
        ],
        "result": {"name": "result", "schema": parts.result(action)},
        **({"errors": [{"code": error.number, "message": error.message} for error in numbered]} if numbered else {}),
        **hint("with", params.get("x-duologue-with")),
        **hint("stream", parts.item(action)),
        **parts.action(action),
    }


def _descriptor(name: str, schema: Any, *, required: bool) -> Json:
    return {"name": name, **({"required": True} if required else {}), "schema": schema}
