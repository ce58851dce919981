"""Captured messages against a spec: what each is, to what it belongs, and what it breaks.

Messages are decoded by the runtime's own codecs, and payloads read by the models of the generated package.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Raw
from pydantic import TypeAdapter, ValidationError

from duologue import Protocol, Status
from duologue.session.outcomes import decode
from duologue.session.skew import go_together, is_same
from duologue.session.speech import Speech
from duologue.wire import BadMessage, Codec, ErrorBody, Foreign, Hello, Message
from duologue.wire.messages import BadText

from .. import ir
from ..reserved import BUILT_IN_ACTIONS
from . import wording
from .violations import Violation, unread, violations

Side: TypeAlias = Literal["client", "server"]

_OTHER: Final[Mapping[Side, Side]] = {"client": "server", "server": "client"}
_ABOUT: Final = ("hello", "goaway", "cancel", "sub", "ack", "credit")
"""Messages that carry nothing of the spec's types."""
_NAMELESS: Final = ("nothing", "answer", "error", "item", "first answer")
"""Messages that may belong to nothing that is known."""


class _Subscribing(msgspec.Struct):
    events: list[str] = msgspec.field(default_factory=list[str])


@dataclass(slots=True)
class Finding:
    """One message.

    Attributes:
        kind: `request`, `answer`, `item`, `event` or `error`; `hello` and the like; `nothing` for what is no message.
        sender: Who sent it, where that is known.
        name: The action or event that it belongs to.
        origin: Where the spec declares that.
        violations: What it breaks.
        notes: What is no mistake, and may not be what somebody meant.
        is_unlikely: It would be a mistake that the other end does not make.
    """

    kind: str
    sender: Side | None = None
    name: str | None = None
    origin: ir.Origin | None = None
    violations: list[Violation] = field(default_factory=list[Violation])
    notes: list[str] = field(default_factory=list[str])
    is_unlikely: bool = False

    def complain(self, path: str, message: str, hint: str | None = None, origin: ir.Origin | None = None) -> None:
        self.violations.append(Violation(path, message, None, origin, hint))


