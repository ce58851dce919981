"""A spec while it is being imported, and what had to be said otherwise than in its source."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ..spec import GRAMMAR_VERSION
from ..typetree import Entry, present
from ..yamltext import Commented

_LONGEST: Final = 200


class Kind(StrEnum):
    """What became of something that a spec cannot say as its source does."""

    WIDENED = "widened to json"
    LEFT_OUT = "left out"
    WRAPPED = "put into a field"
    RENAMED = "renamed in Python"


@dataclass(slots=True)
class Draft:
    """Keys and sections of a spec; `notes` are what is told about the entry that is being made."""

    protocol: str
    version: str
    head: Entry = field(default_factory=dict[str, Any])
    defaults: Entry = field(default_factory=dict[str, Any])
    namespaces: Commented = field(default_factory=Commented)
    types: Commented = field(default_factory=Commented)
    errors: Commented = field(default_factory=Commented)
    actions: Commented = field(default_factory=Commented)
    events: Commented = field(default_factory=Commented)
    counts: Counter[Kind] = field(default_factory=Counter[Kind])
    notes: list[str] = field(default_factory=list[str])

    def note(self, kind: Kind, what: str) -> None:
        """Say it in a comment above the entry that is being made, and count it."""
        self.counts[kind] += 1
        self.notes.append(comment(kind, what))

    def leave_out(self, key: str, value: Any) -> None:
        """What stands under a key that has no place in a spec."""
        self.note(Kind.LEFT_OUT, f"{key}: {shortened(value)}")

    @contextmanager
    def entry(self, section: Commented, key: str) -> Generator[None]:
        """Comments that are made meanwhile stand above this entry."""
        outer, self.notes = self.notes, []
        try:
            yield
        finally:
            if self.notes:
                before = [section.comments[key]] if key in section.comments else []
                section.comments[key] = "\n".join([*before, *self.notes])
            self.notes = outer

    def tree(self) -> Commented:
        document = present(
            duologue=GRAMMAR_VERSION,
            protocol=self.protocol,
            version=self.version,
            **self.head,
            defaults=self.defaults,
            namespaces=self.namespaces,
            types=self.types,
            errors=self.errors,
            actions=self.actions,
            events=self.events,
        )
        return Commented(document, {"": "\n".join(self.notes)})


def comment(kind: Kind, what: str) -> str:
    return " ".join(f"{kind}: {what}".split())


def shortened(value: Any) -> str:
    """A value as JSON on one line, cut when it is long."""
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return written if len(written) <= _LONGEST else f"{written[: _LONGEST - 3]}..."
