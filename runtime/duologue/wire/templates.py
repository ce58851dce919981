"""Templates of messages: filled to make one, and read backwards to take one apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, cast

import msgspec

from .envelope import Template
from .trees import Frame, Path, join_array, join_object

PLACEHOLDER: Final = re.compile(r"\$([a-z][a-z0-9_]*(?:\.[0-9]+)?)")
"""`$$` begins a text that begins with `$` and could be taken for one."""

SPREAD: Final = "..."
"""As a key its value's members, as the beginning of an item its value's items, stand in its place."""

OWN: Final = frozenset("id action params route meta result code message data event".split())
"""Placeholders that each message fills by itself; all others are variables of the connection."""

_OBJECTS: Final = frozenset({"params", "data", "meta"})
"""What is an empty object where there is none and its place cannot be left out."""

Values: TypeAlias = Mapping[str, bytes]
"""JSON by the name of a placeholder."""


class Node(Protocol):
    """A part of a template."""

    def fill(self, values: Values) -> bytes | None:
        """The JSON that it is with these values; None where its value is missing."""
        ...

    def places(self, path: Path, found: dict[str, Place]) -> None:
        """Enter where its placeholders stand."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in messages.

    Attributes:
        others: For the members of an object that are the value, those that are not; None for a value with a place of
            its own.
        items: For the items of an array that are the value, how many stand before and after them.
    """

    path: Path
    others: frozenset[str] | None = None
    items: tuple[int, int] | None = None

    def read(self, frame: Frame) -> bytes | None:
        """The value; None where it is missing."""
        if self.others is None and self.items is None:
            return frame.at(self.path)
        found = frame.level(self.path)
        if self.others is not None and isinstance(found, dict):
            return join_object([(name, bytes(raw)) for name, raw in found.items() if name not in self.others])
        if self.items is not None and isinstance(found, list):
            before, after = self.items
            return join_array([bytes(raw) for raw in found[before : len(found) - after]])
        return None

    def without(self, names: frozenset[str]) -> Place:
        """The same value with fewer members."""
        return Place(self.path, (self.others or frozenset()) | names)


@dataclass(frozen=True, slots=True)
class _Constant:
    text: bytes

    def fill(self, values: Values) -> bytes | None:
        return self.text

    def places(self, path: Path, found: dict[str, Place]) -> None:
        """None stand here."""


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str

    def fill(self, values: Values) -> bytes | None:
        return values.get(self.name)

    def places(self, path: Path, found: dict[str, Place]) -> None:
        found.setdefault(self.name, Place(path))


@dataclass(frozen=True, slots=True)
class _Spread:
    """The members, or the items, of a value."""

    name: str

    def fill(self, values: Values) -> bytes | None:
        value = values.get(self.name, b"")
        return value[1:-1].strip() or None if value[:1] in (b"{", b"[") else None  # null has no members

    def places(self, path: Path, found: dict[str, Place]) -> None:
        raise AssertionError("what it stands in knows its place")


@dataclass(frozen=True, slots=True)
class _Object:
    members: tuple[tuple[str, bytes, Node], ...]

    def fill(self, values: Values) -> bytes | None:
        filled = [(key, node.fill(values)) for _, key, node in self.members]
        return b"{%b}" % b",".join([key + value for key, value in filled if value is not None])

    def places(self, path: Path, found: dict[str, Place]) -> None:
        names = frozenset(name for name, _, node in self.members if not isinstance(node, _Spread))
        for name, _, node in self.members:
            if isinstance(node, _Spread):
                found.setdefault(node.name, Place(path, others=names))
            else:
                node.places((*path, name), found)


@dataclass(frozen=True, slots=True)
class _Array:
    """Its items have places by number: what is missing is stood in for."""

    items: tuple[Node, ...]

    def fill(self, values: Values) -> bytes | None:
        filled = [(node, node.fill(values)) for node in self.items]
        told = [_stand_in(node) if value is None else value for node, value in filled]
        return b"[%b]" % b",".join([value for value in told if value is not None])

    def places(self, path: Path, found: dict[str, Place]) -> None:
        total = len(self.items)
        spread_at = next((index for index, node in enumerate(self.items) if isinstance(node, _Spread)), None)
        for index, node in enumerate(self.items):
            if isinstance(node, _Spread):
                found.setdefault(node.name, Place(path, items=(index, total - index - 1)))
            else:
                node.places((*path, step_of(index, total, spread_at)), found)


def step_of(index: int, total: int, spread_at: int | None) -> str:
    """The step of a path to an item: what stands after items that are spread is counted from the end."""
    return str(index if spread_at is None or index < spread_at else index - total)


def _stand_in(node: Node) -> bytes | None:
    if isinstance(node, _Spread):
        return None
    return b"{}" if isinstance(node, _Slot) and node.name in _OBJECTS else b"null"


def compiled(template: Template) -> Node:
    """A template, ready to be filled and read."""
    node = _node(template)
    return node if _has_slots(node) else _Constant(node.fill({}) or b"null")


def places(node: Node) -> dict[str, Place]:
    """Where the placeholders of a template stand in its messages, by name."""
    found: dict[str, Place] = {}
    node.places((), found)
    return found


def _node(template: Template) -> Node:
    if isinstance(template, str):
        named = PLACEHOLDER.fullmatch(template)
        return _Slot(named[1]) if named else _Constant(msgspec.json.encode(_unescaped(template)))
    if isinstance(template, Mapping):
        return _Object(tuple(_member(key, value) for key, value in template.items()))
    if isinstance(template, (list, tuple)):
        items = cast("list[Template]", template)
        return _Array(tuple(_item(item) for item in items))
    return _Constant(msgspec.json.encode(template))


def _member(key: str, value: Template) -> tuple[str, bytes, Node]:
    if key == SPREAD:
        return key, b"", _Spread(str(value)[1:])
    return key, msgspec.json.encode(key) + b":", compiled(value)


def _item(item: Template) -> Node:
    if isinstance(item, str) and _is_spread(item):
        return _Spread(item[len(SPREAD) + 1 :])
    return compiled(item)


def _is_spread(item: Template) -> bool:
    return isinstance(item, str) and item.startswith(SPREAD + "$")


def _unescaped(text: str) -> str:
    return text[1:] if text.startswith("$$") else text


def _has_slots(node: Node) -> bool:
    if isinstance(node, _Object):
        return any(_has_slots(inner) for _, _, inner in node.members)
    if isinstance(node, _Array):
        return any(map(_has_slots, node.items))
    return isinstance(node, (_Slot, _Spread))


def constants(template: Template, path: Path = ()) -> dict[Path, Any]:
    """The scalars of a template that are always the same, by their paths."""
    if isinstance(template, Mapping):
        inner = [(key, value) for key, value in template.items() if key != SPREAD]
    elif isinstance(template, (list, tuple)):
        items = cast("list[Template]", template)
        spread_at = next((index for index, value in enumerate(items) if _is_spread(value)), None)
        inner = [(step_of(index, len(items), spread_at), value) for index, value in enumerate(items)]
    elif isinstance(template, str) and (PLACEHOLDER.fullmatch(template) or _is_spread(template)):
        return {}
    else:
        return {path: _unescaped(template) if isinstance(template, str) else template}
    found: dict[Path, Any] = {}
    for key, value in inner:
        found |= constants(value, (*path, key))
    return found
