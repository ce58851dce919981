"""Types as they are written: which of them are text, which may be null, which stay schemas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..schemas import HINT, PATTERNS
from ..typetree import Long
from ..yamltext import Tree
from .source import Place, Sources, is_list, is_map

_PATTERNS = frozenset(PATTERNS.values())


def as_text(tree: Tree) -> str | None:
    """The type as a part of a union; None for one that only a mapping can say."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, Long):
        return as_text(tree["type"]) if set(tree) == {"type"} else None
    if is_list(tree) and len(tree) == 1:
        inner = as_text(tree[0])
        return None if inner is None else f"[{inner}]"
    if is_map(tree) and len(tree) == 1:
        [(key, value)] = tree.items()
        inner = as_text(value)
        return None if inner is None else f"{{{key}: {inner}}}"
    return None


def accepts_null(tree: Tree) -> bool:
    """Whether the type, as far as it is written here, takes null."""
    if isinstance(tree, Long):
        return accepts_null(tree.get("type"))
    return isinstance(tree, str) and "null" in members(tree)


def members(text: str) -> list[str]:
    """The members of a union that is written as text."""
    found, depth = [""], 0
    for char in text:
        depth += (char in "[{") - (char in "]}")
        if char == "|" and not depth:
            found.append("")
        else:
            found[-1] += char
    return [member.strip() for member in found]


def verbatim(schema: Any, sources: Sources, place: Place | None, named: Callable[[str, Place], str]) -> Any:
    """A schema of an export as `{schema: …}` takes it."""
    if is_list(schema):
        return [verbatim(item, sources, place, named) for item in schema]
    if not is_map(schema):
        return schema
    if isinstance(schema.get("$ref"), str):
        return {"$ref": f"#/types/{named(schema['$ref'], place or Place(next(iter(sources.documents))))}"}
    kept = {key: value for key, value in schema.items() if not key.startswith(HINT)}
    if kept.get("pattern") in _PATTERNS:
        del kept["pattern"]
    if is_list(kept.get("items")):  # a tuple of draft 07
        kept["prefixItems"], kept["items"] = kept["items"], kept.pop("additionalItems", True)
    properties = kept.pop("properties", None)
    made = {
        key: value if key in ("enum", "const", "default", "examples") else verbatim(value, sources, place, named)
        for key, value in kept.items()
    }
    if properties is None:
        return made
    return made | {"properties": {name: verbatim(item, sources, place, named) for name, item in properties.items()}}


def optional_const(tree: Long) -> Long:
    """A field that may be absent is no constant: an enum of one value, or either of two."""
    rest = {key: value for key, value in tree.items() if key != "const"}
    value = tree["const"]
    return Long({"type": "boolean", **rest} if isinstance(value, bool) else {"enum": [value], **rest})


def bounded_or_null(tree: Tree) -> Long | None:
    """`{type: string|null, maxLength: 5}` of the type without its null; None where that cannot be said."""
    word = as_text(tree["type"]) if isinstance(tree, Long) and "type" in tree else None
    return Long({**tree, "type": f"{word}|null"}) if word and isinstance(tree, Long) else None
