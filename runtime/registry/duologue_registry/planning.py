"""In which order services are started and stopped, by what they depend on. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from .model import Record, View
from .rules import find
from .states import ALIVE


def start_order(view: View, name: str) -> list[str]:
    """What has to run before a service, and the service itself as the last.

    Raises:
        ServiceNotFound: Something that it depends on is not registered.
    """
    order: dict[str, None] = {}
    to_visit: list[tuple[str, bool]] = [(name, False)]
    while to_visit:
        each, is_done = to_visit.pop()
        if is_done:
            order[each] = None
        elif each not in order:
            to_visit.append((each, True))
            to_visit += [(needed, False) for needed in reversed(find(view, each).entry.depends_on)]
    return list(order)


def stop_order(records: Sequence[Record], name: str) -> list[str]:
    """What depends on a service and is up, whoever needs it first, and the service itself as the last."""
    needed_by: dict[str, list[str]] = {}
    for record in records:
        for needed in record.entry.depends_on:
            if record.entry.state in ALIVE:
                needed_by.setdefault(needed, []).append(record.entry.name)
    order: dict[str, None] = {}
    to_visit: list[tuple[str, bool]] = [(name, False)]
    while to_visit:
        each, is_done = to_visit.pop()
        if is_done:
            order[each] = None
        elif each not in order:
            to_visit.append((each, True))
            to_visit += [(dependent, False) for dependent in reversed(needed_by.get(each, []))]
    return list(order)
