"""A transaction while it is being decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..rules.documents import D, Document, DocumentKey
from ..rules.model import Change, Outcome, Record
from .answers import Kept
from .port import Logged
from .store import Key


class Overlay:
    """The state as it will be when the transaction has been committed."""

    def __init__(self, base: dict[str, Record], documents: Mapping[DocumentKey, Document], revision: int) -> None:
        self._base = base
        self._documents = documents
        self._changed: dict[str, Record | None] = {}
        self._written: dict[DocumentKey, Document | None] = {}
        self.revision = revision

    def get(self, name: str, /) -> Record | None:
        return self._changed[name] if name in self._changed else self._base.get(name)

    def snapshot(self) -> Sequence[Record]:
        return [record for record in {**self._base, **self._changed}.values() if record is not None]

    def document(self, key: DocumentKey, /) -> Document | None:
        return self._written[key] if key in self._written else self._documents.get(key)

    def documents(self, kind: type[D], /) -> Sequence[D]:
        found = {**self._documents, **self._written}
        return [document for document in found.values() if isinstance(document, kind)]

    def apply(self, outcome: Outcome) -> None:
        if outcome.change is not Change.DOCUMENT:
            self._changed[outcome.name] = outcome.record
        self._written.update({written.key: written.document for written in outcome.documents})
        self.revision = outcome.revision


@dataclass(slots=True, eq=False)
class Draft:
    """A transaction while it is being decided."""

    overlay: Overlay
    now: datetime
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    logged: list[Logged] = field(default_factory=list[Logged])
    kept: dict[Key, Kept] = field(default_factory=dict[Key, Kept])
