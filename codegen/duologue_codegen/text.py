"""How words that others wrote become Python, TOML and Markdown text.

What an author writes in a spec is hostile until it went through one of these. None of them depends on the Unicode
tables of the Python that runs (`repr` does, through `str.isprintable`), so that output is the same on each.
"""

from __future__ import annotations

import html as markup
import json
import math
import re
from collections.abc import Sequence
from typing import Final, cast

_WIDTH: Final = 110

# What never stands in a file as it is: controls, line separators, what is invisible or changes the direction of text,
# surrogates, noncharacters, tags.
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000-\u200f"
    "\u2028-\u202f\u205f-\u206f\u3000\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e0fff]"
)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOTTED: Final = re.compile(r"[A-Za-z0-9_]+([.-][A-Za-z0-9_]+)*")
_KEYWORDS: Final = frozenset(
    """
    False None True and as assert async await break class continue def del elif else except finally for from global if
    import in is lambda nonlocal not or pass raise return try while with yield
    """.split()
)


class Code(str):
    """Python text that was composed from checked parts: names, literals and other code."""

    __slots__ = ()


def _escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def literal(value: object) -> Code:
    """A Python literal of plain JSON: text, numbers, booleans, None, lists and dicts of them."""
    match value:
        case bool() | None | int():
            return Code(repr(value))
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{value} has no literal")
            return Code(repr(value))
        case str():
            return Code(_quoted(value))
        case list() | tuple():
            items = cast("Sequence[object]", value)
            return Code(f"[{', '.join(map(literal, items))}]")
        case dict():
            pairs = cast("dict[str, object]", value).items()
            return Code(f"{{{', '.join(f'{literal(key)}: {literal(item)}' for key, item in pairs)}}}")
        case _:
            raise TypeError(f"{type(value).__name__} has no literal")


def _quoted(value: str) -> str:
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    quote = "'" if '"' in text and "'" not in text else '"'
    return quote + _HIDDEN.sub(_escape, text.replace(quote, "\\" + quote)) + quote


def name(value: str) -> Code:
    """An identifier, or ValueError: the one gate through which names reach Python text."""
    if not _IDENTIFIER.fullmatch(value) or value in _KEYWORDS:
        raise ValueError(f"not a name: {value!r}")
    return Code(value)


def slug(value: str) -> Code:
    """A name of a distribution, a version, a file: letters, digits, `.`, `-` and `_`."""
    if not _DOTTED.fullmatch(value.replace("+", "-")):
        raise ValueError(f"not a slug: {value!r}")
    return Code(value)


def code(value: str) -> Code:
    """Let composed code through, and nothing else."""
    if not isinstance(value, Code):
        raise TypeError(f"not composed code: {value!r}")
    return value


def paragraphs(value: str, width: int = _WIDTH) -> list[str]:
    """Lines of prose, wrapped. Lines that begin with a space (code, tables) and empty lines are left as they are."""
    lines: list[str] = []
    for line in value.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").strip("\n").split("\n"):
        kept = line.rstrip(" ")
        if len(kept) <= width or kept.startswith(" "):
            lines.append(kept)
        else:
            lines.extend(_wrapped(kept, width))
    while lines and not lines[0].strip(" "):
        lines.pop(0)
    return lines or [""]


def _wrapped(line: str, width: int) -> list[str]:
    """The line broken at spaces. `textwrap` breaks at other characters as well, and drops them."""
    lines = [""]
    for word in line.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [kept for kept in (line.rstrip(" ") for line in lines) if kept]


def docstring(value: str, indent: int = 0) -> Code:
    """A triple-quoted literal, its later lines indented by `indent` columns.

    It holds the text (wrapped, trailing spaces cut), and nothing in the text can end it early, reach the code around it
    or fool the eye of a reader.
    """
    lines = paragraphs(value, _WIDTH - indent)
    if len(lines) == 1:
        line = lines[0].strip(" ")
        end = '\\"' if line.endswith('"') else ""
        return Code(f'"""{_inside_docstring(line[: len(line) - bool(end)])}{end}"""')
    margin = " " * indent
    rest = [f"{margin}{_inside_docstring(line)}" if line else "" for line in lines[1:]]
    return Code("\n".join([f'"""{_inside_docstring(lines[0].strip(" "))}', *rest, f'{margin}"""']))


def _inside_docstring(line: str) -> str:
    escaped = line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    escaped = _HIDDEN.sub(_escape, escaped)
    return "\\" + escaped if escaped.startswith('"') else escaped


def toml_string(value: str) -> Code:
    """A basic string of TOML 1.0."""
    text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return Code('"' + _HIDDEN.sub(_toml_escape, text.replace("\t", "\\t")) + '"')


def _toml_escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    if 0xD800 <= point <= 0xDFFF:
        return "\\uFFFD"
    return f"\\u{point:04X}" if point <= 0xFFFF else f"\\U{point:08X}"


def toml_array(values: tuple[str, ...]) -> Code:
    return Code(f"[{', '.join(map(toml_string, values))}]")


def one_line(value: str) -> Code:
    """Prose on one line without anything hidden: for comments and plain text files."""
    return Code(_HIDDEN.sub("", " ".join(value.split())))


def markdown(value: str) -> Code:
    """Prose on one line that Markdown shows as it was written."""
    words = re.sub(r"([\\`*_{}\[\]<>#|!&~$])", r"\\\1", one_line(value))
    # What begins a list, or underlines a heading.
    return Code(re.sub(r"^(?:([0-9]+)(?=[.)])|(?=[-+=]))", r"\1\\", words))


def markdown_code(value: str) -> Code:
    """Words for a code span: nothing in them ends the span, or the cell of the table around it."""
    return Code(one_line(value).replace("`", "'").replace("|", "/"))


def markdown_comment(value: str) -> Code:
    """Words for a comment of HTML, which they cannot end."""
    return Code(re.sub(r"-{2,}|[<>]", " ", one_line(value)))


def json_block(value: object) -> Code:
    """JSON on several lines, in which whatever hides is written as an escape."""
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    return Code("\n".join(_HIDDEN.sub(_json_escape, line) for line in lines))


def _json_escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


def html(value: str) -> Code:
    """Text of a page, or of an attribute in quotes; its lines stay lines."""
    return Code(markup.escape("\n".join(_HIDDEN.sub("", line) for line in value.split("\n"))))
