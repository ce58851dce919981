"""JSON text as a tree that is decoded a level at a time: what nobody looks into stays as it came."""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Raw
from msgspec.json import Decoder

Path: TypeAlias = tuple[str, ...]
"""Steps from the top of a message: names of members, indexes of items, from the end where they are negative.

None is the message itself.
"""

Level: TypeAlias = dict[str, Raw] | list[Raw]

_MOST_DIGITS: Final = 640
"""Digits of a whole number that Python converts whatever it was told about such: more take it ever longer."""

_decode_object = Decoder(dict[str, Raw]).decode
_decode_array = Decoder(list[Raw]).decode


def path_of(text: str) -> Path:
    """`params.0.name` as steps; `.` is the whole message."""
    return () if text == "." else tuple(text.split("."))


def level(text: bytes | Raw) -> Level | None:
    """The members or items of an object or array; None for anything else.

    Raises:
        msgspec.DecodeError: It is no JSON.
    """
    data = bytes(text)
    match data[:1]:
        case b"{":
            return _decode_object(data)
        case b"[":
            return _decode_array(data)
        case _:
            return None


def plain(text: bytes | Raw) -> Any:
    """JSON as plain Python, whatever its numbers: one that is too large for Python's is infinite.

    What nobody looks into is not decoded when a message is read, so its numbers may be anything.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(bytes(text), parse_int=_whole)


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def join_object(members: list[tuple[str, bytes]]) -> bytes:
    """An object of members that are JSON already."""
    return b"{%b}" % b",".join(b"%b:%b" % (msgspec.json.encode(name), value) for name, value in members)


def join_array(items: list[bytes]) -> bytes:
    return b"[%b]" % b",".join(items)


class Frame:
    """One message: what stands at a path of it.

    Raises:
        msgspec.DecodeError: It is no JSON.
    """

    __slots__ = ("_levels", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text = text.strip()
        top = level(text)
        if top is None:
            msgspec.json.decode(text)  # a number or a text may be one, too
        self._levels: dict[Path, Level | None] = {(): top}

    def at(self, path: Path) -> bytes | None:
        """The JSON at a path; None where there is nothing."""
        if not path:
            return self.text
        found = _step(self.level(path[:-1]), path[-1])
        return None if found is None else bytes(found)

    def holds(self, path: Path, value: bytes) -> bool:
        """Whether a JSON scalar stands at a path, however it is written."""
        found = self.at(path)
        if found is None or found == value:
            return found is not None
        return b"\\" in found and found[:1] == b'"' and msgspec.json.encode(msgspec.json.decode(found)) == value

    def level(self, path: Path) -> Level | None:
        """The members or items of what stands at a path."""
        if path not in self._levels:
            inner = _step(self.level(path[:-1]), path[-1])
            self._levels[path] = None if inner is None else level(inner)
        return self._levels[path]


def _step(owner: Level | None, step: str) -> Raw | None:
    if isinstance(owner, dict):
        return owner.get(step)
    if isinstance(owner, list) and step.removeprefix("-").isdecimal():
        index = int(step)
        return owner[index] if -len(owner) <= index < len(owner) else None
    return None
