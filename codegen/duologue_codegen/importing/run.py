"""From documents of another format to the text of a spec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from ..keeping import no_collection
from .draft import Draft, Kind
from .mending import written
from .source import ImportRefused, Sources

FORMATS: Final = {"cdp": "cdp", "openrpc": "openrpc", "asyncapi": "asyncapi", "json-schema": "json_schema"}
"""Formats, and the module that reads each."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Attributes:
    text: The spec.
    summary: What is in it, and what was said otherwise than in its source; a line each.
    """

    text: str
    summary: tuple[str, ...]


@no_collection()
def import_spec(kind: str, paths: Sequence[Path], *, name: str | None = None, version: str | None = None) -> Imported:
    """A spec that says what the documents say. Raises ImportRefused.

    `name` and `version` are the protocol's; by default its documents say them, or the first one's file name.
    """
    sources = Sources.of(paths)
    made_of = ", ".join(path.name for path in paths)
    draft: Draft = import_module(f".{FORMATS[kind]}", __package__).read(sources, name, version)
    draft.notes.insert(0, f"Imported from {made_of} by: duologue import {kind}")
    text, made = written(draft)
    counted = (
        (len(draft.types), "types"),
        (len(made.actions), "actions"),
        (len(made.events), "events"),
        (len(made.errors), "errors"),
    )
    told = ", ".join(f"{number} {what}" for number, what in counted if number)
    return Imported(text, (f"{made.name} {made.version}: {told or 'nothing'}", *_widened(draft)))


def _widened(draft: Draft) -> list[str]:
    return [f"{draft.counts[kind]} {kind}: look for `# {kind}`" for kind in Kind if draft.counts[kind]]


__all__ = ["FORMATS", "ImportRefused", "Imported", "import_spec"]
