"""Findings that are no errors: what a reader of the generated documentation would miss, and what nobody uses."""

from __future__ import annotations

from collections.abc import Iterator

from duologue.wire.templates import compiled, places

from . import ir
from .problems import Problem, quote
from .resolve.recursion import definition_references

_NOWHERE = ir.Origin(file="", line=1, column=1)


def lint(protocol: ir.Protocol) -> list[Problem]:
    """Warnings about a protocol that compiles, sorted by place."""
    found = [
        *_undescribed(protocol),
        *_unused_definitions(protocol),
        *_unused_errors(protocol),
        *_uncarried_details(protocol),
        *_unused_scopes(protocol),
    ]
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.column, problem.message))


def _warn(protocol: ir.Protocol, origin: ir.Origin | None, message: str, hint: str | None = None) -> Problem:
    place = origin or _NOWHERE
    return Problem(place.file or protocol.sources[0], place.line, place.column, message, hint)


def _undescribed(protocol: ir.Protocol) -> Iterator[Problem]:
    hint = "add `description`"
    if not protocol.description:
        yield _warn(protocol, None, "the protocol has no description", hint)
    for action in protocol.actions:
        if not action.doc:
            yield _warn(protocol, action.origin, f"action {quote(action.name)} has no description", hint)
    for event in protocol.events:
        if not event.doc:
            yield _warn(protocol, event.origin, f"event {quote(event.name)} has no description", hint)
    for error in protocol.errors:
        if not error.doc and error.message == error.code:
            yield _warn(protocol, error.origin, f"error {quote(error.code)} has neither description nor message", hint)
    for definition in protocol.definitions:
        if definition.name and not definition.doc and not isinstance(definition, ir.AliasDef):
            yield _warn(protocol, definition.origin, f"type {quote(definition.name)} has no description", hint)


def _unused_definitions(protocol: ir.Protocol) -> Iterator[Problem]:
    """Types that no action, event or error leads to."""
    by_class = {definition.class_name: definition for definition in protocol.definitions}
    waiting = [definition.class_name for definition in protocol.definitions if definition.name is None]
    for action in protocol.actions:
        for type_ in (action.result, action.item):
            waiting.extend(definition_references(type_) if type_ is not None else ())
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(definition_references(by_class[name]))
    for definition in protocol.definitions:
        # A mixin is used up by copying its fields, which leaves no trace.
        if definition.class_name not in reached and not isinstance(definition, ir.ObjectDef):
            yield _warn(protocol, definition.origin, f"type {quote(definition.name)} is not used")


def _unused_errors(protocol: ir.Protocol) -> Iterator[Problem]:
    used = {name for action in protocol.actions for name in action.errors}
    for error in protocol.errors:
        if error.class_name not in used:
            yield _warn(protocol, error.origin, f"no action ends in error {quote(error.code)}")


def _uncarried_details(protocol: ir.Protocol) -> Iterator[Problem]:
    """Errors whose details stay behind: the protocol's own messages have no place for them."""
    template = None if protocol.envelope is None else protocol.envelope.get("reply_error")
    if template is None or "data" in places(compiled(template)):
        return
    for error in protocol.errors:
        if error.details is not None:
            message = f"error {quote(error.code)} has details, and `wire.reply_error` no place for them"
            yield _warn(protocol, error.origin, message, "put `$data` where they are")


def _unused_scopes(protocol: ir.Protocol) -> Iterator[Problem]:
    needed = {scope for action in protocol.actions for scope in action.scope}
    needed |= {scope for event in protocol.events for scope in event.scope}
    given = {scope for role in protocol.roles for scope in role.scopes}
    for scope in protocol.scopes:
        if scope.name not in needed:
            yield _warn(protocol, scope.origin, f"nothing needs the scope {quote(scope.name)}")
        elif protocol.roles and scope.name not in given:
            yield _warn(protocol, scope.origin, f"no role has the scope {quote(scope.name)}")
