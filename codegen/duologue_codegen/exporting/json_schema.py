"""The types of a protocol as JSON Schema 2020-12, those of params, results and data as well."""

from __future__ import annotations

from .. import ir
from ..schemas import Schema
from .parts import Json, Parts, described, hint


def export(protocol: ir.Protocol) -> Json:
    """The schema as JSON data: a definition for each type, and for what each action and event is made of."""
    parts = Parts(protocol, "#/$defs/", draft7=False)
    declared = parts.types()
    made = {name: schema for name, schema in _made(parts).items() if name not in declared}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": protocol.name,
        **described(protocol.description),
        "$defs": {**declared, **{name: {**schema, **hint("made", value=True)} for name, schema in made.items()}},
        **parts.spec("actions", "events"),
    }


def _made(parts: Parts) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for action in parts.protocol.actions:
        item = parts.item(action)
        found[f"{action.name}.params"] = parts.params(action)
        found |= {f"{action.name}.item": item} if item is not None else {}
        found[f"{action.name}.result"] = parts.result(action)
    found.update((f"{event.name}.data", parts.data(event)) for event in parts.protocol.events)
    return found
