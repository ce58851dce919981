"""Docstrings of generated code, composed from the spec. Plain text: the docstring filter makes them Python."""

from __future__ import annotations

from . import ir


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
    return joined(*parts, since(definition.since), deprecation(definition.deprecated))


def _short(doc: str | None) -> bool:
    return doc is None or "\n" not in doc.strip()


def field_doc(field: ir.Field) -> str:
    """What is said about a field."""
    return joined(field.doc, since(field.since), deprecation(field.deprecated))
