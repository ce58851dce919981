"""The files of a package as text: templates filled with what `views` says, imports computed, nothing formatted yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from . import ir, text, views
from .annotations import Annotator
from .imports import export_order, import_block, import_order
from .models import render_models
from .text import Code, docstring, literal
from .version import API_LEVEL, VERSION

if TYPE_CHECKING:
    from jinja2 import Environment

MARK = "DO NOT EDIT"
"""What every generated file that can hold a comment says near its top."""

_NAMESPACES = (
    "# Namespaces stand on private members of the class that they are part of.\n# pyright: reportPrivateUsage=false\n"
)
_WITH_NAMESPACES = frozenset({"client", "events", "peer", "sync_client"})

Files = dict[str, str]
"""Path (`/` between its parts) → text."""


def header(protocol: ir.Protocol) -> str:
    """Where a generated file comes from; the same for all files of one protocol."""
    source = text.one_line(protocol.sources[0])
    tool = f"duologue {VERSION} (grammar {protocol.grammar})"
    return f"Written by {tool} from {source}. {MARK}: change {source}, then run\n`duologue generate`."


@cache
def environment() -> Environment:
    """Templates with the filters that stand between a spec's words and the files. Unknown names are errors."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("duologue_codegen"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - what is rendered is no HTML; each filter escapes for its language
    )
    made.filters.clear()
    made.filters.update(
        name=text.name,
        code=text.code,
        literal=text.literal,
        docstring=text.docstring,
        slug=text.slug,
        toml=text.toml_string,
        toml_array=text.toml_array,
        markdown=text.markdown,
        one_line=text.one_line,
        markdown_code=text.markdown_code,
        markdown_comment=text.markdown_comment,
    )
    return made


def render_package(protocol: ir.Protocol) -> Files:
    """The Python package of a protocol, by path inside the package."""
    bodies = _Package(protocol).bodies()
    local = _locals(protocol)
    files: Files = {}
    for module, body in bodies.items():
        about = docstring(f"{_about(module, protocol)}\n\n{header(protocol)}")
        notes = _NAMESPACES if protocol.namespaces and module in _WITH_NAMESPACES else ""
        own = {word: where for word, where in local.items() if where != f".{module}"}
        files[f"{module}.py"] = f"{about}\n\n{notes}{import_block(body, own)}\n\n{body.lstrip()}"
    files["__init__.py"] = f"{docstring(_welcome(protocol))}\n\n{_exports(protocol, bodies)}"
    files["py.typed"] = ""
    return files


