"""A second opinion on models: another tool prints them from JSON Schema, and what it says must be what we say.

It is asked so that a mistake of ours, or of its new version, ends generation instead of reaching a user. For protocols
of a thousand types it is too slow (`generate` says which are asked about).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from typing_extensions import override

from . import ir
from .annotations import Annotator
from .imports import LIBRARY
from .lower import Lowered, lower
from .printer import print_models
from .resolve.recursion import definition_references
from .text import Code, literal

Printer: TypeAlias = Callable[[Lowered], str]


_WORD: Final = re.compile(r"\b[A-Za-z_]\w*\b")


class PrinterMismatch(Exception):
    """The model generator printed something else than the protocol says: an error of ours or of its new version."""


def compare_models(protocol: ir.Protocol, printer: Printer | None = None) -> None:
    """Raise `PrinterMismatch` where the other tool prints another class, field, annotation or alias than we do."""
    annotator = Annotator(protocol, constrained=True, unique=False)
    lowered = lower(protocol, annotator.bound)
    printed = _Printed.parse((printer or print_models)(lowered), lowered, annotator)
    _Comparison(protocol, annotator, printed).run()


# ------------------------------------------------------------------------------------------- what the printer printed
@dataclass(frozen=True, slots=True)
class _PrintedField:
    name: str
    annotation: str
    default: str | None


@dataclass(frozen=True, slots=True)
class _PrintedClass:
    bases: tuple[str, ...]
    fields: tuple[_PrintedField, ...]
    members: tuple[tuple[str, str], ...] = ()
    """Of an enum: name and value."""


@dataclass(slots=True)
class _Printed:
    """Statements by class name, in the order of the text, with all tokens restored."""

    classes: dict[str, _PrintedClass] = field(default_factory=dict[str, _PrintedClass])
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    order: list[str] = field(default_factory=list[str])
    rebuilt: list[str] = field(default_factory=list[str])

    @classmethod
    def parse(cls, text: str, lowered: Lowered, annotator: Annotator) -> _Printed:
        reader = _Reader(text, lowered, annotator)
        for statement in ast.parse(text).body:
            reader.read(statement)
        return reader.finish()


class _Reader:
    """Takes the printer's text apart. Anything that it does not know is an error."""

    def __init__(self, text: str, lowered: Lowered, annotator: Annotator) -> None:
        self._text = text
        self._lines = text.splitlines()
        self._lowered = lowered
        self._library = {word: annotator.library(word) for word in LIBRARY}
        self._private: dict[str, str] = {}
        self._printed = _Printed()

    def read(self, statement: ast.stmt) -> None:
        match statement:
            case ast.ImportFrom() | ast.Import():
                pass
            case ast.ClassDef(name=token, bases=bases, body=body):
                parts = [part for part in (self._member(line) for line in body) if part is not None]
                wanted = tuple(self._source(base) for base in bases)
                self._add_class(token, wanted, parts)
            case ast.Assign(
                targets=[ast.Name(id=token)],
                value=ast.Call(func=ast.Name(id="TypeAliasType"), args=[ast.Constant(), value]),
            ):
                if token in self._lowered.tokens.meanings:
                    self._printed.aliases[token] = self._source(value)
                    self._printed.order.append(token)
                else:
                    # A part with constraints of its own was given a name: it goes back to where it stands.
                    self._private[token] = self._source(value)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=token), attr="model_rebuild"), args=[])):
                self._printed.rebuilt.append(token)
            case _:
                raise PrinterMismatch(f"unexpected statement: {ast.unparse(statement)}")

    def _add_class(self, token: str, bases: tuple[str, ...], parts: Sequence[_PrintedField | tuple[str, str]]) -> None:
        fields = tuple(part for part in parts if isinstance(part, _PrintedField))
        members = tuple(part for part in parts if not isinstance(part, _PrintedField))
        self._printed.classes[token] = _PrintedClass(bases, fields, members)
        self._printed.order.append(token)

    def _member(self, line: ast.stmt) -> _PrintedField | tuple[str, str] | None:
        match line:
            case ast.AnnAssign(target=ast.Name(id=token), annotation=annotation, value=value):
                return _PrintedField(token, self._source(annotation), None if value is None else self._source(value))
            case ast.Assign(targets=[ast.Name(id="model_config")]) | ast.Pass():
                return None  # our base class has the configuration
            case ast.Assign(targets=[ast.Name(id=token)], value=value):
                return token, self._source(value)
            case _:
                raise PrinterMismatch(f"unexpected member: {ast.unparse(line)}")

    def _source(self, node: ast.expr) -> str:
        """The text of a node. What is printed is ASCII, so that offsets in bytes are offsets in text."""
        if node.end_lineno is None or node.end_lineno != node.lineno:
            return ast.get_source_segment(self._text, node) or ""
        return self._lines[node.lineno - 1][node.col_offset : node.end_col_offset]

    def finish(self) -> _Printed:
        """Put parts back, and restore what the tokens stand for."""
        printed, done = self._printed, _Printed()
        for token, found in printed.classes.items():
            fields = tuple(
                _PrintedField(self._final(f.name), self._final(f.annotation), self._optional(f.default))
                for f in found.fields
            )
            members = tuple((self._final(key), self._final(value)) for key, value in found.members)
            done.classes[self._final(token)] = _PrintedClass(found.bases, fields, members)
        done.aliases = {self._final(token): self._final(value) for token, value in printed.aliases.items()}
        done.order = [self._final(token) for token in printed.order]
        done.rebuilt = [self._final(token) for token in printed.rebuilt]
        return done

    def _optional(self, text: str | None) -> str | None:
        return None if text is None else self._final(text)

    def _final(self, text: str) -> Code:
        expanded = _WORD.sub(lambda match: self._private.get(match[0], match[0]), text)
        if expanded != text:
            return self._final(expanded)
        return self._lowered.tokens.restore(_WORD.sub(lambda match: self._library.get(match[0], match[0]), text))


