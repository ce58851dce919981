"""Whatever is written, the outcome is a protocol or a list of problems: never another exception."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duologue_codegen import ir
from duologue_codegen.compiler import compile_spec
from duologue_codegen.lint import lint
from duologue_codegen.problems import SpecErrors

HERE = Path(__file__).parent
SPECS = [path.read_text(encoding="utf-8") for path in sorted(HERE.glob("*/*/spec.yaml"))]
TOKEN = re.compile(r"\w+|[^\w\s]|\s+")
HEAD = "duologue: 1\nprotocol: chat\nversion: 1.0.0\n"


@cache
def tokens() -> st.SearchStrategy[str]:
    return st.sampled_from(sorted({token for spec in SPECS for token in TOKEN.findall(spec)}))


def check(folder: Path, text: str) -> None:
    path = folder / "spec.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    outcome: ir.Protocol | SpecErrors
    try:
        outcome = compile_spec(path)
    except SpecErrors as errors:
        outcome = errors
    if isinstance(outcome, ir.Protocol):
        lint(outcome)
        return
    assert outcome.problems
    assert outcome.render("")
    for problem in outcome.problems:
        assert problem.file
        assert problem.line >= 1
        assert problem.column >= 1


@st.composite
def changed(draw: st.DrawFn) -> str:
    """A spec with a few text replaced, removed, added or repeated."""
    text = TOKEN.findall(draw(st.sampled_from(SPECS))) or [""]
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text) - 1))
        match draw(st.sampled_from(["replace", "remove", "add", "repeat"])):
            case "replace":
                text[place] = draw(tokens())
            case "remove":
                text[place] = ""
            case "add":
                text.insert(place, draw(tokens()))
            case _:
                text[place:place] = text[place : place + draw(st.integers(1, 30))]
    return "".join(text)


DECLARED = """\
  Name: {type: string, pattern: '^[a-z]+$'}
  Mood: {enum: [happy, sad], open: true}
  Level: {enum: [1, 2]}
  Cat: {fields: {kind: {const: cat}, name?: Name}}
  Dog: {fields: {kind: {const: dog}, friend: Pet|null}}
  Pet: {oneOf: [Cat, Dog], discriminator: kind, open: true}
  Any: {oneOf: [Name, Level, Cat], python: {name: AnyOf}}
"""
WORDS = [
    *("string", "integer", "number", "boolean", "null", "json", "bytes", "date", "datetime", "duration", "uuid"),
    *("int64", "decimal", "Name", "Mood", "Level", "Cat", "Dog", "Pet", "Any", "Name|null", "[Pet]|integer", "Nope"),
]
values = st.recursive(
    st.sampled_from([None, True, 1, -7, 2.5, "", "cat", "happy", "PT1S", "aGk=", "2026-01-01", "kind"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def refined(key: str, type_: object, value: object) -> dict[str, object]:
    return {"type": type_, key: value}


types = st.recursive(
    st.sampled_from(WORDS),
    lambda inner: st.one_of(
        inner.map(lambda item: [item]),
        inner.map(lambda item: {"string": item}),
        st.lists(inner, max_size=3).map(lambda items: {"tuple": items}),
        st.dictionaries(st.sampled_from(["kind", "name", "x?"]), inner, max_size=3).map(lambda item: {"fields": item}),
        st.builds(refined, st.sampled_from(["default", "minItems"]), inner, values),
        st.lists(values, max_size=3).map(lambda items: {"enum": items}),
        values.map(lambda value: {"const": value}),
    ),
    max_leaves=5,
)

many = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


@many
@given(text=changed())
def test_changed_specs(folder: Path, text: str) -> None:
    check(folder, text)


@many
@given(text=st.text())
def test_any_text(folder: Path, text: str) -> None:
    check(folder, text)


@many
@given(text=st.deferred(lambda: st.lists(tokens(), max_size=60)).map("".join))
def test_any_tokens_as_types(folder: Path, text: str) -> None:
    check(folder, HEAD + "types:\n  A: " + text.replace("\n", "\n    "))


@many
@given(type_=types, default=values, example=values)
def test_any_type_with_any_value(folder: Path, type_: object, default: object, example: object) -> None:
    field = {"type": type_, "default": default, "examples": [example]}
    check(folder, f"{HEAD}types:\n{DECLARED}  A: {{fields: {{f: {json.dumps(field)}}}}}\n")
