"""Events: their data, how they are delivered, and what subscribers may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from .. import ir, names
from ..nodes import MapNode
from ..problems import quote
from ..spec import DefaultsSpec, EventSpec
from ..wirespec import NATIVE
from . import carried, scopes
from .context import Context, Symbol
from .drafts import ObjectDraft, deprecation, notes
from .finish import Finish
from .paths import walk
from .spelling import Members, Spelling, spell
from .types import Types


@dataclass(slots=True, kw_only=True)
class EventDraft:
    symbol: Symbol
    spec: EventSpec
    raw: MapNode
    spelling: Spelling
    data: ObjectDraft


class Events:
    def __init__(self, context: Context, types: Types, members: Members, defaults: DefaultsSpec) -> None:
        self._context = context
        self._types = types
        self._members = members
        self._defaults = defaults
        self._drafts: list[EventDraft] = []

    def resolve(self) -> None:
        for symbol in self._context.events.values():
            what = f"event {quote(symbol.name)}"
            spec = self._context.read(EventSpec, symbol.node, what, symbol.key)
            if spec is not None and isinstance(symbol.node, MapNode):
                self._drafts.append(self._draft(symbol, spec, symbol.node, what))

    def _draft(self, symbol: Symbol, spec: EventSpec, raw: MapNode, what: str) -> EventDraft:
        spelling = spell(self._context, symbol, spec.python.name if spec.python else None, what)
        fits = self._context.claim(spelling.pascal, what, symbol.key.origin)
        if fits:
            self._members.take("the event types", spelling.constant, what, symbol.key)
            if spec.from_ != "client":
                where = f"the events of `{symbol.namespace}`" if symbol.namespace else "the client's events"
                self._members.take(where, spelling.method, what, symbol.key)
            if spec.from_ != "server":
                self._members.take("the service", f"on_{spelling.flat}", what, symbol.key)
        body = self._types.fields.data(spec.with_, spec.data, symbol.namespace, spelling.pascal, "data")
        data = ObjectDraft(
            class_name=spelling.pascal,
            name=None,
            origin=symbol.key.origin,
            base=ir.Base.EVENT,
            event_name=symbol.name,
            namespace=symbol.namespace,
            notes=notes(spec),
            fields=body.fields,
            mixins=body.mixins,
        )
        if fits:
            self._context.definitions[data.class_name] = data
        return EventDraft(symbol=symbol, spec=spec, raw=raw, spelling=spelling, data=data)

    def definitions(self, finish: Finish) -> tuple[ir.EventDef, ...]:
        return tuple(self._definition(draft, finish) for draft in self._drafts)

    def _definition(self, draft: EventDraft, finish: Finish) -> ir.EventDef:
        spec, symbol = draft.spec, draft.symbol
        delivery = self._delivery(draft)
        what = f"event {quote(symbol.name)}"
        key = self._key(draft, delivery)
        return ir.EventDef(
            name=symbol.name,
            class_name=draft.data.class_name,
            constant=self._context.constant(draft.spelling.constant),
            member=draft.spelling.constant,
            method=draft.spelling.method,
            flat_method=draft.spelling.flat,
            namespace=symbol.namespace,
            side=ir.Side(spec.from_),
            delivery=delivery,
            scope=scopes.needed(self._context, spec.scope, self._defaults.scope, symbol.key, what),
            filters=self._filters(draft),
            key=tuple(attributes for _, attributes in key),
            key_paths=tuple(path for path, _ in key),
            doc=spec.description,
            examples=finish.examples(tuple(spec.examples or ()), ir.Ref(name=draft.data.class_name)),
            deprecated=deprecation(spec.deprecated),
            experimental=spec.experimental,
            since=spec.since,
            origin=symbol.key.origin,
        )

    def _delivery(self, draft: EventDraft) -> ir.Delivery:
        """A notification is volatile: there is no log and no state on the client to resume from."""
        spec, at = draft.spec, draft.symbol.key
        if spec.from_ == "client":
            if spec.delivery not in (None, "volatile"):
                hint = "remove it, or send it `from: both`"
                self._context.complain(draft.raw["delivery"], "an event from the client is `volatile`", hint)
            if spec.filter:
                self._context.complain(draft.raw.keys_at["filter"], "nobody subscribes to an event from the client")
            return ir.Delivery.VOLATILE
        carried.check_event(self._context, spec, draft.raw, self._defaults)
        delivery = spec.delivery or self._defaults.delivery
        if delivery is None and self._context.wire != NATIVE:
            return ir.Delivery.VOLATILE
        if delivery is None:
            if "delivery" not in draft.raw:
                hint = "`log` (every one, in order), `state` (latest for each key) or `volatile` (best effort)"
                self._context.complain(at, f"event {quote(draft.symbol.name)} says no `delivery`", hint)
            return ir.Delivery.VOLATILE
        return ir.Delivery(delivery)

    def _key(self, draft: EventDraft, delivery: ir.Delivery) -> list[tuple[str, tuple[str, ...]]]:
        paths = draft.spec.key
        if delivery is not ir.Delivery.STATE:
            if "key" in draft.raw and ("delivery" in draft.raw or draft.spec.from_ == "client"):
                at = draft.raw.keys_at["key"]
                self._context.complain(
                    at, "`key` goes with `delivery: state` only", "remove it, or say `delivery: state`"
                )
            return []
        if paths is None:
            if "key" not in draft.raw:
                hint = "say what there is one state of: `key: [name]`; `key: []` for a single one"
                self._context.complain(
                    draft.symbol.key, f"event {quote(draft.symbol.name)} with `delivery: state` needs a `key`", hint
                )
            return []
        found: dict[str, tuple[str, ...]] = {}
        for node in paths:
            if node.text in found:
                self._context.complain(node, f"the path {quote(node.text)} stands here twice")
            elif (walked := walk(self._context, self._types, draft.data, node)) is not None:
                found[node.text] = walked[0]
        return list(found.items())

    def _filters(self, draft: EventDraft) -> tuple[ir.Filter, ...]:
        found: dict[str, ir.Filter] = {}
        for node in draft.spec.filter:
            walked = walk(self._context, self._types, draft.data, node)
            if walked is None:
                continue
            keyword = names.keyword(".".join(walked[0])) or "value"
            if keyword in found:
                other = found[keyword].path
                if other == node.text:
                    self._context.complain(node, f"the path {quote(node.text)} stands here twice")
                else:
                    message = f"{quote(node.text)} and {quote(other)} are both {quote(keyword)} in Python"
                    self._context.complain(node, message, "rename a field with `python: {name: …}`")
                continue
            found[keyword] = ir.Filter(path=node.text, attributes=walked[0], keyword=keyword, type=walked[1])
        return tuple(found.values())
