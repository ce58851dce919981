"""JSON Schema: its `$defs`, and what each file itself describes, as the types of a spec."""

from __future__ import annotations

from typing import Any

from .. import names
from .draft import Draft, Kind
from .head import is_export, restore
from .source import Place, Sources, entries, is_map, mapping
from .spelling import kebab
from .types import TypeReader

_ROOT = frozenset("$schema $id id $defs definitions title description $comment $vocabulary".split())


def read(sources: Sources, protocol: str | None, version: str | None) -> Draft:
    """Types alone: a spec to which actions and events can be added. An export gives back its whole spec."""
    roots = [(mapping(document, place), place) for document, place in sources.roots()]
    document, place = roots[0]
    exported = is_export(document)
    title = document.get("title")
    made = kebab(title) if isinstance(title, str) else None
    draft = Draft(protocol or made or kebab(place.last) or "imported", version or "0.0.0")
    if exported:
        restore(draft, document, place)
    if isinstance(document.get("description"), str):
        draft.head["description"] = document["description"]
    reader = TypeReader(sources, draft, exact=exported)
    for document, place in roots:
        _declare(reader, document, place)
    reader.settle()
    return draft


def _declare(reader: TypeReader, document: dict[str, Any], place: Place) -> None:
    for key in ("$defs", "definitions"):
        for name, schema, at in entries(document, key, place):
            if not (reader.exact and is_map(schema) and schema.get("x-duologue-made")):
                reader.declare(name, schema, at)
    if any(key not in _ROOT and not key.startswith("x-duologue-") for key in document):
        title = document.get("title")
        reader.declare(title if isinstance(title, str) else names.pascal(place.last) or "Root", document, place)
    elif not document.get("$defs") and not document.get("definitions"):
        reader.draft.note(Kind.LEFT_OUT, f"{place.file} describes nothing")
