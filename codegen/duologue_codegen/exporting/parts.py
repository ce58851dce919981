"""What every format gets: schemas, and what it has no word for, as members that begin with `x-duologue-`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from .. import chosen, ir
from ..importing.head import SPEC
from ..reserved import CALL_ARGUMENTS, UPLOAD_ARGUMENTS
from ..schemas import HINT, Schema, Schemas
from ..unparse import Unparser, declared_in_order, unparse

Json = dict[str, Any]

_HEAD: Final = "protocol version license authors links python wire scopes roles namespaces errors".split()
_SAID: Final = frozenset({"description", "params", "with", "result", "stream", "data"})
"""What formats have words for, of an action or event."""


class Parts:
    """The pieces of one protocol's export; `prefix` stands before the name of a type in a reference."""

    def __init__(self, protocol: ir.Protocol, prefix: str, *, draft7: bool) -> None:
        self.protocol = protocol
        self._spec = unparse(protocol)
        self._unparser = Unparser(protocol)
        self.schemas = Schemas(protocol, prefix=prefix, draft7=draft7, absent=chosen.absent(protocol))

    def spec(self, *further: str, **more: Any) -> Json:
        """The keys of the spec that a format has no place for, under one member."""
        kept = {key: self._spec[key] for key in (*_HEAD, *further) if key in self._spec}
        return {SPEC: kept | {key: value for key, value in more.items() if value}}

    def types(self) -> dict[str, Schema]:
        """Declared types by name, in the order of the spec."""
        return {d.name: self.schemas.definition(d) for d in declared_in_order(self.protocol) if d.name is not None}

    def action(self, action: ir.ActionDef) -> Json:
        """What only hints can say of an action."""
        return _hinted(self._unparser.action(action))

    def entry(self, action: ir.ActionDef) -> Json:
        """The action as a spec has it."""
        return self._unparser.action(action)

    def event(self, event: ir.EventDef) -> Json:
        return _hinted(self._unparser.event(event))

    def params(self, action: ir.ActionDef) -> Schema:
        reserved = UPLOAD_ARGUMENTS if action.kind is ir.ActionKind.UPLOAD else CALL_ARGUMENTS
        return self._object(action.params, reserved)

    def data(self, event: ir.EventDef) -> Schema:
        return self._object(event.class_name, frozenset())

    def result(self, action: ir.ActionDef) -> Schema:
        return self.schemas.type(action.result, f"{_owner(action)}Result")

    def item(self, action: ir.ActionDef) -> Schema | None:
        return None if action.item is None else self.schemas.type(action.item, f"{_owner(action)}Item")

    def _object(self, class_name: str, reserved: frozenset[str]) -> Schema:
        definition = self.protocol.definition(class_name)
        assert isinstance(definition, ir.ObjectDef)
        return self.schemas.object(definition, reserved)

    def info(self) -> Json:
        protocol = self.protocol
        licence = {"license": {"name": protocol.license}} if protocol.license else {}
        return {"title": protocol.name, "version": protocol.version, **described(protocol.description), **licence}

    def errors_of(self, action: ir.ActionDef) -> Iterable[ir.ErrorDef]:
        return (error for error in self.protocol.errors if error.class_name in action.errors)


def described(doc: str | None) -> Json:
    return {} if doc is None else {"description": doc}


def hint(word: str, value: Any) -> Json:
    return {} if value is None else {f"{HINT}{word}": value}


def _hinted(entry: Json) -> Json:
    return {f"{HINT}{key}": value for key, value in entry.items() if key not in _SAID}


def _owner(action: ir.ActionDef) -> str:
    return action.params.removesuffix("Params")