class Explainer:
    """Explains the messages of one conversation, in their order: answers belong to the requests before them.

    Args:
        answered: The action that answers are of which have no request here.
    """

    def __init__(self, protocol: ir.Protocol, table: Protocol, answered: ir.ActionDef | None = None) -> None:
        self._protocol = protocol
        self._table = table
        self._answered = answered
        self._actions = {action.name: action for action in protocol.actions}
        self._descriptors: dict[str, Any] = {one.name: one for one in (*table.client_actions, *table.server_actions)}
        self._models: dict[str, Any] = {one.name: one.model for one in (*table.events, *table.notifications)}
        self._is_native = table.wire is None
        self._root = "$." if self._is_native else ""
        self._codecs: dict[Side, Codec] = {
            "client": Speech(table, "server").codec(),
            "server": Speech(table, "client").codec(),
        }
        self._open: dict[tuple[Side, str], str] = {}

    def explain(self, text: str, sender: Side | None = None) -> Finding:
        """What one message is; `sender` is who has sent it, where that is known."""
        candidates = [self._explained(text, side) for side in ((sender,) if sender else ("client", "server"))]
        found, message = max(candidates, key=lambda one: _likelihood(one[0]))
        if sender is None and (found.kind in _ABOUT or (found.kind in _NAMELESS and found.name is None)):
            found.sender = None  # either end may have said it
        if message is not None and found.kind == "request" and isinstance(message.id, str):
            self._open[found.sender or "client", message.id] = str(message.action)
        if message is not None and found.kind in ("answer", "error") and found.sender and isinstance(message.id, str):
            self._open.pop((_OTHER[found.sender], message.id), None)
        return found

    def _explained(self, text: str, sender: Side) -> tuple[Finding, Message | None]:
        try:
            message = self._codecs[sender].decode(text.encode())
        except BadText as error:
            return _refused(str(error)), None
        except BadMessage as error:
            return _refused(error.reason), None
        finding = Finding("nothing", sender)
        for member, explain_it in _KINDS.items():
            if getattr(message, member) is not UNSET:
                explain_it(self, finding, message)
                return finding, message
        self._explain_nothing(finding, message)
        return finding, None

    def _explain_nothing(self, finding: Finding, message: Message) -> None:
        envelope: Any = self._protocol.envelope or {}
        if isinstance(message, Foreign) and message.acked:
            finding.kind = "first answer"
        elif not isinstance(message, Foreign):
            known = "hello goaway action event cancel sub item ack credit data error"
            finding.complain("$", f"no message: it has none of the members {wording.listed(known.split())}")
        elif envelope.get("handshake"):
            finding.notes.append("nothing that `wire` describes, unless it is of the handshake")
        else:
            finding.complain("", "nothing that `wire` describes: no rule of `incoming` holds")

    # ------------------------------------------------------------------------------------------------ kinds of messages
    def explain_hello(self, finding: Finding, message: Message) -> None:
        finding.kind, hello = "hello", message.hello
        assert isinstance(hello, Hello), "its member decided what it is"
        if not is_same(self._protocol.name, hello.protocol):
            finding.complain("$.hello.protocol", f"`{hello.protocol}`: the spec is that of `{self._protocol.name}`")
        elif not go_together(self._protocol.version, hello.version):
            said = f"{hello.version} does not go together with {self._protocol.version}, the spec's"
            finding.complain("$.hello.version", said)

    def explain_request(self, finding: Finding, message: Message) -> None:
        finding.kind, finding.name = "request", str(message.action)
        params = _json(message.params, "{}")
        if self._is_native and finding.name in BUILT_IN_ACTIONS:
            finding.kind = "request (built in)"
            self._explain_subscribing(finding, params)
            return
        action = self._actions.get(finding.name)
        permitted = self._protocol.client_actions if finding.sender == "client" else self._protocol.server_actions
        if message.id is UNSET and self._is_native:
            finding.complain("$.id", "missing: an answer could not say what it answers")
        if action is None:
            hint = wording.meant(finding.name, [one.name for one in permitted])
            finding.complain(f"{self._root}action", f"no action is called `{finding.name}`", hint)
            return
        finding.origin = action.origin
        if action not in permitted:
            finding.is_unlikely = True
            finding.complain(f"{self._root}action", f"the {finding.sender} does not call it", None, action.origin)
        self._check(
            finding, "params", ir.Ref(name=action.params), params, self._descriptors[action.name].params.from_wire
        )
        self._check_extras(finding, action, message, params)

    def _check_extras(self, finding: Finding, action: ir.ActionDef, message: Message, params: str) -> None:
        limit = action.limits.request
        if limit is not None and len(params.encode()) > limit:
            finding.complain(f"{self._root}params", f"{len(params.encode())} bytes, of which the action takes {limit}")
        if not self._is_native:
            return
        needed = {
            ir.ActionKind.STREAM: ("credit",),
            ir.ActionKind.DOWNLOAD: ("credit", "stream"),
            ir.ActionKind.UPLOAD: ("upload", "stream", "key"),
        }.get(action.kind, ())
        for member in needed:
            if getattr(message, member) is UNSET:
                finding.complain(
                    f"$.{member}", f"missing: {action.name} is a call with a {action.kind}", None, action.origin
                )
        if action.effect is ir.Effect.KEYED and message.key is UNSET and "key" not in needed:
            finding.notes.append("no `key`: sent again, it may take effect twice")
        if action.effect is not ir.Effect.KEYED and message.key is not UNSET:
            finding.notes.append(f"`key` means nothing to an action that is {action.effect}")

    def _explain_subscribing(self, finding: Finding, params: str) -> None:
        known = [event.name for event in self._protocol.server_events]
        try:
            names = msgspec.json.decode(params, type=_Subscribing).events
        except msgspec.ValidationError as error:
            finding.complain("$.params", str(error))
            return
        for number, name in enumerate(names):
            if name not in known:
                hint = wording.meant(name, known)
                finding.complain(
                    f"$.params.events[{number}]", f"the server sends no event {wording.of_value(name)}", hint
                )

    def explain_item(self, finding: Finding, message: Message) -> None:
        finding.kind = "item"
        action = self._action_of(finding, message)
        if action is not None and action.item is None:
            finding.complain("$.item", f"{action.name} answers with no stream", None, action.origin)
        elif action is not None and action.item is not None:
            item = self._descriptors[action.name].item
            self._check(finding, "item", action.item, _json(message.item, "null"), lambda raw: decode(item, raw))

    def explain_answer(self, finding: Finding, message: Message) -> None:
        finding.kind = "error" if isinstance(message.error, ErrorBody) else "answer"
        action = self._action_of(finding, message)
        if isinstance(message.error, ErrorBody):
            if self._is_native and isinstance(message.data, Raw) and bytes(message.data) != b"null":
                finding.complain("$.data", "an error and data: where there is an error, data is null")
            self._check_error(finding, action, message.error)
        elif action is not None and not (isinstance(message, Foreign) and isinstance(action.result, ir.Null)):
            result: TypeAdapter[Any] = self._descriptors[action.name].result
            self._check(finding, "data", action.result, _json(message.data, "null"), lambda raw: decode(result, raw))

    def _check_error(self, finding: Finding, action: ir.ActionDef | None, error: ErrorBody) -> None:
        declared = next((one for one in self._protocol.errors if one.code == error.code), None)
        where = f"{self._root}error"
        if declared is None:
            if error.code not in set(Status) and self._is_native:
                hint = wording.meant(error.code, [one.code for one in self._protocol.errors])
                finding.complain(f"{where}.code", f"`{error.code}` is neither declared nor a status", hint)
            return
        if error.status != declared.status and self._is_native:
            said = f"`{error.status}`: {error.code} has the status `{declared.status}`"
            finding.complain(f"{where}.status", said, None, declared.origin)
        if action is not None and declared.class_name not in action.errors:
            finding.complain(f"{where}.code", f"{action.name} does not declare `{error.code}`", None, action.origin)
        kind: Any = next(one for one in self._table.errors if one.code == error.code)
        if declared.details is not None and (self._is_native or error.details is not UNSET):
            model: Any = kind.details_type
            details = _json(error.details, "{}")
            self._check(finding, "error.details", ir.Ref(name=declared.details), details, model.from_wire)

    def explain_event(self, finding: Finding, message: Message) -> None:
        finding.kind, finding.name = "event", str(message.event)
        permitted = self._protocol.notifications if finding.sender == "client" else self._protocol.server_events
        event = next((one for one in self._protocol.events if one.name == finding.name), None)
        if event is None:
            hint = wording.meant(finding.name, [one.name for one in permitted])
            finding.complain(f"{self._root}event", f"no event is called `{finding.name}`", hint)
            return
        finding.origin = event.origin
        if event not in permitted:
            finding.is_unlikely = True
            finding.complain(f"{self._root}event", f"the {finding.sender} does not send it", None, event.origin)
        if message.seq is not UNSET and event.delivery is not ir.Delivery.LOG:
            finding.complain(
                "$.seq", f"only events of a log are numbered, and it is {event.delivery}", None, event.origin
            )
        self._check(
            finding,
            "data",
            ir.Ref(name=event.class_name),
            _json(message.data, "{}"),
            self._models[event.name].from_wire,
        )

    def explain_other(self, finding: Finding, message: Message) -> None:
        finding.kind = next(member for member in _ABOUT if getattr(message, member) is not UNSET)

    # --------------------------------------------------------------------------------------------------------- helpers
    def _action_of(self, finding: Finding, message: Message) -> ir.ActionDef | None:
        """The action that an answer is of: that of its request, or the one that the user names."""
        assert finding.sender is not None, "a message is explained as somebody's"
        name = self._open.get((_OTHER[finding.sender], message.id)) if isinstance(message.id, str) else None
        if name is None and isinstance(message, Foreign):
            name = message.answers or next(
                (one for (side, _), one in self._open.items() if side != finding.sender), None
            )
        action = self._actions.get(name or "") or self._answered
        if action is not None and not _calls(_OTHER[finding.sender], action):
            finding.is_unlikely = True
        finding.name = name or (action.name if action is not None else None)
        if action is not None:
            finding.origin = action.origin
        elif name not in BUILT_IN_ACTIONS:
            finding.notes.append("its request is not here: say of which action it is, with --for ACTION")
        return action

    def _check(self, finding: Finding, what: str, type_: ir.Type, raw: str, read: Callable[[bytes], object]) -> None:
        path = f"{self._root}{what}"
        try:
            payload = json.loads(raw)
        except ValueError as error:  # a number of thousands of digits
            finding.complain(path, str(error))
            return
        try:
            read(raw.encode())
        except ValidationError as error:
            finding.violations += violations(self._protocol, type_, payload, error, path)
        told = {one.path for one in finding.violations}
        ignored = [one.path for one in unread(self._protocol, type_, payload, path) if one.path not in told]
        if ignored:
            finding.notes.append(f"members that readers ignore: {', '.join(ignored)}")


def _calls(side: Side, action: ir.ActionDef) -> bool:
    return action.side.from_client if side == "client" else action.side.from_server


def _json(raw: object, absent: str) -> str:
    return bytes(raw).decode() if isinstance(raw, Raw) else absent


def _refused(reason: str) -> Finding:
    finding = Finding("nothing")
    finding.complain("$", reason)
    return finding


def _likelihood(finding: Finding) -> tuple[bool, bool, bool, int]:
    """How well a message fits the one who is said to have sent it."""
    return finding.kind != "nothing", not finding.is_unlikely, finding.origin is not None, -len(finding.violations)


_KINDS: Final[Mapping[str, Callable[[Explainer, Finding, Message], None]]] = {
    "hello": Explainer.explain_hello,
    "goaway": Explainer.explain_other,
    "action": Explainer.explain_request,
    "event": Explainer.explain_event,
    "cancel": Explainer.explain_other,
    "sub": Explainer.explain_other,
    "item": Explainer.explain_item,
    "ack": Explainer.explain_other,
    "credit": Explainer.explain_other,
    "data": Explainer.explain_answer,
    "error": Explainer.explain_answer,
}
"""By the member that decides, the first that is there."""
