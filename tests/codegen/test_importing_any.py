"""Whatever a document holds, the outcome is a spec that compiles or one line that says why not."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duologue_codegen.compiler import compile_spec
from duologue_codegen.exporting import document
from duologue_codegen.importing.run import ImportRefused, import_spec
from duologue_codegen.importing.source import is_list, is_map
from duologue_codegen.load import load_text
from duologue_codegen.nodes import to_json

HERE = Path(__file__).parent
IMPORTED = HERE / "imported"


def attempt(kind: str, path: Path) -> str | None:
    """Why the document is refused; None when it became a spec that compiles."""
    try:
        text = import_spec(kind, [path]).text
    except ImportRefused as why:
        return str(why)
    spec = path.with_name("spec.yaml")
    spec.write_text(text, encoding="utf-8")
    compile_spec(spec)
    return None


# ----------------------------------------------------------------------------------------------------------- any schema
WORDS = [
    "A",
    "B",
    "kind",
    "fooBar",
    "foo_bar",
    "class",
    "timeout",
    "Exception",
    "string",
    "$ref",
    "a.b",
    "x y",
    "",
    "a?",
]
values = st.recursive(
    st.sampled_from([None, True, 0, 1, -3, 2.5, "", "a", "A", "-"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=2),
    max_leaves=3,
)
references = st.sampled_from(["#/$defs/A", "#/$defs/B", "#", "#/$defs/A/properties/A"])
kinds = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])


def said(word: str, what: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return what.map(lambda value: {word: value})


def schema_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    pieces = st.one_of(
        said("type", kinds | st.lists(kinds, min_size=1, max_size=3, unique=True)),
        said("$ref", references),
        said("properties", st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)),
        said("required", st.lists(st.sampled_from(WORDS), max_size=2)),
        *(said(word, inner) for word in ("items", "additionalProperties")),
        *(said(word, some) for word in ("anyOf", "oneOf", "allOf", "prefixItems")),
        said("enum", st.lists(values, max_size=3)),
        *(said(word, values) for word in ("const", "default", "minimum", "pattern", "description")),
        said("examples", st.lists(values, max_size=2)),
        said("pattern", st.sampled_from(["^a", "(?=x)", "[", "(a)\\1"])),
        said("maxLength", st.sampled_from([0, 3, -1])),
        said("format", st.sampled_from(["date", "uri", "uuid", "int64"])),
        said("discriminator", st.just({"propertyName": "kind"})),
        st.just({"items": False}),
    )
    return st.lists(pieces, max_size=3).map(lambda parts: {k: v for part in parts for k, v in part.items()})


schemas = st.recursive(st.just(dict[str, Any]()) | said("$ref", references), schema_of, max_leaves=8) | st.booleans()
many = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


@many
@given(one=schemas, other=schemas, root=schemas)
def test_any_schema_becomes_a_spec_that_compiles_or_is_refused(folder: Path, one: Any, other: Any, root: Any) -> None:
    path = folder / "doc.json"
    document = {**(root if is_map(root) else {}), "$defs": {"A": one, "B": other}}
    path.write_text(json.dumps(document), encoding="utf-8")
    why = attempt("json-schema", path) or ""
    assert "\n" not in why
    assert "no spec can be made" not in why


# -------------------------------------------------------------------------------------------------- changed documents
def read(path: Path) -> Any:
    root, _ = load_text(path.read_bytes(), path.name)  # JSON is YAML
    assert root is not None
    return to_json(root)


KINDS = ("cdp", "openrpc", "asyncapi", "json-schema")


@cache
def documents(kind: str) -> list[Any]:
    if kind == "cdp":
        return [read(IMPORTED / "cdp/viewer_protocol.json")]
    name = {"openrpc": "ledger.json", "asyncapi": "chat.yaml", "json-schema": "rooms.json"}[kind]
    return [read(IMPORTED / kind / name), document(kind, compile_spec(HERE.parents[1] / "spec/registry.yaml"))]


MEMBERS = ["description", "title", "python", "x-duologue-spec", "x-duologue-python", "nullable", "default", "allOf"]
VALUES: list[Any] = [
    None, True, False, 0, -1, 2.5, 1e300, "", "a", "#", "\u202e\x1b[31m", "x" * 300, [], {}, [1], ["a"], [[]],
    {"$ref": "#"}, {"a": 1}, {"type": "object"}, {"type": []}, {"enum": []}, {"const": {}},
]  # fmt: skip


def ways(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to every value inside this one."""
    inside: dict[Any, Any] = value if is_map(value) else dict(enumerate(value)) if is_list(value) else {}
    for key, item in inside.items():
        yield (*way, key)
        yield from ways(item, (*way, key))


@st.composite
def changed(draw: st.DrawFn, kind: str) -> Any:
    """A document in which something is replaced, removed or added."""
    whole = copy.deepcopy(draw(st.sampled_from(documents(kind))))
    for _ in range(draw(st.integers(1, 2))):
        *before, last = draw(st.sampled_from(list(ways(whole))))
        owner = whole
        for key in before:
            owner = owner[key]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace":
            owner[last] = copy.deepcopy(draw(st.sampled_from(VALUES)))
        elif change == "remove":
            del owner[last]
        elif is_map(owner):
            owner[draw(st.sampled_from(MEMBERS))] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    return whole


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_document_becomes_a_spec_that_compiles_or_is_refused(kind: str, folder: Path) -> None:
    change(kind, folder, 12)


@pytest.mark.long  # a thousand documents of each format
@pytest.mark.parametrize("kind", KINDS)
def test_many_changed_documents_become_specs_or_are_refused(kind: str, folder: Path) -> None:
    change(kind, folder, 1000)


def change(kind: str, folder: Path, examples: int) -> None:
    outcomes: list[str | None] = []
    beside = IMPORTED / kind
    for part in (*beside.glob("*/*.json"), *beside.glob("*/*.yaml")):
        place = folder / part.relative_to(beside)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(part.read_bytes())
    path = folder / ("rooms.json" if kind == "json-schema" else "chat.yaml")

    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(changed(kind))
    def outcome(whole: Any) -> None:
        path.write_text(json.dumps(whole), encoding="utf-8")
        outcomes.append(attempt(kind, path))
        assert "\n" not in (outcomes[-1] or "")

    outcome()
    assert None in outcomes, "some still become specs"
