"""Types written as text: `Foo`, `A|B|null`, `[A]|null`, `{string: A}|null`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

_TOKEN = re.compile(r"\s*(?:(?P<name>[^\s|\[\]{}:,]+)|(?P<sign>[|\[\]{}:]))")
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
    if parser.sign is not None or parser.name is not None:
        raise BadType(f"`{parser.shown}` is not expected here")
    return expression


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text.rstrip()
        self._next = 0
        self.name: Name | None = None
        self.sign: str | None = None
        self._advance()

    @property
    def shown(self) -> str:
        return self.name.text if self.name else self.sign or "the end"

    def _advance(self) -> None:
        self.name = self.sign = None
        if self._next >= len(self._text):
            return
        match = _TOKEN.match(self._text, self._next)
        if match is None:
            raise BadType(f"`{self._text[self._next :].strip()[:1]}` is not expected here")
        self._next = match.end()
        if match["name"] is not None:
            self.name = Name(match["name"], match.start("name"))
        else:
            self.sign = match["sign"]

    def _expect(self, sign: str) -> None:
        if self.sign != sign:
            raise BadType(f"`{sign}` expected, not {f'`{self.shown}`' if self.shown != 'the end' else self.shown}")
        self._advance()

    def union(self, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            raise BadType("it is nested too deep")
        members = [self._term(depth)]
        while self.sign == "|":
            self._advance()
            members.append(self._term(depth))
        return members[0] if len(members) == 1 else OneOf(tuple(members))

    def _term(self, depth: int) -> Expression:
        if self.name is not None:
            name = self.name
            self._advance()
            return name
        if self.sign == "[":
            self._advance()
            item = self.union(depth + 1)
            self._expect("]")
            return ListOf(item)
        if self.sign == "{":
            self._advance()
            key = self.name
            if key is None:
                raise BadType("`{` is followed by `string` or a type of strings, as in `{string: A}`")
            self._advance()
            self._expect(":")
            value = self.union(depth + 1)
            self._expect("}")
            return MapOf(key, value)
        raise BadType(f"a type expected, not {f'`{self.shown}`' if self.shown != 'the end' else self.shown}")
