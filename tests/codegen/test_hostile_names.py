"""Where a spec takes names, numbers and words of its own, hostile ones are refused, or change nothing but names."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.codegen.hostile_slots import PAYLOADS

from duologue_codegen import ir
from duologue_codegen.compiler import compile_spec
from duologue_codegen.problems import SpecErrors

Build = Callable[[str], dict[str, Any]]


def head(**more: Any) -> dict[str, Any]:
    return {"duologue": 1, "protocol": "p", "version": "1.0.0", "defaults": {"scope": "public"}, **more}


def action(**keys: Any) -> dict[str, Any]:
    return head(actions={"act": keys})


def typed(**keys: Any) -> dict[str, Any]:
    return head(types={"T": keys})


def field(of: object) -> dict[str, Any]:
    return typed(fields={"f": of})


def event(**keys: Any) -> dict[str, Any]:
    return head(events={"told": {"data": {"x": "string"}, "delivery": "volatile", **keys}})


PLACES: dict[str, Build] = {
    "protocol": lambda words: {**head(), "protocol": words},
    "version": lambda words: {**head(), "version": words},
    "license": lambda words: head(license=words),
    "link": lambda words: head(links={"docs": words}),
    "wire": lambda words: head(wire=words),
    "imports": lambda words: head(imports=[words]),
    "distribution": lambda words: head(python={"distribution": words}),
    "package": lambda words: head(python={"package": words}),
    "prefix": lambda words: head(python={"prefix": words}),
    "peer": lambda words: head(python={"peer": words}),
    "absent": lambda words: head(python={"absent": words}),
    "scope": lambda words: head(scopes={words: "Something."}),
    "role": lambda words: head(scopes={"a": "A."}, roles={words: ["a"]}),
    "role's scope": lambda words: head(scopes={"a": "A."}, roles={"r": [words]}),
    "default scope": lambda words: {**action(), "defaults": {"scope": words}},
    "type's name": lambda words: head(types={words: "string"}),
    "type": lambda words: head(types={"T": words}),
    "field's type": field,
    "key type": lambda words: head(types={"T": {words: "string"}}),
    "item": lambda words: head(types={"T": [words]}),
    "pattern": lambda words: typed(type="string", pattern=words),
    "minimum": lambda words: typed(type="integer", minimum=words),
    "maxLength": lambda words: typed(type="string", maxLength=words),
    "with": lambda words: {**head(), "types": {"T": {"with": words, "fields": {}}}},
    "member": lambda words: typed(oneOf=[words]),
    "discriminator": lambda words: head(
        types={"A": {"fields": {"k": {"const": "a"}}}, "T": {"oneOf": ["A"], "discriminator": words}}
    ),
    "type in Python": lambda words: typed(fields={}, python={"name": words}),
    "field in Python": lambda words: field({"type": "string", "python": {"name": words}}),
    "value in Python": lambda words: typed(enum=["a"], names={"a": words}),
    "action in Python": lambda words: action(python={"name": words}),
    "event in Python": lambda words: event(python={"name": words}),
    "error in Python": lambda words: head(errors={"gone": {"status": "not_found", "python": {"name": words}}}),
    "status": lambda words: head(errors={"gone": {"status": words}}),
    "retry": lambda words: head(errors={"gone": {"status": "not_found", "retry": words}}),
    "placeholder": lambda words: head(errors={"gone": {"status": "not_found", "message": "{" + words + "}"}}),
    "from": lambda words: action(**{"from": words}),
    "effect": lambda words: action(effect=words),
    "timeout": lambda words: action(timeout=words),
    "rate": lambda words: action(limits={"rate": words}),
    "request": lambda words: action(limits={"request": words}),
    "error": lambda words: action(errors=[words]),
    "result": lambda words: action(result=words),
    "pages": lambda words: action(pages=words),
    "media": lambda words: action(upload={"media": words}, effect="keyed"),
    "size": lambda words: action(upload={"max": words}, effect="keyed"),
    "delivery": lambda words: event(delivery=words),
    "filter": lambda words: event(filter=[words]),
    "key": lambda words: event(delivery="state", key=[words]),
    "unknown key": lambda words: {**head(), words: 1},
    "schema": lambda words: typed(schema={"type": words}),
    "reference": lambda words: typed(schema={"$ref": words}),
    "default": lambda words: field({"type": "integer", "default": words}),
}
NAMES: dict[str, Callable[[ir.Protocol], list[str]]] = {
    "in Python": lambda protocol: [
        *(definition.class_name for definition in protocol.definitions),
        *(f.python_name for d in protocol.definitions if isinstance(d, ir.ObjectDef) for f in d.fields),
        *(member.python_name for d in protocol.definitions if isinstance(d, ir.EnumDef) for member in d.members),
        *(name for a in protocol.actions for name in (a.method, a.service_method, a.constant, a.params)),
        *(name for e in protocol.events for name in (e.method, e.flat_method, e.constant, e.member)),
        *(error.class_name for error in protocol.errors),
        *(getattr(protocol.python, name) for name in ("package", "prefix", "client", "peer", "service", "event_type")),
    ],
}


def outcome(path: Path, spec: dict[str, Any]) -> ir.Protocol | SpecErrors:
    path.write_text(json.dumps(spec), encoding="utf-8")
    try:
        return compile_spec(path)
    except SpecErrors as errors:
        return errors


@pytest.mark.parametrize("place", PLACES)
def test_hostile_words_where_few_are_taken(tmp_path: Path, place: str) -> None:
    taken = 0
    for payload in PAYLOADS.values():
        found = outcome(tmp_path / "spec.yaml", PLACES[place](payload))
        if isinstance(found, SpecErrors):
            # A mark that turns the direction of reading, or a line break, would forge what a terminal shows.
            for line in found.render("").split("\n"):
                assert line.isprintable(), line
                assert line.startswith(("spec.yaml:", "  hint: "))
        else:
            taken += 1
            for name in NAMES["in Python"](found):
                assert name.isidentifier(), (place, payload, name)
                assert name.isascii(), (place, payload, name)
    assert (taken > 0) is (place == "pattern"), "a pattern may be any words, nothing else may"


def test_there_are_many_of_them() -> None:
    assert len(PLACES) * len(PAYLOADS) >= 1000


# ------------------------------------------------------------------------------------------------------------ paths
PATHS = [
    *(
        "../outside.yaml",
        "/etc/passwd",
        "..\\outside.yaml",
        "C:\\x.yaml",
        "file:///etc/passwd",
        "http://evil.invalid/x",
    ),
    *(
        "inside/../../outside.yaml",
        "./../outside.yaml",
        "link.yaml",
        "round.yaml",
        "deep/link/passwd",
        "inside",
        "",
        ".",
    ),
    *(
        "pipe.yaml",
        "zero.yaml",
        "nothing.yaml",
        "a\0b.yaml",
        "~/x.yaml",
        "spec.yaml",
        "./spec.yaml",
        "inside/../spec.yaml",
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with links that lead out of it, and files that never end."""
    inside = tmp_path / "spec"
    (inside / "inside").mkdir(parents=True)
    (inside / "deep").mkdir()
    (tmp_path / "outside.yaml").write_text("duologue: 1\ntypes: {Secret: string}\n", encoding="utf-8")
    (inside / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (inside / "round.yaml").symlink_to(inside / "round.yaml")
    (inside / "deep/link").symlink_to("/etc")
    (inside / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(inside / "pipe.yaml")
    return inside


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_or_hangs(folder: Path, path: str) -> None:
    found = outcome(folder / "spec.yaml", head(imports=[path], actions={"act": {}}))
    assert isinstance(found, SpecErrors)
    assert "Secret" not in found.render("")
    assert "root:" not in found.render("")


@pytest.mark.parametrize("target", ["/dev/zero", "inside", "round.yaml"])
def test_a_spec_that_is_no_file(folder: Path, target: str) -> None:
    with pytest.raises(SpecErrors) as caught:
        compile_spec(folder / target)
    assert caught.value.problems


# -------------------------------------------------------------------------------------------------------- references
REFERENCES: dict[str, dict[str, Any]] = {
    "itself": {"T": "T"},
    "each other": {"A": "B", "B": "C", "C": "A"},
    "itself, required": {"T": {"fields": {"t": "T"}}},
    "itself in a union": {"T": "T|T"},
    "itself, with": {"T": {"with": "T", "fields": {}}},
    "each other, with": {"A": {"with": "B", "fields": {}}, "B": {"with": "A", "fields": {}}},
    "itself as a member": {"T": {"oneOf": ["T"]}},
    "itself as a key": {"K": {"K": "string"}},
    "nothing": {"T": "Missing"},
    "nothing, deep": {"T": {"fields": {"a": ["Missing"], "b": {"string": "Missing"}}}},
    "a builtin's name": {"string": "integer"},
    "in a schema": {"T": {"schema": {"$ref": "#/types/T"}}},
    "elsewhere": {"T": {"schema": {"$ref": "http://evil.invalid/schema.json"}}},
    "a file": {"T": {"schema": {"$ref": "file:///etc/passwd"}}},
    "a default of itself": {"T": {"fields": {"t": {"type": "T", "default": {}}}}},
    "a default of each other": {
        "A": {"fields": {"b": {"type": "B", "default": {}}}},
        "B": {"fields": {"a": {"type": ["A"], "default": [{}]}}},
    },
    "a default in a default": {
        "T": {"fields": {"n": "integer", "t": {"type": "T", "default": {"n": 1, "t": {"n": 2}}}}}
    },
}


def test_a_default_that_ends(tmp_path: Path) -> None:
    """Each `T` has a list of them, which is empty unless it is said."""
    types: dict[str, Any] = {
        "T": {
            "fields": {"t": {"type": ["T"], "default": []}, "u": {"type": {"string": "T"}, "default": {"a": {"u": {}}}}}
        }
    }
    assert isinstance(outcome(tmp_path / "spec.yaml", head(types=types)), ir.Protocol)


@pytest.mark.parametrize("types", REFERENCES.values(), ids=REFERENCES)
def test_references_that_lead_nowhere(tmp_path: Path, types: dict[str, Any]) -> None:
    assert isinstance(outcome(tmp_path / "spec.yaml", head(types=types)), SpecErrors)


# ---------------------------------------------------------------------------------------------------------- patterns
SLOW = [r"^(a+)+$", r"^(a|a)*$", r"^(a|aa)+$", r"^(.*a){12}$", r"^([a-z]+)*[0-9]$", r"(x+x+)+y", r"^(\w+\s?)*$"]
REFUSED = [r"(?=a)", r"(?<!a)b", r"(a)\1", r"(?P<n>a)(?P=n)", "(", "[", "a{2,1}", "(a{1000}){1000}", "*", "\\"]


@pytest.mark.parametrize("pattern", SLOW)
def test_patterns_that_are_slow_elsewhere(tmp_path: Path, pattern: str) -> None:
    """Matching takes as long as the text is, and no longer: no engine that backtracks is ever asked."""
    from time import process_time

    from duologue_codegen.resolve.patterns import matches

    assert isinstance(outcome(tmp_path / "spec.yaml", typed(type="string", pattern=pattern)), ir.Protocol)
    started = process_time()
    matches(pattern, "a" * 20_000 + "!")
    assert process_time() - started < 5


@pytest.mark.parametrize("pattern", REFUSED)
def test_patterns_that_are_refused(tmp_path: Path, pattern: str) -> None:
    assert isinstance(outcome(tmp_path / "spec.yaml", typed(type="string", pattern=pattern)), SpecErrors)
