"""What a message is, where a spec does not say: the rules that follow from its templates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

PLACEHOLDER: Final = re.compile(r"\$([a-z][a-z0-9_]*(?:\.[0-9]+)?)")
SPREAD: Final = "..."

_TELLING: Final = frozenset({"id", "action", "event", "code"})
"""Placeholders whose value is always there; the names of others may be missing from messages that are right."""

_SOURCES: Final = (
    ("error", "reply_error"),
    ("cancel", "cancel"),
    ("request", "request"),
    ("event", "notify"),
    ("response", "reply"),
)


def derived(envelope: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A rule for each template; those that ask for most come first."""
    made = [_rule(kind, envelope[key]) for kind, key in _SOURCES if envelope.get(key) is not None]
    ack = envelope.get("ack", {})
    made += [_rule(kind, ack[key]) for kind, key in (("ack", "send"), ("response", "reply")) if key in ack]
    return sorted(made, key=lambda rule: (-len(rule.get("equals", {})), -len(rule.get("exists", []))))


def _rule(kind: str, template: Any) -> dict[str, Any]:
    equals: dict[str, Any] = {}
    exists: list[str] = []
    for path, value in leaves(template):
        where = ".".join(path)
        placeholder = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
        if placeholder is None:
            equals[where] = value[1:] if isinstance(value, str) and value.startswith("$$") else value
        elif placeholder[1].partition(".")[0] in _TELLING:
            exists.append(where)
    return {"kind": kind, **({"exists": exists} if exists else {}), **({"equals": equals} if equals else {})}


def leaves(template: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The scalars of a template with their paths, without what is spread."""
    if isinstance(template, dict):
        for key, value in cast("dict[str, Any]", template).items():
            if key != SPREAD:
                yield from leaves(value, (*path, key))
    elif isinstance(template, list):
        for index, value in enumerate(cast("Sequence[Any]", template)):
            if not (isinstance(value, str) and value.startswith(SPREAD + "$")):
                yield from leaves(value, (*path, str(index)))
    else:
        yield path, template
