"""A protocol as its spec: what `compile_spec` reads, and gives the same protocol for.

Exporters say in their own formats what those can say, and take the rest from here; importers write what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from . import chosen, ir, names, quantities
from .reserved import CALL_ARGUMENTS, ERROR_ARGUMENTS, UPLOAD_ARGUMENTS
from .typetree import Entry, TypeTrees, notes, present
from .wirespec import NATIVE, PROFILES
from .yamltext import Tree

SECTIONS: Final = ("scopes", "roles", "namespaces", "types", "errors", "actions", "events")
"""Keys of a spec under which one thing stands below the other."""


def unparse(protocol: ir.Protocol) -> dict[str, Tree]:
    """The whole spec in one document; without `imports`, and with all defaults written out."""
    parts = Unparser(protocol)
    return present(
        duologue=protocol.grammar,
        protocol=protocol.name,
        version=protocol.version,
        description=protocol.description,
        license=protocol.license,
        authors=list(protocol.authors),
        links=dict(protocol.links),
        python=parts.python(),
        wire=_wire(protocol),
        scopes={scope.name: scope.doc or "" for scope in protocol.scopes},
        roles={role.name: list(role.scopes) for role in protocol.roles},
        namespaces=parts.namespaces(),
        types=parts.types(),
        errors={error.code: parts.error(error) for error in protocol.errors},
        actions={action.name: parts.action(action) for action in protocol.actions},
        events={event.name: parts.event(event) for event in protocol.events},
    )


def _wire(protocol: ir.Protocol) -> Tree | None:
    """The profile's name, or what the spec declares in full."""
    if protocol.envelope is None or protocol.wire in PROFILES:
        return None if protocol.wire == NATIVE else protocol.wire
    options: Entry = {key: value for key, value in protocol.envelope.items() if key != "extends"}
    if "keepalive" in options:
        options["keepalive"] = {**options["keepalive"], "every": duration(options["keepalive"]["every"])}
    return options


