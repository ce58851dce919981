"""The protocol as a whole: its names, its namespaces, what may be left out."""

from __future__ import annotations

import re

from .. import ir, names
from ..nodes import MapNode, ScalarNode, describe, entries
from ..problems import quote
from ..reserved import KEYWORDS
from ..spec import Document, PythonSpec
from .context import Context, Symbol
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
    if not _DISTRIBUTION.fullmatch(distribution) and place is not None:
        context.complain(
            place["distribution"], f"{quote(distribution)} is no name for a distribution", "as in `chat-sdk`"
        )
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


def namespaces(context: Context, python: ir.PythonNames, members: Members) -> tuple[ir.Namespace, ...]:
    """Every namespace that has an action or event, in the spec's order."""
    found: dict[str, ir.Namespace] = {}
    for symbol in [*context.actions.values(), *context.events.values()]:
        name = symbol.namespace
        if name is not None and name not in found:
            found[name] = _namespace(context, python, members, name, symbol)
    return tuple(found.values())


def _namespace(context: Context, python: ir.PythonNames, members: Members, name: str, symbol: Symbol) -> ir.Namespace:
    accessor = names.method(name) or "space"
    part = names.pascal(name) or "Space"
    what = f"namespace {quote(name)}"
    members.take("the client", accessor, what, symbol.key)
    members.take("the client's events", accessor, what, symbol.key)
    namespace = ir.Namespace(
        name=name,
        accessor=accessor,
        client_class=f"{python.prefix}{part}",
        sync_client_class=f"{python.prefix}Sync{part}",
        peer_class=f"{python.peer}{part}",
        events_class=f"{python.prefix}{part}Events",
        sync_events_class=f"{python.prefix}Sync{part}Events",
    )
    for class_name, kind in (
        (namespace.client_class, "client"),
        (namespace.sync_client_class, "sync client"),
        (namespace.peer_class, "peer"),
        (namespace.events_class, "events"),
        (namespace.sync_events_class, "sync events"),
    ):
        context.claim(class_name, f"the {kind} of {what}", symbol.key.origin)
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
