"""Errors: their classes, their details and the text that is made of them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence

from .. import ir, names
from ..grammar import did_you_mean
from ..nodes import MapNode, Node, ScalarNode
from ..problems import quote
from ..reserved import ERROR_ARGUMENTS
from ..spec import ErrorSpec
from .context import Context, Symbol
from .drafts import FieldDraft, ObjectDraft, deprecation
from .types import Types

# `str.format` reads dots and brackets as access to attributes and items.
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Failures:
    def __init__(self, context: Context, types: Types) -> None:
        self._context = context
        self._types = types
        self._specs: dict[str, ErrorSpec] = {}
        self._details: dict[str, ObjectDraft | None] = {}

    def enter(self, symbols: Iterable[Symbol]) -> None:
        """Read every declared error and give it its class names."""
        for symbol in symbols:
            what = f"error {quote(symbol.name)}"
            spec = self._context.read(ErrorSpec, symbol.node, what, symbol.key)
            chosen = spec.python.name if spec and spec.python else None
            self._context.check_chosen(chosen, symbol.key.origin)
            prefix = names.pascal(symbol.namespace) or "" if symbol.namespace else ""
            own = chosen or names.pascal(symbol.local)
            if own is None:
                hint = "give it one: `python: {name: …}`"
                self._context.complain(symbol.key, f"no Python name can be made of {what}", hint)
            symbol.class_name = chosen or prefix + (own or "Error")
            self._context.claim(symbol.class_name, what, symbol.key.origin)
            if spec is not None:
                self._specs[symbol.name] = spec
                self._check_number(symbol, spec)

    def _check_number(self, symbol: Symbol, spec: ErrorSpec) -> None:
        if spec.code is not None and self._context.wire == "native" and isinstance(symbol.node, MapNode):
            at = symbol.node.keys_at["code"]
            self._context.complain(
                at, "`code` is for wires whose errors have numbers: `native` sends the name", "remove it"
            )

    def resolve(self) -> None:
        """Make the details of every error."""
        for symbol in self._context.errors.values():
            spec = self._specs.get(symbol.name)
            if spec is None:
                continue
            if spec.details is None and not spec.with_:
                self._details[symbol.name] = None
                continue
            name = f"{symbol.class_name}Details"
            self._context.claim(name, f"the details of error {quote(symbol.name)}", symbol.key.origin)
            body = self._types.fields.data(spec.with_, spec.details, symbol.namespace, name, "details", ERROR_ARGUMENTS)
            draft = ObjectDraft(
                class_name=name, name=None, origin=symbol.key.origin, namespace=symbol.namespace, fields=body.fields,
                mixins=body.mixins,
            )  # fmt: skip
            self._details[symbol.name] = draft if body.fields else None
            if body.fields:
                self._context.definitions[name] = draft

    def definitions(self, made: dict[str, ir.Definition]) -> tuple[ir.ErrorDef, ...]:
        found: list[ir.ErrorDef] = []
        for symbol in self._context.errors.values():
            spec = self._specs.get(symbol.name)
            if spec is None:
                continue
            draft = self._details.get(symbol.name)
            details = made.get(draft.class_name) if draft else None
            message, python_message = self._message(symbol, spec, draft)
            found.append(
                ir.ErrorDef(
                    class_name=symbol.class_name,
                    code=symbol.name,
                    number=spec.code,
                    namespace=symbol.namespace,
                    status=ir.Status(spec.status),
                    message=message,
                    python_message=python_message,
                    details=draft.class_name if draft else None,
                    arguments=details.fields if isinstance(details, ir.ObjectDef) else (),
                    retry_after=spec.retry,
                    doc=spec.description,
                    deprecated=deprecation(spec.deprecated),
                    experimental=spec.experimental,
                    since=spec.since,
                    origin=symbol.key.origin,
                )
            )
        return tuple(found)

    def named(self, nodes: Sequence[ScalarNode], namespace: str | None) -> tuple[str, ...]:
        """Class names of errors that an action lists; a repeat is told once."""
        found: dict[str, None] = {}
        for node in nodes:
            symbol = self._context.find(self._context.errors, node.text, namespace)
            if symbol is None:
                hint = self._context.suggest(node.text, self._context.errors, namespace)
                self._context.complain(node, f"no error is called {quote(node.text)}", hint)
            elif symbol.class_name in found:
                self._context.complain(node, f"the error {quote(node.text)} stands here twice")
            else:
                found[symbol.class_name] = None
        return tuple(found)

    def _message(self, symbol: Symbol, spec: ErrorSpec, details: ObjectDraft | None) -> tuple[str, str]:
        """The template with wire names and the same with Python names."""
        if spec.message is None:
            text = _literal(spec.description or f"{symbol.name}")
            return text, text
        node: Node = symbol.node["message"] if isinstance(symbol.node, MapNode) else symbol.key
        fields = details.fields if details else []
        wire: list[str] = []
        python: list[str] = []
        try:
            parts = list(string.Formatter().parse(spec.message))
        except ValueError:
            hint = "`{field}` stands for a field of the details; a brace itself is written twice: `{{`"
            self._context.complain(node, f"a brace in {quote(spec.message)} has no partner", hint)
            return "", ""
        for literal, name, format_spec, conversion in parts:
            wire.append(_literal(literal))
            python.append(_literal(literal))
            if name is None:
                continue
            field = next((known for known in fields if known.name == name), None)
            if field is None or format_spec or conversion or not _SIMPLE.fullmatch(name):
                self._unknown(node, name, fields, formatted=bool(format_spec or conversion))
                continue
            wire.append(f"{{{name}}}")
            python.append(f"{{{field.python_name}}}")
        return "".join(wire), "".join(python)

    def _unknown(self, node: Node, name: str, fields: Sequence[FieldDraft], *, formatted: bool) -> None:
        if any(field.name == name for field in fields) and not formatted:
            self._context.complain(node, f"the field {quote(name)} cannot stand in a message", "its name is not simple")
            return
        if formatted:
            self._context.complain(node, f"{quote('{' + name + '…}')} is formatted", "write the field's name alone")
            return
        known = [field.name for field in fields]
        hint = did_you_mean(name, known) or "a brace itself is written twice: `{{`"
        self._context.complain(node, f"the details have no field {quote(name)}", hint)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
