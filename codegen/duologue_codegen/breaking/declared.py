"""Findings about actions, events, errors, roles and the protocol itself: all but the contents of messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .. import ir
from ..problems import quote
from .findings import Finding, Request, Snippet, Version, found
from .samples import NoSample, Sampler

_REPEATABLE: Final = {ir.Effect.SAFE: 2, ir.Effect.KEYED: 1, ir.Effect.UNSAFE: 0}
_PROMISED: Final = {ir.Delivery.LOG: 2, ir.Delivery.STATE: 1, ir.Delivery.VOLATILE: 0}


def compare_declared(old: ir.Protocol, new: ir.Protocol) -> Iterator[Finding]:
    """What is gone, or behaves differently."""
    if old.name != new.name:
        code = f"from {old.python.package} import PROTOCOL\nassert PROTOCOL.name == {old.name!r}"
        yield found("protocol-renamed", f"{quote(old.name)} → {quote(new.name)}", None, Snippet(code=code))
    yield from _actions(old, new)
    yield from _events(old, new)
    yield from _errors(old, new)
    yield from _roles(old, new)


# -------------------------------------------------------------------------------------------------------------- actions
def _actions(old: ir.Protocol, new: ir.Protocol) -> Iterator[Finding]:
    known = {action.name: action for action in new.actions}
    for action in old.actions:
        after = known.get(action.name)
        if after is None:
            request = _request(action, old, action.side.ends[0])
            yield found("action-removed", quote(action.name), action.origin, request, version=Version.OLD)
            continue
        for caller in action.side.ends:
            if caller not in after.side.ends:
                what = f"{quote(action.name)}: no longer called by the {caller}"
                yield found("action-caller-changed", what, after.origin, _request(action, old, caller))
        if any(side in after.side.ends for side in action.side.ends):
            yield from _action(action, after, old)


def _request(action: ir.ActionDef, protocol: ir.Protocol, caller: ir.Side) -> Request:
    """A call as a client, or server, of a version makes it."""
    try:
        params = Sampler(protocol).definition(protocol.definition(action.params))
    except NoSample:
        params = {}
    called = ir.Side.SERVER if caller is ir.Side.CLIENT else ir.Side.CLIENT
    return Request(envelope={"id": "1", "action": action.name, "params": params}, scopes=action.scope, called=called)


@dataclass(frozen=True, slots=True)
class _Pair:
    """An action or event in both versions, as a descriptor that programs of the old one rely on."""

    old: ir.Protocol
    before: ir.ActionDef | ir.EventDef
    after: ir.ActionDef | ir.EventDef
    side: ir.Side

    def found(self, rule: str, what: str, claim: str) -> Finding:
        """A finding; the claim, about `it`, holds for the old version alone."""
        kind = "actions" if isinstance(self.before, ir.ActionDef) else "events"
        table = (
            f"{self.side}_{kind}" if kind == "actions" else "events" if self.side is ir.Side.SERVER else "notifications"
        )
        code = f"""from {self.old.python.package} import PROTOCOL
