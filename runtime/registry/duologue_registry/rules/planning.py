"""In which order services are started and stopped, by what they depend on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .deciding import find
from .model import Record, View
from .states import ALIVE


def start_order(view: View, name: str) -> list[str]:
    """What has to run before a service, and the service itself as the last.

    Raises:
        ServiceNotFound: Something that it depends on is not registered.
    """
    return _ordered(lambda each: find(view, each).entry.depends_on, name)


def stop_order(records: Sequence[Record], name: str) -> list[str]:
    """What depends on a service and is up, whoever needs it first, and the service itself as the last."""
    needed_by: dict[str, list[str]] = {}
    for record in records:
        for needed in record.entry.depends_on:
            if record.entry.state in ALIVE:
                needed_by.setdefault(needed, []).append(record.entry.name)
    return _ordered(lambda each: needed_by.get(each, ()), name)


def _ordered(firsts: Callable[[str], Sequence[str]], name: str) -> list[str]:
    """Everything that has to come before a service, each after what comes before it, and the service as the last."""
    order: dict[str, None] = {}
    to_visit: list[tuple[str, bool]] = [(name, False)]
    while to_visit:
        each, is_done = to_visit.pop()
        if is_done:
            order[each] = None
        elif each not in order:
            to_visit.append((each, True))
            to_visit += [(first, False) for first in reversed(firsts(each))]
    return list(order)
