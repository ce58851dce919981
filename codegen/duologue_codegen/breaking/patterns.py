"""Texts that match a regular expression, for messages made from a spec."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, TypeAlias

from ..resolve.patterns import matches

Write: TypeAlias = Callable[[Random], str]

_DIGITS: Final = "0123456789"
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))
_SETS: Final = {"d": _DIGITS, "w": f"{_LETTERS}{_DIGITS}_", "s": " "}
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_OFTEN: Final = (0, 1, 2, 3, 12, 60)
"""How often something is repeated, beyond what it has to be."""


class NotRead(Exception):
    """The pattern uses something that is not known here."""


def text_for(pattern: str, random: Random, length: int | None = None) -> str | None:
    """A text that matches, of a length if one is asked for; None when none was found."""
    try:
        write = _Reader(pattern).alternatives()
    except NotRead:
        return None
    for _ in range(30):
        text = write(random)
        if length in (None, len(text)) and matches(pattern, text):
            return text
    return None


class _Reader:
    """Reads a pattern into what writes matching text: literals, classes, groups, alternatives and repetition."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def alternatives(self, *, inside: bool = False) -> Write:
        choices = [self._sequence()]
        while self._take("|"):
            choices.append(self._sequence())
        if self._peek() and not inside:
            raise NotRead(self._pattern)
        return lambda random: random.choice(choices)(random)

    def _sequence(self) -> Write:
        parts: list[Write] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._one()))
        return lambda random: "".join(part(random) for part in parts)

    def _one(self) -> Write:
        char = self._next()
        match char:
            case "^" | "$":
                return lambda _: ""
            case "(":
                return self._group()
            case "[":
                return _choice(self._class())
            case "\\":
                return self._escaped()
            case ".":
                return _choice(_PRINTABLE)
            case _:
                return lambda _: char

    def _group(self) -> Write:
        if self._take("?"):
            if self._take("P<") or self._take("<"):
                while self._next() != ">":
                    pass
            elif not self._take(":"):
                raise NotRead(self._pattern)
        inner = self.alternatives(inside=True)
        if not self._take(")"):
            raise NotRead(self._pattern)
        return inner

    def _escaped(self) -> Write:
        char = self._next()
        if char in "AzbB":
            return lambda _: ""
        return _choice(self._set_of(char))

    def _set_of(self, char: str) -> str:
        """The characters that an escape stands for."""
        if char in _SETS:
            return _SETS[char]
        if char.lower() in _SETS:
            return "".join(other for other in _PRINTABLE if other not in _SETS[char.lower()])
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char.isalnum():
            raise NotRead(self._pattern)
        return char

    def _class(self) -> str:
        negated = self._take("^")
        chars = ""
        while not (self._take("]") and chars):
            char = self._next()
            chars += self._set_of(self._next()) if char == "\\" else self._range(char)
        return "".join(char for char in _PRINTABLE if char not in chars) if negated else chars

    def _range(self, first: str) -> str:
        if first == "[" or not (self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("]", "")):
            return first
        self._at += 1
        last = self._next()
        if last == "\\":
            last = self._set_of(self._next())
        return "".join(map(chr, range(ord(first), min(ord(last), ord(first) + 0x7F) + 1)))

    def _repeated(self, one: Write) -> Write:
        least, most = self._bounds()
        if (least, most) == (1, 1):
            return one
        self._take("?")  # lazy: what matches is the same
        counts = [least + more for more in _OFTEN if most is None or least + more <= most]
        return lambda random: "".join(one(random) for _ in range(random.choice(counts)))

    def _bounds(self) -> tuple[int, int | None]:
        if self._take("?"):
            return 0, 1
        if self._take("*"):
            return 0, None
        if self._take("+"):
            return 1, None
        if not self._take("{"):
            return 1, 1
        inside = ""
        while not self._take("}"):
            inside += self._next()
        low, comma, high = inside.partition(",")
        try:
            least = int(low or 0)
            return least, int(high) if high else None if comma else least
        except ValueError:
            raise NotRead(self._pattern) from None

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        if not char:
            raise NotRead(self._pattern)
        self._at += 1
        return char

    def _take(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found


def _choice(chars: str) -> Write:
    if not chars:
        raise NotRead("an empty class")
    return lambda random: random.choice(chars)
