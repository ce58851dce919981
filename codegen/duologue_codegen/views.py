"""What templates see of a protocol: names and composed code, one small record for each thing that is rendered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from . import ir, values
from .annotations import Annotator
from .docs import call_doc, deprecation, error_doc, handler_doc, joined, notes, summary
from .imports import alias
from .kinds import KINDS, Kind
from .text import Code, literal, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Keyword-only arguments made from fields, and what is passed on to the model."""

    parameters: Code
    """`name: str, limit: int = 100`"""
    arguments: Code
    """`name=name, limit=limit`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionView:
    name: str
    method: str
    service_method: str
    constant: str
    module: str
    """What the server's module calls the one that has the descriptor: `actions`, `page_actions`."""
    descriptor: str
    """Class of the descriptor."""
    type: Code
    """The same with its parameters: `Action[GetServiceParams, ServiceEntry]`."""
    members: tuple[tuple[str, Code], ...]
    """Keyword arguments of the descriptor."""
    signature: Code
    """All arguments of the client's method after `self`."""
    call: str
    """Method of the runtime that it calls."""
    passed: Code
    """What it passes on: `actions.GET_SERVICE, GetServiceParams(name=name), timeout, options`"""
    awaits: bool
    """Whether the client's method is asynchronous: it waits for the result."""
    returned: Code
    """What that method returns."""
    sync_returned: Code
    """What it returns in synchronous code."""
    bind: str
    """Function of the runtime that joins descriptor and handler."""
    handled: Code
    """What the handler gets after the call: `params: GetServiceParams`"""
    result: Code
    summary: str
    doc: str
    service_doc: str
    deprecated: str | None

    def synchronous(self) -> ActionView:
        """The same for synchronous code."""
        return replace(self, awaits=False, returned=self.sync_returned)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    name: str
    member: str
    method: str
    handler: str
    constant: str
    module: str
    """What the server's module calls the one that has the descriptor: `events`, `page_events`."""
    class_name: str
    signature: Code
    """Arguments after `self`: filters, and a position where there is one."""
    filters: Code
    """`{"name": name}`"""
    since: Code
    members: tuple[tuple[str, Code], ...]
    doc: str
    summary: str
    handler_doc: str
    deprecated: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    class_name: str
    code: str
    number: int | None
    text: str
    base: str
    retry_after: float | None
    details: Code
    """Type of the details."""
    signature: Code
    construct: Code
    doc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Actions or events of one namespace; `class_name` is that of the accessor."""

    accessor: str
    class_name: str
    doc: str
    actions: tuple[ActionView, ...] = ()
    events: tuple[EventView, ...] = ()


# ------------------------------------------------------------------------------------------------------------ fields
def signature(fields: Sequence[ir.Field], annotator: Annotator) -> Signature:
    """Arguments for all fields but constants, in the order of the spec."""
    parameters: list[str] = []
    arguments: list[str] = []
    for field in fields:
        if field.presence is ir.Presence.CONST:
            continue
        parameter, argument = _parameter(field, annotator)
        parameters.append(parameter)
        arguments.append(f"{name(field.python_name)}={argument}")
    return Signature(parameters=Code(", ".join(parameters)), arguments=Code(", ".join(arguments)))


def _parameter(field: ir.Field, annotator: Annotator) -> tuple[str, str]:
    key, annotation = name(field.python_name), annotator(field.type)
    if field.presence is ir.Presence.OPTIONAL:
        return f"{key}: {annotation} | None = None", key
    if field.presence is ir.Presence.MISSING:
        missing = annotator.library("MISSING")
        return f"{key}: {annotation} | {missing} = {missing}", key
    if field.default is None:
        return f"{key}: {annotation}", key
    written = values.expression(field.default.value, annotator)
    if field.default.mutable and not isinstance(field.type, ir.Nullable | ir.Json):
        return f"{key}: {annotation} | None = None", f"{written} if {key} is None else {key}"
    return f"{key}: {annotation} = {written}", key


# ----------------------------------------------------------------------------------------------------------- actions
def action_view(action: ir.ActionDef, protocol: ir.Protocol, annotator: Annotator, prefix: str) -> ActionView:
    """`prefix` stands before the name of the module that has the descriptor."""
    kind = KINDS[action.kind]
    params, result = name(action.params), annotator(action.result)
    item = [] if action.item is None else [annotator(action.item)]
    made = signature(action.arguments, annotator)
    return ActionView(
        name=action.name,
        method=action.method,
        service_method=action.service_method,
        constant=action.constant,
        module=f"{prefix}actions",
        descriptor=kind.descriptor,
        type=_generic(kind.descriptor, params, *item, result),
        members=tuple(_action_members(action, annotator)),
        signature=_parameters(kind, made, annotator),
        call=kind.call,
        passed=_passed(action, kind, made, annotator),
        awaits=kind.held is None,
        returned=_generic(kind.held, *item, result) if kind.held else result,
        sync_returned=_generic(f"Sync{kind.held}", *item, result) if kind.held else result,
        bind=kind.bind,
        handled=_handled(kind, params, item),
        result=result,
        summary=summary(action),
        doc=call_doc(action, protocol),
        service_doc=handler_doc(action, protocol),
        deprecated=deprecation(action.deprecated),
    )


def _generic(class_name: str, *parameters: str) -> Code:
    return Code(f"{name(class_name)}[{', '.join(parameters)}]" if parameters else name(class_name))


def _parameters(kind: Kind, made: Signature, annotator: Annotator) -> Code:
    body = f"body: {name(kind.sent)}, /" if kind.sent else ""
    own = f"timeout: float | None = None, options: {annotator.library('CallOptions')} | None = None"
    return Code(", ".join(part for part in (body, "*", made.parameters, own) if part))


def _passed(action: ir.ActionDef, kind: Kind, made: Signature, annotator: Annotator) -> Code:
    module = alias("actions") if "actions" in annotator.taken else "actions"
    params = f"{name(action.params)}({made.arguments})"
    body = ["body"] if kind.sent else []
    return Code(", ".join([f"{module}.{name(action.constant)}", params, *body, "timeout", "options"]))


def _handled(kind: Kind, params: str, item: Sequence[str]) -> Code:
    if kind.taken is None:
        return Code(f"params: {params}")
    argument, class_name = kind.taken
    return Code(f"params: {params}, {name(argument)}: {_generic(class_name, *item)}")


def _strings(values_: Iterable[str]) -> Code:
    return _tuple(literal(value) for value in values_)


def _tuple(parts: Iterable[str]) -> Code:
    written = list(parts)
    return Code(f"({', '.join(written)}{',' if len(written) == 1 else ''})")


def _action_members(action: ir.ActionDef, annotator: Annotator) -> Iterable[tuple[str, Code]]:
    """Keyword arguments of the descriptor. Limits that are the runtime's own are left out."""
    exact = annotator.everywhere()
    yield "name", literal(action.name)
    yield "params", name(action.params)
    if action.item is not None:
        yield "item", _adapter(action.item, exact, action.namespace)
    yield "result", _adapter(action.result, exact, action.namespace)
    yield from _transfer_members(action.transfer)
    yield "scope", _strings(action.scope)
    yield "effect", Code(f"Effect.{action.effect.name}")
    if action.errors:
        yield "errors", _tuple(name(error) for error in action.errors)
    yield "timeout", literal(action.timeout if action.timeout is None else float(action.timeout))
    limits = action.limits
    if limits.request is not None:
        yield "max_request", literal(limits.request)
    if limits.response is not None:
        yield "max_response", literal(limits.response)
    if limits.rate is not None:
        yield (
            "rate",
            Code(f"Rate(per_second={literal(float(limits.rate.per_second))}, burst={literal(limits.rate.burst)})"),
        )
    if limits.concurrency is not None:
        yield "concurrency", literal(limits.concurrency)


