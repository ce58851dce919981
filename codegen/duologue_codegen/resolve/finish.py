"""Drafts to definitions: defaults and examples are checked, everything is put in order and frozen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import ir
from ..nodes import Node
from .context import Context
from .drafts import AliasDraft, AnyDraft, EnumDraft, FieldDraft, Notes, ObjectDraft, UnionDraft
from .recursion import draft_references, ordered
from .types import Types
from .values import Fitted, Misfit, fit


class Finish:
    def __init__(self, context: Context, types: Types) -> None:
        self._context = context
        self._types = types

    def definitions(self) -> tuple[ir.Definition, ...]:
        """All definitions, dependencies first, in the spec's order otherwise."""
        drafts = self._context.definitions
        graph = {name: draft_references(draft) for name, draft in drafts.items()}
        return tuple(self._definition(drafts[name]) for name in ordered(graph))

    def fitted(self, node: Node, type_: ir.Type, what: str) -> Fitted | None:
        """A value that was checked; a problem and None when it does not fit."""
        try:
            return fit(self._types, node, type_)
        except Misfit as misfit:
            self._context.complain(misfit.node, f"{what} does not fit: {misfit.message}", misfit.hint)
            return None

    def examples(self, nodes: Sequence[Node], type_: ir.Type) -> tuple[ir.JsonValue, ...]:
        fitted = (self.fitted(node, type_, "the example") for node in nodes)
        return tuple(example.wire for example in fitted if example is not None)

    def field(self, draft: FieldDraft) -> ir.Field:
        default = None
        if draft.default is not None:
            fitted = self.fitted(draft.default, draft.type, "the default")
            default = ir.Default(value=fitted.value, wire=fitted.wire) if fitted else None
        return ir.Field(
            name=draft.name,
            python_name=draft.python_name,
            type=draft.type,
            presence=draft.presence,
            default=default,
            **self._notes(draft.notes, draft.type),
            origin=draft.origin,
        )

    def _notes(self, notes: Notes, type_: ir.Type) -> dict[str, Any]:
        return {
            "doc": notes.doc,
            "examples": self.examples(notes.examples, type_),
            "deprecated": notes.deprecated,
            "experimental": notes.experimental,
            "since": notes.since,
        }

    def _definition(self, draft: AnyDraft) -> ir.Definition:
        common: dict[str, Any] = {
            "class_name": draft.class_name,
            "name": draft.name,
            "namespace": draft.namespace,
            **self._notes(draft.notes, ir.Ref(name=draft.class_name)),
            "origin": draft.origin,
        }
        match draft:
            case ObjectDraft():
                fields = tuple(self.field(field) for field in draft.fields)
                return ir.ObjectDef(
                    base=draft.base, event_name=draft.event_name, fields=fields, mixins=draft.mixins, **common
                )
            case EnumDraft():
                return ir.EnumDef(members=draft.members, integers=draft.integers, open=draft.open, **common)
            case UnionDraft():
                return self._union(draft, common)
            case AliasDraft():
                return ir.AliasDef(type=draft.type, **common)

    def _union(self, draft: UnionDraft, common: dict[str, Any]) -> ir.UnionDef:
        pairs = zip(draft.members, draft.tags, strict=True)
        return ir.UnionDef(
            variants=tuple(ir.Variant(type=type_, tag=tag) for (_, type_), tag in pairs),
            discriminator=draft.discriminator.text if draft.discriminator else None,
            discriminator_python=draft.discriminator_python,
            unknown_class=draft.unknown_class,
            **common,
        )
