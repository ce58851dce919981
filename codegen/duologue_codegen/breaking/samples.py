"""Messages made from a protocol: the least that says what has to be said, and many others."""

from __future__ import annotations

import math
from random import Random
from typing import Final

from .. import ir
from . import scalars

_DEEP: Final = 4
"""Levels below which only the least is made."""

_ANY: Final[list[ir.JsonValue]] = [None, True, 7, 1.5, "text", [], {"any": [1]}]


class NoSample(Exception):
    """Of this type no value could be made: nothing that matches a pattern was found, say."""


class Sampler:
    """Makes values of a protocol's types as they stand on the wire, all of which its readers take.

    Args:
        random: What to choose by; without it, always the least: required members alone.
        later: How often what is open holds what this version does not know, of 1.
    """

    def __init__(self, protocol: ir.Protocol, random: Random | None = None, *, later: float = 0.2) -> None:
        self._protocol = protocol
        self._random = random
        self._later = later
        self._heights = _heights(protocol)

    def value(self, type_: ir.Type, depth: int = 0) -> ir.JsonValue:
        """A value of a type. Raises `NoSample`."""
        random = self._random if depth < _DEEP else None
        match type_:
            case ir.Scalar():
                found = scalars.sample(type_, random)
                if found is None:
                    raise NoSample(str(type_))
                return found
            case ir.Ref(name=name):
                return self.definition(self._protocol.definition(name), depth)
            case ir.Array():
                return self._array(type_, depth, random)
            case ir.Map():
                count = random.randint(0, 2) if random else 0
                return {self.key(type_.key): self.value(type_.value, depth + 1) for _ in range(count)}
            case ir.Tuple(items=items):
                return [self.value(item, depth + 1) for item in items]
            case ir.Union(members=members):
                return self.value(self._choose(members, random), depth)
            case ir.Nullable(inner=inner):
                return None if random is None or random.random() < 0.3 else self.value(inner, depth)
            case ir.Const(value=value):
                return value
            case ir.Null():
                return None
            case ir.Json():
                return random.choice(_ANY) if random else None

    def definition(self, definition: ir.Definition, depth: int = 0) -> ir.JsonValue:
        """A value of a declared type. Raises `NoSample`."""
        random = self._random if depth < _DEEP else None
        match definition:
            case ir.ObjectDef():
                return self.object(definition, depth)
            case ir.EnumDef(members=members):
                values = [member.value for member in members]
                if definition.open and random is not None and random.random() < self._later:
                    return "a-later-value"
                return random.choice(values) if random else values[0]
            case ir.UnionDef(variants=variants):
                if definition.open and random is not None and random.random() < self._later:
                    return unknown_member(definition)
                return self.value(self._choose([variant.type for variant in variants], random), depth)
            case ir.AliasDef(type=type_):
                return self.value(type_, depth)

    def object(
        self, definition: ir.ObjectDef, depth: int = 0, *, without: str | None = None, also: str | None = None
    ) -> dict[str, ir.JsonValue]:
        """An object: what has to be in it, `also` one more member, and `without` one.

        With something to choose by also others. Raises `NoSample`.
        """
        random = self._random if depth < _DEEP else None
        found: dict[str, ir.JsonValue] = {}
        for field in definition.fields:
            if field.name == without:
                continue
            needed = field.presence in (ir.Presence.REQUIRED, ir.Presence.CONST) or field.name == also
            if needed or (random is not None and random.random() < 0.6):
                found[field.name] = self.value(field.type, depth + 1)
        return found

    def key(self, type_: ir.Scalar | ir.Ref) -> str:
        """A key of a map. Raises `NoSample`."""
        return str(self.value(type_, _DEEP - 1))

    def filled(self, array: ir.Array, first: ir.JsonValue) -> list[ir.JsonValue]:
        """A list that begins with an item, and is as long as it has to be. Raises `NoSample`."""
        return self._distinct([first], array, max(array.min_items or 0, 1), Random(0))

    def _array(self, array: ir.Array, depth: int, random: Random | None) -> list[ir.JsonValue]:
        least = array.min_items or 0
        most = least + 2 if array.max_items is None else min(array.max_items, least + 2)
        count = random.randint(least, most) if random else least
        if array.unique_items and count > 1:
            return self._distinct([], array, least, random or Random(0))
        return [self.value(array.item, depth + 1) for _ in range(count)]

    def _distinct(self, items: list[ir.JsonValue], array: ir.Array, count: int, random: Random) -> list[ir.JsonValue]:
        if not array.unique_items:
            return items + [self.value(array.item, _DEEP) for _ in range(count - len(items))]
        others = Sampler(self._protocol, random, later=self._later)
        for _ in range(30 * count):
            if len(items) >= count:
                return items
            item = others.value(array.item, 1)
            if item not in items:
                items.append(item)
        raise NoSample(str(array))

    def _choose(self, members: tuple[ir.Type, ...] | list[ir.Type], random: Random | None) -> ir.Type:
        if random is not None:
            return random.choice(members)
        return min(members, key=lambda member: _height(member, self._heights))


def unknown_member(union: ir.UnionDef) -> dict[str, ir.JsonValue]:
    """What a later version may put where an open union stands."""
    assert union.discriminator is not None, "only a union with a discriminator is open"
    return {union.discriminator: "a-later-member", "more": 1}


def _heights(protocol: ir.Protocol) -> dict[str, float]:
    """How deep the least value of each definition is: recursive types have to come to an end."""
    heights: dict[str, float] = {definition.class_name: math.inf for definition in protocol.definitions}
    moved = True
    while moved:
        moved = False
        for definition in protocol.definitions:
            height = _definition_height(definition, heights)
            if height < heights[definition.class_name]:
                heights[definition.class_name] = height
                moved = True
    return heights


def _definition_height(definition: ir.Definition, heights: dict[str, float]) -> float:
    match definition:
        case ir.ObjectDef(fields=fields):
            needed = [field.type for field in fields if field.presence is ir.Presence.REQUIRED]
            return 1 + max((_height(type_, heights) for type_ in needed), default=0.0)
        case ir.UnionDef(variants=variants):
            return min(_height(variant.type, heights) for variant in variants)
        case ir.AliasDef(type=type_):
            return _height(type_, heights)
        case ir.EnumDef():
            return 0.0


def _height(type_: ir.Type, heights: dict[str, float]) -> float:
    match type_:
        case ir.Ref(name=name):
            return heights[name]
        case ir.Array(item=item, min_items=least):
            return 1 + _height(item, heights) if least else 0.0
        case ir.Tuple(items=items):
            return 1 + max((_height(item, heights) for item in items), default=0.0)
        case ir.Union(members=members):
            return min(_height(member, heights) for member in members)
        case _:
            return 0.0
