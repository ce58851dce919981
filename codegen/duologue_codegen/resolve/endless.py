"""Defaults that never end: an object that builds another one of its kind, which has the same default."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .. import ir
from ..problems import quote
from .context import Context
from .recursion import components

Fields = Mapping[str, Mapping[str, ir.Field]]
"""By class name, and by name in Python: the fields that have a default."""


def check_defaults(context: Context, definitions: Iterable[ir.Definition]) -> None:
    """Tell defaults that would be built for ever."""
    fields: Fields = {
        definition.class_name: {field.python_name: field for field in definition.fields if field.default is not None}
        for definition in definitions
        if isinstance(definition, ir.ObjectDef)
    }
    graph = {
        f"{owner}.{name}": list(_built(field.default.value, fields))
        for owner, defaults in fields.items()
        for name, field in defaults.items()
        if field.default is not None
    }
    for group in components(graph):
        first = min(group, key=list(graph).index)
        if len(group) > 1 or first in graph[first]:
            owner, _, name = first.partition(".")
            field = fields[owner][name]
            assert field.origin is not None, "fields of a spec have a place"
            message = f"the default of {quote(field.name)} never ends: the object that it builds has it as well"
            context.complain(field.origin, message, f"make the field optional, `{field.name}?`, without a default")


def _built(value: ir.Value, fields: Fields) -> Iterator[str]:
    """The other defaults that come in with a value: those of the members that its objects leave out."""
    match value:
        case ir.ObjectValue(class_name=owner, arguments=arguments):
            given = dict(arguments)
            yield from (f"{owner}.{name}" for name in fields[owner] if name not in given)
            for item in given.values():
                yield from _built(item, fields)
        case ir.ListValue(items=items):
            for item in items:
                yield from _built(item, fields)
        case ir.MapValue(entries=entries):
            for _, item in entries:
                yield from _built(item, fields)
        case _:
            return
