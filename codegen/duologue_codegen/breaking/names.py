"""Findings about the package: names and signatures that programs of the old version use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .. import ir
from ..places import folder, inside
from ..problems import quote
from ..resolve.recursion import definition_references
from .findings import Finding, Snippet, Version, found

NOTHING: Final = ("", "")
"""What a class that has a name of its own is made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that programs can rely on.

    Attributes:
        rule: What is broken where it no longer holds.
        path: What it is about, `Message.text`; facts about what is below it go with it.
        code: Python that runs as long as it holds.
        element: Kind and name of what the spec declares it for; a removed one has been told.
        value: What has to stay the same besides the path.
    """

    rule: str
    path: tuple[str, ...]
    code: str
    origin: ir.Origin | None
    element: tuple[str, str] = NOTHING
    value: str = ""


def compare_names(old: ir.Protocol, new: ir.Protocol) -> Iterator[Finding]:
    """What programs of the old version can no longer say."""
    if old.python.package != new.python.package:
        what = f"{quote(old.python.package)} → {quote(new.python.package)}"
        yield found("package-renamed", what, None, Snippet(code=f"import {old.python.package}"))
        return  # nothing else can be said by its old name
    kept = {(fact.path, fact.rule, fact.value): fact for fact in facts(new)}
    elements = {fact.element for fact in kept.values()}
    places: dict[tuple[str, ...], ir.Origin | None] = {fact.path: fact.origin for fact in kept.values()}
    places |= {fact.element: fact.origin for fact in kept.values() if fact.element != NOTHING}
    gone: set[tuple[str, ...]] = set()
    for fact in facts(old):
        if (fact.path, fact.rule, fact.value) in kept or fact.element not in elements:
            continue
        if any(fact.path[:length] in gone for length in range(1, len(fact.path))):
            continue
        gone.add(fact.path)
        origin, version = _nearest(fact, places)
        what = f"{quote('.'.join(fact.path))}{f': {fact.value}' if fact.value else ''}"
        yield found(fact.rule, what, origin, Snippet(code=fact.code), version=version)


def _nearest(fact: Fact, places: dict[tuple[str, ...], ir.Origin | None]) -> tuple[ir.Origin | None, Version]:
    """Where the new version has what it is about, or what that was part of; else where the old one had it."""
    for length in range(len(fact.path), 0, -1):
        if (origin := places.get(fact.path[:length])) is not None:
            return origin, Version.NEW
    if (origin := places.get(fact.element)) is not None:
        return origin, Version.NEW
    return fact.origin, Version.OLD


def facts(protocol: ir.Protocol) -> Iterator[Fact]:
    """All that programs can rely on, what is above before what is below."""
    for kind, declared in (("action", protocol.actions), ("event", protocol.events)):
        for it in declared:  # nothing but that it is there
            yield Fact(rule="", path=(), code="", origin=None, element=(kind, it.name))
    yield from _whole(protocol)
    owners = _owners(protocol)
    for definition in protocol.definitions:
        yield from _definition(definition, protocol, owners.get(definition.class_name, NOTHING))
    for error in protocol.errors:
        yield from _error(error, protocol)
    for namespace in protocol.namespaces:
        yield from _namespace(namespace, protocol)
    for action in protocol.actions:
        yield from _action(action, protocol)
    for event in protocol.events:
        yield from _event(event, protocol)


def _import(protocol: ir.Protocol, name: str) -> str:
    return f"from {protocol.python.package} import {name}"


def _whole(protocol: ir.Protocol) -> Iterator[Fact]:
    names = protocol.python
    for name in (names.client, names.sync_client, names.peer, names.service, names.server):
        yield Fact(rule="class-removed", path=(name,), code=_import(protocol, name), origin=None)


def _definition(definition: ir.Definition, protocol: ir.Protocol, element: tuple[str, str]) -> Iterator[Fact]:
    name = definition.class_name
    head = _import(protocol, name)
    yield Fact(rule="class-removed", path=(name,), code=head, origin=definition.origin, element=element)
    if isinstance(definition, ir.EnumDef):
        for member in definition.members:
            code = f"{head}\n{name}.{member.python_name}"
            path = (name, member.python_name)
            # A value that is gone has been told.
            value = ("value", f"{name} {member.value}")
            yield Fact(rule="enum-name-removed", path=path, code=code, origin=definition.origin, element=value)
    if isinstance(definition, ir.ObjectDef):
        for field in definition.fields:
            yield from _attribute(definition, field, head, element)


def _attribute(definition: ir.ObjectDef, field: ir.Field, head: str, element: tuple[str, str]) -> Iterator[Fact]:
    name, attribute = definition.class_name, field.python_name
    if definition.base is ir.Base.PARAMS:
        element = ("param", f"{name} {field.name}")  # one that is gone has been told
    asked = f"{head}\nassert {attribute!r} in {name}.model_fields"
    yield Fact(rule="attribute-removed", path=(name, attribute), code=asked, origin=field.origin, element=element)
    if field.presence in (ir.Presence.OPTIONAL, ir.Presence.MISSING):
        reads = "None" if field.presence is ir.Presence.OPTIONAL else "MISSING"
        yield Fact(
            rule="absent-changed",
            path=(name, attribute, "default"),
            code=f"{head}\nassert repr({name}.model_fields[{attribute!r}].default) == {reads!r}",
            origin=field.origin,
            element=("absence", f"{name} {field.name}"),  # of one that is always there now nothing is to be said
            value=reads,
        )


def _error(error: ir.ErrorDef, protocol: ir.Protocol) -> Iterator[Fact]:
    name = error.class_name
    head, element = _import(protocol, name), ("error", error.code)
    yield Fact(rule="class-removed", path=(name,), code=head, origin=error.origin)
    base = error.status.class_name
    code = f"{head}\nimport duologue\nassert issubclass({name}, duologue.{base})"
    yield Fact(rule="base-changed", path=(name,), code=code, origin=error.origin, element=element, value=base)


def _namespace(namespace: ir.Namespace, protocol: ir.Protocol) -> Iterator[Fact]:
    if any(action.namespace == namespace.name for action in protocol.client_actions):
        client = protocol.python.client
        code = f"{_import(protocol, client)}\n{client}.{namespace.accessor}"
        yield Fact(rule="accessor-removed", path=(client, namespace.accessor), code=code, origin=namespace.origin)


def _action(action: ir.ActionDef, protocol: ir.Protocol) -> Iterator[Fact]:
    namespace = _namespace_of(action.namespace, protocol)
    names = protocol.python
    for owner, called in ((names.client, action.side.from_client), (names.peer, action.side.from_server)):
        accessor = (
            namespace.client_class if namespace and owner == names.client else namespace.peer_class if namespace else ""
        )
        if called:
            yield from _method(action, protocol, owner, accessor)
    if action.side.from_client:
        head = _import(protocol, names.service)
        code = f"{head}\n{names.service}.{action.service_method}"
        path = (names.service, action.service_method)
        element = ("action client", action.name)
        yield Fact(rule="handler-renamed", path=path, code=code, origin=action.origin, element=element)


def _method(action: ir.ActionDef, protocol: ir.Protocol, owner: str, accessor: str) -> Iterator[Fact]:
    where = accessor or owner
    module = "client" if owner == protocol.python.client else "peer"
    element = (f"action {module}", action.name)
    path = (owner, *([accessor] if accessor else []), action.method)
    place = inside(folder(protocol, action.namespace), module)
    head = f"from {protocol.python.package}.{place} import {where}"
    yield Fact(
        rule="method-removed", path=path, code=f"{head}\n{where}.{action.method}", origin=action.origin, element=element
    )
    head = f"import inspect\n{head}\nparameters = inspect.signature({where}.{action.method}).parameters"
    for field in action.arguments:
        if field.presence is ir.Presence.CONST:
            continue
        name = field.python_name
        code = f"{head}\nassert {name!r} in parameters"
        param = ("param", f"{action.name} {field.name}")  # one that is gone has been told
        yield Fact(rule="argument-removed", path=(*path, name), code=code, origin=field.origin, element=param)


def _event(event: ir.EventDef, protocol: ir.Protocol) -> Iterator[Fact]:
    namespace = _namespace_of(event.namespace, protocol)
    names, head = protocol.python, protocol.python.package
    if event.side.from_server:
        where = namespace.events_class if namespace else names.events
        path = (names.events, *([where] if namespace else []), event.method)
        element = ("event server", event.name)
        start = f"from {head}.{inside(folder(protocol, event.namespace), 'events')} import {where}"
        yield Fact(
            rule="method-removed",
            path=path,
            code=f"{start}\n{where}.{event.method}",
            origin=event.origin,
            element=element,
        )
        start = f"import inspect\n{start}\nparameters = inspect.signature({where}.{event.method}).parameters"
        for filter_ in event.filters:
            code = f"{start}\nassert {filter_.keyword!r} in parameters"
            place = (*path, filter_.keyword)
            element = ("filter", f"{event.name} {filter_.path}")
            yield Fact(rule="argument-removed", path=place, code=code, origin=event.origin, element=element)


def _namespace_of(name: str | None, protocol: ir.Protocol) -> ir.Namespace | None:
    return next((namespace for namespace in protocol.namespaces if namespace.name == name), None)


def _owners(protocol: ir.Protocol) -> dict[str, tuple[str, str]]:
    """What each class that the spec does not name is made for: it goes with that."""
    found: dict[str, tuple[str, str]] = {}

    def enter(element: tuple[str, str], waiting: list[str]) -> None:
        while waiting:
            definition = protocol.definition(waiting.pop())
            if definition.name is None and definition.class_name not in found:
                found[definition.class_name] = element
                waiting.extend(definition_references(definition))

    for action in protocol.actions:
        parts = [action.result] if action.item is None else [action.result, action.item]
        enter(
            ("action", action.name), [action.params, *(name for part in parts for name in definition_references(part))]
        )
    for event in protocol.events:
        enter(("event", event.name), [event.class_name])
    for error in protocol.errors:
        enter(("error", error.code), [error.details] if error.details is not None else [])
    return found
