"""Findings about declared wire formats: messages that look otherwise, and clients that come otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

from .. import ir
from ..problems import quote
from .findings import Finding, Framed, Meeting, Snippet, Version, found
from .positions import Position, positions
from .samples import NoSample, Sampler

_RULES: Final[Mapping[str, tuple[tuple[str, ...], Sequence[str]]]] = {
    "wire-request-changed": (("request", "cancel"), ("request", "cancel", "params", "id", "route")),
    "wire-answer-changed": (("result", "error"), ("reply", "reply_error", "ack", "result", "error", "id", "route")),
    "wire-event-changed": (("event",), ("notify", "shapes", "event", "params", "route")),
}
"""For each rule the parts of a conversation that show it, and the options that they depend on."""

_PART: Final[Mapping[str, str]] = {"params": "request", "result": "result", "data": "event", "details": "error"}
_TRIES: Final = 8
_CLIENTS: Final = ir.Side.CLIENT


def compare_wires(old: ir.Protocol, new: ir.Protocol) -> Iterator[Finding]:
    """What one version says, and the other does not understand, for how it looks."""
    if old.envelope is None or new.envelope is None:
        if old.envelope is not new.envelope:
            head = f"from {old.python.package} import PROTOCOL"
            is_native = "is" if old.envelope is None else "is not"
            code = f"{head}\nassert PROTOCOL.wire {is_native} None"
            yield found("wire-changed", f"{quote(old.wire)} → {quote(new.wire)}", None, Snippet(code=code))
        return
    messages = [message for position in positions(old, new) for message in messages_of(position, old, new)]
    messages += [_framed("cancel", "", None, _CLIENTS, reader) for reader in Version]
    messages += [_framed("error", "", None, ir.Side.SERVER, reader) for reader in Version]
    told = {rule: _changed(old.envelope, new.envelope, options) for rule, (_, options) in _RULES.items()}
    if not any(told.values()):  # rules follow from what else there is, unless they are written
        told = dict.fromkeys(told, _changed(old.envelope, new.envelope, ["incoming"]))
    for rule, changed in told.items():
        if changed:
            yield found(rule, changed, None, *(message for message in messages if message.part in _RULES[rule][0]))
    yield from _meetings(old, new)
    yield from _orders(old, new)


def _changed(old: Mapping[str, Any], new: Mapping[str, Any], options: Sequence[str]) -> str:
    return ", ".join(quote(option) for option in options if old.get(option) != new.get(option))


def messages_of(position: Position, old: ir.Protocol, new: ir.Protocol) -> Iterator[Framed]:
    """Messages of a place, by each version of each of its writers; the least of them first."""
    if position.part not in _PART:
        return
    for reader, protocol, type_ in ((Version.NEW, old, position.old), (Version.OLD, new, position.new)):
        for sampler in (Sampler(protocol), *(Sampler(protocol, Random(number)) for number in range(_TRIES))):
            try:
                payload = sampler.value(type_)
            except NoSample:
                break
            for writer in position.writers:
                yield _framed(_PART[position.part], position.name, payload, writer, reader)


def _framed(part: str, name: str, payload: ir.JsonValue, sender: ir.Side, reader: Version) -> Framed:
    return Framed(part=part, name=name, payload=payload, sender=sender, reader=reader)


def _meetings(old: ir.Protocol, new: ir.Protocol) -> Iterator[Finding]:
    before: Mapping[str, Any] = old.envelope or {}
    after: Mapping[str, Any] = new.envelope or {}
    for rule, stage, options in (
        ("wire-connect-changed", "connect", ("connect",)),
        ("wire-handshake-changed", "handshake", ("handshake", "after")),
    ):
        if changed := _changed(before, after, options):
            candidates = [Meeting(stage=stage, client=client) for client in Version]
            yield found(rule, changed, None, *candidates)
    head = f"from {old.python.package} import PROTOCOL"
    if before.get("batch") and not after.get("batch"):
        yield found("wire-batch-removed", quote("batch"), None, Snippet(code=f"{head}\nassert PROTOCOL.wire.batch"))
    known = sorted(before.get("hooks", []))
    if added := sorted(set(after.get("hooks", [])) - set(known)):
        code = f"{head}\nassert set(PROTOCOL.wire.hooks) <= {set(known) or 'set()'}"
        yield found("hook-added", ", ".join(map(quote, added)), None, Snippet(code=code))


def _orders(old: ir.Protocol, new: ir.Protocol) -> Iterator[Finding]:
    """Values by position, where the order of their members is another."""
    if not any(sign in str((old.envelope, new.envelope)) for sign in ("positional", "...$")):
        return
    for position in positions(old, new):
        if position.part not in ("params", "data"):
            continue
        before, after = _members(old, position.old), _members(new, position.new)
        if any(one != other for one, other in zip(before, after, strict=False)):
            told = f"{quote(f'{position.name}.{position.part}')}: {', '.join(before)} → {', '.join(after)}"
            yield found("position-changed", told, position.origin, *messages_of(position, old, new))


def _members(protocol: ir.Protocol, type_: ir.Type) -> list[str]:
    assert isinstance(type_, ir.Ref), "params and data have names"
    definition = protocol.definition(type_.name)
    assert isinstance(definition, ir.ObjectDef), "params and data are objects"
    return [field.name for field in definition.fields]
