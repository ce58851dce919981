"""A spec as large as the largest protocols: always the same one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

GROUPS: Final = ("node", "page", "frame", "style", "worker", "cache", "audio", "input", "layer", "log")
FIELDS: Final = ("string", "integer", "boolean", "number", "datetime", "[string]", "{string: integer}", "duration")


def large_spec(actions: int, events: int, types: int) -> str:
    """YAML with so many of each."""
    lines = ["duologue: 1", "protocol: large", "version: 1.0.0", "defaults: {scope: public}", "types:"]
    lines += _types(types)
    lines += ["errors:"]
    lines += [
        f"  no_{group}: {{status: not_found, message: 'no {group} is called {{name}}', details: {{name: string}}}}"
        for group in GROUPS
    ]
    lines += ["actions:"]
    for n in range(actions):
        group = GROUPS[n % len(GROUPS)]
        result = _type_name(n * 7 % types)
        lines += [
            f"  {group}_action_{n}:",
            f"    description: Does what number {n} of the {group} actions does.",
            f"    params: {{name: string, count?: integer, wanted: {{type: {_type_name(n * 5 % types)}}}}}",
            f"    result: {result}",
            f"    effect: {('safe', 'keyed', 'unsafe')[n % 3]}",
            f"    errors: [no_{group}]",
        ]
    lines += ["events:"]
    for n in range(events):
        group = GROUPS[n % len(GROUPS)]
        lines += [
            f"  {group}_changed_{n}:",
            f"    data: {{name: string, now: {_type_name(n * 3 % types)}, number: integer}}",
            f"    delivery: {('log', 'volatile')[n % 2]}",
            "    filter: [name]",
        ]
    return "\n".join([*lines, ""])


def _type_name(number: int) -> str:
    return f"{GROUPS[number % len(GROUPS)].capitalize()}Type{number}"


def _types(count: int) -> Iterator[str]:
    """Each has fields of basic types and, but for the first ones, fields of types before it; every sixth is an enum."""
    for n in range(count):
        name = _type_name(n)
        if n % 6 == 5:
            yield f"  {name}: {{enum: [{', '.join(f'value_{n}_{k}' for k in range(5))}], open: true}}"
            continue
        yield f"  {name}:"
        yield f"    description: Number {n} of the types."
        yield "    fields:"
        for k in range(5):
            optional = "?" if k % 3 == 2 else ""
            yield f"      field_{k}{optional}: {{type: {FIELDS[(n + k) % len(FIELDS)]}, description: Field {k}.}}"
        if n > 6:
            yield f"      before: {_type_name(n * 11 % (n - 1))}"
            yield f"      others?: [{_type_name(n * 13 % (n - 1))}]"
