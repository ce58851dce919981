"""What does not fit a spec: where in the message, what was expected there, and where the spec says so.

The models decide (they are those of the generated package); the protocol is walked only to tell of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from pydantic import ValidationError

from .. import ir
from . import wording

Step: TypeAlias = "str | int"

_KEY: Final = "[key]"
_WRITTEN: Final = {
    "json_invalid", "int64", "base64", "date_from_datetime_parsing", "date_parsing", "datetime_from_date_parsing",
    "datetime_parsing", "time_delta_parsing", "uuid_parsing", "timezone_aware",
}  # fmt: skip
"""Texts of the right kind that are not written as their type is."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that does not fit.

    Attributes:
        path: Where, as a JSON path: `$.params.services[2].name`.
        message: What is wrong.
        expected: What was expected there.
        origin: Where the spec says so.
        hint: What may have been meant.
    """

    path: str
    message: str
    expected: str | None = None
    origin: ir.Origin | None = None
    hint: str | None = None

    def lines(self, folder: Path = Path()) -> list[str]:
        """For people; `folder` is that of the spec."""
        found = [f"{self.path}: {self.message}"]
        found += [f"  expected: {self.expected}"] if self.expected else []
        found += [f"  hint: {self.hint}"] if self.hint else []
        found += [f"  spec: {place(self.origin, folder)}"] if self.origin else []
        return found

    def document(self) -> dict[str, Any]:
        """For programs."""
        origin = self.origin
        place = None if origin is None else {"file": origin.file, "line": origin.line, "column": origin.column}
        return {
            "path": self.path, "message": self.message, "expected": self.expected, "spec": place, "hint": self.hint,
        }  # fmt: skip


def place(origin: ir.Origin, folder: Path) -> str:
    """Where the spec says something: `spec/chat.yaml:12:3`."""
    return f"{folder / origin.file}:{origin.line}:{origin.column}"


@dataclass(slots=True)
class _Spot:
    """A place in a payload, and what the protocol says of it."""

    type: ir.Type
    value: Any
    path: str
    origin: ir.Origin | None
    owner: ir.ObjectDef | None = None
    is_key: bool = False
    at_union: bool = False
    unions: set[str] = field(default_factory=set[str])


def violations(
    protocol: ir.Protocol, type_: ir.Type, payload: Any, error: ValidationError, path: str = "$"
) -> list[Violation]:
    """What a payload breaks, each rule once; there is at least one."""
    found: list[tuple[_Spot, Any]] = []
    for one in error.errors(include_url=False):
        origin = protocol.definition(type_.name).origin if isinstance(type_, ir.Ref) else None
        spot = _Spot(type_, payload, path, origin)
        _walk(protocol, spot, one["loc"])
        found.append((spot, one))
    entered = {union for spot, _ in found for union in spot.unions}
    told = [_told(protocol, spot, one) for spot, one in found if not (spot.at_union and spot.path in entered)]
    return list(dict.fromkeys(told))


def unread(protocol: ir.Protocol, type_: ir.Type, payload: Any, path: str = "$") -> Iterator[Violation]:
    """Members that no reader knows. They are no mistake to a reader, who ignores them, but to whoever typed them."""
    here = bare(protocol, type_)
    if isinstance(here, ir.Array) and isinstance(payload, list):
        for number, value in enumerate(cast("Sequence[Any]", payload)):
            yield from unread(protocol, here.item, value, _step(path, number))
    elif isinstance(payload, dict):
        yield from _unread_members(protocol, here, cast("dict[str, Any]", payload), path)


def _unread_members(
    protocol: ir.Protocol, here: ir.Type | ir.Definition, payload: dict[str, Any], path: str
) -> Iterator[Violation]:
    match here:
        case ir.ObjectDef(fields=fields):
            types = {one.name: one for one in fields}
            for name, value in payload.items():
                if name in types:
                    yield from unread(protocol, types[name].type, value, _step(path, name))
                else:
                    hint = wording.meant(name, types) or "it has no members"
                    yield Violation(_step(path, name), "unknown", None, here.origin, hint)
        case ir.UnionDef(discriminator=str() as tag, variants=variants):
            member = next((one.type for one in variants if one.tag == payload.get(tag)), None)
            if member is not None:
                yield from unread(protocol, member, payload, path)
        case ir.Map(value=inner):
            for name, value in payload.items():
                yield from unread(protocol, inner, value, _step(path, name))
        case _:
            return


def _step(path: str, step: Step) -> str:
    return (
        f"{path}[{step}]" if isinstance(step, int) else f"{path}.{step}" if step.isidentifier() else f"{path}[{step!r}]"
    )


def _walk(protocol: ir.Protocol, spot: _Spot, location: Sequence[Step]) -> None:
    """Go where an error is, as far as the protocol knows the way."""
    steps = iter(location)
    for step in steps:
        if step == _KEY:
            spot.is_key = True
            return
        here = bare(protocol, spot.type)
        spot.owner = None
        match here:
            case ir.ObjectDef(fields=fields):
                spot.owner = here
                known = next((one for one in fields if one.name == step), None)
                _go(spot, step, None if known is None else known.type, None if known is None else known.origin)
                if known is None:
                    return
            case ir.Array(item=item):
                _go(spot, step, item)
            case ir.Tuple(items=items) if isinstance(step, int) and step < len(items):
                _go(spot, step, items[step])
            case ir.Map(value=value):
                _go(spot, step, value)
            case ir.UnionDef() | ir.Union():
                if not _enter(protocol, spot, here, step, steps):
                    spot.at_union = True
                    return
            case _:  # how a reader calls one of several ways to read it
                spot.at_union = True
                return


def _go(spot: _Spot, step: Step, type_: ir.Type | None, origin: ir.Origin | None = None) -> None:
    spot.path = _step(spot.path, step)
    spot.value = _part(spot.value, step)
    spot.type = type_ or ir.Json()
    spot.origin = origin or spot.origin


def _part(value: Any, step: Step) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _enter(
    protocol: ir.Protocol, spot: _Spot, union: ir.UnionDef | ir.Union, label: Step, rest: Iterator[Step]
) -> bool:
    """Whether an error is told of one member: that of the tag, or the only one that is an object."""
    if isinstance(union, ir.UnionDef) and union.discriminator is not None:
        tag = next(rest, None) if str(label).startswith("tagged-union[") else label
        member = next((one.type for one in union.variants if one.tag == tag), None)
    else:
        members = union.members if isinstance(union, ir.Union) else [one.type for one in union.variants]
        objects = [one for one in members if isinstance(bare(protocol, one), ir.ObjectDef)]
        only = objects[0] if len(objects) == 1 and isinstance(spot.value, dict) else None
        named = (
            only is not None and isinstance(inner := bare(protocol, only), ir.ObjectDef) and inner.class_name == label
        )
        member = only if named else None
    if member is None:
        return False
    spot.unions.add(spot.path)
    spot.type = member
    return True


def bare(protocol: ir.Protocol, type_: ir.Type) -> ir.Type | ir.Definition:
    """A type without its names, and without its null."""
    while True:
        match type_:
            case ir.Nullable(inner=inner):
                type_ = inner
            case ir.Ref(name=name):
                definition = protocol.definition(name)
                if not isinstance(definition, ir.AliasDef):
                    return definition
                type_ = definition.type
            case _:
                return type_


def _told(protocol: ir.Protocol, spot: _Spot, error: Any) -> Violation:
    kind: str = error["type"]
    expected = wording.of_type(protocol, spot.type)
    if kind == "extra_forbidden":
        return Violation(spot.path, "unknown", None, spot.origin, _known(spot))
    if kind == "missing":
        return Violation(spot.path, "missing", expected, spot.origin)
    if spot.is_key:
        return Violation(spot.path, f"a name that does not fit: {error['msg']}", None, spot.origin)
    shown = wording.of_value(spot.value)
    here = bare(protocol, spot.type)
    if isinstance(here, ir.EnumDef) and isinstance(spot.value, str):
        hint = wording.meant(spot.value, [str(member.value) for member in here.members])
        return Violation(spot.path, f"{shown} is none of its values", expected, spot.origin, hint)
    if isinstance(here, ir.UnionDef) and isinstance(spot.value, dict) and here.discriminator:
        return _no_member(spot, here, expected)
    message = f"{shown} is not written so" if kind in _WRITTEN else f"{shown} does not fit"
    return Violation(spot.path, message, expected, spot.origin)


def _known(spot: _Spot) -> str | None:
    if spot.owner is None:
        return None
    name = spot.path.rpartition(".")[2]
    return wording.meant(name, [one.name for one in spot.owner.fields]) or "it has no members"


def _no_member(spot: _Spot, union: ir.UnionDef, expected: str) -> Violation:
    tag = union.discriminator or ""
    path = f"{spot.path}.{tag}"
    if tag not in spot.value:
        return Violation(path, "missing: it says which kind of object this is", expected, spot.origin)
    hint = wording.meant(spot.value[tag], [str(variant.tag) for variant in union.variants])
    return Violation(path, f"{wording.of_value(spot.value[tag])} is none of its values", expected, spot.origin, hint)
