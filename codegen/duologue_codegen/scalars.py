"""The YAML 1.2 core schema: what a plain scalar means.

PyYAML follows YAML 1.1, where `no`, `on`, `1_000`, `0777`, `12:30:45` and `2026-01-01` are no text. Here they are.
"""

from __future__ import annotations

import math
import re
from typing import TypeAlias

CoreValue: TypeAlias = "bool | int | float | str | None"

# A number longer than this is a mistake; Python itself refuses to convert one of more than 4,300 digits.
MAX_NUMBER_LENGTH = 64

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_SPECIAL_FLOATS = {
    **{f"{sign}.{word}": float(f"{sign}inf") for sign in ("", "+", "-") for word in ("inf", "Inf", "INF")},
    **{f".{word}": math.nan for word in ("nan", "NaN", "NAN")},
}
_NUMBER_STARTS = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def resolve(text: str) -> CoreValue:
    """Value of a plain scalar. Numbers that are too long stay text; `is_overlong_number` tells them."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in _NUMBER_STARTS or len(text) > MAX_NUMBER_LENGTH:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text, 0)
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return _SPECIAL_FLOATS.get(text, text)


def is_null(text: str) -> bool:
    return text in _NULLS


def is_overlong_number(text: str) -> bool:
    if len(text) <= MAX_NUMBER_LENGTH or text[0] not in _NUMBER_STARTS:
        return False
    return any(pattern.fullmatch(text) for pattern in (_INTEGER, _OCTAL, _HEXADECIMAL, _FLOAT))


def is_finite(value: float) -> bool:
    return math.isfinite(value)
