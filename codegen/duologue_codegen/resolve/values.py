"""Values that a spec writes (defaults, examples): whether they fit a type, and what they are in Python and in JSON."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NoReturn

from .. import ir, scalars
from ..nodes import MapNode, Node, ScalarNode, SeqNode, describe, to_json
from ..problems import quote
from . import patterns
from .drafts import UNRESOLVED, AliasDraft, EnumDraft, ObjectDraft, UnionDraft
from .types import Types

_MAX_SAFE_INTEGER = 2**53 - 1
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DURATION = re.compile(r"P(?=[0-9T])([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,6})?S)?)?")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_INT64 = re.compile(r"-?[0-9]{1,19}")


class Misfit(Exception):
    """A value does not fit its type."""

    def __init__(self, node: Node, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.node = node
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Fitted:
    value: ir.Value
    wire: ir.JsonValue


def fit(types: Types, node: Node, type_: ir.Type) -> Fitted:
    """The value of a node as a type sees it; raise Misfit when it is none."""
    if type_ is UNRESOLVED:
        return Fitted(ir.JsonLiteral(value=None), None)
    match type_:
        case ir.Scalar():
            return _scalar(node, type_)
        case ir.Ref():
            return _reference(types, node, type_)
        case ir.Nullable():
            return _plain(None) if _is_null(node) else fit(types, node, type_.inner)
        case ir.Null():
            return _plain(None) if _is_null(node) else _misfit(node, "null")
        case ir.Const():
            return _const(node, type_)
        case ir.Array():
            return _array(types, node, type_)
        case ir.Tuple():
            return _tuple(types, node, type_)
        case ir.Map():
            return _map(types, node, type_)
        case ir.Union():
            return _first(types, node, type_.members)
        case ir.Json():
            try:
                value = to_json(node)
            except ValueError as error:
                raise Misfit(node, str(error)) from None
            return Fitted(ir.JsonLiteral(value=value), value)


def _plain(value: str | float | None) -> Fitted:
    return Fitted(ir.PlainValue(value=value), value)


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.is_null


def _misfit(node: Node, expected: str, hint: str | None = None) -> NoReturn:
    raise Misfit(node, f"{expected} expected, not {describe(node)}", hint)


# -------------------------------------------------------------------------------------------------------- scalars
def _scalar(node: Node, type_: ir.Scalar) -> Fitted:
    if not isinstance(node, ScalarNode) or node.is_null:
        hint = "quote it if the text is meant" if isinstance(node, ScalarNode) and node.text else None
        _misfit(node, f"`{type_.kind}`", hint)
    if type_.kind in _READERS:
        if not is_written(type_.kind, node.text):
            _misfit(node, f"`{type_.kind}`", _HINTS[type_.kind])
        if type_.kind in (ir.ScalarKind.INT64, ir.ScalarKind.DECIMAL):
            _check_bounds(node, Decimal(node.text), type_.constraints)
        return Fitted(ir.ScalarValue(kind=type_.kind, text=node.text), node.text)
    value = node.text if type_.kind is ir.ScalarKind.STRING else node.value
    if isinstance(value, str) and type_.kind is ir.ScalarKind.STRING:
        _check_text(node, value, type_.constraints)
    elif isinstance(value, bool) != (type_.kind is ir.ScalarKind.BOOLEAN) or isinstance(value, str):
        _misfit(node, f"`{type_.kind}`")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        whole = type_.kind is ir.ScalarKind.INTEGER
        if (whole and not isinstance(value, int)) or not scalars.is_finite(value):
            _misfit(node, f"`{type_.kind}`")
        if whole and abs(value) > _MAX_SAFE_INTEGER:
            raise Misfit(node, f"{node.text} is beyond 2**53 - 1", "`int64` goes further")
        _check_bounds(node, value, type_.constraints)
    return _plain(value)


def is_written(kind: ir.ScalarKind, text: str) -> bool:
    """Whether a text may stand on the wire for a value of this kind."""
    reader = _READERS.get(kind)
    return reader is None or bool(reader(text))


def _check_text(node: Node, text: str, limits: ir.Constraints) -> None:
    if limits.min_length is not None and len(text) < limits.min_length:
        raise Misfit(node, f"{quote(text)} is shorter than {limits.min_length}")
    if limits.max_length is not None and len(text) > limits.max_length:
        raise Misfit(node, f"{quote(text)} is longer than {limits.max_length}")
    if limits.pattern is None or patterns.objection(limits.pattern):
        return
    if not patterns.matches(limits.pattern, text):
        raise Misfit(node, f"{quote(text)} does not match {quote(limits.pattern)}")


def _check_bounds(node: Node, value: float | Decimal, limits: ir.Constraints) -> None:
    """Compared as decimals: exact, and free of the traps of mixing kinds of numbers."""
    number = Decimal(str(value))
    checks: tuple[tuple[ir.Number | None, Callable[[Decimal], bool], str], ...] = (
        (limits.minimum, lambda bound: number >= bound, "less than"),
        (limits.maximum, lambda bound: number <= bound, "greater than"),
        (limits.exclusive_minimum, lambda bound: number > bound, "not above"),
        (limits.exclusive_maximum, lambda bound: number < bound, "not below"),
    )
    for bound, holds, words in checks:
        if bound is not None and not holds(Decimal(str(bound))):
            raise Misfit(node, f"{value} is {words} {bound}")
    step = limits.multiple_of
    if step is not None and abs(number) < Decimal(10) ** 20 and number % Decimal(str(step)):
        raise Misfit(node, f"{value} is no multiple of {step}")


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _is_datetime(text: str) -> bool:
    try:
        return _DATETIME.fullmatch(text) is not None and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _is_base64(text: str) -> bool:
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except (binascii.Error, ValueError):
        return False


_READERS: dict[ir.ScalarKind, Callable[[str], object]] = {
    ir.ScalarKind.BYTES: _is_base64,
    ir.ScalarKind.DATE: _is_date,
    ir.ScalarKind.DATETIME: _is_datetime,
    ir.ScalarKind.DURATION: lambda text: len(text) < 32 and _DURATION.fullmatch(text),
    ir.ScalarKind.UUID: _UUID.fullmatch,
    ir.ScalarKind.INT64: lambda text: _INT64.fullmatch(text) and -(2**63) <= int(text) < 2**63,
    ir.ScalarKind.DECIMAL: lambda text: len(text) < 64 and _DECIMAL.fullmatch(text),
}
_HINTS = {
    ir.ScalarKind.BYTES: "base64 with padding, as in `aGk=`",
    ir.ScalarKind.DATE: "as in `2026-01-31`",
    ir.ScalarKind.DATETIME: "with an offset, as in `2026-01-31T12:00:00Z`",
    ir.ScalarKind.DURATION: "days, hours, minutes and seconds of ISO 8601, as in `PT10S`",
    ir.ScalarKind.UUID: "as in `9f1c8a52-3b1e-4c6e-9a52-0d5b1f3e7a10`",
    ir.ScalarKind.INT64: "a whole number of 64 bits",
    ir.ScalarKind.DECIMAL: "digits, as in `19.99`",
}


# ----------------------------------------------------------------------------------------------------- containers
def _const(node: Node, type_: ir.Const) -> Fitted:
    value: object = None
    if isinstance(node, ScalarNode):
        value = node.text if isinstance(type_.value, str) else node.value
    if value != type_.value or type(value) is not type(type_.value):
        _misfit(node, f"`{type_.value}`")
    return _plain(type_.value)


def _array(types: Types, node: Node, type_: ir.Array) -> Fitted:
    items = _items(node)
    if type_.min_items is not None and len(items) < type_.min_items:
        raise Misfit(node, f"{len(items)} items are less than {type_.min_items}")
    if type_.max_items is not None and len(items) > type_.max_items:
        raise Misfit(node, f"{len(items)} items are more than {type_.max_items}")
    fitted = [fit(types, item, type_.item) for item in items]
    if type_.unique_items:
        for index, item in enumerate(fitted):
            if any(item.wire == other.wire for other in fitted[:index]):
                raise Misfit(items[index], "the item stands here twice")
    return Fitted(ir.ListValue(items=tuple(item.value for item in fitted)), [item.wire for item in fitted])


def _tuple(types: Types, node: Node, type_: ir.Tuple) -> Fitted:
    items = _items(node)
    if len(items) != len(type_.items):
        raise Misfit(node, f"{len(type_.items)} items expected, not {len(items)}")
    fitted = [fit(types, item, wanted) for item, wanted in zip(items, type_.items, strict=True)]
    value = ir.ListValue(items=tuple(item.value for item in fitted), is_tuple=True)
    return Fitted(value, [item.wire for item in fitted])


def _items(node: Node) -> SeqNode:
    return node if isinstance(node, SeqNode) else _misfit(node, "a list")


def _map(types: Types, node: Node, type_: ir.Map) -> Fitted:
    if not isinstance(node, MapNode):
        _misfit(node, "a mapping")
    keys = {key: fit(types, _as_text(node.keys_at[key]), type_.key) for key in node}
    values = {key: fit(types, item, type_.value) for key, item in node.items()}
    entries = tuple((keys[key].value, values[key].value) for key in node)
    return Fitted(ir.MapValue(entries=entries), {key: item.wire for key, item in values.items()})


def _as_text(key: ScalarNode) -> ScalarNode:
    """A key is text, whatever it looks like."""
    return ScalarNode(key.text, key.file, key.line, key.column, plain=False)


# ---------------------------------------------------------------------------------------------------- definitions
def _reference(types: Types, node: Node, type_: ir.Ref) -> Fitted:
    match types.definition(type_.name):
        case AliasDraft() as alias:
            return fit(types, node, alias.type)
        case EnumDraft() as enum:
            return _enum(node, enum)
        case ObjectDraft() as draft:
            return _object(types, node, draft)
        case UnionDraft() as union:
            return _union(types, node, union)
        case None:
            return Fitted(ir.JsonLiteral(value=None), None)


def _enum(node: Node, enum: EnumDraft) -> Fitted:
    asked: object = None
    if isinstance(node, ScalarNode) and not node.is_null:
        asked = node.value if enum.integers else node.text
    for member in enum.members:
        if member.value == asked and not isinstance(asked, bool):
            return Fitted(ir.EnumValue(enum=enum.class_name, member=member.python_name), member.value)
    known = [str(member.value) for member in enum.members]
    hint = f"one of {', '.join(known[:12])}{', …' if len(known) > 12 else ''}"
    _misfit(node, f"a value of `{enum.class_name}`", hint)


def _object(types: Types, node: Node, draft: ObjectDraft) -> Fitted:
    if not isinstance(node, MapNode):
        _misfit(node, f"a `{draft.class_name}`, which is a mapping,")
    for key in node:
        if draft.field_named(key) is None:
            known = ", ".join(field.name for field in draft.fields)
            message = f"`{draft.class_name}` has no field {quote(key)}"
            raise Misfit(node.keys_at[key], message, f"it has {known}" if known else "it has none")
    arguments: list[tuple[str, ir.Value]] = []
    wire: dict[str, ir.JsonValue] = {}
    for field in draft.fields:
        if field.name in node:
            fitted = fit(types, node[field.name], field.type)
            if field.presence is not ir.Presence.CONST:
                arguments.append((field.python_name, fitted.value))
            wire[field.name] = fitted.wire
        elif isinstance(field.type, ir.Const) and field.presence is ir.Presence.CONST:
            wire[field.name] = field.type.value
        elif field.presence is ir.Presence.REQUIRED:
            raise Misfit(node, f"`{draft.class_name}` lacks {quote(field.name)}")
    return Fitted(ir.ObjectValue(class_name=draft.class_name, arguments=tuple(arguments)), wire)


def _union(types: Types, node: Node, union: UnionDraft) -> Fitted:
    if union.discriminator is None:
        return _first(types, node, [type_ for _, type_ in union.members])
    tag = union.discriminator.text
    if not isinstance(node, MapNode) or tag not in node:
        _misfit(node, f"a `{union.class_name}`, told apart by `{tag}`,")
    asked = node[tag]
    for (_, type_), known in zip(union.members, union.tags, strict=False):
        if isinstance(asked, ScalarNode) and asked.text == known:
            return fit(types, node, type_)
    _misfit(asked, f"one of {', '.join(known for known in union.tags if known)}")


def _first(types: Types, node: Node, members: Sequence[ir.Type]) -> Fitted:
    """The first member that fits; an unquoted `5` is text only when no member takes numbers."""
    is_text = isinstance(node, ScalarNode) and isinstance(node.value, str)
    fallback: Fitted | None = None
    for member in members:
        try:
            fitted = fit(types, node, member)
        except Misfit:
            continue
        if isinstance(fitted.wire, str) == is_text:
            return fitted
        fallback = fallback or fitted
    return fallback or _misfit(node, "a value that fits one of the union's members")