def _transfer_members(transfer: ir.Transfer | None) -> Iterable[tuple[str, Code]]:
    if transfer is None:
        return
    yield "media", literal(transfer.media)
    yield "max_size", literal(transfer.max_size)
    if not transfer.resumable:
        yield "resumable", literal(False)


def _adapter(type_: ir.Type, exact: Annotator, namespace: str | None) -> Code:
    """A type adapter. `Alias | None` is a special form to type checkers unless `Annotated` says that it is a type."""
    definition = exact.protocol.definition(type_.name) if isinstance(type_, ir.Ref) else None
    if isinstance(definition, ir.ObjectDef) and definition.namespace in (None, namespace):
        return Code(f"TypeAdapter({exact(type_)})")  # of a model that is there, which is built late by itself
    parts = (type_.inner,) if isinstance(type_, ir.Nullable) else type_.members if isinstance(type_, ir.Union) else ()
    special = any(isinstance(part, ir.Ref) and not exact.is_class(part) for part in parts)
    return Code(f"deferred(Annotated[{exact(type_)}, Field()])" if special else f"deferred({exact(type_)})")


# ------------------------------------------------------------------------------------------------------------ events
def event_view(event: ir.EventDef, annotator: Annotator, prefix: str) -> EventView:
    """`prefix` stands before the name of the module that has the descriptor."""
    parameters = [f"{name(filter_.keyword)}: {_filter_type(filter_, annotator)} = None" for filter_ in event.filters]
    resumable = event.delivery is ir.Delivery.LOG
    if resumable:
        parameters.append(f"since: {annotator.library('Position')} | None = None")
    pairs = [f"{literal(filter_.path)}: {name(filter_.keyword)}" for filter_ in event.filters]
    return EventView(
        name=event.name,
        member=event.member,
        method=event.method,
        handler=f"on_{event.flat_method}",
        constant=event.constant,
        module=f"{prefix}events",
        class_name=event.class_name,
        signature=Code("".join(f", {part}" for part in ["*", *parameters]) if parameters else ""),
        filters=Code(f"{{{', '.join(pairs)}}}"),
        since=Code("since" if resumable else "None"),
        members=tuple(_event_members(event)),
        doc=joined(summary(event), _promise(event), _filter_args(event)),
        summary=summary(event),
        handler_doc=summary(event) or f"Take `{event.name}`.",
        deprecated=deprecation(event.deprecated),
    )