it = next(it for it in PROTOCOL.whole().{table} if it.name == {self.before.name!r})
assert {claim}"""
        return found(rule, f"{quote(self.before.name)}: {what}", self.after.origin, Snippet(code=code))


def _action(action: ir.ActionDef, after: ir.ActionDef, old: ir.Protocol) -> Iterator[Finding]:
    caller = next(side for side in action.side.ends if side in after.side.ends)
    pair = _Pair(old, action, after, caller)
    if action.kind is not after.kind:
        claim = f"type(it).__name__ == {_DESCRIPTORS[action.kind]!r}"
        yield pair.found("action-kind-changed", f"{action.kind} → {after.kind}", claim)
    if added := [scope for scope in after.scope if scope not in action.scope]:
        what = f"{quote(action.name)}: needs {', '.join(map(quote, added))}"
        yield found("action-scope-added", what, after.origin, _request(action, old, caller))
    if _REPEATABLE[after.effect] < _REPEATABLE[action.effect]:
        yield pair.found(
            "action-effect-weakened", f"{action.effect} → {after.effect}", f"it.effect.value == {action.effect.value!r}"
        )
    yield from _limits(action.limits, after.limits, pair)
    if action.transfer is not None and after.transfer is not None and action.kind is after.kind:
        yield from _transfers(action.transfer, after.transfer, action.kind, pair)


def _limits(limits: ir.Limits, others: ir.Limits, pair: _Pair) -> Iterator[Finding]:
    rules = (
        ("request-limit-lowered", limits.request, others.request, "max_request"),
        ("concurrency-lowered", limits.concurrency, others.concurrency, "concurrency"),
    )
    for rule, before, after, attribute in rules:
        # Without a limit of its own the server's counts, which a spec does not know.
        if before is not None and after is not None and after < before:
            yield pair.found(rule, f"{before} → {after}", f"it.{attribute} is None or it.{attribute} >= {before}")
    rate, other = limits.rate, others.rate
    if rate is not None and other is not None and (other.per_second < rate.per_second or other.burst < rate.burst):
        what = f"{rate.per_second:g}/s, {rate.burst} at once → {other.per_second:g}/s, {other.burst} at once"
        claim = f"it.rate is None or it.rate.per_second >= {rate.per_second} and it.rate.burst >= {rate.burst}"
        yield pair.found("rate-lowered", what, claim)


def _transfers(before: ir.Transfer, after: ir.Transfer, kind: ir.ActionKind, pair: _Pair) -> Iterator[Finding]:
    sizes = f"{before.max_size} → {after.max_size} bytes"
    if kind is ir.ActionKind.UPLOAD and after.max_size < before.max_size:
        yield pair.found("upload-limit-lowered", sizes, f"it.max_size >= {before.max_size}")
    if kind is ir.ActionKind.DOWNLOAD and after.max_size > before.max_size:
        yield pair.found("download-limit-raised", sizes, f"it.max_size <= {before.max_size}")
    if before.media != after.media:
        yield pair.found("media-changed", f"{before.media} → {after.media}", f"it.media == {before.media!r}")
    if kind is ir.ActionKind.UPLOAD and before.resumable and not after.resumable:
        yield pair.found("upload-not-resumable", "no longer resumable", "it.resumable")


_DESCRIPTORS: Final = {
    ir.ActionKind.UNARY: "Action",
    ir.ActionKind.STREAM: "StreamAction",
    ir.ActionKind.UPLOAD: "UploadAction",
    ir.ActionKind.DOWNLOAD: "DownloadAction",
}


# --------------------------------------------------------------------------------------------------------------- events
def _events(old: ir.Protocol, new: ir.Protocol) -> Iterator[Finding]:
    known = {event.name: event for event in new.events}
    for event in old.events:
        after = known.get(event.name)
        if after is None:
            witness = _event_request(event, old, event.side.ends[0])
            yield found("event-removed", quote(event.name), event.origin, witness, version=Version.OLD)
            continue
        for sender in event.side.ends:
            if sender not in after.side.ends:
                what = f"{quote(event.name)}: no longer sent by the {sender}"
                yield found("event-sender-changed", what, after.origin, _event_request(event, old, sender))
        if any(side in after.side.ends for side in event.side.ends):
            yield from _event(event, after, old)


def _event_request(event: ir.EventDef, protocol: ir.Protocol, sender: ir.Side) -> Request:
    """How a client asks for an event, or sends one."""
    if sender is ir.Side.SERVER:
        return _subscribe(event)
    try:
        data = Sampler(protocol).definition(protocol.definition(event.class_name))
    except NoSample:
        data = {}
    return Request(envelope={"event": event.name, "data": data}, scopes=event.scope)


def _subscribe(event: ir.EventDef, **more: ir.JsonValue) -> Request:
    params: dict[str, ir.JsonValue] = {"events": [event.name], **more}
    return Request(envelope={"id": "1", "action": "subscribe", "params": params}, scopes=event.scope)


def _event(event: ir.EventDef, after: ir.EventDef, old: ir.Protocol) -> Iterator[Finding]:
    sender = next(side for side in event.side.ends if side in after.side.ends)
    pair = _Pair(old, event, after, sender)
    if added := [scope for scope in after.scope if scope not in event.scope]:
        what = f"{quote(event.name)}: needs {', '.join(map(quote, added))}"
        yield found("event-scope-added", what, after.origin, _event_request(event, old, sender))
    if sender is not ir.Side.SERVER:
        return
    if _PROMISED[after.delivery] < _PROMISED[event.delivery]:
        what = f"{event.delivery} → {after.delivery}"
        yield pair.found("event-delivery-weakened", what, f"it.delivery.value == {event.delivery.value!r}")
    elif event.delivery is after.delivery and event.key_paths != after.key_paths:
        what = f"{', '.join(event.key_paths) or 'none'} → {', '.join(after.key_paths) or 'none'}"
        yield pair.found("event-key-changed", what, f"it.key == {event.key!r}")
    asked = {filter_.path for filter_ in after.filters}
    for filter_ in event.filters:
        if filter_.path not in asked:
            what = f"{quote(event.name)}: {quote(filter_.path)}"
            yield found("event-filter-removed", what, after.origin, _filtered(event, filter_, old))


def _filtered(event: ir.EventDef, filter_: ir.Filter, protocol: ir.Protocol) -> Request:
    try:
        value = Sampler(protocol).value(filter_.type)
    except NoSample:
        value = "value"
    return _subscribe(event, filter={filter_.path: value})


# ------------------------------------------------------------------------------------------------------------ the rest
def _errors(old: ir.Protocol, new: ir.Protocol) -> Iterator[Finding]:
    known = {error.code: error for error in new.errors}
    for error in old.errors:
        after = known.get(error.code)
        if after is not None and after.status is not error.status:
            what = f"{quote(error.code)}: {error.status} → {after.status}"
            code = f"""from {old.python.package} import PROTOCOL
it = next(it for it in PROTOCOL.errors if it.code == {error.code!r})
assert it.status == {error.status.value!r}"""
            yield found("error-status-changed", what, after.origin, Snippet(code=code))


def _roles(old: ir.Protocol, new: ir.Protocol) -> Iterator[Finding]:
    roles = {role.name: role for role in new.roles}
    scopes = {scope.name: scope.origin for scope in new.scopes}
    needed = {scope for action in new.actions for scope in action.scope}
    needed |= {scope for event in new.events for scope in event.scope}
    for role in old.roles:
        after = roles.get(role.name)
        if after is None and needed.intersection(role.scopes):
            claim = f"assert {role.name!r} in PROTOCOL.roles"
            yield found("role-removed", quote(role.name), None, _of_roles(old, claim))
        for scope in role.scopes if after is not None else ():
            if after is not None and scope not in after.scopes and scope in needed:
                claim = f"assert {scope!r} in PROTOCOL.roles[{role.name!r}]"
                what = f"{quote(role.name)}: {quote(scope)}"
                yield found("role-scope-removed", what, scopes.get(scope), _of_roles(old, claim))


def _of_roles(old: ir.Protocol, claim: str) -> Snippet:
    return Snippet(code=f"from {old.python.package} import PROTOCOL\n{claim}")
