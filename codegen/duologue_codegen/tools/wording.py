"""Types and values in words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final

from .. import ir

_KINDS: Final = {dict: "an object", list: "a list", bool: "a boolean", str: "text", int: "a number", float: "a number"}
_SCALARS: Final = {
    ir.ScalarKind.STRING: "text",
    ir.ScalarKind.INTEGER: "a whole number",
    ir.ScalarKind.NUMBER: "a number",
    ir.ScalarKind.BOOLEAN: "true or false",
    ir.ScalarKind.BYTES: "bytes in base64",
    ir.ScalarKind.DATE: "a date such as 2026-02-28",
    ir.ScalarKind.DATETIME: "a time with its offset such as 2026-02-28T10:00:00Z",
    ir.ScalarKind.DURATION: "a duration such as PT10S",
    ir.ScalarKind.UUID: "a UUID",
    ir.ScalarKind.INT64: "a whole number as text",
    ir.ScalarKind.DECIMAL: "a decimal number as text",
}
_MOST_MEMBERS: Final = 12


def of_type(protocol: ir.Protocol, type_: ir.Type) -> str:
    """What is expected where a type stands: `a whole number, 1 to 500`."""
    match type_:
        case ir.Scalar(kind=kind, constraints=rules):
            return ", ".join([_SCALARS[kind], *_rules(rules)])
        case ir.Ref(name=name):
            return _of_definition(protocol, protocol.definition(name))
        case ir.Array(item=item):
            return f"a list of: {of_type(protocol, item)}{_count(type_)}"
        case ir.Map(value=value):
            return f"an object whose values are: {of_type(protocol, value)}"
        case ir.Union(members=members):
            return " or ".join(of_type(protocol, member) for member in members)
        case ir.Tuple(items=items):
            return f"a list of {len(items)}: {'; '.join(of_type(protocol, item) for item in items)}"
        case ir.Const(value=value):
            return json.dumps(value)
        case ir.Nullable(inner=inner):
            return f"{of_type(protocol, inner)}, or null"
        case ir.Null():
            return "null"
        case ir.Json():
            return "any JSON"


def _of_definition(protocol: ir.Protocol, definition: ir.Definition) -> str:
    match definition:
        case ir.ObjectDef(class_name=name):
            return f"an object ({definition.name or name})"
        case ir.EnumDef(members=members):
            return f"one of {listed(str(member.value) for member in members)}"
        case ir.UnionDef(discriminator=None, variants=variants):
            return " or ".join(of_type(protocol, variant.type) for variant in variants)
        case ir.UnionDef(discriminator=tag, variants=variants):
            return f"an object whose `{tag}` is one of {listed(str(variant.tag) for variant in variants)}"
        case ir.AliasDef(type=inner):
            return of_type(protocol, inner)


def _rules(rules: ir.Constraints) -> list[str]:
    return [
        *([f"{rules.minimum} or more"] if rules.minimum is not None and rules.maximum is None else []),
        *([f"{rules.minimum} to {rules.maximum}"] if rules.minimum is not None and rules.maximum is not None else []),
        *([f"at most {rules.maximum}"] if rules.minimum is None and rules.maximum is not None else []),
        *([f"more than {rules.exclusive_minimum}"] if rules.exclusive_minimum is not None else []),
        *([f"less than {rules.exclusive_maximum}"] if rules.exclusive_maximum is not None else []),
        *([f"a multiple of {rules.multiple_of}"] if rules.multiple_of is not None else []),
        *_span(rules.min_length, rules.max_length, "characters"),
        *([f"matching {rules.pattern}"] if rules.pattern is not None else []),
    ]


def _count(array: ir.Array) -> str:
    said = [*_span(array.min_items, array.max_items, "items"), *(["none of them twice"] if array.unique_items else [])]
    return f" ({', '.join(said)})" if said else ""


def _span(least: int | None, most: int | None, what: str) -> list[str]:
    if least is None and most is None:
        return []
    if most is None:
        return [f"at least {least} {what}"]
    return [f"{least} to {most} {what}" if least else f"at most {most} {what}"]


def of_value(value: Any) -> str:
    """A value as a message shows it: itself where it is short, else what it is."""
    if value is None:
        return "null"
    shown = json.dumps(value, ensure_ascii=False)
    short = len(shown) <= 60 and shown[0] not in "[{"
    return shown if short else next(name for kind, name in _KINDS.items() if isinstance(value, kind))


def listed(names: Iterable[str]) -> str:
    """Names in backquotes, not too many of them."""
    found = list(names)
    shown = ", ".join(f"`{name}`" for name in found[:_MOST_MEMBERS])
    return shown if len(found) <= _MOST_MEMBERS else f"{shown} and {len(found) - _MOST_MEMBERS} more"


def meant(name: object, names: Iterable[str]) -> str | None:
    """A hint at the name that somebody may have meant."""
    known = list(names)
    close = get_close_matches(str(name), known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"there are: {listed(known)}" if known else None
