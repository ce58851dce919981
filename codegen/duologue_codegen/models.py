"""The text of a module of models: definitions of a protocol as classes and aliases."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from . import ir, values
from .annotations import Annotator
from .docs import definition_doc, field_doc
from .resolve.recursion import definition_references, references
from .text import Code, docstring, literal, name


def render_models(
    protocol: ir.Protocol,
    definitions: Collection[ir.Definition],
    taken: Iterable[str] = (),
    late: Collection[str] = (),
) -> Code:
    """These definitions as Python classes and aliases, in this order, without header and imports.

    `taken` are names of fields and methods in the module: `annotations` says what they change. `late` are classes that
    stand elsewhere and may not be there yet.
    """
    below = {definition.class_name for definition in definitions}
    annotator = Annotator(protocol, frozenset(taken), constrained=True)
    return _Module(annotator, definitions, below, frozenset(late)).text()


@dataclass(slots=True)
class _Module:
    annotator: Annotator
    definitions: Collection[ir.Definition]
    _below: set[str]
    """Class names of this module that do not stand above."""
    _late: frozenset[str]

    def text(self) -> Code:
        blocks: list[str] = []
        for definition in self.definitions:
            blocks.append(self._block(definition))
            self._below.discard(definition.class_name)
        return Code("\n\n\n".join(blocks) + "\n")

    def _block(self, definition: ir.Definition) -> str:
        match definition:
            case ir.ObjectDef():
                return self._object(definition)
            case ir.EnumDef():
                return self._enum(definition)
            case ir.UnionDef():
                return self._alias(definition, self.annotator.everywhere().union(definition))
            case ir.AliasDef():
                return self._alias(definition, self.annotator.everywhere()(definition.type))

    def _alias(self, definition: ir.UnionDef | ir.AliasDef, value: str) -> str:
        """The value is text where it names what stands below, as it does in recursion."""
        written = value if self._below.isdisjoint(definition_references(definition)) else literal(value)
        lines = [f'{name(definition.class_name)} = TypeAliasType("{name(definition.class_name)}", {written})']
        doc = definition_doc(definition)
        return "\n".join([*lines, docstring(doc)] if doc else lines)

    def _class(self, definition: ir.ObjectDef | ir.EnumDef, base: str) -> list[str]:
        lines = [f"class {name(definition.class_name)}({base}):"]
        doc = definition_doc(definition)
        return [*lines, f"    {docstring(doc, 4)}", ""] if doc else lines

    def _enum(self, definition: ir.EnumDef) -> str:
        lines = self._class(definition, "IntEnum" if definition.integers else "StrEnum")
        members = [f"    {name(member.python_name)} = {literal(member.value)}" for member in definition.members]
        return "\n".join(lines + members)

    def _object(self, definition: ir.ObjectDef) -> str:
        lines = self._class(definition, definition.base.value)
        if definition.event_name is not None:
            lines.append(f"    event_name: ClassVar[str] = {literal(definition.event_name)}")
        for member in definition.fields:
            lines += self._field(member)
        return "\n".join(lines if len(lines) > 1 else [*lines, "    pass"])

    def _field(self, member: ir.Field) -> list[str]:
        default = self._default(member)
        annotation = self.annotator.field(member)
        if not self._below.isdisjoint(references(member.type)):
            annotation = literal(annotation)
        lines = [f"    {name(member.python_name)}: {annotation}{f' = {default}' if default else ''}"]
        doc = field_doc(member)
        return [*lines, f"    {docstring(doc, 4)}"] if doc else lines

    def _default(self, member: ir.Field) -> str | None:
        match member:
            case ir.Field(presence=ir.Presence.OPTIONAL):
                return "None"
            case ir.Field(presence=ir.Presence.MISSING):
                return self.annotator.library("MISSING")
            case ir.Field(presence=ir.Presence.CONST, type=ir.Const(value=value)):
                return literal(value)
            case ir.Field(default=ir.Default(value=value)):
                written = values.expression(value, self.annotator)
                # A class that comes later, or the one being made, can only be named by a function.
                late = any(self._is_unfinished(class_name) for class_name in values.classes(value))
                return f"{self.annotator.library('Field')}(default_factory=lambda: {written})" if late else written
            case _:
                return None

    def _is_unfinished(self, class_name: str) -> bool:
        """Whether no object of a class can be made here yet: it is not there, or leads to one that is not."""
        missing = self._below | self._late
        waiting, looked_at = [class_name], set[str]()
        while waiting:
            one = waiting.pop()
            if one in missing:
                return True
            if one not in looked_at:
                looked_at.add(one)
                waiting += definition_references(self.annotator.protocol.definition(one))
        return False
