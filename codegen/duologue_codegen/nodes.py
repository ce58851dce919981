"""A parsed YAML document in which every key and every value knows where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from . import scalars
from .ir import JsonValue, Origin


class ScalarNode:
    """A scalar: its text as written, and what the YAML 1.2 core schema makes of it."""

    __slots__ = ("column", "file", "line", "plain", "text")

    def __init__(self, text: str, file: str, line: int, column: int, *, plain: bool) -> None:
        self.text = text
        self.plain = plain  # neither quoted nor a block scalar
        self.file = file
        self.line = line
        self.column = column

    @property
    def origin(self) -> Origin:
        return Origin(file=self.file, line=self.line, column=self.column)

    @property
    def value(self) -> scalars.CoreValue:
        return scalars.resolve(self.text) if self.plain else self.text

    @property
    def is_null(self) -> bool:
        return self.plain and scalars.is_null(self.text)


class SeqNode(list["Node"]):
    """A sequence."""

    __slots__ = ("column", "file", "line")

    def __init__(self, file: str, line: int, column: int) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.column = column

    @property
    def origin(self) -> Origin:
        return Origin(file=self.file, line=self.line, column=self.column)


class MapNode(dict[str, "Node"]):
    """A mapping by the source text of its keys; `keys_at` holds the keys' own nodes."""

    __slots__ = ("column", "file", "keys_at", "line")

    def __init__(self, file: str, line: int, column: int) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.column = column
        self.keys_at: dict[str, ScalarNode] = {}

    @property
    def origin(self) -> Origin:
        return Origin(file=self.file, line=self.line, column=self.column)

    def without(self, names: set[str]) -> MapNode:
        """A shallow copy that lacks some keys."""
        copy = MapNode(self.file, self.line, self.column)
        copy.update((name, node) for name, node in self.items() if name not in names)
        copy.keys_at = dict(self.keys_at)
        return copy


Node: TypeAlias = "ScalarNode | SeqNode | MapNode"


def entries(node: MapNode | None) -> Iterator[tuple[ScalarNode, Node]]:
    """Keys, as nodes, and values; none for no mapping."""
    if node is not None:
        for name, value in node.items():
            yield node.keys_at[name], value


def to_json(node: Node) -> JsonValue:
    """What the YAML 1.2 core schema reads. Infinities and NaN, which JSON lacks, raise ValueError."""
    match node:
        case ScalarNode():
            value = node.value
            if isinstance(value, float) and not scalars.is_finite(value):
                raise ValueError(f"{node.text} is no JSON number")
            return value
        case SeqNode():
            return [to_json(item) for item in node]
        case MapNode():
            return {key: to_json(item) for key, item in node.items()}


def describe(node: Node) -> str:
    """What a node is, for messages: its text, or `a list`, `a mapping`."""
    match node:
        case ScalarNode(text="", plain=True):
            return "nothing"
        case ScalarNode():
            return f"`{node.text if len(node.text) <= 60 else node.text[:57] + '...'}`"
        case SeqNode():
            return "a list"
        case MapNode():
            return "a mapping"
