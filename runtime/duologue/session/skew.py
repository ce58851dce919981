"""Two ends that have different versions of a protocol: whether they go together, and in what they differ first."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from ..descriptors import Action, EventDescriptor, Protocol
from ..models import Model
from ..wire import Hello

ANY: Final = ""
"""The protocol of an end that does not know yet what the other speaks, and asks it (`describe`)."""

_NUMBERS: Final = re.compile(r"(\d+)\.(\d+)\.\d+")
_LENGTH: Final = 8
"""Characters for each item in `hello`."""
_MOST: Final = 256
"""Items told there; of a protocol that has more outside of its namespaces none are."""


def is_same(ours: str, theirs: str) -> bool:
    """Whether two ends speak one protocol, by its name."""
    return ours == theirs or ANY in (ours, theirs)


def refusal(ours: Hello, theirs: Hello, first_difference: Callable[[str], str | None]) -> str | None:
    """Why two ends do not talk to each other; None where they do.

    Args:
        first_difference: Finds in the `items` of a `hello` what of ours the other end lacks, or has otherwise.
    """
    if not is_same(ours.protocol, theirs.protocol):
        return f"this is {ours.protocol} {ours.version}, not {theirs.protocol} {theirs.version}"
    if go_together(ours.version, theirs.version):
        return None
    first = first_difference(theirs.items)
    told_first = "" if first is None else f"; they differ first in {first}"
    return f"this is {ours.protocol} {ours.version}, and the other end has {theirs.version}{told_first}"


def go_together(ours: str, theirs: str) -> bool:
    """Whether two versions keep each other's promises: the first number is the same, or before 1.0 the second too.

    What is no version in three numbers is let pass: other programs may number theirs otherwise.
    """
    one, other = _NUMBERS.match(ours), _NUMBERS.match(theirs)
    if one is None or other is None:
        return True
    return one[1] == other[1] and (one[1] != "0" or one[2] == other[2])


def told(protocol: Protocol) -> str:
    """What `hello` tells of the items of a protocol: a short digest of each, without anything between them."""
    found = _digests(protocol)
    return "".join(found.values()) if len(found) <= _MOST else ""


def first_difference(protocol: Protocol, items: str) -> str | None:
    """The first item of ours that the other end does not have, or has otherwise; None where that is not known."""
    theirs = {items[at : at + _LENGTH] for at in range(0, len(items), _LENGTH)}
    ours = _digests(protocol)
    return next((name for name, digest in ours.items() if theirs and digest not in theirs), None)


def _digests(protocol: Protocol) -> dict[str, str]:
    return {name: hashlib.sha256(f"{name} {what}".encode()).hexdigest()[:_LENGTH] for name, what in _items(protocol)}


def _items(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """What there is by what it is called, and what has to be the same; namespaces are not loaded for it."""
    for side, actions in (("", protocol.client_actions), ("the client's ", protocol.server_actions)):
        for action in actions:
            yield f"{side}action `{action.name}`", _of_action(action)
    for side, events in (("", protocol.events), ("notification ", protocol.notifications)):
        for event in events:
            yield f"{side or 'event '}`{event.name}`", _of_event(event)
    for name in protocol.namespaces:
        yield f"namespace `{name}`", ""


def _of_action(action: Action[Any, Any]) -> str:
    return f"{type(action).__name__} {action.effect.value} {_members(action.params)}"


def _of_event(event: EventDescriptor[Any]) -> str:
    return f"{event.delivery.value} {_members(event.model)}"


def _members(model: type[Model]) -> list[tuple[str, bool]]:
    """Names on the wire, and whether they have to be there."""
    return sorted((field.alias or name, field.is_required()) for name, field in model.model_fields.items())
