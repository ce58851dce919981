"""The JSON Schema that editors read: up to date, right about our specs, and with something to say on hover."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from duologue_codegen import grammar_schema

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "spec" / "duologue.schema.json"
GOLDEN = [path for path in Path(__file__).parent.glob("golden/**/*.yaml") if "expected" not in path.parts]
RIGHT = [*sorted(GOLDEN), *sorted(ROOT.glob("spec/*.yaml"))]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return grammar_schema.json_schema()


def errors(schema: dict[str, Any], data: Any) -> list[str]:
    validator: Any = jsonschema.Draft202012Validator(schema)
    return [error.message for error in validator.iter_errors(data)]


def test_committed_schema_is_up_to_date() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == grammar_schema.text()


def test_schema_is_a_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_right_specs_are_right(schema: dict[str, Any], path: Path) -> None:
    data = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    assert errors(schema, data) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["protocol"], "Two Words"),
        (["typo"], 1),
        (["actions", "a", "efect"], "safe"),
        (["actions", "a", "effect"], "twice"),
        (["actions", "a", "timeout"], 30),
        (["actions", "a", "upload"], True),
        (["actions", "a", "upload"], {"media": "gzip"}),
        (["actions", "a", "download"], {"resumable": True}),
        (["actions", "a", "result"], {"fields": {"x": {"tpye": "string", "min": 1}}}),
        (["errors", "e"], {"status": "lost"}),
        (["events", "e"], {"delivery": "sometimes"}),
        (["types", "T"], ["string", "integer"]),
    ],
)
def test_wrong_specs_are_wrong(schema: dict[str, Any], path: list[str], value: Any) -> None:
    spec: dict[str, Any] = {
        "duologue": 1, "protocol": "chat", "version": "1.0.0",
        "actions": {"a": {"scope": "public"}}, "errors": {}, "events": {}, "types": {},
    }  # fmt: skip
    assert errors(schema, spec) == []
    wrong = copy.deepcopy(spec)
    owner: Any = wrong
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value
    assert errors(schema, wrong) != []


def test_every_key_has_a_hover_text(schema: dict[str, Any]) -> None:
    silent = [
        f"{name}.{key}"
        for name, definition in schema["$defs"].items()
        for key, body in definition.get("properties", {}).items()
        if not body.get("description")
    ]
    assert silent == []


def test_nothing_of_the_generator_leaks(schema: dict[str, Any]) -> None:
    text = json.dumps(schema)
    assert "x-ref" not in text
    assert '"title"' not in text.replace(f'"title": "{schema["title"]}"', "")
