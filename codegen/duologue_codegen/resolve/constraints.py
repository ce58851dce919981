"""Bounds and patterns: which fit which type, and what they add to those that the type has already."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from .. import ir
from ..nodes import MapNode, Node, ScalarNode
from ..problems import quote
from ..spec import TypeForm
from . import patterns
from .context import Context

_TEXT = ("pattern", "min_length", "max_length")
_NUMBERS = ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum", "multiple_of")
_ITEMS = ("min_items", "max_items", "unique_items")
_LOWER = frozenset({"min_length", "minimum", "exclusive_minimum", "min_items"})
_WHOLE = frozenset({ir.ScalarKind.INTEGER, ir.ScalarKind.INT64})
_ROUNDED: dict[str, Callable[[float], int]] = {
    "minimum": math.ceil, "maximum": math.floor, "exclusive_minimum": math.floor, "exclusive_maximum": math.ceil,
    "multiple_of": int,
}  # fmt: skip
"""What a bound with a fraction is among whole numbers: pydantic takes no other for these."""
_NUMERIC = frozenset({ir.ScalarKind.INTEGER, ir.ScalarKind.NUMBER, ir.ScalarKind.INT64, ir.ScalarKind.DECIMAL})
WORDS: dict[str, str] = {
    name: TypeForm.model_fields[name].alias or name for name in (*_TEXT, *_NUMBERS, *_ITEMS)
}  # attribute → key in the spec


def given(form: TypeForm) -> dict[str, Any]:
    """The constraints that a long form writes, by attribute."""
    found = {name: getattr(form, name) for name in WORDS}
    return {name: value for name, value in found.items() if value is not None}


def constrain(context: Context, base: ir.Type, asked: dict[str, Any], node: MapNode) -> ir.Type:
    """The type with constraints added; what does not fit is told. `base` is no `Ref`."""
    if isinstance(base, ir.Nullable):
        return replace(base, inner=constrain(context, base.inner, asked, node))
    fitting = _fitting(base)
    for name in [name for name in asked if name not in fitting]:
        hint = f"it takes {', '.join(WORDS[known] for known in fitting)}" if fitting else None
        context.complain(node.keys_at[WORDS[name]], f"{quote(WORDS[name])} does not fit {shown(base)}", hint)
        del asked[name]
    if isinstance(base, ir.Array):
        merged = replace(base, **_merged(context, base, asked, node))
        _check_range(context, merged, "min_items", "max_items", node)
        return merged
    if isinstance(base, ir.Scalar) and asked:
        values = {name: _number(context, base.kind, name, value) for name, value in asked.items()}
        _check_pattern(context, asked, node)
        limits = replace(base.constraints, **_merged(context, base.constraints, values, node))
        _check_range(context, limits, "min_length", "max_length", node)
        _check_range(context, limits, "minimum", "maximum", node)
        return replace(base, constraints=limits)
    return base


def shown(base: ir.Type) -> str:
    match base:
        case ir.Scalar():
            return f"`{base.kind}`"
        case ir.Array():
            return "a list"
        case ir.Map():
            return "a map"
        case ir.Ref():
            return f"`{base.name}`"
        case ir.Union():
            return "a union"
        case ir.Json():
            return "`json`"
        case _:
            return "this type"


def _fitting(base: ir.Type) -> tuple[str, ...]:
    if isinstance(base, ir.Array):
        return _ITEMS
    if isinstance(base, ir.Scalar):
        if base.kind is ir.ScalarKind.STRING:
            return _TEXT
        if base.kind in _NUMERIC:
            return _NUMBERS
    return ()


def _number(context: Context, kind: ir.ScalarKind, name: str, value: Any) -> Any:
    if not isinstance(value, ScalarNode):
        return value
    if kind is ir.ScalarKind.DECIMAL and _is_decimal(value):
        return Decimal(value.text)
    if kind in _WHOLE and isinstance(value.value, float):
        if name == "multiple_of" and not value.value.is_integer():
            message = f"`multipleOf`: {value.text} is no step of whole numbers"
            context.complain(value, message, "write a whole number, or make the type a `number`")
            return None
        return _ROUNDED[name](value.value)
    return value.value


def _is_decimal(node: ScalarNode) -> bool:
    try:
        return Decimal(node.text).is_finite()
    except ArithmeticError:
        return False


def _merged(context: Context, old: Any, new: dict[str, Any], node: MapNode) -> dict[str, Any]:
    """The stricter of two bounds; two patterns cannot be one."""
    result: dict[str, Any] = {}
    for name, value in new.items():
        before = getattr(old, name)
        if name in ("pattern", "multiple_of") and before is not None:
            context.complain(node.keys_at[WORDS[name]], f"the type has a {quote(WORDS[name])} already")
        elif before is None or isinstance(before, bool):
            result[name] = value
        else:
            result[name] = max(before, value) if name in _LOWER else min(before, value)
    return result


def _check_pattern(context: Context, asked: dict[str, Any], node: MapNode) -> None:
    pattern = asked.get("pattern")
    if pattern is not None and (objection := patterns.objection(pattern)):
        context.complain(node["pattern"], objection[0], objection[1])


def _check_range(context: Context, limits: Any, low: str, high: str, node: MapNode) -> None:
    least, most = getattr(limits, low), getattr(limits, high)
    if least is not None and most is not None and least > most:
        place: Node = node.get(WORDS[high]) or node.get(WORDS[low]) or node
        context.complain(place, f"nothing is between {WORDS[low]} {least} and {WORDS[high]} {most}")
