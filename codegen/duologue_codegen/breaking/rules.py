"""What can break between two versions of a protocol: the one table that code, documents and tests read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """What a finding concerns."""

    WIRE = "wire"  # messages between programs of the two versions
    SOURCE = "source"  # programs that were written for the package of the old version
    VERSION = "version"  # what the spec says of its own change


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of change.

    Attributes:
        id: Its name, in findings and in the documents.
        meaning: What has changed, in a few words.
        instead: What to do instead.
        warns: It is told, and breaks nothing.
    """

    id: str
    level: Level
    meaning: str
    instead: str
    warns: bool = False


def _rules(level: Level, *rows: tuple[str, str, str], warns: bool = False) -> list[Rule]:
    return [Rule(id, level, meaning, instead, warns) for id, meaning, instead in rows]


_KEEP = "keep it, mark it `deprecated`, and remove it with the next major version"
_NEW_FIELD = "leave the field as it is, and add another one"
_NEW_TYPE = "leave the type as it is, and add a new one beside it"
_NAME = "set `python: {name: …}` to the old name"
_MAJOR = "raise the major version, or before 1.0 the minor one"
_LIMIT = f"keep the old limit for callers of the old version, or {_MAJOR}"
_ELSEWHERE = "serve the new form on another address, under another name"
_AS_IS = "leave it as it was: the other end relies on it"

