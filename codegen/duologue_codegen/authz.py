"""Who may do what: the table of roles and of all that a protocol has, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from . import ir

NO_ROLE = "(no role)"
"""Whoever was let in, and holds no role: what is public is theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One action or event.

    Attributes:
        kind: `action` or `event`.
        sender: Who calls or sends it: `client`, `server` or `both`.
        scope: All that have to be held; none when it is public. Of what the server calls or sends, by the client.
        roles: Whether each role holds them, `NO_ROLE` first.
    """

    kind: str
    name: str
    sender: str
    scope: tuple[str, ...]
    roles: dict[str, bool]


def matrix(protocol: ir.Protocol) -> list[Row]:
    """One row for each action and event, in the order of the spec."""
    held: dict[str, set[str]] = {NO_ROLE: set(), **{role.name: set(role.scopes) for role in protocol.roles}}
    kinds: list[tuple[str, Sequence[ir.ActionDef | ir.EventDef]]] = [
        ("action", protocol.actions),
        ("event", protocol.events),
    ]
    return [
        Row(
            kind=kind,
            name=entry.name,
            sender=str(entry.side),
            scope=entry.scope,
            roles={role: set(entry.scope) <= scopes for role, scopes in held.items()},
        )
        for kind, entries in kinds
        for entry in entries
    ]


def render_json(rows: Sequence[Row]) -> str:
    """The rows as a JSON array."""
    told = [
        {"kind": row.kind, "name": row.name, "from": row.sender, "scope": list(row.scope), "roles": row.roles}
        for row in rows
    ]
    return json.dumps(told, indent=2, ensure_ascii=False)


def render_text(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    if not rows:
        return "the protocol has neither actions nor events"
    lines = [["", "", "from", "scope", *rows[0].roles]]
    for row in rows:
        may = ["yes" if holds else "-" for holds in row.roles.values()]
        lines.append([row.kind, row.name, row.sender, " + ".join(row.scope) or "public", *may])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
