"""What a type of the protocol is called in Python.

The model generator prints the same annotations by its own way; `models` compares the two.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from . import ir
from .imports import alias
from .text import Code, literal, name

_SCALARS: Final = {
    ir.ScalarKind.STRING: "str",
    ir.ScalarKind.INTEGER: "int",
    ir.ScalarKind.NUMBER: "float",
    ir.ScalarKind.BOOLEAN: "bool",
    ir.ScalarKind.BYTES: "Base64",
    ir.ScalarKind.DATE: "date",
    ir.ScalarKind.DATETIME: "AwareDatetime",
    ir.ScalarKind.DURATION: "timedelta",
    ir.ScalarKind.UUID: "UUID",
    ir.ScalarKind.INT64: "Int64",
    ir.ScalarKind.DECIMAL: "Decimal",
}

_BOUNDS: Final = (
    ("pattern", "pattern"),
    ("min_length", "min_length"),
    ("max_length", "max_length"),
    ("minimum", "ge"),
    ("maximum", "le"),
    ("exclusive_minimum", "gt"),
    ("exclusive_maximum", "lt"),
    ("multiple_of", "multiple_of"),
)
"""Constraint and keyword of pydantic's `Field`."""


@dataclass(frozen=True, slots=True)
class Annotator:
    """Writes annotations for one module.

    `taken` are names of fields and methods in the module: where one of them is called like a library's name, the
    library's is written with an underscore (`_date`), since a class body would read its own member instead.
    """

    protocol: ir.Protocol
    taken: Collection[str] = ()
    constrained: bool = False
    """Whether constraints are written: in models they are, in signatures they would only be noise."""
    ordered: bool = False
    """Whether open enums and unions say that what is known comes first: needed where no model is around that knows."""
    unique: bool = True
    """Whether it is written that no item comes twice; pydantic has no constraint of its own for it."""

    def __call__(self, type_: ir.Type) -> Code:
        """The annotation of a type, wherever one may stand."""
        return self._annotated(self.bare(type_), self.bounds(type_), self._checks(type_))

    def everywhere(self) -> Annotator:
        """For types that stand outside of models."""
        return replace(self, constrained=True, ordered=True)

    def library(self, word: str) -> str:
        return alias(word) if word in self.taken else word

    def bare(self, type_: ir.Type) -> Code:
        """The annotation without the constraints of the type itself; those of its parts stay."""
        match type_:
            case ir.Scalar(kind=ir.ScalarKind.NUMBER) if self.ordered:
                return Code("Annotated[float, Field(allow_inf_nan=False)]")  # a number that overflows is none
            case ir.Scalar(kind=kind):
                return Code(self.library(_SCALARS[kind]))
            case ir.Ref(name=class_name):
                return self._reference(class_name)
            case ir.Array(item=item):
                return Code(f"list[{self(item)}]")
            case ir.Map(key=key, value=value):
                return Code(f"dict[{self(key)}, {self(value)}]")
            case ir.Tuple(items=items):
                return Code(f"tuple[{', '.join(map(self, items))}]")
            case ir.Const(value=value):
                return Code(f"Literal[{literal(value)}]")
            case ir.Nullable(inner=inner):
                return Code(f"{self(inner)} | None")
            case ir.Union(members=members):
                return Code(" | ".join(map(self, members)))
            case ir.Null():
                return Code("None")
            case ir.Json():
                return Code(self.library("Json"))

    def _reference(self, class_name: str) -> Code:
        written = name(class_name)
        definition = self.protocol.definition(class_name)
        if not (isinstance(definition, ir.EnumDef) and definition.open):
            return written
        union = f"{written} | {self.library('UnknownValue')}"
        return Code(f'Annotated[{union}, Field(union_mode="left_to_right")]' if self.ordered else union)

    def is_class(self, reference: ir.Ref) -> bool:
        """Whether the name is a class, not an alias."""
        definition = self.protocol.definition(reference.name)
        return isinstance(definition, ir.ObjectDef) or (isinstance(definition, ir.EnumDef) and not definition.open)

    def bounds(self, type_: ir.Type) -> list[str]:
        """Keywords of `Field` for the constraints of the type itself."""
        match type_:
            case ir.Scalar(constraints=constraints) if self.constrained:
                pairs = [(keyword, getattr(constraints, attribute)) for attribute, keyword in _BOUNDS]
                return [f"{keyword}={self.bound(value)}" for keyword, value in pairs if value is not None]
            case ir.Array(min_items=low, max_items=high) if self.constrained:
                pairs = [("min_length", low), ("max_length", high)]
                return [f"{keyword}={value}" for keyword, value in pairs if value is not None]
            case _:
                return []

    def bound(self, value: object) -> str:
        return f'{self.library("Decimal")}("{value}")' if isinstance(value, Decimal) else literal(value)

    def _checks(self, type_: ir.Type) -> list[str]:
        """What the runtime checks besides pydantic's own constraints."""
        if isinstance(type_, ir.Array) and type_.unique_items and self.constrained and self.unique:
            return ["UniqueItems"]
        return []

    def _annotated(self, inner: str, arguments: Sequence[str], checks: Sequence[str] = ()) -> Code:
        said = [*([f"Field({', '.join(arguments)})"] if arguments else []), *checks]
        return Code(f"Annotated[{', '.join([inner, *said])}]" if said else inner)

    def field(self, field: ir.Field) -> Code:
        """The annotation of a model's field: its constraints, its wire name, and the None of an absent one."""
        aliased = [] if field.name == field.python_name else [f"alias={literal(field.name)}"]
        match field.presence:
            case ir.Presence.OPTIONAL if self._checks(field.type):
                return self._annotated(f"{self(field.type)} | None", aliased)  # None has no items to check
            case ir.Presence.OPTIONAL:
                inner = Code(f"{self.bare(field.type)} | None")
            case ir.Presence.MISSING:
                return self._annotated(self._or_missing(field.type), aliased)
            case _:
                inner = self.bare(field.type)
        return self._annotated(inner, aliased + self.bounds(field.type), self._checks(field.type))

    def _or_missing(self, type_: ir.Type) -> Code:
        if isinstance(type_, ir.Nullable):
            return Code(f"{self(type_.inner)} | {self.library('MISSING')} | None")
        if isinstance(type_, ir.Null):
            return Code(f"{self.library('MISSING')} | None")
        return Code(f"{self(type_)} | {self.library('MISSING')}")

    def union(self, union: ir.UnionDef) -> Code:
        members = " | ".join(self(variant.type) for variant in union.variants)
        if union.discriminator_python is not None:
            members = f"Annotated[{members}, Field(discriminator={literal(union.discriminator_python)})]"
        if union.unknown_class is None:
            return Code(members)
        members = f"{members} | {name(union.unknown_class)}"
        # else pydantic tries the unknown class even where a known one fits, at more than the rest of a decoding costs
        return Code(f'Annotated[{members}, Field(union_mode="left_to_right")]' if self.ordered else members)