_TABLE: Final = [
    *_rules(
        Level.WIRE,
        ("protocol-renamed", "the protocol has another name: a connection is refused", "keep the name"),
        ("wire-changed", "messages are of another wire format", _ELSEWHERE),
        ("wire-request-changed", "calls look different", _ELSEWHERE),
        ("wire-answer-changed", "results or errors look different", _ELSEWHERE),
        ("wire-event-changed", "events look different", _ELSEWHERE),
        ("wire-connect-changed", "clients of the one version ask for what the other does not have", _ELSEWHERE),
        ("wire-handshake-changed", "the handshake does not come to its end", _ELSEWHERE),
        ("wire-batch-removed", "batches are no longer read", _AS_IS),
        ("position-changed", "values that stand by position stand elsewhere", "add fields at the end"),
        ("action-removed", "an action is gone", _KEEP),
        ("action-caller-changed", "a side may no longer call an action", "widen it to `from: both`"),
        ("action-kind-changed", "what travels besides params and result is another", "add a new action"),
        ("action-scope-added", "an action needs a scope that it did not need", "keep the scope, or add an action"),
        ("action-effect-weakened", "a call that may be sent again may now count twice", _AS_IS),
        ("request-limit-lowered", "an action takes smaller requests only", _LIMIT),
        ("rate-lowered", "an action may be called less often", _LIMIT),
        ("concurrency-lowered", "fewer calls of an action may run at once", _LIMIT),
        ("upload-limit-lowered", "an action takes smaller uploads only", _LIMIT),
        ("download-limit-raised", "an action sends more bytes than were announced", _LIMIT),
        ("media-changed", "the bytes of an action are of another media type", "add a new action"),
        ("upload-not-resumable", "an upload no longer goes on after a lost connection", _AS_IS),
        ("role-scope-removed", "a role no longer has a scope", "keep the scope in the role, or add a role"),
        ("role-removed", "a role is gone: whoever has it loses its scopes", _KEEP),
        ("event-removed", "an event is gone", _KEEP),
        ("event-sender-changed", "a side no longer sends, or takes, an event", "widen it to `from: both`"),
        ("event-scope-added", "an event needs a scope that it did not need", "keep the scope, or add an event"),
        ("event-delivery-weakened", "subscribers are promised less", "add a new event"),
        ("event-key-changed", "other states count as the same one", "add a new event"),
        ("event-filter-removed", "subscribers can no longer ask for a part of an event", _KEEP),
        ("error-status-changed", "an error has another status", "add a new error"),
        ("field-added-required", "a field must be there that the old version does not send", "add it as `name?`"),
        ("field-removed", "a field is gone that the old version needs", _KEEP),
        ("field-made-required", "a field must be there that could be absent", "keep it as `name?`"),
        ("field-made-optional", "a field may be absent that the old version needs", "keep it required"),
        ("param-removed", "params no longer have a field, and refuse it", _KEEP),
        ("param-added", "a call to the old version has a param that it refuses", "add a new action"),
        ("const-added", "a constant is always sent, and params of the old version refuse it", "add it as `name?`"),
        ("const-changed", "a constant is another", _NEW_TYPE),
        ("default-changed", "an absent field means another value", "keep the default"),
        ("default-added", "a field that is left out now means a value", "make it `name?`, or add a field"),
        ("default-removed", "a field that is left out no longer means its default", "keep the default"),
        ("type-changed", "a value is of another type", _NEW_FIELD),
        ("nullable-added", "a value may be null that never was", _NEW_FIELD),
        ("nullable-removed", "a value may no longer be null", _AS_IS),
        ("enum-value-added", "a closed enum has a value that the old version does not know", "make it `open` first"),
        ("enum-value-removed", "an enum has lost a value", _KEEP),
        ("enum-opened", "values may come that the old version refuses", _NEW_TYPE),
        ("enum-closed", "values are refused that were passed on", _AS_IS),
        ("union-member-added", "a closed union has a member that the old version refuses", "make it `open` first"),
        ("union-member-removed", "a union has lost a member", _KEEP),
        ("union-opened", "members may come that the old version refuses", _NEW_TYPE),
        ("union-closed", "members are refused that were passed on", _AS_IS),
        ("discriminator-changed", "the members of a union are told apart by another field", _NEW_TYPE),
        ("length-tightened", "text is refused for its length", _AS_IS),
        ("length-loosened", "text may come that is too long, or too short, for the old version", _AS_IS),
        ("range-tightened", "numbers are refused that were in range", _AS_IS),
        ("range-loosened", "numbers may come that are out of the old version's range", _AS_IS),
        ("multiple-changed", "numbers are multiples of something else", _AS_IS),
        ("pattern-changed", "text has to match another pattern", _AS_IS),
        ("items-tightened", "lists are refused for their length", _AS_IS),
        ("items-loosened", "lists may come that are too long, or too short, for the old version", _AS_IS),
        ("unique-items-added", "lists are refused that hold an item twice", _AS_IS),
        ("unique-items-removed", "lists may hold an item twice, which the old version refuses", _AS_IS),
        ("tuple-changed", "a tuple has more items, or fewer", _NEW_TYPE),
        ("exchange-failed", "a message does not get through, for a reason that no other rule names", _AS_IS),
    ),
    *_rules(
        Level.SOURCE,
        ("package-renamed", "the package has another name to import", "set `python: {package: …}` to the old name"),
        ("class-removed", "the package no longer has a class", _NAME),
        ("attribute-removed", "a class no longer has an attribute", _NAME),
        ("enum-name-removed", "a member of an enum has another name in Python", "set `names` to the old one"),
        ("method-removed", "a client has no longer a method", _NAME),
        ("argument-removed", "a method no longer takes an argument", _NAME),
        ("handler-renamed", "a service implements an action by another method", _NAME),
        ("accessor-removed", "a namespace is found under another name", _NAME),
        ("hook-added", "clients have to be given a value that they did not need", "compute it from what is known"),
        ("base-changed", "an error is caught as another status", "keep the status"),
        ("absent-changed", "an absent field reads as something else", "keep `python: {absent: …}`"),
    ),
    *_rules(
        Level.VERSION,
        ("major-needed", "there are breaking changes, and the version does not say so", _MAJOR),
    ),
    *_rules(
        Level.VERSION,
        ("minor-needed", "there are additions, and the version does not say so", "raise the minor version"),
        ("version-lowered", "the version is lower than it was", "raise it"),
        ("removed-undeprecated", "something was removed that was never deprecated", "deprecate it first"),
        ("since-wrong", "something new says that it came with another version", "set `since` to the new version"),
        ("since-changed", "something that was there says that it came later", "leave `since` as it was"),
        ("deprecated-since-wrong", "what is newly deprecated says since another version", "set it to the new version"),
        (
            "pattern-unproven",
            "a pattern has changed, and no text was found that only one of the two takes",
            "compare them",
        ),
        warns=True,
    ),
]

RULES: Final[dict[str, Rule]] = {rule.id: rule for rule in _TABLE}
