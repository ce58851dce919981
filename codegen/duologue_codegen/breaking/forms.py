"""How leaves, limits and defaults of two versions compare, and how they are told."""

from __future__ import annotations

from typing import Final

from .. import ir
from ..problems import quote
from . import scalars
from .leaves import Leaf, Others, is_alike, object_of, tag_of

Presence = ir.Presence


def is_unknown_to(union: ir.UnionDef, leaf: Leaf) -> bool:
    """Whether an open union takes this for a member that it does not know: it refuses those that it does."""
    if isinstance(leaf, Others):
        return leaf.union.discriminator == union.discriminator
    written = object_of(leaf)
    tag = tag_of(written, union.discriminator) if written is not None else None
    return tag is not None and tag not in {variant.tag for variant in union.variants}


def is_older_form(leaf: Leaf, other: Leaf) -> bool:
    """Whether values of what the reader takes may be written as this, by a writer that uses nothing new."""
    if isinstance(leaf, ir.Scalar) and isinstance(other, ir.Scalar):
        return scalars.is_within(leaf.kind, other.kind) or rewritten(leaf, other)
    return isinstance(other, ir.Json) or is_alike(leaf, other) > 0


def rewritten(leaf: ir.Scalar, other: ir.Scalar) -> bool:
    """Whether a value of the older kind is written differently by the newer one: 1 becomes 1.0, which is no integer."""
    return leaf.kind is ir.ScalarKind.NUMBER and other.kind is ir.ScalarKind.INTEGER


def takes_value(other: ir.Scalar | ir.EnumDef | ir.Const, value: ir.JsonValue) -> bool:
    match other:
        case ir.Const(value=same):
            return type(value) is type(same) and value == same
        case ir.EnumDef(members=members):
            return (other.open and isinstance(value, str)) or value in [member.value for member in members]
        case ir.Scalar(kind=kind):
            fits = {
                ir.ScalarKind.STRING: isinstance(value, str),
                ir.ScalarKind.BOOLEAN: isinstance(value, bool),
                ir.ScalarKind.INTEGER: isinstance(value, int) and not isinstance(value, bool),
                ir.ScalarKind.NUMBER: isinstance(value, int | float) and not isinstance(value, bool),
            }
            return fits.get(kind, False) and scalars.violation(other, value) is None


def kind_of_values(enum: ir.EnumDef) -> str:
    return "whole numbers" if enum.integers else "text"


def is_open(leaf: Leaf) -> bool:
    return isinstance(leaf, ir.EnumDef) and leaf.open


_ABSENT: Final = ("absent",)


def absent_meaning(field: ir.Field) -> object:
    """What a field that is not there reads as."""
    return repr(field.default.wire) if field.presence is Presence.DEFAULT and field.default is not None else _ABSENT


def meaning(field: ir.Field) -> str:
    return "absent" if field.default is None else quote(field.default.wire)


def default_kind(field: ir.Field, other: ir.Field) -> str:
    if field.default is None:
        return "default-new"
    return "default" if other.default is not None else "default-gone"


def limits_told(limits: ir.Constraints, others: ir.Constraints, kind: str) -> tuple[str, str]:
    def shown(of: ir.Constraints) -> str:
        match kind:
            case "length":
                return between(of.min_length, of.max_length)
            case "pattern" | "unproven":
                return quote(of.pattern) if of.pattern is not None else "any text"
            case "multiple":
                return str(of.multiple_of)
            case _:
                low = of.minimum if of.minimum is not None else of.exclusive_minimum
                return between(low, of.maximum if of.maximum is not None else of.exclusive_maximum)

    return shown(limits), shown(others)


def between(least: ir.Number | None, most: ir.Number | None) -> str:
    return f"{'' if least is None else least}…{'' if most is None else most}"
