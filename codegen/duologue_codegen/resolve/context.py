"""What all parts of the resolver share: declared names, class names, definitions and the list of problems."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from .. import ir, reserved
from ..grammar import Grammar, did_you_mean
from ..nodes import MapNode, Node, ScalarNode, SeqNode, describe, entries
from ..problems import MAX_PROBLEMS, Problem, TooMany, quote
from .drafts import AnyDraft

G = TypeVar("G", bound=Grammar)

RENAME = "choose another with `python: {name: …}`"
IN_PLACE = "declare the type under `types`, with a name of its own"

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)?")
_LONGEST = 200
_SUGGESTED = 50
"""Problems after which wrong names are no longer compared with all that there are."""


@dataclass(slots=True, kw_only=True)
class Symbol:
    """A declared type, error, action or event: its qualified name and where it is written."""

    name: str
    namespace: str | None
    key: ScalarNode
    node: Node
    class_name: str = ""  # of types and errors

    @property
    def local(self) -> str:
        return self.name.removeprefix(f"{self.namespace}.") if self.namespace else self.name


@dataclass(slots=True)
class Claim:
    what: str
    origin: ir.Origin | None  # None: not written by the author


class Context:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.types: dict[str, Symbol] = {}
        self.errors: dict[str, Symbol] = {}
        self.actions: dict[str, Symbol] = {}
        self.events: dict[str, Symbol] = {}
        self.scopes: dict[str, ir.Scope] = {}
        self.definitions: dict[str, AnyDraft] = {}
        self.absent = ir.Presence.OPTIONAL
        self.wire = "native"
        self._classes: dict[str, Claim] = {}
        self._later: list[Callable[[], None]] = []
        for names, what in (
            (reserved.BUILTIN_CLASSES, "a builtin of Python"),
            (reserved.LIBRARY_CLASSES, "what generated code imports"),
            (reserved.RUNTIME_CLASSES, "the runtime"),
            (reserved.PACKAGE_CONSTANTS, "the package"),
        ):
            self._classes.update((name, Claim(what, None)) for name in sorted(names))

    # ------------------------------------------------------------------------------------------------ problems
    def complain(self, at: Node | ir.Origin, message: str, hint: str | None = None) -> None:
        if len(self.problems) >= MAX_PROBLEMS:
            raise TooMany
        self.problems.append(Problem(at.file, at.line, at.column, message, hint))

    def later(self, check: Callable[[], None]) -> None:
        """Run a check once every type is known."""
        self._later.append(check)

    def settle(self) -> None:
        while self._later:
            self._later.pop(0)()

    # --------------------------------------------------------------------------------------------------- names
    def claim(self, class_name: str, what: str, origin: ir.Origin | None, hint: str = RENAME) -> bool:
        """Take a class name; complain when somebody has it."""
        holder = self._classes.setdefault(class_name, Claim(what, origin))
        if holder.what == what and holder.origin == origin:
            return True
        place = f" (line {holder.origin.line} of {holder.origin.file})" if holder.origin else ""
        self.complain(
            origin or ir.Origin(file="", line=1, column=1),
            f"the class name {quote(class_name)}, for {what}, belongs to {holder.what}{place}",
            hint,
        )
        return False

    def check_chosen(self, class_name: str | None, origin: ir.Origin) -> None:
        """Complain of a class that is called as modules, functions and builtins are: it would be taken for one."""
        if class_name is not None and not class_name[0].isupper():
            self.complain(origin, f"{quote(class_name)} is no name for a class", "begin it with a capital letter")

    def constant(self, name: str) -> str:
        """The name of a constant: of one capital letter (`X`) it could be that of a class in the same module."""
        return f"{name}_" if name in self._classes else name

    def declare(self, table: dict[str, Symbol], section: MapNode | None, namespace: str | None, what: str) -> None:
        """Enter the names of a section."""
        for key, node in entries(section):
            name = key.text
            objection = _objection_to_type(name) if table is self.types else _objection_to_wire_name(name)
            if objection:
                self.complain(key, f"{quote(name)} is no name for {what}", objection)
                continue
            if namespace and "." in name:
                self.complain(key, f"{quote(name)} has a namespace; the file sets {quote(namespace)} already")
                continue
            full = f"{namespace}.{name}" if namespace else name
            if full in table:
                first = table[full].key
                place = f"{first.file} on line {first.line}"
                noun = what.partition(" ")[2]
                self.complain(key, f"{noun} {quote(full)} is declared twice; first in {place}", "rename one of the two")
                continue
            table[full] = Symbol(name=full, namespace=namespace or _namespace(full), key=key, node=node)

    def find(self, table: dict[str, Symbol], name: str, namespace: str | None) -> Symbol | None:
        """Own namespace first, then the root."""
        if namespace and "." not in name:
            own = table.get(f"{namespace}.{name}")
            if own is not None:
                return own
        return table.get(name)

    def suggest(self, name: str, table: Iterable[str], namespace: str | None, others: Iterable[str] = ()) -> str | None:
        if len(self.problems) > _SUGGESTED:
            return None
        visible = [full.removeprefix(f"{namespace}.") if namespace else full for full in table]
        return did_you_mean(name, [*visible, *others])

    # --------------------------------------------------------------------------------------------------- shape
    def read(self, model: type[G], node: Node, what: str, at: Node, stray: str | None = None) -> G | None:
        """A part of the grammar from a node. Wrong keys are told and left out; None when nothing is left to use.

        `at` is where a missing key is reported; `stray` is the hint for a key that the grammar does not know.
        """
        if not isinstance(node, MapNode):
            self.complain(node if not _is_nothing(node) else at, f"{what} is a mapping, not {describe(node)}")
            return None
        try:
            return model.model_validate(node)
        except ValidationError as error:
            wrong = self._tell(error, model, node, what, at, stray)
        try:
            return model.model_validate(node.without(wrong))
        except ValidationError:
            return None

    def _tell(
        self, error: ValidationError, model: type[Grammar], node: MapNode, what: str, at: Node, stray: str | None
    ) -> set[str]:
        wrong: set[str] = set()
        for detail in error.errors(include_url=False, include_input=False):
            path = detail["loc"]
            wrong.add(str(path[0]) if path else "")
            owner, place = _locate(node, path, at)
            last = str(path[-1]) if path else ""
            if detail["type"] == "extra_forbidden":
                keys = _keys(model, path[:-1])
                key = owner.keys_at.get(last, place) if isinstance(owner, MapNode) else place
                hint = did_you_mean(last, keys) or stray
                if " " in last and isinstance(owner, MapNode) and _is_nothing(owner.get(last, owner)):
                    hint = "text with a `,` in it needs quotes here: {description: 'One, two'}"
                if hint is None and keys:
                    hint = f"known here: {', '.join(sorted(keys))}"
                self.complain(key, f"unknown key {quote(last)} in {what}", hint)
            elif detail["type"] == "missing":
                self.complain(at if len(path) == 1 else place, f"{quote(last)} is missing in {what}")
            elif detail["type"] == "spec":
                context = detail.get("ctx", {})
                message = str(context["message"])
                told = message if message.startswith(quote(last)) else f"{quote(last)}: {message}"
                self.complain(place, told, context["hint"])
            else:
                self.complain(place, f"{quote(last)}: a mapping expected")
        return wrong


def _objection_to_type(name: str) -> str | None:
    """Types are named in expressions such as `A|[B]`, and on no wire."""
    if _TYPE.fullmatch(name):
        return None
    return "letters, digits, `_` and `-`, beginning with a letter; one dot may set a namespace apart"


def _objection_to_wire_name(name: str) -> str | None:
    """Actions, events and errors are called whatever they are called on the wire."""
    if 0 < len(name) <= _LONGEST and name.isprintable() and name == name.strip():
        return None
    return f"printable text of at most {_LONGEST} characters, without spaces around it"


def _namespace(name: str) -> str | None:
    """What stands before the last dot, where something stands on both sides of it."""
    before, _, after = name.rpartition(".")
    return before if before and after else None


def _keys(model: type[Grammar], path: tuple[int | str, ...]) -> tuple[str, ...]:
    """What may be written at a path inside a model."""
    for step in path:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        inner = _model_in(fields[str(step)].annotation) if str(step) in fields else None
        if inner is None:
            return ()
        model = inner
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[Grammar] | None:
    """The grammar model in `Model | None` and `Annotated[Model, …]`."""
    if isinstance(annotation, type) and issubclass(annotation, Grammar):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part)) is not None), None)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.is_null


def _locate(node: MapNode, path: tuple[int | str, ...], at: Node) -> tuple[Node, Node]:
    """The owner of what a path of pydantic's points at, and the node itself (the owner's key for empty values)."""
    owner: Node = node
    place: Node = at
    current: Node = node
    for step in path:
        owner = current
        if isinstance(current, MapNode) and step in current:
            value = current[str(step)]
            place = current.keys_at[str(step)] if _is_nothing(value) else value
            current = value
        elif isinstance(current, SeqNode) and isinstance(step, int):
            current = place = current[step]
        else:
            break
    return owner, place
