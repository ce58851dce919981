"""Protocols in other formats."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .. import ir


def document(kind: str, protocol: ir.Protocol) -> dict[str, Any]:
    """The protocol as a document of a format (`asyncapi`, `openrpc`, `json-schema`), as JSON data."""
    made: dict[str, Any] = import_module(f".{kind.replace('-', '_')}", __package__).export(protocol)
    return made
