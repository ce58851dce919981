"""An envelope made ready: its templates compiled, its rules and paths parsed, its codes looked up both ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from .envelope import End, Envelope, Rule, Template
from .positions import Order
from .shapes import EventShape, shapes_from
from .templates import Node, Place, compiled, places
from .trees import Frame, path_of

_MISTAKES: Final[Mapping[str, str]] = dict.fromkeys(("not_json", "not_a_message"), "invalid_argument")
"""Codes for what is no message at all, which are no statuses."""

_LONGEST_SEARCHED: Final = 1024
"""Bytes of a text that a `regex` is tried on: expressions are the author's, texts are anybody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a codec has to know of the protocol itself.

    Attributes:
        params: The order of an action's params; `data` of an event's data.
        takes: Whether an action of that name is one that this end is asked for.
        hears: Whether an event of that name is one that this end is told of.
        codes: Status and code on the wire of each declared error.
    """

    params: Order
    data: Order
    takes: Callable[[str], bool]
    hears: Callable[[str], bool]
    codes: Mapping[str, tuple[str, int | str]] = field(default_factory=dict[str, tuple[str, int | str]])


class _Condition:
    """One rule of what comes."""

    def __init__(self, rule: Rule) -> None:
        self.kind = rule["kind"]
        self._exists = [path_of(path) for path in rule.get("exists", ())]
        self._absent = [path_of(path) for path in rule.get("absent", ())]
        self._equals = [(path_of(path), msgspec.json.encode(value)) for path, value in rule.get("equals", {}).items()]
        self._regex = [(path_of(path), re.compile(pattern)) for path, pattern in rule.get("regex", {}).items()]

    def holds(self, frame: Frame) -> bool:
        return (
            all(frame.at(path) not in (None, b"null") for path in self._exists)
            and all(frame.at(path) in (None, b"null") for path in self._absent)
            and all(frame.holds(path, value) for path, value in self._equals)
            and all(_matches(frame.at(path), pattern) for path, pattern in self._regex)
        )


def _matches(found: bytes | None, pattern: re.Pattern[str]) -> bool:
    text = None if found is None or len(found) > _LONGEST_SEARCHED else msgspec.json.decode(found)
    return isinstance(text, str) and pattern.search(text) is not None


class Profile:
    """An envelope made ready for one protocol and one end; all connections share it."""

    def __init__(self, envelope: Envelope, end: End, table: Table) -> None:
        self.envelope = envelope
        self.table = table
        ack = envelope.ack
        self.request, self.reply = _compiled(envelope.request), _compiled(envelope.reply)
        self.reply_error, self.cancel = _compiled(envelope.reply_error), _compiled(envelope.cancel)
        self.ack = None if ack is None else compiled(ack["send"])
        self.acked_reply = self.reply if ack is None or "reply" not in ack else compiled(ack["reply"])
        self.settles: frozenset[str] = frozenset(() if ack is None else ack.get("settles", ()))
        self.acked = frozenset(() if ack is None else ack.get("to", ())) - self.settles
        self.in_order = envelope.id == "order"
        route = envelope.route
        self.default_route = compiled(route["default"]) if "default" in route else None
        self.kept_by: dict[str, list[str]] = {}
        for name, action in route.get("keep", {}).items():
            self.kept_by.setdefault(action, []).append(name)
        self.rules = [_Condition(rule) for rule in envelope.incoming if rule.get("at", end) == end]
        self.sends_empty = envelope.params.get("empty", "omit") == "send"
        no_result = envelope.result.get("empty")
        self.no_result = None if no_result == "omit" else msgspec.json.encode(no_result)
        self._said = shapes_from(envelope, end, table.data)
        self._heard = shapes_from(envelope, "server" if end == "client" else "client", table.data)
        self._find()
        self._name_codes()
        self.answers_unknown = end == "server" and "not_a_message" in self.code_of

    def shape_of(self, name: str) -> EventShape | None:
        """How an event of ours looks; None where the profile has no events that are called so."""
        return next((shape for shape in self._said if shape.events is None or name in shape.events), None)

    def event_in(self, frame: Frame) -> tuple[str, EventShape] | None:
        """The name of the event that a message is, and its shape; None for what is none."""
        for shape in self._heard:
            if shape.fits(frame) and (name := shape.name(frame)) is not None:
                return name, shape
        return None

    def _find(self) -> None:
        """Where things stand in what comes."""
        envelope = self.envelope
        self.in_request = _places(self.request)
        by_position = envelope.params.get("style", "named") == "positional"
        self.positional = by_position or is_items(self.in_request, "params")
        self.in_cancel = _places(self.cancel)
        replies, errors = [_places(self.reply), _places(self.acked_reply)], _places(self.reply_error)
        found = [*replies, errors, _places(self.ack)]
        own = {"response": replies, "error": [errors], "ack": [_places(self.ack)]}
        self.ids = {kind: _distinct([*first, *found], "id") for kind, first in own.items()}
        self.actions = {kind: _distinct([*first, *found], "action") for kind, first in own.items()}
        self.names_actions = any(self.actions.values())
        self.results = [Place(path_of(path)) for path in envelope.result.get("paths", ())]
        self.results += _distinct(found, "result")
        error = envelope.error
        self.error = {
            name: [Place(path_of(path)) for path in said] or _distinct([errors], name)
            for name, said in (
                ("code", error.get("code", ())),
                ("message", error.get("message", ())),
                ("data", error.get("data", ())),
            )
        }

    def _name_codes(self) -> None:
        error, declared = self.envelope.error, self.table.codes
        statuses = error.get("codes", {})
        self.code_of = {**statuses, **{name: code for name, (_, code) in declared.items()}}
        self.names = {key_of(code): (name, _MISTAKES.get(name, name)) for name, code in statuses.items()}
        self.names |= {key_of(code): (name, status) for name, (status, code) in declared.items()}


def _compiled(template: Template) -> Node | None:
    return None if template is None else compiled(template)


def _places(node: Node | None) -> dict[str, Place]:
    return {} if node is None else places(node)


def is_items(found: Mapping[str, Place], name: str) -> bool:
    """Whether a value stands in messages as items of an array."""
    return name in found and found[name].items is not None


def key_of(code: int | str) -> tuple[type, int | str]:
    """Codes are told apart by type as well: `1` is not `"1"`."""
    return type(code), code


def _distinct(found: Sequence[Mapping[str, Place]], name: str) -> list[Place]:
    return list(dict.fromkeys(places[name] for places in found if name in places))
