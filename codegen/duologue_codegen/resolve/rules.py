"""What a message is, where a spec does not say: the rules that follow from its templates."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, cast

PLACEHOLDER: Final = re.compile(r"\$([a-z][a-z0-9_]*(?:\.[0-9]+)?)")
SPREAD: Final = "..."

_TELLING: Final = frozenset({"id", "action", "event", "code"})
"""Placeholders whose value is always there; the names of others may be missing from messages that are right."""

_OTHER: Final = {"client": "server", "server": "client"}


def derived(envelope: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A rule for each template; those that ask for most come first."""
    ack = envelope.get("ack", {})
    sources: list[tuple[str, Any, dict[str, str]]] = [
        ("error", envelope.get("reply_error"), {}),
        ("cancel", envelope.get("cancel"), {}),
        ("request", envelope.get("request"), {}),
        *(("event", shape["notify"], _heard(shape)) for shape in envelope.get("shapes", [])),
        ("event", envelope.get("notify"), {}),
        ("response", envelope.get("reply"), {}),
        ("ack", ack.get("send"), {}),
        ("response", ack.get("reply"), {}),
    ]
    made = [{**_rule(kind, template), **end} for kind, template, end in sources if template is not None]
    return sorted(made, key=lambda rule: (-len(rule.get("equals", {})), -len(rule.get("exists", []))))


def _heard(shape: Mapping[str, Any]) -> dict[str, str]:
    return {"at": _OTHER[shape["from"]]} if "from" in shape else {}


def _rule(kind: str, template: Any) -> dict[str, Any]:
    found = [(".".join(path), value, _placeholder(value)) for path, value in leaves(template)]
    names, telling = {name for _, _, name in found}, _TELLING
    if kind == "error" and "code" not in names:
        telling |= {"message"}  # nothing else is an error's own
    if kind == "event" and "event" not in names:
        telling |= {"data"}
    equals = {where: _constant(value) for where, value, name in found if name is None}
    exists = [where for where, _, name in found if name in telling]
    return {"kind": kind, **({"exists": exists} if exists else {}), **({"equals": equals} if equals else {})}


def _placeholder(value: Any) -> str | None:
    found = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else found[1].partition(".")[0]


def _constant(value: Any) -> Any:
    return value[1:] if isinstance(value, str) and value.startswith("$$") else value


def at_their_ends(
    rules: Sequence[Mapping[str, Any]], callers: Collection[str], *, are_derived: bool
) -> list[dict[str, Any]]:
    """The rules, each where such a message may come: who calls nobody has no answers, and who serves nothing no calls.

    A request that is written so in the spec may come to either end, which then says that there is no such action.
    """
    ends: dict[str, Collection[str]] = {"response": callers, "ack": callers}
    if are_derived:
        ends["request"] = [_OTHER[caller] for caller in callers]
    kept: list[dict[str, Any]] = []
    for rule in rules:
        where = ends.get(rule["kind"])
        if where is None or len(where) == 2 or "at" in rule:
            kept.append(dict(rule))
        elif len(where) == 1:
            kept.append({"kind": rule["kind"], "at": next(iter(where)), **rule})
    return kept


def confused(rules: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Two kinds of messages that nothing tells apart, since all that the first asks for is in the second as well."""
    for index, rule in enumerate(rules):
        for later in rules[index + 1 :]:
            same_end = rule.get("at") is None or later.get("at") in (None, rule["at"])
            wanted = [set(rule.get("exists", [])) <= set(later.get("exists", []))]
            wanted.append(rule.get("equals", {}).items() <= later.get("equals", {}).items())
            if rule["kind"] != later["kind"] and same_end and all(wanted):
                return rule["kind"], later["kind"]
    return None


def leaves(template: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The scalars of a template with their paths, without what is spread."""
    if isinstance(template, dict):
        for key, value in cast("dict[str, Any]", template).items():
            if key != SPREAD:
                yield from leaves(value, (*path, key))
    elif isinstance(template, list):
        items = cast("Sequence[Any]", template)
        spread_at = next((index for index, value in enumerate(items) if is_spread(value)), len(items))
        for index, value in enumerate(items):
            if index != spread_at:  # what stands after it is counted from the end
                yield from leaves(value, (*path, str(index if index < spread_at else index - len(items))))
    else:
        yield path, template


def is_spread(item: Any) -> bool:
    """Whether an item of a template's array stands for the items of a value."""
    return isinstance(item, str) and item.startswith(SPREAD + "$")
