"""What a reference says, in an order that people read: a tree of plain records, ready for any template."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from .. import ir
from ..docs import HasNotes, error_doc, notes
from ..quantities import shown_size, written_seconds
from .examples import Example, Examples
from .shapes import Piece, Shapes, anchor, bounds

Pieces = tuple[Piece, ...]

_EFFECTS: Final = {
    ir.Effect.SAFE: "safe: may run twice, so it is sent again after a lost connection",
    ir.Effect.KEYED: "keyed: runs once for each key, and is then answered as before",
    ir.Effect.UNSAFE: "unsafe: never sent again; after a lost connection its outcome may be unknown",
}
_DELIVERIES: Final = {
    ir.Delivery.LOG: "log: every one, in order, from where a subscriber was",
    ir.Delivery.STATE: "state: the latest of each key",
    ir.Delivery.VOLATILE: "volatile: best effort; what is lost is counted",
}
_PRESENCE: Final = {
    ir.Presence.REQUIRED: "required",
    ir.Presence.OPTIONAL: "optional",
    ir.Presence.MISSING: "optional",
    ir.Presence.CONST: "always this",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field."""

    name: str
    type: Pieces
    notes: str
    doc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One action, event, error or type.

    Attributes:
        facts: Label and what it says.
    """

    kind: str
    name: str
    anchor: str
    doc: tuple[str, ...] = ()
    facts: tuple[tuple[str, Pieces], ...] = ()
    tables: tuple[Table, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Entries that are read together: all actions, or what a namespace has."""

    title: str
    anchor: str
    doc: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    protocol: ir.Protocol
    doc: tuple[str, ...]
    facts: tuple[tuple[str, Pieces], ...]
    sections: tuple[Section, ...]


def content(protocol: ir.Protocol) -> Reference:
    """All that there is to say of a protocol."""
    return _Author(protocol).reference()


