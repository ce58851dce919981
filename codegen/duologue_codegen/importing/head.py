"""What stands at the top of a spec: from `info`, and from what an export carried along."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from ..grammar import SEMVER
from ..problems import quote
from ..schemas import HINT
from ..typetree import Entry
from .draft import Draft
from .source import Place, Sources, entries, is_map, mapping
from .spelling import kebab

SPEC: Final = "x-duologue-spec"
"""Member of an exported document: the keys of its spec that the format has no place for."""
_SECTIONS: Final = ("namespaces", "errors", "actions", "events")
_HEAD: Final = frozenset("license authors links python wire scopes roles order".split())
_LICENCE: Final = re.compile(r"[A-Za-z0-9.+-]+( (OR|AND|WITH) [A-Za-z0-9.+-]+)*")


def wire(kind: str) -> Entry:
    """How the messages of a format look."""
    known = {"cdp": "cdp", "openrpc": "jsonrpc2"}
    return {"wire": known[kind]} if kind in known else {}


def is_export(document: Any) -> bool:
    return is_map(document) and SPEC in document


def restore(draft: Draft, document: dict[str, Any], place: Place) -> None:
    """What an export carried along, as the spec had it."""
    said = dict(mapping(document.get(SPEC, {}), place / SPEC))
    draft.protocol = str(said.pop("protocol", draft.protocol))
    draft.version = str(said.pop("version", draft.version))
    for section in _SECTIONS:
        getattr(draft, section).update(mapping(said.pop(section, {}), place / SPEC / section))
    for key in said:
        if key not in _HEAD:
            raise (place / SPEC).refusal(f"an export holds no {quote(key)} there: remove it")
    draft.head.update(said)


def single(sources: Sources) -> tuple[Any, Place]:
    """The one document, and where it is; further files are those that it refers to."""
    [(document, place), *others] = sources.roots()
    for _, other in others:
        raise other.refusal("one document at a time: others are read where it refers to them")
    return document, place


def begin(
    document: dict[str, Any], place: Place, known: Collection[str], *, name: str | None, version: str | None
) -> Draft:
    """A spec that has its head so far; of members that are not known it is told that they were left out."""
    draft = Draft("imported", version or "0.0.0")
    read_info(draft, document, place, name=name, version=version)
    for key, value in document.items():
        if key not in known and not (is_export(document) and key.startswith(HINT)):
            draft.leave_out(key, value)
    return draft


def read_info(draft: Draft, document: dict[str, Any], place: Place, *, name: str | None, version: str | None) -> None:
    """Name, version, description and licence; `name` and `version` are what the user chose."""
    info, at = mapping(document.get("info", {}), place / "info"), place / "info"
    title, said = info.get("title"), info.get("version")
    draft.protocol = name or (kebab(title) if isinstance(title, str) else None) or draft.protocol
    if version is None and isinstance(said, str) and not re.fullmatch(SEMVER, said):
        draft.leave_out("version", said)
    elif version is None and isinstance(said, str):
        draft.version = said
    if isinstance(info.get("description"), str):
        draft.head["description"] = info["description"]
    licence = mapping(info.get("license", {}), at / "license").get("name")
    if isinstance(licence, str) and _LICENCE.fullmatch(licence):
        draft.head["license"] = licence
    elif licence is not None:
        draft.leave_out("license", licence)
    for key, value, _ in entries(document, "info", place):
        if key not in ("title", "version", "description", "license") and not key.startswith(HINT):
            draft.leave_out(key, value)
    docs = document.get("externalDocs", info.get("externalDocs"))
    if is_map(docs) and isinstance(docs.get("url"), str):
        draft.head["links"] = {"docs": docs["url"]}
