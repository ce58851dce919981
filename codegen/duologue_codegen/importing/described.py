"""What a server answers to `describe`: its actions and events, with JSON Schemas of what they carry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from .. import quantities
from ..grammar import SEMVER
from ..reserved import CALL_ARGUMENTS, UPLOAD_ARGUMENTS
from ..typetree import Entry, present
from ..yamltext import Commented, Tree
from .draft import Draft
from .source import Place, Sources, check, entries, is_map, listed, mapping, member, text
from .spelling import class_name, kebab, namespace
from .types import TypeReader

Json = dict[str, Any]

_LONGEST: Final = 1e9
"""Seconds: a longer timeout is none."""

_LARGEST: Final = 1 << 53

FILE: Final = "description"
"""What places in it are called in messages."""


def read(document: Any) -> Draft:
    """The protocol that a description tells of, as far as it does.

    Raises ImportRefused for what no server says.
    """
    place = Place(FILE)
    check(document, place)
    document = mapping(document, place)
    version = member(document, "version", place)
    draft = Draft(
        kebab(member(document, "protocol", place)) or "described", version if re.fullmatch(SEMVER, version) else "0.0.0"
    )
    draft.head["scopes"] = {name: text(said, at) or name for name, said, at in entries(document, "scopes", place)}
    reader = _Reader(_Itself(Path(), {FILE: document}), draft, exact=True)
    for name, schema, at in entries(document, "$defs", place):
        reader.declare(name, schema, at)
    sections = (
        (draft.errors, "errors", reader.error),
        (draft.actions, "actions", reader.action),
        (draft.events, "events", reader.event),
    )
    for section, key, made in sections:
        for name, said, at in entries(document, key, place):
            with draft.entry(section, name):
                section[name] = made(name, mapping(said, at), at)
    reader.settle()
    return draft


class _Itself(Sources):
    """A document that came from elsewhere: it refers to nothing but itself, and to no file of ours."""

    @override
    def _file(self, location: str, place: Place, reference: str) -> str:
        raise place.refusal("a description refers to nothing but itself")


class _Reader(TypeReader):
    helps_names = True  # those in Python are not told

    def error(self, name: str, said: Json, place: Place) -> Entry:
        details = self._body(said, "details", place, class_name(name), frozenset(), namespace(name))
        return {"status": member(said, "status", place), **details}

    def action(self, name: str, said: Json, place: Place) -> Entry:
        owner, space = class_name(name), namespace(name)
        reserved = UPLOAD_ARGUMENTS if "upload" in said else CALL_ARGUMENTS
        result = self.type(said.get("result", {"type": "null"}), place / "result", f"{owner}Result", space)
        item = self.type(said["item"], place / "item", f"{owner}Item", space) if "item" in said else None
        return present(
            from_=said.get("from", "client"),
            **self._notes(_map(said.get("params"))),
            **self._body(said, "params", place, owner, reserved, space),
            stream=item,
            result=None if result == "null" else result,
            effect=said.get("effect"),
            scope=_scope(said, place),
            timeout=_seconds(said.get("timeout")),
            errors=listed(said.get("errors", []), place / "errors"),
            limits={key: _size(value) for key, value in _map(said.get("limits")).items()},
        ) | {key: _transfer(mapping(said[key], place / key)) for key in ("upload", "download") if key in said}

    def event(self, name: str, said: Json, place: Place) -> Entry:
        sent_by_client = said.get("from") == "client"
        state = {"key": listed(said.get("key", []), place / "key")} if said.get("delivery") == "state" else {}
        return present(
            from_=said.get("from", "server"),
            **self._notes(_map(said.get("data"))),
            **self._body(said, "data", place, class_name(name), frozenset(), namespace(name)),
            delivery=None if sent_by_client else said.get("delivery"),
            scope=_scope(said, place),
            filter=listed(said.get("filter", []), place / "filter"),
        ) | ({} if sent_by_client else state)

    def _body(
        self, said: Json, key: str, place: Place, owner: str, reserved: frozenset[str], space: str | None
    ) -> dict[str, Commented]:
        """The fields of an object, wherever it stands."""
        schema, at = mapping(said.get(key, {}), place / key), place / key
        if "$ref" in schema:
            found, at = self.sources.follow(text(schema["$ref"], at / "$ref"), at / "$ref")
            schema = mapping(found, at)
        return {key: self.fields(schema, at, owner, space, reserved)}


def _map(value: Any) -> Json:
    return value if is_map(value) else {}


def _scope(said: Json, place: Place) -> Tree:
    scopes = listed(said.get("scope", []), place / "scope")
    return scopes or "public"


def _seconds(value: Any) -> str:
    """A timeout; a client that has another one, or none, asks for it with its call."""
    return quantities.written_seconds(value) if isinstance(value, (int, float)) and 0 < value < _LONGEST else "none"


def _size(value: Any) -> Any:
    return quantities.written_size(value) if isinstance(value, int) and 0 < value < _LARGEST else value


def _transfer(said: Json) -> Entry:
    kept: Entry = {key: said[key] for key in ("media", "resumable") if key in said}
    return {**kept, "max": _size(said.get("max"))}