@dataclass(slots=True)
class _Author:
    protocol: ir.Protocol
    shapes: Shapes = field(init=False)
    examples: Examples = field(init=False)

    def __post_init__(self) -> None:
        self.shapes, self.examples = Shapes(self.protocol), Examples(self.protocol)

    def reference(self) -> Reference:
        protocol = self.protocol
        return Reference(
            protocol=protocol,
            doc=_paragraphs(protocol.description),
            facts=tuple(_facts(self._head())),
            sections=tuple(section for section in self._sections() if section.entries),
        )

    def _head(self) -> Iterator[tuple[str, Pieces | str | None]]:
        protocol = self.protocol
        yield "version", protocol.version
        yield "Python package", protocol.python.distribution
        yield "wire", protocol.wire
        yield "licence", protocol.license
        yield "authors", ", ".join(protocol.authors)
        yield from protocol.links
        for role in protocol.roles:
            yield f"role {role.name}", ", ".join(role.scopes) or "nothing but what is public"
        for scope in protocol.scopes:
            yield f"scope {scope.name}", scope.doc

    # -------------------------------------------------------------------------------------------------------- sections
    def _sections(self) -> Iterator[Section]:
        for title, entries in self._kinds(None):
            yield Section(title=title, anchor=anchor("section", title), doc=(), entries=entries)
        for namespace in self.protocol.namespaces:
            entries = tuple(entry for _, found in self._kinds(namespace.name) for entry in found)
            doc = tuple(_told(namespace.doc, namespace))
            yield Section(title=namespace.name, anchor=anchor("namespace", namespace.name), doc=doc, entries=entries)

    def _kinds(self, namespace: str | None) -> Iterator[tuple[str, tuple[Entry, ...]]]:
        protocol = self.protocol
        yield "Actions", tuple(self._action(one) for one in protocol.actions if one.namespace == namespace)
        yield "Events", tuple(self._event(one) for one in protocol.events if one.namespace == namespace)
        yield "Errors", tuple(self._error(one) for one in protocol.errors if one.namespace == namespace)
        yield "Types", tuple(self._type(one) for one in self._types() if one.namespace == namespace)

    def _types(self) -> list[ir.Definition]:
        """Without params, data and details, which are described where they are used."""
        details = {error.details for error in self.protocol.errors}
        return [
            definition
            for definition in self.protocol.definitions
            if not (isinstance(definition, ir.ObjectDef) and definition.base is not ir.Base.MODEL)
            and definition.class_name not in details
        ]

    # --------------------------------------------------------------------------------------------------------- entries
    def _action(self, action: ir.ActionDef) -> Entry:
        return Entry(
            kind="action",
            name=action.name,
            anchor=anchor("action", action.name),
            doc=tuple(_told(action.doc, action)),
            facts=tuple(_facts(self._action_facts(action))),
            tables=tuple(_tables(self._table("Params", action.arguments))),
            examples=self.examples.of_action(action),
        )

    def _action_facts(self, action: ir.ActionDef) -> Iterator[tuple[str, Pieces | str | None]]:
        yield "called by", "either end" if action.side is ir.Side.BOTH else f"the {action.side}"
        if action.item is not None:
            yield "stream of", self.shapes.pieces(action.item)
        if action.transfer is not None:
            sent = "takes bytes" if action.kind is ir.ActionKind.UPLOAD else "sends bytes"
            yield sent, f"{action.transfer.media}, {shown_size(action.transfer.max_size)} at most"
        yield "result", self.shapes.pieces(action.result)
        yield "errors", tuple(self._errors(action))
        yield "scope", self._scope(action.scope)
        yield "effect", _EFFECTS[action.effect]
        yield "timeout", "none" if action.timeout is None else written_seconds(action.timeout)
        limits = action.limits
        if limits.rate is not None:
            yield "rate", f"{limits.rate.per_second:g} a second, {limits.rate.burst} at once"
        if limits.concurrency is not None:
            yield "at a time", str(limits.concurrency)
        if limits.request is not None:
            yield "largest request", shown_size(limits.request)
        if limits.response is not None:
            yield "largest answer", shown_size(limits.response)

    def _errors(self, action: ir.ActionDef) -> Iterator[Piece]:
        known = {error.class_name: error for error in self.protocol.errors}
        for index, class_name in enumerate(action.errors):
            if index:
                yield Piece(", ")
            yield Piece(known[class_name].code, anchor("error", known[class_name].code))

    def _scope(self, scope: tuple[str, ...]) -> str:
        if not scope:
            return "public"
        roles = [role.name for role in self.protocol.roles if set(scope) <= set(role.scopes)]
        held_by = f" (roles: {', '.join(roles)})" if roles else ""
        return f"{' and '.join(scope)}{held_by}"

    def _event(self, event: ir.EventDef) -> Entry:
        definition = self.protocol.definition(event.class_name)
        assert isinstance(definition, ir.ObjectDef), "the data of an event is an object"
        return Entry(
            kind="event",
            name=event.name,
            anchor=anchor("event", event.name),
            doc=tuple(_told(event.doc, event)),
            facts=tuple(_facts(self._event_facts(event))),
            tables=tuple(_tables(self._table("Data", definition.fields))),
            examples=self.examples.of_event(event),
        )

    def _event_facts(self, event: ir.EventDef) -> Iterator[tuple[str, Pieces | str | None]]:
        yield "sent by", "either end" if event.side is ir.Side.BOTH else f"the {event.side}"
        yield "delivery", _DELIVERIES[event.delivery]
        yield "key", ", ".join(event.key_paths)
        yield "filters", ", ".join(one.path for one in event.filters)
        yield "scope", self._scope(event.scope)

    def _error(self, error: ir.ErrorDef) -> Entry:
        retry = None if error.retry_after is None else f"after {written_seconds(error.retry_after)}"
        number = None if error.number is None else str(error.number)
        raised = [action for action in self.protocol.actions if error.class_name in action.errors]
        told = (("status", str(error.status)), ("number", number), ("message", error.message), ("try again", retry))
        answers = tuple(self._links(raised))
        return Entry(
            kind="error",
            name=error.code,
            anchor=anchor("error", error.code),
            doc=tuple(_told(error_doc(error), error)),
            facts=tuple(_facts([*told, ("answers", answers)])),
            tables=tuple(_tables(self._table("Details", error.arguments))),
        )

    def _links(self, actions: Iterable[ir.ActionDef]) -> Iterator[Piece]:
        for index, action in enumerate(actions):
            if index:
                yield Piece(", ")
            yield Piece(action.name, anchor("action", action.name))

    def _type(self, definition: ir.Definition) -> Entry:
        name = self.shapes.name_of(definition)
        return Entry(
            kind="type",
            name=name,
            anchor=anchor("type", name),
            doc=tuple(_told(definition.doc, definition)),
            facts=tuple(_facts(self._type_facts(definition))),
            tables=tuple(_tables(self._table("Fields", definition.fields)))
            if isinstance(definition, ir.ObjectDef)
            else (),
        )

    def _type_facts(self, definition: ir.Definition) -> Iterator[tuple[str, Pieces | str | None]]:
        match definition:
            case ir.EnumDef(members=members, open=is_open):
                yield "one of", ", ".join(json.dumps(member.value, ensure_ascii=False) for member in members)
                yield "open", "later versions may add values" if is_open else None
            case ir.UnionDef(variants=variants, discriminator=tag, open=is_open):
                yield "one of", self.shapes.pieces(ir.Union(members=tuple(variant.type for variant in variants)))
                yield "told apart by", tag
                yield "open", "later versions may add members" if is_open else None
            case ir.AliasDef(type=type_):
                yield "is", self.shapes.pieces(type_)
                yield "must be", bounds(type_)
            case ir.ObjectDef():
                pass
        if definition.examples:
            yield "example", json.dumps(definition.examples[0], ensure_ascii=False)

    # ---------------------------------------------------------------------------------------------------------- tables
    def _table(self, title: str, fields: Iterable[ir.Field]) -> Table:
        return Table(title=title, rows=tuple(map(self._row, fields)))

    def _row(self, member: ir.Field) -> Row:
        if member.default is None:
            presence = _PRESENCE[member.presence]
        else:
            presence = f"default {json.dumps(member.default.wire, ensure_ascii=False)}"
        said = (presence, bounds(member.type), *notes(member))
        return Row(
            name=member.name,
            type=self.shapes.pieces(member.type),
            notes="; ".join(note for note in said if note),
            doc=" ".join((member.doc or "").split()),
        )


def _tables(table: Table) -> Iterator[Table]:
    if table.rows:
        yield table


def _facts(told: Iterable[tuple[str, Pieces | str | None]]) -> Iterator[tuple[str, Pieces]]:
    """What is not empty."""
    for label, said in told:
        if said:
            yield label, (Piece(said),) if isinstance(said, str) else said


def _told(doc: str | None, declared: HasNotes) -> Iterator[str]:
    yield from _paragraphs(doc)
    yield from (note for note in notes(declared) if note)


def _paragraphs(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(r"\n\s*\n", text or "") if part.strip())
