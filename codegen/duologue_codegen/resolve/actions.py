"""Actions: params, results, streams, errors, rights, limits, pages and examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import ir
from ..grammar import did_you_mean
from ..nodes import MapNode, Node
from ..problems import quote
from ..reserved import BUILT_IN_ACTIONS, CALL_ARGUMENTS, UPLOAD_ARGUMENTS
from ..spec import ActionSpec, DefaultsSpec, ExampleSpec, LimitsSpec
from ..wirespec import NATIVE
from . import carried, scopes, transfers
from .context import Context, Symbol
from .drafts import UNRESOLVED, ObjectDraft, deprecation
from .failures import Failures
from .fields import object_of
from .finish import Finish
from .spelling import Members, Spelling, spell
from .types import Types

_DEFAULT_TIMEOUT = 30.0


@dataclass(slots=True, kw_only=True)
class ActionDraft:
    symbol: Symbol
    spec: ActionSpec
    raw: MapNode
    spelling: Spelling
    params: ObjectDraft
    result: ir.Type
    item: ir.Type | None


class Actions:
    def __init__(
        self, context: Context, types: Types, failures: Failures, members: Members, defaults: DefaultsSpec
    ) -> None:
        self._context = context
        self._types = types
        self._failures = failures
        self._members = members
        self._defaults = defaults
        self._default_errors: tuple[str, ...] = ()
        self._drafts: list[ActionDraft] = []

    def resolve(self) -> None:
        """Everything that needs no finished type."""
        self._default_errors = self._failures.named(self._defaults.errors, None)
        for symbol in self._context.actions.values():
            if symbol.name in BUILT_IN_ACTIONS and self._context.wire == NATIVE:
                message = f"the action {quote(symbol.name)} is built in and never declared"
                self._context.complain(symbol.key, message, "choose another name")
            what = f"action {quote(symbol.name)}"
            spec = self._context.read(ActionSpec, symbol.node, what, symbol.key)
            if spec is not None and isinstance(symbol.node, MapNode):
                self._drafts.append(self._draft(symbol, spec, symbol.node))

    def _draft(self, symbol: Symbol, spec: ActionSpec, raw: MapNode) -> ActionDraft:
        what = f"action {quote(symbol.name)}"
        spelling = spell(self._context, symbol, spec.python.name if spec.python else None, what)
        where = f"the client's `{symbol.namespace}`" if symbol.namespace else "the client"
        # One collision shows in several places: it is told in the first.
        fits = self._members.take("the service", spelling.flat, what, symbol.key)
        fits = fits and self._members.take(where, spelling.method, what, symbol.key)
        params = ObjectDraft(
            class_name=f"{spelling.pascal}Params",
            name=None,
            origin=symbol.key.origin,
            base=ir.Base.PARAMS,
            namespace=symbol.namespace,
        )
        fits = fits and self._context.claim(params.class_name, f"the params of {what}", symbol.key.origin)
        reserved = CALL_ARGUMENTS if spec.upload is None else UPLOAD_ARGUMENTS
        body = self._types.fields.data(spec.with_, spec.params, symbol.namespace, spelling.pascal, "params", reserved)
        params.fields, params.mixins = body.fields, body.mixins
        params.notes.doc = spec.description
        if fits:
            self._context.definitions[params.class_name] = params
        transfers.check(self._context, spec, raw, self._defaults)
        carried.check_action(self._context, spec, raw, self._defaults)
        item = self._position(symbol, raw, "stream", f"{spelling.pascal}Item") if spec.stream is not None else None
        return ActionDraft(
            symbol=symbol,
            spec=spec,
            raw=raw,
            spelling=spelling,
            params=params,
            result=self._position(symbol, raw, "result", f"{spelling.pascal}Result") if "result" in raw else ir.Null(),
            item=item,
        )

    def _position(self, symbol: Symbol, raw: MapNode, key: str, name: str) -> ir.Type:
        return self._types.resolve(raw[key], symbol.namespace, name, raw.keys_at[key])

    # ------------------------------------------------------------------------------------------------- finishing
    def definitions(self, made: dict[str, ir.Definition], finish: Finish) -> tuple[ir.ActionDef, ...]:
        return tuple(self._definition(draft, made, finish) for draft in self._drafts)

    def _definition(self, draft: ActionDraft, made: dict[str, ir.Definition], finish: Finish) -> ir.ActionDef:
        spec, symbol = draft.spec, draft.symbol
        params = made.get(draft.params.class_name)
        own_errors = self._failures.named(spec.errors, symbol.namespace)
        errors = tuple(dict.fromkeys([*self._default_errors, *own_errors]))
        at = symbol.key
        return ir.ActionDef(
            name=symbol.name,
            method=draft.spelling.method,
            service_method=draft.spelling.flat,
            constant=self._context.constant(draft.spelling.constant),
            namespace=symbol.namespace,
            side=ir.Side(spec.from_),
            params=draft.params.class_name,
            arguments=params.fields if isinstance(params, ir.ObjectDef) else (),
            result=draft.result,
            kind=transfers.kind(spec),
            item=draft.item,
            transfer=transfers.transfer(spec),
            scope=scopes.needed(self._context, spec.scope, self._defaults.scope, at, f"action {quote(symbol.name)}"),
            effect=ir.Effect(spec.effect or self._defaults.effect or "unsafe"),
            errors=errors,
            timeout=_timeout(spec.timeout, self._defaults.timeout),
            limits=_limits(self._defaults.limits, spec.limits),
            pages=self._pages(draft) if spec.pages else None,
            doc=spec.description,
            examples=self._examples(draft, errors, finish),
            deprecated=deprecation(spec.deprecated),
            experimental=spec.experimental,
            since=spec.since,
            origin=symbol.key.origin,
        )

    def _pages(self, draft: ActionDraft) -> ir.Pages | None:
        node = draft.raw["pages"]
        result = object_of(self._types, draft.result)
        if draft.result is UNRESOLVED:
            return None
        if result is None:
            self._context.complain(node, "`pages` needs a result that is an object")
            return None
        items = result.field_named(draft.spec.pages or "")
        if items is None:
            hint = did_you_mean(draft.spec.pages or "", [field.name for field in result.fields])
            self._context.complain(node, f"the result has no field {quote(draft.spec.pages)}", hint)
            return None
        array = self._types.underlying(items.type)
        if not isinstance(array, ir.Array):
            self._context.complain(node, f"the result's {quote(draft.spec.pages)} is no list")
            return None
        cursor = self._cursor(draft.params, "cursor", "the params", node)
        following = self._cursor(result, "next_cursor", "the result", node)
        if cursor is None or following is None:
            return None
        return ir.Pages(items=items.python_name, item=array.item, cursor=cursor, next_cursor=following)

    def _cursor(self, owner: ObjectDraft, name: str, where: str, at: Node) -> str | None:
        field = owner.field_named(name)
        if field is None or field.presence not in (ir.Presence.OPTIONAL, ir.Presence.MISSING):
            self._context.complain(at, f"`pages` needs `{name}?` in {where}", f"add `{name}?: string`")
            return None
        known = self._types.underlying(field.type)
        if known is not UNRESOLVED and not (isinstance(known, ir.Scalar) and known.kind is ir.ScalarKind.STRING):
            self._context.complain(field.origin, f"{quote(name)} of a paged list is text")
            return None
        return field.python_name

    # -------------------------------------------------------------------------------------------------- examples
    def _examples(self, draft: ActionDraft, errors: tuple[str, ...], finish: Finish) -> tuple[ir.ActionExample, ...]:
        nodes = draft.spec.examples or ()
        return tuple(example for node in nodes if (example := self._example(draft, node, errors, finish)) is not None)

    def _example(
        self, draft: ActionDraft, node: Node, errors: tuple[str, ...], finish: Finish
    ) -> ir.ActionExample | None:
        spec = self._context.read(ExampleSpec, node, "an example", node)
        if spec is None or not isinstance(node, MapNode):
            return None
        empty = MapNode(node.file, node.line, node.column)
        params = finish.fitted(
            spec.params if spec.params is not None else empty,
            ir.Ref(name=draft.params.class_name),
            "the example",
        )
        if spec.error is not None:
            if spec.result is not None:
                self._context.complain(node.keys_at["error"], "an example ends in a result or in an error, not in both")
            return self._failing(draft, node, spec.error, errors, params.wire if params else None)
        if spec.result is None and not isinstance(draft.result, ir.Null):
            self._context.complain(node, "the example says neither `result` nor `error`")
            return None
        result = finish.fitted(spec.result, draft.result, "the example") if spec.result is not None else None
        return ir.ActionExample(params=params.wire if params else None, result=result.wire if result else None)

    def _failing(
        self, draft: ActionDraft, node: MapNode, code: str, errors: tuple[str, ...], params: ir.JsonValue
    ) -> ir.ActionExample | None:
        symbol = self._context.find(self._context.errors, code, draft.symbol.namespace)
        if symbol is None or symbol.class_name not in errors:
            known = [name for name, error in self._context.errors.items() if error.class_name in errors]
            self._context.complain(node["error"], f"the action has no error {quote(code)}", did_you_mean(code, known))
            return None
        return ir.ActionExample(params=params, error=symbol.name)


def _timeout(own: float | str | None, default: float | str | None) -> float | None:
    chosen = own if own is not None else default if default is not None else _DEFAULT_TIMEOUT
    return None if isinstance(chosen, str) else chosen


def _limits(default: LimitsSpec | None, own: LimitsSpec | None) -> ir.Limits:
    """Each limit by itself: the action's own, else the default."""
    values: dict[str, Any] = {}
    for spec in (default, own):
        if spec is not None:
            values.update({name: value for name, value in spec if value is not None})
    rate, burst = values.get("rate"), values.get("burst")
    return ir.Limits(
        rate=ir.Rate(per_second=rate, burst=burst or max(1, round(rate))) if rate else None,
        concurrency=values.get("concurrency"),
        request=values.get("request"),
        response=values.get("response"),
    )
