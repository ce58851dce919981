"""Docstrings of generated code, composed from the spec. Plain text: the docstring filter makes them Python."""

from __future__ import annotations

import json
from typing import Protocol

from . import ir
from .quantities import shown_size


class HasNotes(Protocol):
    """Whatever a spec declares."""

    @property
    def since(self) -> str | None: ...
    @property
    def experimental(self) -> bool: ...
    @property
    def deprecated(self) -> ir.Deprecation | None: ...


def joined(*parts: str | None) -> str:
    """Paragraphs, empty ones left out."""
    return "\n\n".join(part.strip() for part in parts if part and part.strip())


def deprecation(note: ir.Deprecation | None) -> str | None:
    """One sentence, or None when nothing is deprecated."""
    if note is None:
        return None
    since = f" since {note.since}" if note.since else ""
    use = f": use `{note.use}`" if note.use else ""
    reason = f" {note.reason}" if note.reason else ""
    return f"Deprecated{since}{use}.{reason}"


def experimental(declared: HasNotes) -> str | None:
    return "Experimental: it may change or go in any version." if declared.experimental else None


def notes(declared: HasNotes) -> tuple[str | None, ...]:
    """What is said of everything that is declared, besides what it is."""
    return since(declared.since), experimental(declared), deprecation(declared.deprecated)


def since(version: str | None) -> str | None:
    return f"Since version {version}." if version else None


def definition_doc(definition: ir.Definition) -> str:
    """What is said about a type."""
    opened = None
    if isinstance(definition, ir.EnumDef) and definition.open:
        opened = "Open: later versions may add values, which arrive as `UnknownValue`."
    if isinstance(definition, ir.UnionDef) and definition.unknown_class:
        opened = f"Open: later versions may add members, which arrive as `{definition.unknown_class}`."
    first = " ".join(part for part in (definition.doc, opened) if part) if _short(definition.doc) else None
    parts = (first,) if first else (definition.doc, opened)
    return joined(*parts, *notes(definition))


def _short(doc: str | None) -> bool:
    return doc is None or "\n" not in doc.strip()


def field_doc(field: ir.Field) -> str:
    """What is said about a field."""
    return joined(field.doc, *notes(field))


# ----------------------------------------------------------------------------------------------------- actions, events
def summary(declared: ir.ActionDef | ir.EventDef) -> str:
    """What the author says of an action or event."""
    return joined(declared.doc, *notes(declared))


def error_doc(error: ir.ErrorDef) -> str:
    """What is said of an error, in any case something."""
    return error.doc or error.message


def call_doc(action: ir.ActionDef, protocol: ir.Protocol) -> str:
    """What is said of an action to who calls it."""
    said = joined(action.doc or f"Call `{action.name}`.", *notes(action))
    return joined(said, _downloaded(action), _args(action, protocol), _raises(action, protocol))


def handler_doc(action: ir.ActionDef, protocol: ir.Protocol) -> str:
    """What is said of an action to who answers it."""
    said = joined(action.doc or f"Answer `{action.name}`.", *notes(action))
    return joined(said, _transferred(action), _raises(action, protocol))


def _downloaded(action: ir.ActionDef) -> str:
    if action.kind is not ir.ActionKind.DOWNLOAD or action.transfer is None:
        return ""
    return f"Iterate over what this returns for the bytes ({_bytes(action.transfer)}), then ask for its `result`."


def _transferred(action: ir.ActionDef) -> str:
    if action.transfer is None:
        return ""
    verb = "Takes" if action.kind is ir.ActionKind.UPLOAD else "Sends"
    return f"{verb} bytes: {_bytes(action.transfer)}."


def _bytes(transfer: ir.Transfer) -> str:
    return f"`{transfer.media}`, {shown_size(transfer.max_size)} at most"


def _args(action: ir.ActionDef, protocol: ir.Protocol) -> str:
    lines = [*_body(action), *(line for field in action.arguments for line in _arg(field, protocol))]
    end = "no end" if action.timeout is None else f"{_number(action.timeout)}"
    lines.append(f"    timeout: Seconds until the caller gives up; {end} by default.")
    return "\n".join(["Args:", *lines])


def _body(action: ir.ActionDef) -> list[str]:
    if action.kind is not ir.ActionKind.UPLOAD or action.transfer is None:
        return []
    resumable = "" if action.transfer.resumable else ", not resumable"
    return [f"    body: Bytes, path, file or async iterable: {_bytes(action.transfer)}{resumable}."]


def _arg(field: ir.Field, protocol: ir.Protocol) -> list[str]:
    if field.presence is ir.Presence.CONST:
        return []
    doc = " ".join((field.doc or _type_doc(field.type, protocol)).split())
    said = [doc] if doc else []
    if field.default is not None and field.default.wire is not None:
        said.append(f"Default: `{json.dumps(field.default.wire, ensure_ascii=False)}`.")
    said += [note for note in (experimental(field), deprecation(field.deprecated)) if note]
    return [f"    {field.python_name}: {' '.join(said)}"] if said else []


def _type_doc(type_: ir.Type, protocol: ir.Protocol) -> str:
    if not isinstance(type_, ir.Ref):
        return ""
    definition = protocol.definition(type_.name)
    return definition.doc or "" if isinstance(definition, ir.AliasDef) else ""


def _raises(action: ir.ActionDef, protocol: ir.Protocol) -> str:
    errors = {error.class_name: error for error in protocol.errors}
    lines = [f"    {class_name}: {' '.join(error_doc(errors[class_name]).split())}" for class_name in action.errors]
    return "\n".join(["Raises:", *lines]) if lines else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
