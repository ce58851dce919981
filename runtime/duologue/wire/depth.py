"""How deeply JSON text is nested, found before any decoder recurses into it.

Hostile text decides how long this takes, so every step is one pass at the speed of memory: a regular expression over
strings was quadratic where quotes are escaped and never closed, and 1 MiB of that stopped a server for good.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Final

MAX_DEPTH: Final = 64
"""Objects and arrays inside each other; deeper text is refused."""

_QUOTES_AND_BRACKETS: Final = b'"[]{}'
_ALL_ELSE: Final = bytes(set(range(256)) - set(_QUOTES_AND_BRACKETS))
_STEPS: Final = bytes.maketrans(b"[{]}", b"1100")
"""An opening bracket is a bit that is set, a closing one a bit that is not: eight of them are looked up at once."""


def _courses() -> list[tuple[int, int]]:
    """Of each octet of steps: how far it rises at most on its way, and how far in all."""
    courses: list[tuple[int, int]] = []
    for octet in range(256):
        heights = list(accumulate(1 if octet >> bit & 1 else -1 for bit in range(7, -1, -1)))
        courses.append((max(heights), heights[-1]))
    return courses


_COURSES: Final = _courses()

_CHUNK: Final = 16 * 1024
"""So many bytes are looked at at a time: hostile text may be nothing but quotes, at each of which it is split."""


def _opens_often(text: bytes) -> bool:
    """Whether more than `MAX_DEPTH` brackets open: of long text each is found faster than all are counted."""
    found = 0
    for bracket in b"{[":
        at = text.find(bracket)
        while at >= 0:
            if (found := found + 1) > MAX_DEPTH:
                return True
            at = text.find(bracket, at + 1)
    return False


def is_too_deep(text: bytes) -> bool:
    """Whether objects and arrays stand inside each other more than `MAX_DEPTH` times.

    True of all text in which they do; what is no JSON may get either answer.
    """
    if len(text) > _CHUNK:
        if not _opens_often(text):
            return False
    elif text.count(b"{") + text.count(b"[") <= MAX_DEPTH:  # most messages: two scans
        return False
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    depth = inside = 0
    for start in range(0, len(text), _CHUNK):  # what nests too deeply mostly does so at once
        outline = text[start : start + _CHUNK].translate(None, _ALL_ELSE).replace(b'""', b"")  # a pair is of no account
        parts = outline.split(b'"')
        steps = b"".join(parts[inside::2]).translate(_STEPS)
        inside = (inside + len(parts) - 1) % 2
        added = -len(steps) % 8
        octets = int(b"0" + steps + b"0" * added, 2).to_bytes((len(steps) + added) // 8, "big")
        for peak, rise in map(_COURSES.__getitem__, octets):
            if depth + peak > MAX_DEPTH:
                return True
            depth += rise
        depth += added
    return False
