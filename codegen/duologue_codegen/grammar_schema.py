"""JSON Schema of the grammar for editors: completion, hover texts, squiggles. Generated from the grammar's models."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import models_json_schema

from . import spec, wirespec
from .ir import JsonValue, ScalarKind
from .spec import LONG_FORM_KEYS, LONG_FORMS

_TITLE = "duologue protocol spec, grammar 1"


def json_schema() -> dict[str, Any]:
    """The schema as JSON data: a root file or an imported file."""
    models: list[Any] = [
        spec.Document,
        spec.ImportedDocument,
        spec.ErrorSpec,
        spec.ActionSpec,
        spec.EventSpec,
        spec.ExampleSpec,
        spec.DeprecationSpec,
        spec.NamespaceSpec,
        wirespec.WireSpec,
        *wirespec.ITEMS.values(),
        *LONG_FORMS.values(),
    ]
    _, schema = models_json_schema([(model, "validation") for model in models], ref_template="#/$defs/{model}")
    definitions: dict[str, Any] = {name: _cleaned(body) for name, body in schema["$defs"].items()}
    definitions["Type"] = _type_schema()
    definitions["FieldMap"] = {
        "description": "Fields by name; `name?` may be absent.",
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/Type"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": _TITLE,
        # An `if` instead of `anyOf`: editors then complain about the file at hand, not about both kinds.
        "if": {"required": ["protocol"]},
        "then": {"$ref": "#/$defs/Document"},
        "else": {"$ref": "#/$defs/ImportedDocument"},
        "$defs": dict(sorted(definitions.items())),
    }


def text() -> str:
    """The schema as it is committed."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _type_schema() -> dict[str, Any]:
    builtins = [*ScalarKind, "null", "json"]
    return {
        "description": "A name, `A|B|null`, `[Item]`, `{string: Value}`, or a mapping that says more.",
        "anyOf": [
            {"type": "string", "description": f"Builtins: {', '.join(builtins)}.", "examples": builtins},
            {"type": "null"},
            {"type": "array", "minItems": 1, "maxItems": 1, "items": {"$ref": "#/$defs/Type"}},
            *({"$ref": f"#/$defs/{form.__name__}"} for form in LONG_FORMS.values()),
            {
                "description": "A map: `{string: Value}`; the key is `string` or a type of strings.",
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "propertyNames": {"not": {"enum": sorted(LONG_FORM_KEYS)}},
                "additionalProperties": {"$ref": "#/$defs/Type"},
            },
        ],
    }


def _cleaned(node: JsonValue) -> JsonValue:
    """References as JSON Schema writes them, and nothing of what pydantic adds for itself."""
    if isinstance(node, list):
        return [_cleaned(item) for item in node]
    return _cleaned_mapping(node) if isinstance(node, dict) else node


def _cleaned_mapping(node: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Without titles, and without `null` (and a default of it) for keys that may be left out."""
    cleaned = {key: _cleaned(item) for key, item in node.items() if key != "title" or not isinstance(item, str)}
    if "x-ref" in cleaned:
        cleaned = {"$ref": f"#/$defs/{cleaned.pop('x-ref')}", **cleaned}
    if cleaned.get("default", 0) is None:
        del cleaned["default"]
    options = cleaned.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        del cleaned["anyOf"]
        rest = [option for option in options if option != {"type": "null"}]
        only = rest[0] if len(rest) == 1 else None
        cleaned = {**(only if isinstance(only, dict) else {"anyOf": rest}), **cleaned}
    return cleaned
