"""What templates see of a protocol: names and composed code, one small record for each thing that is rendered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from . import ir, values
from .annotations import Annotator
from .docs import deprecation, joined, since
from .imports import alias
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
    descriptor: Code
    """`actions.GET_SERVICE`"""
    params: str
    signature: Code
    """All arguments after `self`."""
    arguments: Code
    result: Code
    item: Code | None
    type: Code
    """Type of the descriptor."""
    members: tuple[tuple[str, Code], ...]
    """Keyword arguments of the descriptor."""
    summary: str
    doc: str
    service_doc: str
    deprecated: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    name: str
    member: str
    method: str
    handler: str
    constant: str
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
    name: str
    class_name: str
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
def action_view(action: ir.ActionDef, protocol: ir.Protocol, annotator: Annotator) -> ActionView:
    made = signature(action.arguments, annotator)
    module = alias("actions") if "actions" in annotator.taken else "actions"
    own = f"timeout: float | None = None, options: {annotator.library('CallOptions')} | None = None"
    result = annotator(action.result)
    item = None if action.item is None else annotator(action.item)
    return ActionView(
        name=action.name,
        method=action.method,
        service_method=action.service_method,
        constant=action.constant,
        descriptor=Code(f"{module}.{name(action.constant)}"),
        params=action.params,
        signature=Code(", ".join(part for part in ("*", made.parameters, own) if part)),
        arguments=made.arguments,
        result=result,
        item=item,
        type=_descriptor_type(action.params, item, result),
        members=tuple(_action_members(action, annotator)),
        summary=_summary(action),
        doc=joined(_summary(action) or f"Call `{action.name}`.", _args(action, protocol), _raises(action, protocol)),
        service_doc=joined(_summary(action) or f"Answer `{action.name}`.", _raises(action, protocol)),
        deprecated=deprecation(action.deprecated),
    )


def _descriptor_type(params: str, item: str | None, result: str) -> Code:
    return Code(
        f"Action[{name(params)}, {result}]" if item is None else f"StreamAction[{name(params)}, {item}, {result}]"
    )


def _summary(action: ir.ActionDef | ir.EventDef) -> str:
    return joined(action.doc, since(action.since), deprecation(action.deprecated))


def _args(action: ir.ActionDef, protocol: ir.Protocol) -> str:
    lines = [line for field in action.arguments for line in _arg(field, protocol)]
    end = "no end" if action.timeout is None else f"{_number(action.timeout)}"
    lines.append(f"    timeout: Seconds until the caller gives up; {end} by default.")
    return "\n".join(["Args:", *lines])


def _arg(field: ir.Field, protocol: ir.Protocol) -> list[str]:
    if field.presence is ir.Presence.CONST:
        return []
    doc = " ".join((field.doc or _type_doc(field.type, protocol)).split())
    notes = [doc] if doc else []
    if field.default is not None and field.default.wire is not None:
        notes.append(f"Default: `{_shown(field.default.wire)}`.")
    note = deprecation(field.deprecated)
    notes += [note] if note else []
    return [f"    {field.python_name}: {' '.join(notes)}"] if notes else []


def _shown(value: ir.JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


def _type_doc(type_: ir.Type, protocol: ir.Protocol) -> str:
    if not isinstance(type_, ir.Ref):
        return ""
    definition = protocol.definition(type_.name)
    return definition.doc or "" if isinstance(definition, ir.AliasDef) else ""


def _raises(action: ir.ActionDef, protocol: ir.Protocol) -> str:
    errors = {error.class_name: error for error in protocol.errors}
    lines = [f"    {class_name}: {' '.join(_error_doc(errors[class_name]).split())}" for class_name in action.errors]
    return "\n".join(["Raises:", *lines]) if lines else ""


def _error_doc(error: ir.ErrorDef) -> str:
    return error.doc or error.message


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _strings(values_: Iterable[str]) -> Code:
    return _tuple(literal(value) for value in values_)


def _tuple(parts: Iterable[str]) -> Code:
    written = list(parts)
    return Code(f"({', '.join(written)}{',' if len(written) == 1 else ''})")


def _action_members(action: ir.ActionDef, annotator: Annotator) -> Iterable[tuple[str, Code]]:
    """Keyword arguments of the descriptor. Limits that are the runtime's own are left out."""
    exact = replace(annotator, constrained=True, ordered=True)
    yield "name", literal(action.name)
    yield "params", name(action.params)
    if action.item is not None:
        yield "item", _adapter(action.item, exact)
    yield "result", _adapter(action.result, exact)
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


def _adapter(type_: ir.Type, exact: Annotator) -> Code:
    """A type adapter. `Alias | None` is a special form to type checkers unless `Annotated` says that it is a type."""
    parts = (type_.inner,) if isinstance(type_, ir.Nullable) else type_.members if isinstance(type_, ir.Union) else ()
    special = any(isinstance(part, ir.Ref) and not exact.is_class(part) for part in parts)
    return Code(f"TypeAdapter(Annotated[{exact(type_)}, Field()])" if special else f"TypeAdapter({exact(type_)})")


# ------------------------------------------------------------------------------------------------------------ events
def event_view(event: ir.EventDef, annotator: Annotator) -> EventView:
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
        class_name=event.class_name,
        signature=Code("".join(f", {part}" for part in ["*", *parameters]) if parameters else ""),
        filters=Code(f"{{{', '.join(pairs)}}}"),
        since=Code("since" if resumable else "None"),
        members=tuple(_event_members(event)),
        doc=joined(_summary(event), _promise(event), _filter_args(event)),
        summary=_summary(event),
        handler_doc=_summary(event) or f"Take `{event.name}`.",
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
        text=error.message,
        base=error.status.class_name,
        retry_after=None if error.retry_after is None else float(error.retry_after),
        details=details,
        signature=Code(f", *, {made.parameters}" if made.parameters else ""),
        construct=Code("None" if error.details is None else f"{details}({made.arguments})"),
        doc=joined(_error_doc(error), since(error.since), deprecation(error.deprecated)),
    )
