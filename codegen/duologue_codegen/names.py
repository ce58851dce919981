"""How names of a spec become names in Python. Made here, once, and nowhere else.

Every function gives an identifier of ASCII letters, digits and `_` that is no keyword, or None when nothing is left of
a name (then the author has to choose one with `python: {name: …}`).
"""

from __future__ import annotations

import re
import unicodedata

from .reserved import DECORATORS, KEYWORDS, MEMBER_NAMES, MODEL_MEMBERS, SHADOWING

# Where a name is split: between humps (`frameNavigated`, `HTTPServer`), and at all that is no letter or digit.
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+[a-z]*")
# Letters of Latin scripts lose their marks, or have a spelling. Other letters beyond ASCII are left out, as signs are:
# Unicode's tables differ from one Python to the next, for these letters they do not.
_LATIN = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")
_SPELLED = {
    "\u00df": "ss", "\u00e6": "ae", "\u00c6": "Ae", "\u00f8": "o", "\u00d8": "O", "\u0153": "oe", "\u0152": "Oe",
    "\u0111": "d", "\u0110": "D", "\u0142": "l", "\u0141": "L", "\u00fe": "th", "\u00de": "Th", "\u00f0": "d",
    "\u00d0": "D", "\u0131": "i", "\u1e9e": "SS",
}  # fmt: skip
LONGEST = 100
"""Characters of a name that folders and files are called by, with more around it: file systems take 255 bytes."""
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PASCAL = re.compile(r"[A-Z][A-Za-z0-9]*")


def words(name: str) -> list[str]:
    """`frameNavigated` → frame, Navigated; `service_not-found` → service, not, found; `base64` is one word."""
    return _WORDS.findall(_LATIN.sub(_in_ascii, name))


def _in_ascii(letter: re.Match[str]) -> str:
    return _SPELLED.get(letter[0], unicodedata.normalize("NFKD", letter[0])[0])


def snake(name: str) -> str | None:
    """`frameNavigated` → `frame_navigated`. Digits never begin it: `2xx` → `n2xx`."""
    parts = words(name)
    text = "_".join(parts).lower()
    return (f"n{text}" if text[0].isdigit() else text) if parts else None


def pascal(name: str) -> str | None:
    """`service_not_found` → `ServiceNotFound`; a name in this style is left alone (`HTTPProbe`)."""
    if _PASCAL.fullmatch(name):
        return name
    text = "".join(part[0].upper() + part[1:] for part in words(name))
    return (f"N{text}" if text[0].isdigit() else text) if text else None


def constant(name: str) -> str | None:
    """`Page.frameNavigated` → `PAGE_FRAME_NAVIGATED`."""
    text = snake(name)
    return text.upper() if text else None


def is_identifier(name: str) -> bool:
    """What an author may choose: no leading or trailing underscore tricks, no keyword."""
    return _IDENTIFIER.fullmatch(name) is not None and name not in KEYWORDS


def field(name: str, reserved: frozenset[str] = frozenset()) -> str | None:
    """Attribute of a model. `reserved` are names that its surroundings need, such as `timeout` among params."""
    text = snake(name)
    if text is None:
        return None
    if text.startswith(("model_validate", "model_dump")):
        return f"field_{text}"  # pydantic guards these prefixes, so a trailing underscore would not help
    taken = text in KEYWORDS or text in MODEL_MEMBERS or text in SHADOWING or text in reserved
    return f"{text}_" if taken else text


def method(name: str) -> str | None:
    """Method of a client, a peer or a service."""
    text = snake(name)
    if text is None:
        return None
    taken = text in KEYWORDS or text in SHADOWING or text in DECORATORS or text in MEMBER_NAMES
    return f"{text}_" if taken else text


def enum_member(value: str | int) -> str | None:
    """`rolled_back` → `ROLLED_BACK`, 404 → `VALUE_404`, -1 → `MINUS_1`."""
    if isinstance(value, int):
        return f"MINUS_{-value}" if value < 0 else f"VALUE_{value}"
    parts = words(value)
    if not parts:
        return None
    text = "_".join(parts).upper()
    return f"VALUE_{text}" if text[0].isdigit() else text


def keyword(path: str) -> str | None:
    """Argument for a filter path: `report.status` → `report_status`. `since` is the subscribing method's own."""
    text = "_".join(part for part in (snake(piece) for piece in path.split(".")) if part)
    taken = text in KEYWORDS or text in SHADOWING or text in ("self", "since")
    return (f"{text}_" if taken else text) if text else None