class Unparser:
    """The entries of the sections of one protocol's spec."""

    def __init__(self, protocol: ir.Protocol) -> None:
        self.protocol = protocol
        self.absent = chosen.absent(protocol)
        """What absent fields read as unless they say otherwise."""
        self.trees = TypeTrees(protocol, self.absent)

    # --------------------------------------------------------------------------------------------------- the document
    def python(self) -> Entry:
        made, package = self.protocol.python, self.protocol.python.package
        distribution = f"{self.protocol.name}-sdk"
        return present(
            distribution=made.distribution if made.distribution != distribution else None,
            package=package if package != names.snake(made.distribution) else None,
            prefix=made.prefix if made.prefix != names.pascal(self.protocol.name) else None,
            peer=peer if (peer := made.peer.removeprefix(made.prefix)) != "Peer" else None,
            absent="missing" if self.absent is ir.Presence.MISSING else None,
        )

    def namespaces(self) -> Entry:
        said = {space.name: self._namespace(space) for space in self.protocol.namespaces}
        return {name: entry for name, entry in said.items() if entry}

    def _namespace(self, space: ir.Namespace) -> Entry:
        made = (space.accessor, space.client_class.removeprefix(self.protocol.python.prefix))

        def fits(candidate: str) -> bool:
            return (names.method(candidate), names.pascal(candidate)) == made

        return present(**notes(space), python=_chosen(space.name, fits, [made[1], made[0]]))

    def types(self) -> Entry:
        """Declared types, in the order of the spec as far as it is known: that of the definitions."""
        return {
            definition.name: self.trees.declaration(definition)
            for definition in declared_in_order(self.protocol)
            if definition.name is not None
        }

    # --------------------------------------------------------------------------------------------------------- errors
    def error(self, error: ir.ErrorDef) -> Entry:
        prefix = names.pascal(error.namespace) or "" if error.namespace else ""
        derived = prefix + (names.pascal(local(error.code, error.namespace)) or "")
        said = literal_braces(error.doc or error.code)
        body = self.body(error.details, "details", ERROR_ARGUMENTS, error.namespace) if error.details else {}
        return present(
            status=error.status.value,
            code=error.number,
            message=error.message if error.message != said else None,
            **body,
            retry=duration(error.retry_after),
            **notes(error),
            python={"name": error.class_name} if error.class_name != derived else None,
        )

    # -------------------------------------------------------------------------------------------------------- actions
    def action(self, action: ir.ActionDef) -> Entry:
        upload = action.kind is ir.ActionKind.UPLOAD
        reserved = UPLOAD_ARGUMENTS if upload else CALL_ARGUMENTS
        trees, owner = self.trees, action.params.removesuffix("Params")
        at = action.namespace
        result = trees.position(action.result, f"{owner}Result", at) if not isinstance(action.result, ir.Null) else None
        item = trees.position(action.item, f"{owner}Item", at) if action.item is not None else None
        return present(
            from_=action.side.value if action.side is not ir.Side.CLIENT else None,
            **notes(action),
            python=self._python(action.name, at, owner, action.method, action.constant),
            **self.body(action.params, "params", reserved, at),
            stream=item,
            **{action.kind.value: transfer(action)} if action.transfer else {},
            result=result,
            pages=self._pages(action),
            scope=scope(action.scope),
            effect=action.effect.value,
            errors=[error.code for error in self._errors(action)],
            timeout="none" if action.timeout is None else duration(action.timeout),
            limits=limits(action.limits),
            examples=[self._example(action, example) for example in action.examples],
        )

    def _errors(self, action: ir.ActionDef) -> Iterable[ir.ErrorDef]:
        by_class = {error.class_name: error for error in self.protocol.errors}
        return (by_class[class_name] for class_name in action.errors)

    def _pages(self, action: ir.ActionDef) -> str | None:
        if action.pages is None:
            return None
        result = self.trees.object_of(action.result)
        return next(field.name for field in result.fields if field.python_name == action.pages.items)

    @staticmethod
    def _example(action: ir.ActionDef, example: ir.ActionExample) -> Entry:
        if example.error is not None:
            return {"params": example.params, "error": example.error}
        ended = {} if isinstance(action.result, ir.Null) else {"result": example.result}
        return {"params": example.params, **ended}

    # --------------------------------------------------------------------------------------------------------- events
    def event(self, event: ir.EventDef) -> Entry:
        notification = event.side is ir.Side.CLIENT
        stateful = event.delivery is ir.Delivery.STATE
        entry = present(
            from_=event.side.value if event.side is not ir.Side.SERVER else None,
            **notes(event),
            python=self._python(event.name, event.namespace, event.class_name, event.method, event.constant),
            **self.body(event.class_name, "data", frozenset(), event.namespace),
            delivery=None if notification else event.delivery.value,
            filter=[filter_.path for filter_ in event.filters],
            scope=scope(event.scope),
            examples=list(event.examples),
        )
        return {**entry, "key": list(event.key_paths)} if stateful else entry

    # ---------------------------------------------------------------------------------------------------------- parts
    def body(self, class_name: str, key: str, reserved: frozenset[str], namespace: str | None) -> Entry:
        """`params`, `data` or `details`, and what they are made `with`."""
        definition = self.protocol.definition(class_name)
        assert isinstance(definition, ir.ObjectDef)
        own = self.trees.fields(definition, reserved)
        mixins = [self.trees.name_of(mixin, namespace) for mixin in definition.mixins]
        if len(mixins) == 1 and not own:
            return {key: mixins[0]}
        return present(with_=mixins, **{key: own})

    def _python(self, name: str, space: str | None, pascal: str, method: str, constant: str) -> Entry | None:
        """The name that an author chose for an action or event, if it is not what its own would give."""
        prefix = names.pascal(space) or "" if space else ""

        def fits(candidate: str) -> bool:
            full = f"{space}.{candidate}" if space else candidate
            spelled = names.constant(full)
            made = names.method(candidate), prefix + (names.pascal(candidate) or "")
            return made == (method, pascal) and constant in (spelled, f"{spelled}_")

        return _chosen(local(name, space), fits, [pascal.removeprefix(prefix), method, method.rstrip("_")])


def _chosen(name: str, fits: Callable[[str], bool], candidates: Iterable[str]) -> Entry | None:
    if fits(name):
        return None
    return next(
        ({"name": candidate} for candidate in candidates if names.is_identifier(candidate) and fits(candidate)), None
    )


def local(name: str, namespace: str | None) -> str:
    return name.removeprefix(f"{namespace}.") if namespace else name


def declared_in_order(protocol: ir.Protocol) -> list[ir.Definition]:
    """Declared types by where they were written; where that is unknown, by the order of the definitions."""
    files = {name: number for number, name in enumerate(protocol.sources)}

    def place(definition: ir.Definition) -> tuple[int, int, int]:
        origin = definition.origin
        return (files.get(origin.file, 0), origin.line, origin.column) if origin else (0, 0, 0)

    return sorted((d for d in protocol.definitions if d.name is not None), key=place)


def literal_braces(text: str) -> str:
    """Text as a template that says the same."""
    return text.replace("{", "{{").replace("}", "}}")


def scope(scopes: tuple[str, ...]) -> Tree:
    return "public" if not scopes else scopes[0] if len(scopes) == 1 else list(scopes)


def transfer(action: ir.ActionDef) -> Entry:
    assert action.transfer is not None
    return {
        "media": action.transfer.media,
        "max": quantities.written_size(action.transfer.max_size),
        **({} if action.transfer.resumable else {"resumable": False}),
    }


def limits(limits: ir.Limits) -> Entry:
    rate = limits.rate
    return present(
        rate=quantities.written_rate(rate.per_second) if rate else None,
        burst=rate.burst if rate else None,
        concurrency=limits.concurrency,
        request=quantities.written_size(limits.request) if limits.request else None,
        response=quantities.written_size(limits.response) if limits.response else None,
    )


def duration(seconds: float | None) -> str | None:
    return None if seconds is None else quantities.written_seconds(seconds)
