"""Dotted paths into the data of an event: what subscribers filter by, and what a state is keyed by."""

from __future__ import annotations

from .. import ir
from ..grammar import did_you_mean
from ..nodes import ScalarNode
from ..problems import quote
from .context import Context
from .drafts import UNRESOLVED, ObjectDraft
from .fields import object_of, scalar_or_enum
from .types import Types


def walk(
    context: Context, types: Types, data: ObjectDraft, node: ScalarNode
) -> tuple[tuple[str, ...], ir.Scalar | ir.Ref] | None:
    """Python names along a path, and the scalar or enum at its end; None after telling what is wrong."""
    owner: ObjectDraft | None = data
    attributes: list[str] = []
    type_: ir.Type = UNRESOLVED
    parts = node.text.split(".")
    for depth, part in enumerate(parts):
        before = ".".join(parts[:depth])
        if owner is None:
            hint = "a path goes through objects only"
            context.complain(node, f"{quote(before)} is no object, so {quote(node.text)} leads nowhere", hint)
            return None
        field = owner.field_named(part)
        if field is None:
            where = f"{quote(before)} has" if before else "the data has"
            close = did_you_mean(part, [known.name for known in owner.fields])
            context.complain(node, f"{where} no field {quote(part)}", close)
            return None
        if field.type is UNRESOLVED:
            return None
        attributes.append(field.python_name)
        type_ = field.type
        owner = object_of(types, type_)
    scalar = scalar_or_enum(types, type_)
    if scalar is None:
        hint = "a path ends at text, a number, a boolean, a date or an enum"
        context.complain(node, f"{quote(node.text)} is no scalar or enum", hint)
        return None
    return tuple(attributes), scalar