def _about(module: str, protocol: ir.Protocol) -> str:
    subject = f"the {protocol.name} protocol {protocol.version}"
    return {
        "models": f"Types of {subject}.",
        "unknown": f"Members of the open unions of {subject} that this version does not know.",
        "errors": f"Declared errors of {subject}.",
        "actions": f"Actions of {subject}: one descriptor each, which both ends share.",
        "events": f"Events of {subject}.",
        "protocol": f"The one table of {subject}.",
        "client": f"Client of {subject}.",
        "sync_client": f"Client of {subject} for synchronous code.",
        "peer": f"What a server of {subject} may ask of its clients.",
        "server": f"What servers of {subject} implement, and clients that can be called.",
    }[module]


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
        self._actions = {
            action.name: views.action_view(action, protocol, self._annotator) for action in protocol.actions
        }
        self._events = {event.name: views.event_view(event, self._annotator) for event in protocol.events}

    def bodies(self) -> Files:
        """Module name → text without docstring and imports, in the order in which modules build on each other."""
        protocol = self._protocol
        fields = {f.python_name for d in protocol.definitions if isinstance(d, ir.ObjectDef) for f in d.fields}
        modules: Files = {}
        if protocol.definitions:
            modules["models"] = render_models(protocol, protocol.definitions, fields)
        unions = [d for d in protocol.definitions if isinstance(d, ir.UnionDef) and d.unknown_class is not None]
        if unions:
            modules["unknown"] = self._render("unknown", unions=[_unknown(union) for union in unions])
        if protocol.errors:
            modules["errors"] = self._render("errors", errors=self._errors())
        if protocol.actions:
            modules["actions"] = self._render("actions", actions=list(self._actions.values()))
        if protocol.events:
            modules["events"] = self._render("events", **self._event_context())
        modules["protocol"] = self._render("protocol", **self._sides(), errors=self._errors())
        modules["client"] = self._client("client", "client_class", self._actions)
        synchronous = {name: action.synchronous() for name, action in self._actions.items()}
        modules["sync_client"] = self._client("sync_client", "sync_client_class", synchronous)
        modules["peer"] = self._render(
            "peer",
            namespaces=self._groups(protocol.server_actions, "peer_class", self._actions),
            actions=_rooted(protocol.server_actions, self._actions),
        )
        modules["server"] = self._render("server", **self._sides(), **_service_docs(protocol))
        return modules

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
        groups = self._groups(protocol.client_actions, class_attribute, shown)
        return self._render(
            template,
            doc=protocol.description or f"Client of the {protocol.name} protocol.",
            namespaces=groups,
            sync_namespaces=groups,
            events=self._view_events(protocol.server_events),
            notifications=protocol.notifications,
            notified=Code(" | ".join(text.name(event.class_name) for event in protocol.notifications)),
            actions=_rooted(protocol.client_actions, shown),
        )

    def _event_context(self) -> Mapping[str, Any]:
        protocol = self._protocol
        served = protocol.server_events
        return {
            "descriptors": list(self._events.values()),
            "events": self._view_events(served),
            "rooted": [self._events[event.name] for event in served if event.namespace is None],
            "namespaces": self._event_groups("events_class"),
            "sync_namespaces": self._event_groups("sync_events_class"),
            "union": Code(" | ".join(text.name(event.class_name) for event in served)),
        }

    def _sides(self) -> Mapping[str, Any]:
        protocol = self._protocol
        return {
            "client_actions": [self._actions[action.name] for action in protocol.client_actions],
            "server_actions": [self._actions[action.name] for action in protocol.server_actions],
            "events": self._view_events(protocol.server_events),
            "notifications": self._view_events(protocol.notifications),
        }

    def _errors(self) -> list[views.ErrorView]:
        return [views.error_view(error, self._annotator) for error in self._protocol.errors]

    def _view_events(self, events: Iterable[ir.EventDef]) -> list[views.EventView]:
        return [self._events[event.name] for event in events]

    def _groups(
        self, actions: Iterable[ir.ActionDef], class_attribute: str, shown: Mapping[str, views.ActionView]
    ) -> list[views.Group]:
        chosen = list(actions)
        groups = [
            views.Group(
                accessor=namespace.accessor,
                name=namespace.name,
                class_name=getattr(namespace, class_attribute),
                actions=tuple(shown[action.name] for action in chosen if action.namespace == namespace.name),
            )
            for namespace in self._protocol.namespaces
        ]
        return [group for group in groups if group.actions]

    def _event_groups(self, class_attribute: str) -> list[views.Group]:
        groups = [
            views.Group(
                accessor=namespace.accessor,
                name=namespace.name,
                class_name=getattr(namespace, class_attribute),
                events=tuple(
                    self._events[event.name]
                    for event in self._protocol.server_events
                    if event.namespace == namespace.name
                ),
            )
            for namespace in self._protocol.namespaces
        ]
        return [group for group in groups if group.events]


def _rooted(actions: Iterable[ir.ActionDef], shown: Mapping[str, views.ActionView]) -> list[views.ActionView]:
    return [shown[action.name] for action in actions if action.namespace is None]


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


# ---------------------------------------------------------------------------------------------------- names of modules
def _locals(protocol: ir.Protocol) -> dict[str, str]:
    """Name → module of the package that has it."""
    found: dict[str, str] = {definition.class_name: ".models" for definition in protocol.definitions}
    for definition in protocol.definitions:
        if isinstance(definition, ir.UnionDef) and definition.unknown_class is not None:
            found[definition.unknown_class] = ".unknown"
    found |= {error.class_name: ".errors" for error in protocol.errors}
    names = protocol.python
    found |= dict.fromkeys((names.event_type, names.event, names.events, names.sync_events), ".events")
    found |= {names.client: ".client", names.sync_client: ".sync_client", names.peer: ".peer", "PROTOCOL": ".protocol"}
    found |= dict.fromkeys(("actions", "errors", "events"), ".")
    return found


