"""Regular expressions of a spec: only those that run in linear time, in every language.

The engine that checks them is the one that generated models use, so what passes here works there.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

_LONGEST = 4_096
"""Characters of a pattern; it is compiled by whoever reads a value, and takes a hundred times its size."""
_LOOK_AROUND = re.compile(r"\(\?(<?[=!])")
_BACK_REFERENCE = re.compile(r"\\[1-9]|\\k[<{']|\(\?P=")


def objection(pattern: str) -> tuple[str, str | None] | None:
    """Message and hint when a pattern may not be used."""
    if len(pattern) > _LONGEST:
        return f"the pattern has more than {_LONGEST:,} characters", "a list of values is an `enum`"
    bare = re.sub(r"\\\\", "", pattern)
    if found := _LOOK_AROUND.search(re.sub(r"\\\(", "", bare)):
        return f"the pattern uses look-around, `(?{found[1]}`", "say it without: it makes matching exponential"
    if _BACK_REFERENCE.search(bare):
        return "the pattern uses a back-reference", "say it without: it makes matching exponential"
    try:
        _validator(pattern)
    except SchemaError as error:
        reason = str(error).replace("\n", " ").rpartition("error: ")[2]
        return f"the pattern does not compile: {reason[:120]}", None
    return None


def matches(pattern: str, text: str) -> bool:
    return _validator(pattern).isinstance_python(text)


@lru_cache(maxsize=1024)
def _validator(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
