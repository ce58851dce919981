"""Properties of objects as field maps: names, what may be absent, defaults."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .. import names
from ..schemas import HINT
from ..typetree import Entry, Long, annotated
from ..yamltext import Commented, Tree
from . import spelling, words
from .declared import Declarations
from .draft import Draft, shortened
from .source import ImportRefused, Place, Sources, is_map, listed, mapping, text
from .written import accepts_null, optional_const

Schema = dict[str, Any]


class _Field(NamedTuple):
    tree: Tree
    keys: frozenset[str]


class FieldReader(Declarations):
    """`exact`: the document was written by `duologue export`; its hints count, and its names need no help."""

    helps_names = False
    """Whether fields may need names in Python even so."""

    def __init__(self, sources: Sources, draft: Draft, *, exact: bool) -> None:
        super().__init__(sources, draft)
        self.exact = exact

    @abstractmethod
    def type(self, schema: Any, place: Place, name: str, space: str | None) -> Tree:
        """A schema as a type. `name`: what a class that is written in place is called; `space`: where it stands."""

    def is_hint(self, key: str) -> bool:
        return self.exact and key.startswith(HINT)

    def hints(self, holder: Entry) -> Entry:
        """What `x-duologue-…` members of an export say, by the words of a spec."""
        said = {key.removeprefix(HINT): value for key, value in holder.items() if self.is_hint(key)}
        for word, fits in words.HINTS.items():
            if word in said and not fits(said[word]):
                raise ImportRefused(
                    f"`{HINT}{word}: {shortened(said[word])}` is nothing that an export holds: remove it"
                )
        return said

    def fields(
        self, schema: Schema, place: Place, owner: str, space: str | None,
        reserved: frozenset[str] = frozenset(), skip: Iterable[str] = (),
    ) -> Commented:  # fmt: skip
        """A field map of `properties` and `required`, without those to `skip`."""
        required = [text(wire, place / "required") for wire in listed(schema.get("required", []), place / "required")]
        said = mapping(schema.get("properties", {}), place / "properties")
        properties = {**said, **{wire: True for wire in required if wire not in said}}
        kept = {wire: inner for wire, inner in properties.items() if wire not in skip}

        def read(wire: str, name: str) -> Tree:
            return self.type(kept[wire], place / "properties" / wire, name, space)

        return self._fields({"properties": kept, "required": required}, owner, reserved, read)

    def _fields(
        self, schema: Schema, owner: str, reserved: frozenset[str], read: Callable[[str, str], Tree]
    ) -> Commented:
        """A field map; `read` gives the type of a field by its wire name and the class name that it may have."""
        properties = schema["properties"]
        chosen = spelling.field_names(properties, reserved) if self.helps_names or not self.exact else {}
        fields = Commented()
        for wire, inner in properties.items():
            if not wire or not wire.isprintable():
                self.draft.leave_out("a field", repr(wire))
                continue
            owned = owner + (names.pascal(wire) or names.pascal(chosen.get(wire, "")) or "Field")
            with self.draft.entry(fields, wire):
                required = self._required(wire, schema["required"])
                field = self._field(read(wire, owned), inner, chosen.get(wire), required=required)
            key = wire if required or "default" in field.keys else f"{wire}?"
            fields[key] = field.tree
            if key != wire and wire in fields.comments:
                fields.comments[key] = fields.comments.pop(wire)
        return fields

    def _required(self, wire: str, required: list[str]) -> bool:
        """Whether the field is always there; behind its name, `?` means that it is not."""
        if wire in required and wire.endswith("?"):
            self.draft.leave_out("required", wire)
        return wire in required and not wire.endswith("?")

    def _field(self, tree: Tree, schema: Any, chosen: str | None, *, required: bool) -> _Field:
        said: Entry = self.hints(schema).get("python", {}) if is_map(schema) else {}
        if isinstance(tree, Long) and "const" in tree:
            if required:
                return _Field(
                    annotated(tree, {}, python={"name": chosen, **said} if chosen else said), frozenset({"const"})
                )
            tree = optional_const(tree)
        default = self._default(tree, schema, required=required)
        python: Entry = {**({"name": chosen} if chosen else {}), **said}
        return _Field(annotated(tree, default, python=python), frozenset(default))

    def _default(self, tree: Tree, schema: Any, *, required: bool) -> Entry:
        """What an absent field reads as; of one that is never absent it says nothing."""
        if not is_map(schema) or "default" not in schema:
            return {}
        value = schema["default"]
        if required:
            self.draft.leave_out("default", value)
            return {}
        absent = value is None and not accepts_null(tree) and not self.exact  # which reads None anyway
        return {} if absent else {"default": value}
