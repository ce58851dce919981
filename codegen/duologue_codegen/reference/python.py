"""What stands on the wire as Python expressions, of the classes that a generated package has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from .. import ir
from ..annotations import Annotator
from ..resolve.patterns import matches
from ..resolve.values import is_written
from ..text import Code, name
from ..values import classes, expression

_OF_JSON: Final[Mapping[type, frozenset[ir.ScalarKind]]] = {
    bool: frozenset({ir.ScalarKind.BOOLEAN}),
    int: frozenset({ir.ScalarKind.INTEGER, ir.ScalarKind.NUMBER}),
    float: frozenset({ir.ScalarKind.NUMBER}),
    str: frozenset(ir.ScalarKind) - ir.PLAIN | {ir.ScalarKind.STRING},
}
"""Scalars that a JSON value may be."""


class NotPython(Exception):
    """The value fits no member of a union: there is no expression for it."""


class Writer:
    """Writes values of one protocol's types."""

    def __init__(self, protocol: ir.Protocol) -> None:
        self._protocol = protocol
        self._annotator = Annotator(protocol)

    def arguments(self, fields: Sequence[ir.Field], given: Mapping[str, ir.JsonValue]) -> Code:
        """Keyword arguments: `name="api", port=80`. Raises `NotPython`."""
        return Code(
            ", ".join(f"{name(key)}={expression(value, self._annotator)}" for key, value in self._pairs(fields, given))
        )

    def classes(self, fields: Sequence[ir.Field], given: Mapping[str, ir.JsonValue]) -> tuple[str, ...]:
        """Names of the package's classes in `arguments`. Raises `NotPython` where it also needs some of a library."""
        found: set[str] = set()
        for _, value in self._pairs(fields, given):
            if isinstance(value, ir.ScalarValue):
                raise NotPython
            found |= classes(value)
        return tuple(sorted(found))

    def _pairs(self, fields: Sequence[ir.Field], given: Mapping[str, ir.JsonValue]) -> list[tuple[str, ir.Value]]:
        return [
            (field.python_name, self.value(field.type, given[field.name]))
            for field in fields
            if field.name in given and field.presence is not ir.Presence.CONST
        ]

    def value(self, type_: ir.Type, wire: ir.JsonValue) -> ir.Value:
        """What a value on the wire is in Python. Raises `NotPython`."""
        match type_:
            case ir.Scalar(kind=kind):
                plain = kind in ir.PLAIN or not isinstance(wire, str)
                return ir.PlainValue(value=_scalar(wire)) if plain else ir.ScalarValue(kind=kind, text=str(wire))
            case ir.Ref(name=class_name):
                return self._defined(self._protocol.definition(class_name), wire)
            case ir.Array(item=item):
                return ir.ListValue(items=tuple(self.value(item, one) for one in _list(wire)))
            case ir.Tuple(items=items):
                pairs = zip(items, _list(wire), strict=True)
                return ir.ListValue(items=tuple(self.value(item, one) for item, one in pairs), is_tuple=True)
            case ir.Map(key=key, value=value):
                entries = _object(wire).items()
                return ir.MapValue(entries=tuple((self.value(key, k), self.value(value, v)) for k, v in entries))
            case ir.Nullable(inner=inner):
                return ir.PlainValue(value=None) if wire is None else self.value(inner, wire)
            case ir.Union(members=members):
                return self._first(members, wire)
            case ir.Const() | ir.Null():
                return ir.PlainValue(value=_scalar(wire))
            case ir.Json():
                return ir.JsonLiteral(value=wire)

    def _defined(self, definition: ir.Definition, wire: ir.JsonValue) -> ir.Value:
        match definition:
            case ir.ObjectDef(class_name=class_name, fields=fields):
                return ir.ObjectValue(class_name=class_name, arguments=tuple(self._pairs(fields, _object(wire))))
            case ir.EnumDef(class_name=class_name, members=members):
                known = next((member for member in members if member.value == wire), None)
                if known is None:
                    raise NotPython
                return ir.EnumValue(enum=class_name, member=known.python_name)
            case ir.UnionDef(variants=variants, discriminator=tag):
                told = variants if tag is None else [one for one in variants if one.tag == _object(wire).get(tag)]
                return self._first([variant.type for variant in told], wire)
            case ir.AliasDef(type=type_):
                return self.value(type_, wire)

    def _first(self, members: Sequence[ir.Type], wire: ir.JsonValue) -> ir.Value:
        """As the first member that it may be."""
        fitting = next((member for member in members if self._may_be(member, wire)), None)
        if fitting is None:
            raise NotPython
        return self.value(fitting, wire)

    def _may_be(self, type_: ir.Type, wire: ir.JsonValue) -> bool:
        match type_:
            case ir.Scalar(kind=kind, constraints=rules):
                if kind not in _OF_JSON.get(type(wire), ()):
                    return False
                told = not isinstance(wire, str) or is_written(kind, wire)
                return told and (rules.pattern is None or (isinstance(wire, str) and matches(rules.pattern, wire)))
            case ir.Ref(name=class_name):
                return self._may_be_defined(self._protocol.definition(class_name), wire)
            case ir.Array(item=item):
                return isinstance(wire, list) and all(self._may_be(item, one) for one in wire)
            case ir.Tuple(items=items):
                return isinstance(wire, list) and len(items) == len(wire) and all(map(self._may_be, items, wire))
            case ir.Map(value=value):
                return isinstance(wire, dict) and all(self._may_be(value, one) for one in wire.values())
            case ir.Nullable(inner=inner):
                return wire is None or self._may_be(inner, wire)
            case ir.Union(members=members):
                return any(self._may_be(member, wire) for member in members)
            case ir.Const(value=value):
                return value == wire
            case ir.Null():
                return wire is None
            case ir.Json():
                return True

    def _may_be_defined(self, definition: ir.Definition, wire: ir.JsonValue) -> bool:
        match definition:
            case ir.ObjectDef(fields=fields):
                if not isinstance(wire, dict):
                    return False
                fixed = [field for field in fields if isinstance(field.type, ir.Const)]
                needed = {field.name for field in fields if field.presence is ir.Presence.REQUIRED}
                return needed <= set(wire) and all(self._may_be(one.type, wire.get(one.name)) for one in fixed)
            case ir.EnumDef(members=members):
                return any(member.value == wire for member in members)
            case ir.UnionDef(variants=variants):
                return any(self._may_be(variant.type, wire) for variant in variants)
            case ir.AliasDef(type=type_):
                return self._may_be(type_, wire)


def _scalar(wire: ir.JsonValue) -> bool | int | float | str | None:
    return cast("bool | int | float | str | None", wire)


def _list(wire: ir.JsonValue) -> Sequence[ir.JsonValue]:
    return cast("Sequence[ir.JsonValue]", wire)


def _object(wire: ir.JsonValue) -> dict[str, ir.JsonValue]:
    return cast("dict[str, ir.JsonValue]", wire)
