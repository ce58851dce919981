"""Values as an author would write them."""

from __future__ import annotations

from typing import Final

from typing_extensions import override

from .. import ir
from ..breaking.samples import Sampler

_SHALLOW: Final = 3
"""Levels down to which a made value shows what may be left out."""


class Typical(Sampler):
    """Makes values from the examples that the spec has, with one item in each list."""

    @override
    def value(self, type_: ir.Type, depth: int = 0) -> ir.JsonValue:
        if depth < _SHALLOW:
            match type_:
                case ir.Array(item=item, min_items=least, max_items=most) if not least and most != 0:
                    return [self.value(item, depth + 1)]
                case ir.Nullable(inner=inner):
                    return self.value(inner, depth)
                case _:
                    pass
        return super().value(type_, depth)

    @override
    def definition(self, definition: ir.Definition, depth: int = 0) -> ir.JsonValue:
        return definition.examples[0] if definition.examples else super().definition(definition, depth)

    @override
    def object(
        self, definition: ir.ObjectDef, depth: int = 0, *, without: str | None = None, also: str | None = None
    ) -> dict[str, ir.JsonValue]:
        found = super().object(definition, depth, without=without, also=also)
        said = {field.name: field.examples[0] for field in definition.fields if field.examples}
        shown = said if depth < _SHALLOW else {key: value for key, value in said.items() if key in found}
        return {
            field.name: {**found, **shown}[field.name] for field in definition.fields if field.name in found | shown
        }
