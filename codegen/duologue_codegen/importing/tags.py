"""Unions with a discriminator: each member says its tag as a constant, which other formats leave to its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..typetree import Long
from ..yamltext import Commented, Tree
from .source import is_map


@dataclass(frozen=True, slots=True)
class Tagged:
    """A union that was read: the field that tells its members apart, and the value that each has there."""

    field: str
    values: dict[str, str]
    """Values by the names of types."""


def values(discriminator: Any, names: dict[str, str]) -> dict[str, str]:
    """The value for each type: what a mapping says, else its own name. `names` are those of types by reference."""
    mapping = discriminator.get("mapping") if is_map(discriminator) else None
    said = {to: tag for tag, to in mapping.items() if isinstance(to, str)} if is_map(mapping) else {}
    return {
        name: said.get(ref) or said.get(ref.rpartition("/")[2]) or ref.rpartition("/")[2] for ref, name in names.items()
    }


def settle(types: Commented, unions: list[Tagged]) -> None:
    """Make constants of tags that are plain text, where the member has the field itself."""
    for union in unions:
        for name, value in union.values.items():
            tree = types.get(name)
            fields = tree.get("fields") if isinstance(tree, Long) else None
            if isinstance(fields, Commented):
                _settle(fields, union.field, value)


def _settle(fields: Commented, field: str, value: str) -> None:
    key = field if field in fields else f"{field}?"
    tree = fields.get(key)
    constant = _constant(tree, value)
    if tree is None or constant is None:
        return
    entries = [(field if name == key else name, constant if name == key else other) for name, other in fields.items()]
    fields.clear()
    fields.update(entries)
    if key in fields.comments:
        fields.comments[field] = fields.comments.pop(key)


def _constant(tree: Tree, value: str) -> Long | None:
    """The type with this value alone; None for one that has a constant already, or is no text."""
    if tree == "string":
        return Long(const=value)
    if not isinstance(tree, Long):
        return None
    kept = {key: tree[key] for key in ("description", "deprecated", "python") if key in tree}
    if tree.get("type") == "string" and set(tree) <= {"type", *kept}:
        return Long(const=value, **kept)
    known = tree.get("enum", [])
    if value in known or len(known) == 1:
        return Long(const=value if value in known else known[0], **kept)
    return None
