"""Where types meet: params, results, items, data and details, in both versions of whatever has the same name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .. import ir


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One place where a message of one side is read by the other.

    Attributes:
        part: `params`, `result`, `item`, `data` or `details`.
        name: Of the action, event or error.
        writers: Who writes it.
        origin: Where the new version declares what it is part of.
    """

    part: str
    name: str
    old: ir.Type
    new: ir.Type
    writers: tuple[ir.Side, ...]
    origin: ir.Origin | None


def positions(old: ir.Protocol, new: ir.Protocol) -> Iterator[Position]:
    """All places that both versions have."""
    yield from _of_actions(old, new)
    events = {event.name: event for event in new.events}
    for event in old.events:
        if (after := events.get(event.name)) is not None:
            senders = _both(event.side, after.side)
            yield _position("data", after, ir.Ref(name=event.class_name), ir.Ref(name=after.class_name), senders)
    failures = {error.code: error for error in new.errors}
    for error in old.errors:
        after_error = failures.get(error.code)
        if after_error is not None and error.details is not None and after_error.details is not None:
            details = ir.Ref(name=error.details), ir.Ref(name=after_error.details)
            yield _position("details", after_error, *details, _failing(error, old))


def _of_actions(old: ir.Protocol, new: ir.Protocol) -> Iterator[Position]:
    actions = {action.name: action for action in new.actions}
    for action in old.actions:
        after = actions.get(action.name)
        if after is None:
            continue
        callers = _both(action.side, after.side)
        answering = tuple(_other(side) for side in callers)
        yield _position("params", after, ir.Ref(name=action.params), ir.Ref(name=after.params), callers)
        yield _position("result", after, action.result, after.result, answering)
        if action.item is not None and after.item is not None:
            yield _position("item", after, action.item, after.item, answering)


def _position(
    part: str, after: ir.ActionDef | ir.EventDef | ir.ErrorDef, old: ir.Type, new: ir.Type, writers: tuple[ir.Side, ...]
) -> Position:
    name = after.code if isinstance(after, ir.ErrorDef) else after.name
    return Position(part=part, name=name, old=old, new=new, writers=writers, origin=after.origin)


def _both(old: ir.Side, new: ir.Side) -> tuple[ir.Side, ...]:
    return tuple(side for side in old.ends if side in new.ends)


def _other(side: ir.Side) -> ir.Side:
    return ir.Side.SERVER if side is ir.Side.CLIENT else ir.Side.CLIENT


def _failing(error: ir.ErrorDef, protocol: ir.Protocol) -> tuple[ir.Side, ...]:
    """Who answers with an error: the called sides of the actions that may end in it."""
    calling = {side for action in protocol.actions if error.class_name in action.errors for side in action.side.ends}
    return tuple(_other(side) for side in sorted(calling)) or (ir.Side.SERVER,)
