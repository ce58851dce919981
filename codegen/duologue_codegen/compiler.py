"""From the path of a spec to the intermediate representation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import ir
from .files import SourceFile, read_files
from .keeping import no_collection
from .nodes import MapNode, ScalarNode
from .problems import SpecErrors, TooMany, too_many
from .resolve import carried, recursion, scopes, wires
from .resolve import document as whole
from .resolve.actions import Actions
from .resolve.context import Context
from .resolve.drafts import UnionDraft
from .resolve.endless import check_defaults
from .resolve.events import Events
from .resolve.failures import Failures
from .resolve.finish import Finish
from .resolve.spelling import Members
from .resolve.types import Types
from .resolve.unions import check_told_apart, check_union
from .spec import GRAMMAR_VERSION, DefaultsSpec, Document, ImportedDocument, Sections


@no_collection()
def compile_spec(path: Path) -> ir.Protocol:
    """The protocol that a spec describes. Raises SpecErrors with everything that is wrong with it."""
    files, problems = read_files(path)
    context = Context()
    context.problems.extend(problems)
    try:
        protocol = _compile(context, files)
    except TooMany:
        raise SpecErrors([*context.problems, too_many(context.problems[-1])], path.parent) from None
    if context.problems or protocol is None:
        raise SpecErrors(context.problems, path.parent)
    return protocol


def _compile(context: Context, files: list[SourceFile]) -> ir.Protocol | None:
    root = files[0].root
    document = context.read(Document, root, "the spec", root)
    if document is None:
        document = _stand_in(root)
    _declare(context, files, document)
    if document is None:
        return None
    wire = wires.resolve(context, document.wire)
    context.wire = wire.name
    if document.python and document.python.absent == "missing":
        context.absent = ir.Presence.MISSING
    defaults = document.defaults or DefaultsSpec.model_validate({})
    python = whole.python_names(context, document, root)
    whole.claim_classes(context, python, root)

    types, members = Types(context), Members(context)
    failures = Failures(context, types)
    actions = Actions(context, types, failures, members, defaults)
    events = Events(context, types, members, defaults)
    types.enter(context.types.values())
    failures.enter(context.errors.values())
    for symbol in context.types.values():
        types.define(symbol)
    failures.resolve()
    actions.resolve()
    events.resolve()
    namespaces = whole.namespaces(context, python, members, _sections(files, "namespaces"))
    if not recursion.check(context):
        return None  # checks below follow references, and would not come to an end
    context.settle()
    for draft in context.definitions.values():
        if isinstance(draft, UnionDraft):
            check_union(context, types, draft)
    for node, union in types.unions:
        check_told_apart(context, types, [(node, member) for member in union.members])

    finish = Finish(context, types)
    definitions = finish.definitions()
    check_defaults(context, definitions)
    made = {definition.class_name: definition for definition in definitions}
    declared = actions.definitions(made, finish)
    wire = wires.completed(context, wire, declared)
    protocol = ir.Protocol(
        name=document.protocol,
        version=document.version,
        grammar=GRAMMAR_VERSION,
        sources=tuple(file.name for file in files),
        python=python,
        wire=wire.name,
        envelope=wire.envelope,
        description=document.description,
        license=whole.licence(context, document, root),
        authors=tuple(author.text for author in document.authors),
        links=whole.links(context, document.links),
        scopes=tuple(context.scopes.values()),
        roles=_roles(context, files),
        namespaces=namespaces,
        definitions=definitions,
        errors=failures.definitions(made),
        actions=declared,
        events=events.definitions(finish),
    )
    carried.check_wire(context, wire, protocol)
    return protocol


def _stand_in(root: MapNode) -> Document | None:
    """The document with what it lacks made up, so that the rest is checked as well; what it lacks has been told."""
    repaired = root.without(set())
    for key, text in (("protocol", "protocol"), ("version", "0.0.0")):
        repaired[key] = ScalarNode(text, root.file, root.line, root.column, plain=False)
        repaired.keys_at.setdefault(key, ScalarNode(key, root.file, root.line, root.column, plain=True))
    return Context().read(Document, repaired, "the spec", root)


def _declare(context: Context, files: list[SourceFile], document: Document | None) -> None:
    """Enter the names of all files before anything refers to them."""
    sections: list[tuple[Sections, str | None]] = [(document, None)] if document is not None else []
    for file in files[1:]:
        hint = "an imported file has `duologue`, `namespace` and sections only"
        imported = context.read(ImportedDocument, file.root, "an imported file", file.root, hint)
        if imported is not None:
            sections.append((imported, imported.namespace))
    for section, namespace in sections:
        scopes.declare(context, section.scopes)
        context.declare(context.types, section.types, namespace, "a type")
        context.declare(context.errors, section.errors, namespace, "an error")
        context.declare(context.actions, section.actions, namespace, "an action")
        context.declare(context.events, section.events, namespace, "an event")


def _roles(context: Context, files: list[SourceFile]) -> tuple[ir.Role, ...]:
    found: dict[str, ir.Role] = {}
    for roles in _sections(files, "roles"):
        scopes.roles(context, roles, found)
    return tuple(found.values())


def _sections(files: list[SourceFile], key: str) -> Iterator[MapNode]:
    """A section of all files, the root's first; one of another shape has been told."""
    for file in files:
        section = file.root.get(key)
        if isinstance(section, MapNode):
            yield section