# ------------------------------------------------------------------------------------------------------ the comparison
@dataclass(slots=True)
class _Comparison:
    protocol: ir.Protocol
    annotator: Annotator
    printed: _Printed

    def run(self) -> None:
        wanted = sorted(definition.class_name for definition in self.protocol.definitions)
        if sorted(self.printed.order) != wanted:
            raise PrinterMismatch(f"classes differ: {sorted(set(self.printed.order).symmetric_difference(wanted))}")
        for definition in self.protocol.definitions:
            self._definition(definition)

    def _definition(self, definition: ir.Definition) -> None:
        match definition:
            case ir.ObjectDef():
                self._object(definition)
            case ir.EnumDef():
                self._enum(definition)
            case ir.UnionDef():
                self._alias(definition, self.annotator.union(definition))
            case ir.AliasDef():
                self._alias(definition, self.annotator(definition.type))

    def _alias(self, definition: ir.UnionDef | ir.AliasDef, wanted: str) -> None:
        if not self._holds_itself(definition):  # of `[A]` in `A` the other tool prints no more than `list`
            _same(definition.class_name, self.printed.aliases.get(definition.class_name, ""), wanted)

    def _holds_itself(self, definition: ir.UnionDef | ir.AliasDef) -> bool:
        """Whether it leads to itself through names that are no classes."""
        waiting: list[ir.Definition] = [definition]
        seen: set[str] = set()
        while waiting:
            for one in definition_references(waiting.pop()):
                if one == definition.class_name:
                    return True
                following = self.protocol.definition(one)
                if one not in seen and isinstance(following, ir.UnionDef | ir.AliasDef):
                    seen.add(one)
                    waiting.append(following)
        return False

    def _class(self, definition: ir.ObjectDef | ir.EnumDef, base: str) -> _PrintedClass:
        printed = self.printed.classes.get(definition.class_name)
        if printed is None or printed.bases != (base,):
            raise PrinterMismatch(f"{definition.class_name} is no class that derives from {base}")
        return printed

    def _enum(self, definition: ir.EnumDef) -> None:
        printed = self._class(definition, "IntEnum" if definition.integers else "StrEnum")
        wanted = tuple((member.python_name, member.value) for member in definition.members)
        if tuple((key, ast.literal_eval(value)) for key, value in printed.members) != wanted:
            raise PrinterMismatch(f"{definition.class_name}: {printed.members} instead of {wanted}")

    def _object(self, definition: ir.ObjectDef) -> None:
        printed = self._class(definition, definition.base.value)
        names = tuple(member.python_name for member in definition.fields)
        if tuple(member.name for member in printed.fields) != names:
            raise PrinterMismatch(f"{definition.class_name}: fields {printed.fields} instead of {names}")
        for member, shown in zip(definition.fields, printed.fields, strict=True):
            where = f"{definition.class_name}.{member.python_name}"
            _same(where, shown.annotation, self.annotator.field(member))
            if member.presence is ir.Presence.OPTIONAL:
                _same(where, shown.default or "...", "None")
            elif isinstance(member.type, ir.Const) and member.presence is ir.Presence.CONST:
                _same(where, shown.default or "...", literal(member.type.value))


def _same(where: str, printed: str, wanted: str) -> None:
    """Compare as Python does: quotes, parentheses, quoted annotations and the order of keywords do not count."""
    if _normal(printed) != _normal(wanted):
        raise PrinterMismatch(f"{where}: printed {printed!r}, the protocol says {wanted!r}")


def _normal(text: str) -> str:
    return ast.dump(_Normalizer().visit(ast.parse(text, mode="eval")))


class _Normalizer(ast.NodeTransformer):
    @override
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        node.keywords.sort(key=lambda keyword: keyword.arg or "")
        return node

    @override
    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """`Union[A, "B"]` is `A | B`."""
        self.generic_visit(node)
        if not (isinstance(node.value, ast.Name) and node.value.id == "Union"):
            return node
        members = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return ast.parse(" | ".join(_member_text(member) for member in members), mode="eval").body


def _member_text(member: ast.expr) -> str:
    if isinstance(member, ast.Constant) and isinstance(member.value, str):
        return member.value
    return ast.unparse(member)
