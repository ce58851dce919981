"""Types as a spec writes them, in pieces, so that each name can be a link; and what their values must obey."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from .. import ir

_WORDS: Final = {
    "pattern": "matches",
    "min_length": "at least this long:",
    "max_length": "at most this long:",
    "minimum": "≥",
    "maximum": "≤",
    "exclusive_minimum": ">",
    "exclusive_maximum": "<",
    "multiple_of": "a multiple of",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of a type; `anchor` is where the type is described that it names."""

    text: str
    anchor: str | None = None


def anchor(kind: str, name: str) -> str:
    """Where a thing is described: letters, digits and `._-` alone, the same for no two things of a kind."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else f"~{ord(c):x}" for c in name)
    return f"{kind}-{safe}"


@dataclass(frozen=True, slots=True)
class Shapes:
    """Writes the types of one protocol."""

    protocol: ir.Protocol

    def name_of(self, definition: ir.Definition) -> str:
        """What the spec calls it; what it is called in Python where it was written in place."""
        return definition.name or definition.class_name

    def pieces(self, type_: ir.Type) -> tuple[Piece, ...]:
        """The type, as text that may be read aloud: `[ServiceEntry]`, `string|null`."""
        return tuple(self._pieces(type_))

    def _pieces(self, type_: ir.Type) -> Iterator[Piece]:
        match type_:
            case ir.Scalar(kind=kind):
                yield Piece(kind.value)
            case ir.Ref(name=class_name):
                name = self.name_of(self.protocol.definition(class_name))
                yield Piece(name, anchor("type", name))
            case ir.Array(item=item):
                yield from (Piece("["), *self._pieces(item), Piece("]"))
            case ir.Map(key=key, value=value):
                yield from (Piece("{"), *self._pieces(key), Piece(": "), *self._pieces(value), Piece("}"))
            case ir.Tuple(items=items):
                yield from (Piece("["), *self._joined(items, ", "), Piece("]"))
            case ir.Union(members=members):
                yield from self._joined(members, "|")
            case ir.Nullable(inner=inner):
                yield from (*self._pieces(inner), Piece("|null"))
            case ir.Const(value=value):
                yield Piece(json.dumps(value, ensure_ascii=False))
            case ir.Null():
                yield Piece("null")
            case ir.Json():
                yield Piece("json")

    def _joined(self, types: Iterable[ir.Type], between: str) -> Iterator[Piece]:
        for index, one in enumerate(types):
            if index:
                yield Piece(between)
            yield from self._pieces(one)


def bounds(type_: ir.Type) -> str:
    """What values of the type itself must obey; empty when there is nothing."""
    match type_:
        case ir.Scalar(constraints=rules):
            said = [(word, getattr(rules, key)) for key, word in _WORDS.items()]
            return ", ".join(f"{word} {value}" for word, value in said if value is not None)
        case ir.Array(min_items=least, max_items=most, unique_items=unique):
            parts = [f"at least {least}"] if least else []
            parts += [] if most is None else [f"at most {most}"]
            return ", ".join([*parts, "each once"] if unique else parts)
        case ir.Nullable(inner=inner):
            return bounds(inner)
        case _:
            return ""
