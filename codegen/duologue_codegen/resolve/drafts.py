"""Definitions while they are being resolved: names and types are known, defaults and examples are still nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from .. import ir
from ..nodes import Node, ScalarNode
from ..spec import DeprecationSpec, Told

# Stands for a type that could not be resolved. It accepts everything, so that one mistake is told once; compared by
# identity, since `json` in a spec is a value of the same class.
UNRESOLVED: ir.Type = ir.Json()


@dataclass(slots=True, kw_only=True)
class Notes:
    """What a declaration says besides its meaning."""

    doc: str | None = None
    examples: tuple[Node, ...] = ()
    deprecated: ir.Deprecation | None = None
    experimental: bool = False
    since: str | None = None


def deprecation(spec: DeprecationSpec | None) -> ir.Deprecation | None:
    return None if spec is None else ir.Deprecation(since=spec.since, use=spec.use, reason=spec.reason)


def notes(spec: Told, examples: Sequence[Node] | None = None) -> Notes:
    return Notes(
        doc=spec.description,
        examples=tuple(examples or ()),
        deprecated=deprecation(spec.deprecated),
        experimental=spec.experimental,
        since=spec.since,
    )


@dataclass(slots=True, kw_only=True)
class FieldDraft:
    name: str
    python_name: str
    chosen: str | None  # the Python name that the author chose
    type: ir.Type
    presence: ir.Presence
    origin: ir.Origin
    default: Node | None = None
    notes: Notes = field(default_factory=Notes)

    def renamed(self, python_name: str) -> FieldDraft:
        return replace(self, python_name=python_name)


@dataclass(frozen=True, slots=True)
class Body:
    """The fields of an object, and the class names of the types that some of them were copied from."""

    fields: list[FieldDraft]
    mixins: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Draft:
    class_name: str
    name: str | None
    origin: ir.Origin
    namespace: str | None = None
    notes: Notes = field(default_factory=Notes)


@dataclass(slots=True, kw_only=True)
class ObjectDraft(Draft):
    base: ir.Base = ir.Base.MODEL
    event_name: str | None = None
    mixins: tuple[str, ...] = ()
    fields: list[FieldDraft] = field(default_factory=list[FieldDraft])

    def field_named(self, wire: str) -> FieldDraft | None:
        return next((candidate for candidate in self.fields if candidate.name == wire), None)


@dataclass(slots=True, kw_only=True)
class EnumDraft(Draft):
    members: tuple[ir.EnumMember, ...]
    integers: bool
    open: bool


@dataclass(slots=True, kw_only=True)
class UnionDraft(Draft):
    members: list[tuple[ScalarNode, ir.Type]]
    discriminator: ScalarNode | None = None
    discriminator_python: str | None = None
    unknown_class: str | None = None
    tags: list[str | None] = field(default_factory=list[str | None])  # filled in when every member is known


@dataclass(slots=True, kw_only=True)
class AliasDraft(Draft):
    type: ir.Type


AnyDraft: TypeAlias = "ObjectDraft | EnumDraft | UnionDraft | AliasDraft"
