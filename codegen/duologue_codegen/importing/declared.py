"""Types that are declared while documents are read: each once, by the place where it stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import Any

from .. import names
from ..yamltext import Tree
from . import spelling
from .draft import Draft
from .source import Place, Sources, mapping


class Declarations(ABC):
    """The declared types of a draft, in the order of their source; what was made of their parts stands behind them."""

    def __init__(self, sources: Sources, draft: Draft) -> None:
        self.sources = sources
        self.draft = draft
        self._declared: dict[Place, str] = {}
        self._after: dict[str, str] = {}
        self._waiting: deque[tuple[str, Any, Place]] = deque()
        self._owner: str | None = None

    @abstractmethod
    def _declaration(self, schema: Any, place: Place, name: str) -> Tree:
        """What stands under `types`."""

    def declare(self, raw: str, schema: Any, place: Place) -> str:
        """The name of the type that a schema becomes; it is read later, by `settle`."""
        if place not in self._declared:
            self._declared[place] = name = self._reserve(raw)
            self._waiting.append((name, schema, place))
        return self._declared[place]

    def named(self, reference: str, place: Place) -> str:
        """The declared type that a reference leads to."""
        value, at = self.sources.target(reference, place)
        return self.declare(at.last if at.path else names.pascal(at.last) or "Root", value, at)

    def hoist(self, tree: Tree, raw: str) -> str:
        """The name of a type that is made of one written in place."""
        name = self._reserve(raw)
        self.draft.types[name] = tree
        return name

    def _reserve(self, raw: str) -> str:
        name = spelling.type_name(raw, self.draft.types)
        self.draft.types[name] = None
        if self._owner is not None:
            self._after[name] = self._owner
        return name

    def settle(self) -> None:
        """Read all that was declared, and what that refers to."""
        while self._waiting:
            name, schema, place = self._waiting.popleft()
            self._owner = name
            with self.draft.entry(self.draft.types, name):
                self.draft.types[name] = self._declaration(schema, place, name)
            self._owner = None
        self._put_in_order()

    def _put_in_order(self) -> None:
        types = self.draft.types
        after: dict[str | None, list[str]] = {}
        for name in types:
            after.setdefault(self._after.get(name), []).append(name)
        ordered: list[str] = []
        waiting = after.get(None, [])[::-1]
        while waiting:
            ordered.append(waiting.pop())
            waiting.extend(after.get(ordered[-1], [])[::-1])
        entries = {name: types[name] for name in ordered}
        types.clear()
        types.update(entries)

    def fields_of(self, mixin: str, space: str | None) -> list[str]:
        """The wire names of the fields of a declared object type of an export."""
        wanted = (f"{space}.{mixin}" if space else mixin, mixin)
        place = next((place for place, name in self._declared.items() if name in wanted), None)
        if place is None:
            return []
        schema, _ = self.sources.target(place.pointer, place)
        return list(mapping(mapping(schema, place).get("properties", {}), place / "properties"))
