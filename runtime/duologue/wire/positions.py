"""Params by position: an array in declared order, instead of an object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .trees import join_array, join_object, level


@dataclass(frozen=True, slots=True)
class Member:
    """One of some params.

    Attributes:
        absent: What stands in its place when it is left out and another follows.
        nullable: Whether null is a value of its own; else it says that this one was left out.
    """

    name: str
    absent: bytes
    nullable: bool


Order: TypeAlias = Callable[[str], Sequence[Member]]
"""The members of an action's params, or of an event's data, in declared order; none for what is not declared."""


def to_array(members: Sequence[Member], named: bytes) -> bytes:
    """An object as an array. What is left out at the end stays so."""
    found = level(named)
    if not isinstance(found, dict):
        return named
    last = max((index for index, member in enumerate(members) if member.name in found), default=-1)
    return join_array(
        [
            bytes(found[member.name]) if member.name in found else member.absent
            for member in members[: last + 1]
        ]
    )  # fmt: skip


def to_object(members: Sequence[Member], text: bytes) -> bytes:
    """An array as an object; an object, which some callers send all the same, stays one.

    An item more than is declared is called by its number, so that whoever checks the params can tell of it.
    """
    items = level(text)
    if not isinstance(items, list):
        return text
    if not members and items:  # nobody knows what they are called
        return text
    found: list[tuple[str, bytes]] = []
    for index, item in enumerate(map(bytes, items)):
        if index >= len(members):
            found.append((str(index), item))
        elif item != b"null" or members[index].nullable:
            found.append((members[index].name, item))
    return join_object(found)