def _exports(protocol: ir.Protocol, bodies: Mapping[str, str]) -> str:
    """The package's names: all classes, but nothing of how it is put together."""
    names = protocol.python
    exported: dict[str, list[str]] = {
        "client": [names.client],
        "errors": [error.class_name for error in protocol.errors],
        "events": [names.event_type, names.event, names.events, names.sync_events] if protocol.server_events else [],
        "models": [definition.class_name for definition in protocol.definitions],
        "peer": [names.peer],
        "protocol": ["PROTOCOL"],
        "server": [names.service, names.server, *([names.peer_service] if protocol.server_actions else [])],
        "sync_client": [names.sync_client],
        "unknown": [d.unknown_class for d in protocol.definitions if isinstance(d, ir.UnionDef) and d.unknown_class],
    }
    rows = [
        (module, sorted(found, key=import_order)) for module, found in exported.items() if found and module in bodies
    ]
    everything = sorted((name for _, found in rows for name in found), key=export_order)
    return environment().get_template("__init__.py.jinja").render(exports=rows, everything=everything)


# ---------------------------------------------------------------------------------------------------- project
def render_project(protocol: ir.Protocol) -> Files:
    """What makes the package a distribution that can be published: paths beside the package's folder."""
    context = {
        "protocol": protocol,
        "names": protocol.python,
        "header": text.one_line(header(protocol)),
        "is_mit": protocol.license == "MIT",
        "requirements": _requirements(protocol),
        "first_call": _first_call(protocol),
        "first_event": _first_event(protocol),
        "summary": text.one_line(protocol.description or f"The {protocol.name} protocol."),
        "holders": ", ".join(protocol.authors) or f"the authors of {protocol.name}",
    }
    files = {
        "pyproject.toml": _project_file("pyproject.toml", context),
        "README.md": _project_file("README.md", context),
    }
    if protocol.license == "MIT":
        files["LICENSE"] = _project_file("LICENSE", context)
    return files


def _requirements(protocol: ir.Protocol) -> tuple[str, ...]:
    """duologue alone, unless absent members are told from null: pydantic has `MISSING` for good since 2.14."""
    fields = (field for d in protocol.definitions if isinstance(d, ir.ObjectDef) for field in d.fields)
    missing = any(field.presence is ir.Presence.MISSING for field in fields)
    return (f"duologue>={_release()},<{_next_release()}", *(("pydantic>=2.14",) if missing else ()))


def _first_call(protocol: ir.Protocol) -> Code:
    """A statement that calls the first action which answers at once, with `...` for what it needs."""
    accessors = {namespace.name: f"{text.name(namespace.accessor)}." for namespace in protocol.namespaces}
    for action in protocol.client_actions:
        if action.kind is ir.ActionKind.UNARY:
            needed = [field for field in action.arguments if field.presence is ir.Presence.REQUIRED]
            arguments = ", ".join(f"{text.name(field.python_name)}=..." for field in needed)
            where = f"{accessors.get(action.namespace or '', '')}{text.name(action.method)}"
            return Code(f"print(await client.{where}({arguments}))")
    return Code("await client.connected()")


def _first_event(protocol: ir.Protocol) -> Code | None:
    """A call that subscribes: `page.frame_navigated()`."""
    accessors = {namespace.name: f"{text.name(namespace.accessor)}." for namespace in protocol.namespaces}
    for event in protocol.server_events:
        return Code(f"{accessors.get(event.namespace or '', '')}{text.name(event.method)}()")
    return None


def _project_file(file: str, context: Mapping[str, Any]) -> str:
    return environment().get_template(f"project/{file}.jinja").render(context)


def _release() -> str:
    """`0.1.3` → `0.1`."""
    return ".".join(VERSION.split(".")[:2])


def _next_release() -> str:
    """The first release that may break: before 1.0 the next minor one, then the next major one."""
    major, minor = (int(part) for part in VERSION.split(".")[:2])
    return f"0.{minor + 1}" if major == 0 else f"{major + 1}"
