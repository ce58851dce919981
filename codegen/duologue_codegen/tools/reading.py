"""Params as they are typed: JSON, or `key=value` read by the types of the spec."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from .. import ir
from .ending import Ended, Exit
from .violations import bare

_MAX_BYTES: Final = 64 * 1024 * 1024

Raw: TypeAlias = "list[str] | dict[str, Raw]"
"""What was typed for one member: values in their order, or members of its own."""


def read_params(protocol: ir.Protocol, params: str, typed: Sequence[str]) -> Any:
    """The JSON value of params that were typed in one of their forms. `params`: the class that they are for.

    Raises Ended for what is none of the forms.
    """
    if not typed:
        return {}
    if len(typed) == 1 and (typed[0] == "-" or typed[0][:1] in "{@["):
        return _json(*_source(typed[0]))
    wrong = next((one for one in typed if not one.partition("=")[0] or "=" not in one), None)
    if wrong is not None:
        raise Ended(
            Exit.USAGE,
            f"{wrong}: params are JSON text, @FILE, - for standard input, or one key=value after the other",
        )
    definition = protocol.definition(params)
    assert isinstance(definition, ir.ObjectDef)
    return _of_object(protocol, definition, _nested(definition, typed))


def _source(typed: str) -> tuple[str, str]:
    """Text of JSON, and what messages call it."""
    if typed == "-":
        return standard_input(), "standard input"
    if not typed.startswith("@"):
        return typed, "params"
    path = Path(typed[1:])
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except OSError as error:
        raise Ended(Exit.USAGE, f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Ended(Exit.USAGE, f"{path}: not UTF-8") from None


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Ended(Exit.USAGE, f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    except ValueError as error:  # a number of thousands of digits
        raise Ended(Exit.USAGE, f"{name}: not JSON: {error}") from None
    except RecursionError:
        raise Ended(Exit.USAGE, f"{name}: nested too deep") from None


def standard_input() -> str:
    """All that comes there. Raises Ended for what is no text."""
    try:
        return sys.stdin.read(_MAX_BYTES)
    except UnicodeDecodeError:
        raise Ended(Exit.USAGE, "standard input: not UTF-8") from None


def _nested(definition: ir.ObjectDef, typed: Sequence[str]) -> dict[str, Raw]:
    """`a.b=1 a.c=2` as what they are members of; a field whose name has dots is taken whole."""
    names = {one.name for one in definition.fields}
    found: dict[str, Raw] = {}
    for one in typed:
        key, _, value = one.partition("=")
        *owners, last = [key] if key in names else key.split(".")
        inner = found
        for owner in owners:
            below = inner.setdefault(owner, {})
            if not isinstance(below, dict):
                raise Ended(Exit.USAGE, f"{one}: {owner} has a value of its own already")
            inner = below
        values = inner.setdefault(last, [])
        if not isinstance(values, list):
            raise Ended(Exit.USAGE, f"{one}: {last} has members already")
        values.append(value)
    return found


def _of_object(protocol: ir.Protocol, definition: ir.ObjectDef, raw: dict[str, Raw]) -> dict[str, Any]:
    types = {one.name: one.type for one in definition.fields}
    return {name: _value(protocol, types.get(name, ir.Json()), value) for name, value in raw.items()}


def _value(protocol: ir.Protocol, type_: ir.Type, raw: Raw) -> Any:
    """What was typed, as far as the type can tell; what does not fit it is left for the models to refuse."""
    here = bare(protocol, type_)
    if isinstance(raw, dict):
        return _members(protocol, here, raw)
    if isinstance(here, ir.Array) and not (len(raw) == 1 and raw[0].startswith("[")):
        return [_scalar(protocol, here.item, one) for one in raw]
    return _scalar(protocol, type_, raw[0]) if len(raw) == 1 else [_scalar(protocol, type_, one) for one in raw]


def _members(protocol: ir.Protocol, here: ir.Type | ir.Definition, raw: dict[str, Raw]) -> dict[str, Any]:
    match here:
        case ir.ObjectDef():
            return _of_object(protocol, here, raw)
        case ir.UnionDef(discriminator=str() as tag, variants=variants):
            said = raw.get(tag)
            member = next((one.type for one in variants if [one.tag] == said), None)
            found = None if member is None else bare(protocol, member)
            if isinstance(found, ir.ObjectDef):
                return _of_object(protocol, found, raw)
        case ir.Map(value=value):
            return {name: _value(protocol, value, inner) for name, inner in raw.items()}
        case _:
            pass
    return {name: _value(protocol, ir.Json(), inner) for name, inner in raw.items()}


def _scalar(protocol: ir.Protocol, type_: ir.Type, text: str) -> Any:
    if text == "null" and _takes_null(protocol, type_):
        return None
    if _is_text(bare(protocol, type_)):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _takes_null(protocol: ir.Protocol, type_: ir.Type) -> bool:
    if isinstance(type_, ir.Ref):
        definition = protocol.definition(type_.name)
        return isinstance(definition, ir.AliasDef) and _takes_null(protocol, definition.type)
    return isinstance(type_, ir.Nullable)


def _is_text(here: ir.Type | ir.Definition) -> bool:
    """Whether all that fits is text, so that `5` is one too."""
    match here:
        case ir.Scalar(kind=kind):
            return kind not in (ir.ScalarKind.INTEGER, ir.ScalarKind.NUMBER, ir.ScalarKind.BOOLEAN)
        case ir.EnumDef(integers=integers):
            return not integers
        case ir.Const(value=value):
            return isinstance(value, str)
        case _:
            return False
