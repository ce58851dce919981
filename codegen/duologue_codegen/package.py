"""The Python package of a protocol as text: templates filled with what `views` says, imports computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from . import ir, text, views
from .annotations import Annotator
from .docs import joined, notes
from .imports import export_order, import_block, import_order
from .models import render_models
from .places import NAMESPACES, Places, folder, inside, types_module
from .render import Files, environment, header
from .text import Code, docstring, literal
from .version import API_LEVEL

_PRIVATE: Final = (
    "# Namespaces stand on private members of the class that they are part of.\n# pyright: reportPrivateUsage=false\n"
)
_STANDING: Final = frozenset({"client", "events", "peer", "sync_client"})
"""Modules of a namespace that hold what stands on private members."""
_MODELS: Final = frozenset({"models", "unknown", "values"})


def render_package(protocol: ir.Protocol) -> Files:
    """The files by path inside the package, nothing formatted yet."""
    bodies = _Package(protocol).bodies()
    places = Places.of(protocol)
    files: Files = {}
    for module, body in bodies.items():
        about = docstring(f"{_about(module, protocol)}\n\n{header(protocol)}")
        private = _PRIVATE if module.startswith(NAMESPACES) and module.rpartition(".")[2] in _STANDING else ""
        block = import_block(body, places.finder(module), eager=module.rpartition(".")[2] in _MODELS)
        files[f"{module.replace('.', '/')}.py"] = f"{about}\n\n{private}{block}\n\n{body.lstrip()}"
    for package in _packages(protocol):
        files[f"{package.replace('.', '/')}/__init__.py"] = docstring(
            f"{_about(package, protocol)}\n\n{header(protocol)}"
        )
    files["__init__.py"] = f"{docstring(_welcome(protocol))}\n\n{_exports(protocol, bodies)}"
    files["py.typed"] = ""
    return files


def _packages(protocol: ir.Protocol) -> list[str]:
    spaces = [folder(protocol, one.name) for one in protocol.namespaces]
    return [NAMESPACES, *spaces] if spaces else []


_ABOUT: Final = {
    "models": "Types of {}.",
    "values": "Enums of {}, and names of scalars.",
    "unknown": "Members of the open unions of {} that this version does not know.",
    "errors": "Declared errors of {}.",
    "actions": "Actions of {}: one descriptor each, which both ends share.",
    "events": "Events of {}.",
    "protocol": "The one table of {}.",
    "client": "Client of {}.",
    "sync_client": "Client of {} for synchronous code.",
    "peer": "What a server of {} may ask of its clients.",
    "server": "What servers of {} implement, and clients that can be called.",
    NAMESPACES: "The namespaces of {}: each is loaded when it is first used.",
}


def _about(module: str, protocol: ir.Protocol) -> str:
    subject = f"the {protocol.name} protocol {protocol.version}"
    for space in protocol.namespaces:
        place = folder(protocol, space.name)
        if module == place:
            return joined(f"The namespace `{space.name}` of {subject}.", space.doc)
        if module.startswith(f"{place}."):
            subject = f"the namespace `{space.name}` of {subject}"
    return _ABOUT[module.rpartition(".")[2]].format(subject)


def _welcome(protocol: ir.Protocol) -> str:
    about = protocol.description or f"The {protocol.name} protocol."
    return f"{about}\n\n{header(protocol)}"


class _Package:
    """Renders the modules of one protocol."""

    def __init__(self, protocol: ir.Protocol) -> None:
        self._protocol = protocol
        methods = {action.method for action in protocol.actions} | {event.method for event in protocol.events}
        groups = {namespace.accessor for namespace in protocol.namespaces}
        arguments = {field.python_name for action in protocol.actions for field in action.arguments}
        keywords = {filter_.keyword for event in protocol.events for filter_ in event.filters}
        details = {field.python_name for error in protocol.errors for field in error.arguments}
        self._annotator = Annotator(protocol, frozenset(methods | groups | arguments | keywords | details))
        self._fields = {f.python_name for d in protocol.definitions if isinstance(d, ir.ObjectDef) for f in d.fields}
        prefixes = {one.name: f"{one.accessor}_" for one in protocol.namespaces}
        self._actions = {
            action.name: views.action_view(action, protocol, self._annotator, prefixes.get(action.namespace or "", ""))
            for action in protocol.actions
        }
        self._events = {
            event.name: views.event_view(event, self._annotator, prefixes.get(event.namespace or "", ""))
            for event in protocol.events
        }
        self._parts = _parts(protocol)
        self._foreign = {
            one.class_name: one.namespace
            for one in protocol.definitions
            if one.namespace is not None and types_module(one) == "models"
        }
        self._synchronous = {name: action.synchronous() for name, action in self._actions.items()}

    def bodies(self) -> Files:
        """Module name → text without docstring and imports, in the order in which modules build on each other."""
        protocol = self._protocol
        modules = self._declared(None, "")
        for namespace in protocol.namespaces:
            modules |= self._namespace(namespace, folder(protocol, namespace.name))
        if protocol.errors:
            modules["errors"] = self._render("errors", errors=self._errors())
        if protocol.server_events or self._parts[None].events:
            modules["events"] = self._render("events", **self._event_context())
        spaces = [one for one in protocol.namespaces if f"{folder(protocol, one.name)}.protocol" in modules]
        modules["protocol"] = self._render("protocol", **self._sides(None), errors=self._errors(), namespaces=spaces)
        modules["client"] = self._client("client", "client_class", self._actions)
        modules["sync_client"] = self._client("sync_client", "sync_client_class", self._synchronous)
        modules["peer"] = self._render(
            "peer",
            namespaces=self._groups("peer_class", actions=protocol.server_actions),
            actions=self._of(self._parts[None].server_actions, self._actions),
        )
        modules["server"] = self._render("server", **self._everything(), **_service_docs(protocol))
        return modules

    # ---------------------------------------------------------------------------------------------------- declarations
    def _declared(self, namespace: str | None, package: str) -> Files:
        """What the spec declares in a namespace, or outside of all."""
        protocol = self._protocol
        definitions = self._parts[namespace].definitions
        late = {class_name for class_name, home in self._foreign.items() if home != namespace}
        unions = [d for d in definitions if isinstance(d, ir.UnionDef) and d.unknown_class is not None]
        actions = self._of(self._parts[namespace].actions, self._actions)
        modules: Files = {}
        for module in ("values", "models"):
            if chosen := [definition for definition in definitions if types_module(definition) == module]:
                modules[module] = render_models(protocol, chosen, self._fields, late)
        if unions:
            modules["unknown"] = self._render("unknown", unions=[_unknown(union) for union in unions])
        if actions:
            modules["actions"] = self._render("actions", actions=actions)
        return {inside(package, module): body for module, body in modules.items()}

    def _namespace(self, namespace: ir.Namespace, package: str) -> Files:
        part = self._parts[namespace.name]
        modules = self._declared(namespace.name, package)
        names = part.python
        for module, owner, class_name, actions, shown in (
            ("client", names.client, namespace.client_class, part.client_actions, self._actions),
            ("sync_client", names.sync_client, namespace.sync_client_class, part.client_actions, self._synchronous),
            ("peer", names.peer, namespace.peer_class, part.server_actions, self._actions),
        ):
            own = self._of(actions, shown)
            if own:
                group = _group(namespace, class_name, actions=own)
                modules[f"{package}.{module}"] = self._render("namespace/calls", group=group, owner=owner)
        events = self._of(part.events, self._events)
        if events:
            served = self._of(part.server_events, self._events)
            groups = [_group(namespace, namespace.events_class, events=served)] if served else []
            sync_groups = [_group(namespace, namespace.sync_events_class, events=served)] if served else []
            context = {"descriptors": events, "groups": groups, "sync_groups": sync_groups}
            modules[f"{package}.events"] = self._render("namespace/events", **context)
        sides = self._sides(namespace.name)
        if any(sides.values()):
            modules[f"{package}.protocol"] = self._render("namespace/protocol", **sides)
        return modules

    # ------------------------------------------------------------------------------------------------------- templates
    def _render(self, template: str, **context: Any) -> str:
        return (
            environment()
            .get_template(f"{template}.py.jinja")
            .render(
                protocol=self._protocol,
                names=self._protocol.python,
                api_level=API_LEVEL,
                via_self=Code("self"),
                via_owner=Code("self._owner"),
                self_open=Code("self._open"),
                own_open=Code("self._events._open"),
                **context,
            )
        )

    def _client(self, template: str, class_attribute: str, shown: Mapping[str, views.ActionView]) -> str:
        protocol = self._protocol
        return self._render(
            template,
            doc=protocol.description or f"Client of the {protocol.name} protocol.",
            namespaces=self._groups(class_attribute, actions=protocol.client_actions),
            events=protocol.server_events,
            notifications=protocol.notifications,
            notified=Code(" | ".join(text.name(event.class_name) for event in protocol.notifications)),
            actions=self._of(self._parts[None].client_actions, shown),
        )

    def _event_context(self) -> Mapping[str, Any]:
        protocol = self._protocol
        served = protocol.server_events
        return {
            "descriptors": self._of(self._parts[None].events, self._events),
            "events": self._of(served, self._events),
            "rooted": self._of(self._parts[None].server_events, self._events),
            "namespaces": self._groups("events_class", events=served),
            "sync_namespaces": self._groups("sync_events_class", events=served),
            "union": Code(" | ".join(text.name(event.class_name) for event in served)),
        }

    def _sides(self, namespace: str | None) -> dict[str, Any]:
        """What either end may call and send in a namespace, or outside of all."""
        part = self._parts[namespace]
        return {
            "client_actions": self._of(part.client_actions, self._actions),
            "server_actions": self._of(part.server_actions, self._actions),
            "events": self._of(part.server_events, self._events),
            "notifications": self._of(part.notifications, self._events),
        }

    def _everything(self) -> Mapping[str, Any]:
        protocol = self._protocol
        return {
            "client_actions": self._of(protocol.client_actions, self._actions),
            "server_actions": self._of(protocol.server_actions, self._actions),
            "notifications": self._of(protocol.notifications, self._events),
        }

    def _errors(self) -> list[views.ErrorView]:
        return [views.error_view(error, self._annotator) for error in self._protocol.errors]

    @staticmethod
    def _of(declared: Iterable[Any], shown: Mapping[str, Any]) -> list[Any]:
        return [shown[one.name] for one in declared]

    def _groups(
        self, class_attribute: str, *, actions: Iterable[ir.ActionDef] = (), events: Iterable[ir.EventDef] = ()
    ) -> list[views.Group]:
        """The namespaces that have some of these."""
        used = {action.namespace for action in actions} | {event.namespace for event in events}
        spaces = [space for space in self._protocol.namespaces if space.name in used]
        return [_group(space, getattr(space, class_attribute)) for space in spaces]


def _parts(protocol: ir.Protocol) -> dict[str | None, ir.Protocol]:
    """What each namespace declares, and what is outside of all."""
    spaces: list[str | None] = [None, *(space.name for space in protocol.namespaces)]
    definitions: dict[str | None, list[ir.Definition]] = {space: [] for space in spaces}
    actions: dict[str | None, list[ir.ActionDef]] = {space: [] for space in spaces}
    events: dict[str | None, list[ir.EventDef]] = {space: [] for space in spaces}
    for definition in protocol.definitions:
        definitions[definition.namespace].append(definition)
    for action in protocol.actions:
        actions[action.namespace].append(action)
    for event in protocol.events:
        events[event.namespace].append(event)
    return {
        space: replace(
            protocol, definitions=tuple(definitions[space]), actions=tuple(actions[space]), events=tuple(events[space])
        )
        for space in spaces
    }


def _group(
    namespace: ir.Namespace,
    class_name: str,
    actions: Iterable[views.ActionView] = (),
    events: Iterable[views.EventView] = (),
) -> views.Group:
    doc = joined(namespace.doc or f"The namespace `{namespace.name}`.", *notes(namespace))
    return views.Group(
        accessor=namespace.accessor, class_name=class_name, doc=doc, actions=tuple(actions), events=tuple(events)
    )


def _unknown(union: ir.UnionDef) -> Mapping[str, Any]:
    tags = ", ".join(literal(variant.tag) for variant in union.variants)
    same = union.discriminator == union.discriminator_python
    return {
        "class_name": union.unknown_class,
        "doc": f"A member of `{union.class_name}` that this version does not know; all it carried is in `model_extra`.",
        "tags": Code(f"{{{tags}}}"),
        "tag": union.discriminator_python,
        "annotation": Code("str" if same else f"Annotated[str, Field(alias={literal(union.discriminator)})]"),
    }


def _service_docs(protocol: ir.Protocol) -> Mapping[str, str]:
    names = protocol.python
    return {
        "service_doc": "What a server implements: every action. A missing or mistyped one fails the type checker.",
        "peer_service_doc": f"What a client serves to the server: pass one as `serve=` to `{names.client}.open`.",
    }


def _exports(protocol: ir.Protocol, bodies: Mapping[str, str]) -> str:
    """The package's names: all classes, but nothing of how it is put together."""
    names = protocol.python
    exported: dict[str, list[str]] = {
        "client": [names.client],
        "errors": [error.class_name for error in protocol.errors],
        "events": [names.event_type, names.event, names.events, names.sync_events] if protocol.server_events else [],
        "peer": [names.peer],
        "protocol": ["PROTOCOL"],
        "server": [names.service, names.server, *([names.peer_service] if protocol.server_actions else [])],
        "sync_client": [names.sync_client],
    }
    homes = Places.of(protocol).homes
    for one in protocol.definitions:
        exported.setdefault(homes[one.class_name], []).append(one.class_name)
        if isinstance(one, ir.UnionDef) and one.unknown_class:
            exported.setdefault(homes[one.unknown_class], []).append(one.unknown_class)
    rows = [
        (module, sorted(found, key=import_order))
        for module, found in sorted(exported.items())
        if found and module in bodies
    ]
    everything = sorted((name for _, found in rows for name in found), key=export_order)
    return environment().get_template("__init__.py.jinja").render(exports=rows, everything=everything)
