"""Findings about what a spec says of its own change: versions, deprecations, `since`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from .. import ir
from ..problems import quote
from .findings import Finding, Version, found

_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?")


@dataclass(frozen=True, slots=True)
class Declared:
    """Something that a spec declares, as far as versions are concerned."""

    origin: ir.Origin | None
    since: str | None
    deprecated: ir.Deprecation | None


def compare_versions(old: ir.Protocol, new: ir.Protocol, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Whether the version says what the changes are, and the rest of the spec what the version says."""
    before, after = parts(old.version), parts(new.version)
    shown = f"{old.version} → {new.version}"
    one, other = declared(old), declared(new)
    breaking = [finding for finding in findings if finding.breaks]
    if (after[:3], after[3]) < (before[:3], before[3]):
        yield found("version-lowered", shown, None)
    elif breaking and not is_major(old.version, new.version):
        count = f"{len(breaking)} breaking change{'s' if len(breaking) > 1 else ''}"
        yield found("major-needed", f"{shown}, with {count}", None)
    elif not breaking and other.keys() - one.keys() and after[:2] <= before[:2]:
        names = sorted(other.keys() - one.keys())
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield found("minor-needed", f"{shown}, with {', '.join(map(quote, names[:3]))}{more}", None)
    yield from _removed(one, other)
    yield from _dates(one, other, new.version)


def is_major(old: str, new: str) -> bool:
    """Whether a version may break what the other one has promised: before 1.0 the second number counts as well."""
    before, after = parts(old), parts(new)
    return after[:2] > before[:2] if before[0] == after[0] == 0 else after[0] > before[0]


def parts(version: str) -> tuple[int, int, int, tuple[bool, str]]:
    """Numbers of a semantic version; what comes before a release is lower than it."""
    match = _VERSION.match(version)
    assert match is not None, "versions of compiled specs are semantic ones"
    return int(match[1]), int(match[2]), int(match[3]), (match[4] is None, match[4] or "")


def _removed(old: Mapping[str, Declared], new: Mapping[str, Declared]) -> Iterator[Finding]:
    for name, before in old.items():
        owner = name.rpartition(" of ")[2]
        if name not in new and before.deprecated is None and (owner == name or owner in new):
            yield found("removed-undeprecated", quote(name), before.origin, version=Version.OLD)


def _dates(old: Mapping[str, Declared], new: Mapping[str, Declared], version: str) -> Iterator[Finding]:
    for name, after in new.items():
        before = old.get(name)
        if before is None:
            if after.since is not None and not _is_same(after.since, version):
                yield found("since-wrong", f"{quote(name)}: since {after.since}, new in {version}", after.origin)
        elif after.since != before.since and after.since is not None and _is_same(after.since, version):
            yield found("since-changed", f"{quote(name)}: since {before.since or 'ever'} → {after.since}", after.origin)
        note = after.deprecated
        newly = note is not None and (before is None or before.deprecated is None)
        if newly and note is not None and note.since is not None and not _is_same(note.since, version):
            what = f"{quote(name)}: deprecated since {note.since}, which is new in {version}"
            yield found("deprecated-since-wrong", what, after.origin)


def _is_same(since: str, version: str) -> bool:
    """Whether `1.4` or `1.4.0` is that version."""
    numbers = [int(part) for part in re.findall(r"\d+", since)[:3]]
    return (*numbers, 0, 0, 0)[:3] == parts(version)[:3]


def declared(protocol: ir.Protocol) -> dict[str, Declared]:
    """All that a spec declares, by a name that tells what it is: what a part belongs to follows ` of `."""
    found: dict[str, Declared] = {}

    def enter(name: str, it: ir.ActionDef | ir.EventDef | ir.ErrorDef | ir.Definition | ir.Field) -> None:
        found[name] = Declared(it.origin, it.since, it.deprecated)

    owners = {action.params: f"action {action.name}" for action in protocol.actions}
    owners |= {event.class_name: f"event {event.name}" for event in protocol.events}
    owners |= {error.details: f"error {error.code}" for error in protocol.errors if error.details is not None}
    for action in protocol.actions:
        enter(f"action {action.name}", action)
    for event in protocol.events:
        enter(f"event {event.name}", event)
    for error in protocol.errors:
        enter(f"error {error.code}", error)
    for definition in protocol.definitions:
        owner = owners.get(definition.class_name) or f"type {definition.name or definition.class_name}"
        if definition.name is not None:
            enter(f"type {definition.name}", definition)
        if isinstance(definition, ir.ObjectDef):
            for field in definition.fields:
                enter(f"field {field.name} of {owner}", field)
        if isinstance(definition, ir.EnumDef):
            for member in definition.members:
                found[f"value {member.value} of {owner}"] = Declared(definition.origin, None, definition.deprecated)
    return found
