"""The protocol as a whole: its names, its namespaces, what may be left out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .. import ir, names
from ..grammar import did_you_mean
from ..nodes import MapNode, Node, ScalarNode, describe, entries
from ..problems import quote
from ..reserved import DISTRIBUTIONS, KEYWORDS, PACKAGES
from ..spec import Document, NamespaceSpec, PythonSpec
from .context import Context, Symbol
from .drafts import deprecation
from .spelling import Members

# PEP 503 names, in lower case.
_DISTRIBUTION = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_LICENCE = re.compile(r"[A-Za-z0-9.+() -]+")


def python_names(context: Context, document: Document, root: MapNode) -> ir.PythonNames:
    """Names of the package and of the classes that every protocol has."""
    spec = document.python or PythonSpec.model_validate({})
    python = root.get("python")
    place = python if isinstance(python, MapNode) else None
    distribution = spec.distribution or f"{document.protocol}-sdk"
    package = spec.package or names.snake(distribution) or "sdk"
    prefix = spec.prefix or names.pascal(document.protocol) or "Protocol"
    peer = spec.peer or "Peer"
    _check_length(context, document.protocol, root.get("protocol") or root)
    for key, value in (("distribution", spec.distribution), ("package", spec.package)):
        if value is not None and place is not None:
            _check_length(context, value, place[key])
    if place is not None and not _DISTRIBUTION.fullmatch(distribution):
        context.complain(
            place["distribution"], f"{quote(distribution)} is no name for a distribution", "as in `chat-sdk`"
        )
    elif place is not None and re.sub("[._-]+", "-", distribution) in DISTRIBUTIONS:
        message = f"the distribution {quote(distribution)} is one that generated packages need"
        context.complain(place["distribution"], message, "as in `chat-sdk`")
    elif place is not None and package in PACKAGES:
        message = f"the package {quote(package)} is one that generated packages import"
        context.complain(place["package" if spec.package else "distribution"], message, "as in `chat_sdk`")
    if package in KEYWORDS:
        context.complain(place["package"] if place else root, f"{quote(package)} is a keyword of Python")
    for key, value in (("prefix", spec.prefix), ("peer", spec.peer)):
        if value is not None and not value[0].isupper() and place is not None:
            context.complain(place[key], f"{quote(value)} begins class names", "begin it with a capital letter")
    return ir.PythonNames(
        distribution=distribution,
        package=package,
        prefix=prefix,
        client=f"{prefix}Client",
        sync_client=f"{prefix}SyncClient",
        peer=f"{prefix}{peer}",
        service=f"{prefix}Service",
        peer_service=f"{prefix}{peer}Service",
        server=f"{prefix}Server",
        events=f"{prefix}Events",
        sync_events=f"{prefix}SyncEvents",
        event=f"{prefix}Event",
        event_type="EventType",
    )


def _check_length(context: Context, name: str, node: Node) -> None:
    if len(name) > names.LONGEST:
        hint = f"at most {names.LONGEST}: folders and files are called so"
        context.complain(node, f"{quote(name)} has {len(name)} characters", hint)


def claim_classes(context: Context, python: ir.PythonNames, root: MapNode) -> None:
    """The classes that every protocol has, before any that the spec names."""
    origin = root.keys_at["python" if "python" in root else "protocol"].origin if "protocol" in root else root.origin
    for name, what in (
        (python.client, "the client"),
        (python.sync_client, "the sync client"),
        (python.peer, "the peer"),
        (python.service, "the service"),
        (python.peer_service, "the peer's service"),
        (python.server, "the server"),
        (python.events, "the events"),
        (python.sync_events, "the sync events"),
        (python.event, "the union of all events"),
        (python.event_type, "the enum of events"),
    ):
        context.claim(name, what, origin)


def namespaces(
    context: Context, python: ir.PythonNames, members: Members, sections: Iterable[MapNode | None]
) -> tuple[ir.Namespace, ...]:
    """Every namespace that something is declared in, in the spec's order; `sections` say more of some."""
    said = _said_of_namespaces(context, sections)
    first: dict[str, Symbol] = {}
    for table in (context.types, context.errors, context.actions, context.events):
        for symbol in table.values():
            if symbol.namespace is not None:
                first.setdefault(symbol.namespace, symbol)
    for name, (key, _) in said.items():
        if name not in first:
            context.complain(key, f"nothing is declared in the namespace {quote(name)}", did_you_mean(name, first))
    found: dict[str, ir.Namespace] = {}
    for name, symbol in first.items():
        key, spec = said.get(name, (symbol.key, None))
        found[name] = _namespace(context, python, members, name, key, spec)
    return tuple(found.values())


def _said_of_namespaces(
    context: Context, sections: Iterable[MapNode | None]
) -> dict[str, tuple[ScalarNode, NamespaceSpec]]:
    found: dict[str, tuple[ScalarNode, NamespaceSpec]] = {}
    for section in sections:
        for key, node in entries(section):
            if key.text in found:
                context.complain(key, f"the namespace {quote(key.text)} is described twice", "keep one of the two")
                continue
            spec = context.read(NamespaceSpec, node, f"namespace {quote(key.text)}", key)
            if spec is not None:
                found[key.text] = key, spec
    return found


def _namespace(
    context: Context, python: ir.PythonNames, members: Members, name: str, at: ScalarNode, spec: NamespaceSpec | None
) -> ir.Namespace:
    chosen = spec.python.name if spec and spec.python else None
    what = f"namespace {quote(name)}"
    accessor, part = names.method(chosen or name), names.pascal(chosen or name)
    if accessor is None or part is None:
        hint = f"give it one: `namespaces: {{{name}: {{python: {{name: …}}}}}}`"
        context.complain(at, f"no Python name can be made of {what}", hint)
        accessor, part = "space", "Space"
    _check_length(context, accessor, at)
    members.take("the client", accessor, what, at)
    members.take("the client's events", accessor, what, at)
    namespace = ir.Namespace(
        name=name,
        accessor=accessor,
        client_class=f"{python.prefix}{part}",
        sync_client_class=f"{python.prefix}Sync{part}",
        peer_class=f"{python.peer}{part}",
        events_class=f"{python.prefix}{part}Events",
        sync_events_class=f"{python.prefix}Sync{part}Events",
        doc=spec.description if spec else None,
        deprecated=deprecation(spec.deprecated) if spec else None,
        experimental=spec.experimental if spec else False,
        since=spec.since if spec else None,
        origin=at.origin,
    )
    for class_name, kind in (
        (namespace.client_class, "client"),
        (namespace.sync_client_class, "sync client"),
        (namespace.peer_class, "peer"),
        (namespace.events_class, "events"),
        (namespace.sync_events_class, "sync events"),
    ):
        context.claim(class_name, f"the {kind} of {what}", at.origin)
    return namespace


def links(context: Context, section: MapNode | None) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for key, node in entries(section):
        if not isinstance(node, ScalarNode) or node.is_null:
            context.complain(node, f"an address expected, not {describe(node)}")
        elif not re.fullmatch(r"https?://\S+", node.text):
            context.complain(node, f"{quote(node.text)} is no address", "it begins with `https://`")
        else:
            found.append((key.text, node.text))
    return tuple(found)


def licence(context: Context, document: Document, root: MapNode) -> str | None:
    if document.license is not None and not _LICENCE.fullmatch(document.license):
        context.complain(root["license"], f"{quote(document.license)} is no SPDX expression", "as in `MIT`")
    return document.license