def _filter_type(filter_: ir.Filter, annotator: Annotator) -> str:
    written = annotator(filter_.type)
    return f"{written} | {annotator.library('Sequence')}[{written}] | None"


def _promise(event: ir.EventDef) -> str:
    match event.delivery:
        case ir.Delivery.LOG:
            return "Every one, in order; `since` continues after a position."
        case ir.Delivery.STATE if event.key_paths:
            return (
                f"The latest for each {' and '.join(f'`{path}`' for path in event.key_paths)}, the present ones first."
            )
        case ir.Delivery.STATE:
            return "The latest, beginning with the present one."
        case ir.Delivery.VOLATILE:
            return "Best effort; losses are counted."


def _filter_args(event: ir.EventDef) -> str:
    lines = [
        f"    {filter_.keyword}: Only where `{filter_.path}` is this, or one of these." for filter_ in event.filters
    ]
    return "\n".join(["Args:", *lines]) if lines else ""


def _event_members(event: ir.EventDef) -> Iterable[tuple[str, Code]]:
    yield "model", name(event.class_name)
    yield "delivery", Code(f"Delivery.{event.delivery.name}")
    yield "scope", _strings(event.scope)
    if event.filters:
        paths = [f"{literal(filter_.path)}: {_strings(filter_.attributes)}" for filter_ in event.filters]
        yield "filters", Code(f"{{{', '.join(paths)}}}")
    if event.key:
        yield "key", _tuple(_strings(path) for path in event.key)


# ------------------------------------------------------------------------------------------------------------ errors
def error_view(error: ir.ErrorDef, annotator: Annotator) -> ErrorView:
    made = signature(error.arguments, annotator)
    details = Code("None") if error.details is None else name(error.details)
    return ErrorView(
        class_name=error.class_name,
        code=error.code,
        number=error.number,
        text=error.message,
        base=error.status.class_name,
        retry_after=None if error.retry_after is None else float(error.retry_after),
        details=details,
        signature=Code(f", *, {made.parameters}" if made.parameters else ""),
        construct=Code("None" if error.details is None else f"{details}({made.arguments})"),
        doc=joined(error_doc(error), *notes(error)),
    )
