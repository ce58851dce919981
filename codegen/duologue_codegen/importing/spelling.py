"""Names of other formats as names of a spec, and names in Python where none can be made of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from .. import names
from ..resolve.types import BUILTINS
from ..spec import LONG_FORM_KEYS

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)?")


def type_name(raw: str, taken: Collection[str]) -> str:
    """A name for a type: as it is where that can be, and one that nobody has."""
    fits = _TYPE.fullmatch(raw) and raw.rpartition(".")[2] not in LONG_FORM_KEYS and raw not in BUILTINS
    name = raw if fits else names.pascal(raw) or "Type"
    return unique(f"{name}Type" if name in BUILTINS or name in LONG_FORM_KEYS else name, taken)


def unique(name: str, taken: Collection[str]) -> str:
    number = 2
    found = name
    while found in taken:
        found, number = f"{name}{number}", number + 1
    return found


def kebab(raw: str) -> str | None:
    """`Chat API` → `chat-api`, as protocols are called."""
    words = re.findall(r"[a-z0-9]+", (names.snake(raw) or ""))
    return "-".join(words)[: names.LONGEST].rstrip("-") if words and words[0][0].isalpha() else None


def enum_names(values: Iterable[str | int]) -> dict[str, str]:
    """Names in Python for the values of an enum that would have none, or that of another value."""
    values = list(values)
    found: dict[str | int, str] = {}
    for value in sorted(values, key=lambda value: str(value).startswith("-")):  # a sign gives way: `-0` beside `0`
        derived = names.enum_member(value) or f"VALUE_{values.index(value) + 1}"
        signed = f"MINUS_{derived}" if str(value).startswith("-") and derived in found.values() else derived
        found[value] = unique(signed, found.values())
    return {str(value): found[value] for value in values if found[value] != names.enum_member(value)}


def field_names(wires: Iterable[str], reserved: frozenset[str] = frozenset()) -> dict[str, str]:
    """Names in Python for the fields that would have none, that of another, or another's name on the wire."""
    wires = list(wires)
    chosen: dict[str, str] = {}
    seen: set[str] = set()
    for number, wire in enumerate(wires, 1):
        derived = names.field(wire, reserved)
        others = {other for other in wires if other != wire}
        wanted = derived or f"field_{number}"
        name = unique(f"{wanted}_", seen | others) if wanted in seen or wanted in others else wanted
        seen.add(name)
        if name != derived:
            chosen[wire] = name
    return chosen


def namespace(name: str) -> str | None:
    before, _, after = name.rpartition(".")
    return before if before and after else None


def local(name: str, space: str | None) -> str:
    """A type's name as it is said in a namespace."""
    return name.removeprefix(f"{space}.") if space and namespace(name) == space else name


def class_name(name: str, chosen: str | None = None) -> str:
    """What the classes of an action or event begin with; `chosen` stands for what is behind its namespace."""
    space = namespace(name)
    inner = chosen or local(name, space)
    return ((names.pascal(space) or "") if space else "") + (names.pascal(inner) or "Unnamed")
