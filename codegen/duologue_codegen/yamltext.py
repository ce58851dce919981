"""Plain data as YAML that reads as people write specs: on one line where it fits, quotes only where they are needed."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from . import scalars

WIDTH: Final = 120

Tree: TypeAlias = "Mapping[str, Tree] | Sequence[Tree] | str | int | float | Decimal | bool | None"
"""What can be written. A `Decimal` is a number that is written as it is, digit by digit."""


class Commented(dict[str, Tree]):
    """A mapping with comments: each stands above the key that it belongs to, or, for ``""``, at the very top."""

    def __init__(self, entries: Mapping[str, Tree] | None = None, comments: Mapping[str, str] | None = None) -> None:
        super().__init__(entries or {})
        self.comments: dict[str, str] = dict(comments or {})


# What a plain scalar may not begin with, and not hold: YAML 1.2, section 7.3.3, the narrower rules of flow style.
_BEGINS: Final = re.compile(r"-(\s|$|[,\[\]{}])|[?:,\[\]{}#&*!|>'\"%@`\s]|---|\.\.\.")
_HOLDS: Final = re.compile(r":(\s|$|[,\[\]{}])|\s#|[,\[\]{}\n]|\s$")
_HOLDS_IN_BLOCK: Final = re.compile(r":(\s|$)|\s#|\n|\s$")
_NOT_PRINTABLE: Final = re.compile(
    "[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]"  # libyaml reads no more than this (YAML 1.1, section 5.1)
)
_LINE_BREAKS: Final = re.compile("[\r\x85\u2028\u2029]")
_LONGEST_KEY: Final = 1000  # libyaml looks no further than 1,024 characters for the `:` of a key


def dump(tree: Mapping[str, Tree], *, width: int = WIDTH, blocks: Collection[str] = ()) -> str:
    """The text of a document. What stands under the keys `blocks` is written in block style, however short it is."""
    writer = _Writer(width, frozenset(blocks))
    writer.mapping(tree, 0)
    return "\n".join(writer.lines) + "\n"


class _Writer:
    def __init__(self, width: int, blocks: Collection[str]) -> None:
        self.lines: list[str] = []
        self._width = width
        self._blocks = blocks

    def mapping(self, tree: Mapping[str, Tree], indent: int) -> None:
        comments = tree.comments if isinstance(tree, Commented) else {}
        self._comment(comments.get(""), indent)
        for number, (key, value) in enumerate(tree.items()):
            section = value if indent == 0 and key in self._blocks and isinstance(value, Mapping) and value else None
            if section is not None and number:
                self.lines.append("")
            self._comment(comments.get(key), indent)
            start = f"{' ' * indent}{scalar(key, in_flow=False, key=True)}:"
            if section is None:
                self._entry(start, value, indent)
            else:
                self.lines.append(start)
                self.mapping(section, indent + 2)

    def _comment(self, text: str | None, indent: int) -> None:
        if text:
            for line in text.splitlines():
                self.lines.append(f"{' ' * indent}# {_printable(line)}".rstrip())

    def _entry(self, start: str, value: Tree, indent: int) -> None:
        """`start` and a value, on this line or on those that follow."""
        if isinstance(value, str):
            self._text(start, value, indent)
            return
        flow = self._flow(value, self._width - len(start) - 1)
        if flow is not None:
            self.lines.append(f"{start} {flow}")
        elif isinstance(value, Mapping):
            self.lines.append(start)
            self.mapping(value, indent + 2)
        else:
            assert isinstance(value, Sequence)
            self.lines.append(start)
            self._sequence(value, indent + 2)

    def _sequence(self, items: Sequence[Tree], indent: int) -> None:
        margin = " " * indent
        words = [self._flow(item, self._width - indent - 2) for item in items]
        if all(word is not None and len(word) <= 40 for word in words):
            self.lines[-1] += " ["
            self.lines += _filled([word or "" for word in words], margin, self._width)
            self.lines.append(f"{' ' * (indent - 2)}]")
            return
        for item, word in zip(items, words, strict=True):
            if word is not None:
                self.lines.append(f"{margin}- {word}")
            elif isinstance(item, Mapping):
                at = len(self.lines)
                self.mapping(item, indent + 2)
                self.lines[at] = f"{margin}- {self.lines[at].lstrip()}"
            else:
                self._entry(f"{margin}-", item, indent)

    def _text(self, start: str, text: str, indent: int) -> None:
        """Text beside its key; over several lines where it has or needs them."""
        written = scalar(text, in_flow=False)
        block: list[str] | None = None
        if "\n" in text:
            block = _literal_block(text, indent + 2)
        elif len(start) + 1 + len(written) > self._width:
            block = _folded_block(text, indent + 2, self._width)
        first, *rest = block or [written]
        self.lines += [f"{start} {first}", *rest]

    def _flow(self, tree: Tree, room: int) -> str | None:
        """The tree on one line; None when it is too long for that, or holds text of several lines or comments."""
        if isinstance(tree, Mapping):
            if isinstance(tree, Commented) and any(tree.comments.values()):
                return None
            parts: list[str] = []
            left = room
            for key, value in tree.items():
                part = self._flow(value, left)
                if part is None:
                    return None
                parts.append(f"{scalar(key, in_flow=True, key=True)}: {part}")
                left -= len(parts[-1])
            return _short(f"{{{', '.join(parts)}}}", room)
        if isinstance(tree, str):
            return None if "\n" in tree else _short(scalar(tree, in_flow=True), room)
        if isinstance(tree, Sequence):
            items = [self._flow(item, room) for item in tree]
            return None if None in items else _short(f"[{', '.join(item or '' for item in items)}]", room)
        return _number(tree)


def _short(text: str, room: int) -> str | None:
    return text if len(text) <= max(room, 2) else None  # `{}` and `[]` have no block style


def _filled(words: Sequence[str], margin: str, width: int) -> list[str]:
    lines = [margin]
    for word in words:
        if len(lines[-1]) + len(word) + 2 > width and lines[-1].strip():
            lines.append(margin)
        lines[-1] += f"{' ' if lines[-1].strip() else ''}{word},"
    return lines


def scalar(text: str, *, in_flow: bool, key: bool = False) -> str:
    """Text as a scalar on one line: plain where that is read as the same text, else in quotes."""
    if _NOT_PRINTABLE.search(text) or _LINE_BREAKS.search(text) or "\n" in text or "\t" in text:
        return _double_quoted(text)
    if key and len(text) > _LONGEST_KEY:
        raise ValueError(f"no key is longer than {_LONGEST_KEY} characters")
    holds = _HOLDS if in_flow else _HOLDS_IN_BLOCK
    plain = bool(text) and not _BEGINS.match(text) and not holds.search(text) and text != "<<"
    if plain and isinstance(scalars.resolve(text), str) and not scalars.is_overlong_number(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _double_quoted(text: str) -> str:
    """JSON's escapes are YAML's, but for characters beyond the first plane."""
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub(r"[^\x20-\x7e\xa1-\u2027\u2030-\ud7ff\ue000-\ufefe\uff00-\ufffd]", _escape, quoted)


def _escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def _printable(line: str) -> str:
    return _NOT_PRINTABLE.sub("\N{REPLACEMENT CHARACTER}", line)


def _number(value: float | Decimal | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _literal_block(text: str, indent: int) -> list[str] | None:
    """`|` and the lines; None for text that such a block would change."""
    body = text.removesuffix("\n")
    lines = body.split("\n")
    odd = _NOT_PRINTABLE.search(text) or _LINE_BREAKS.search(text) or "\t" in text
    if odd or not lines[0].strip() or lines[0][0] == " " or body.endswith("\n") or not lines[-1].strip(" "):
        return None
    margin = " " * indent
    return ["|" if text.endswith("\n") else "|-", *(f"{margin}{line}" if line else "" for line in lines)]


def _folded_block(text: str, indent: int, width: int) -> list[str] | None:
    """`>-` and the text broken at single spaces, which folding puts back; None where that would change it."""
    odd = _NOT_PRINTABLE.search(text) or _LINE_BREAKS.search(text) or "\t" in text or "\n" in text
    if odd or text != text.strip(" ") or "  " in text or not text:
        return None
    margin = " " * indent
    lines = [margin]
    for word in text.split(" "):
        if len(lines[-1]) + 1 + len(word) > width and lines[-1].strip():
            lines.append(margin)
        lines[-1] += f"{' ' if lines[-1].strip() else ''}{word}"
    return [">-", *lines]
