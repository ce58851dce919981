"""Types written as text: `Foo`, `A|B|null`, `[A]|null`, `{string: A}|null`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

_TOKEN = re.compile(r"\s*(?:(?P<name>[^\s|\[\]{}:,]+)|(?P<sign>[|\[\]{}:,]))")
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Name:
    text: str
    offset: int  # of its first character in the whole text


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Expression


@dataclass(frozen=True, slots=True)
class MapOf:
    key: Name
    value: Expression


@dataclass(frozen=True, slots=True)
class OneOf:
    members: tuple[Expression, ...]


Expression: TypeAlias = "Name | ListOf | MapOf | OneOf"


class BadType(ValueError):
    """The text is no type; `args[0]` says why."""


def parse(text: str) -> Expression:
    """Raise BadType when the text is no type."""
    parser = _Parser(text)
    expression = parser.union(0)
    parser.end()
    return expression


class _Parser:
    """Recursive descent over names (`Name`) and signs (`str`); None is the end."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text.rstrip())
        self._next = 0

    def _peek(self) -> Name | str | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        self._next += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise BadType(f"`{sign}` expected, not {self._shown()}")

    def _name(self) -> Name | None:
        token = self._peek()
        if not isinstance(token, Name):
            return None
        self._next += 1
        return token

    def _shown(self) -> str:
        token = self._peek()
        return "the end" if token is None else f"`{token.text if isinstance(token, Name) else token}`"

    def end(self) -> None:
        if self._peek() is not None:
            raise BadType(f"{self._shown()} is not expected here")

    def union(self, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            raise BadType("it is nested too deep")
        members = [self._term(depth)]
        while self._take("|"):
            members.append(self._term(depth))
        return members[0] if len(members) == 1 else OneOf(tuple(members))

    def _term(self, depth: int) -> Expression:
        name = self._name()
        if name is not None:
            return name
        if self._take("["):
            item = self.union(depth + 1)
            self._expect("]")
            return ListOf(item)
        if self._take("{"):
            key = self._name()
            if key is None:
                raise BadType("`{` is followed by `string` or a type of strings, as in `{string: A}`")
            self._expect(":")
            value = self.union(depth + 1)
            self._expect("}")
            return MapOf(key, value)
        raise BadType(f"a type expected, not {self._shown()}")


def _tokens(text: str) -> list[Name | str]:
    found: list[Name | str] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None, "every character is a name's, a sign, or white space before one of them"
        name = match["name"]
        found.append(match["sign"] if name is None else Name(name, match.start("name")))
        position = match.end()
    return found
