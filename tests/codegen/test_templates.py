"""Templates interpolate nothing without a filter, and stay readable."""

import re
from pathlib import Path

import duologue_codegen
from duologue_codegen.render import environment

TEMPLATES = sorted((Path(duologue_codegen.__file__).parent / "templates").rglob("*.jinja"))
FILTERS = {
    "name",
    "code",
    "literal",
    "docstring",
    "slug",
    "toml",
    "toml_array",
    "markdown",
    "markdown_code",
    "markdown_comment",
    "html",
    "one_line",
}
INTERPOLATION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
# What may stand bare: calls of macros, whose own text is filtered, and text that the template itself holds.
MACRO = re.compile(r"(method|pieces|accessors|accessor_class|descriptor|sides|service)\(.*\)", re.DOTALL)
OWN_TEXT = re.compile(r'"[^"]*"(?: if [^"]*?(?: else "[^"]*")?)?')


def unfiltered(text: str) -> list[str]:
    found: list[str] = []
    for interpolation in INTERPOLATION.findall(text):
        last = interpolation.rpartition("|")[2].strip().partition("(")[0]
        bare = MACRO.fullmatch(interpolation) or OWN_TEXT.fullmatch(interpolation)
        if last not in FILTERS and not bare:
            found.append(interpolation)
    return found


def test_there_are_templates() -> None:
    assert len(TEMPLATES) > 15


def test_nothing_is_interpolated_without_a_filter() -> None:
    found = {path.name: unfiltered(path.read_text(encoding="utf-8")) for path in TEMPLATES}
    assert {name: bad for name, bad in found.items() if bad} == {}


def test_an_unfiltered_interpolation_is_found() -> None:
    text = '{{ a.doc }} {{ a | upper }} {{ "x" ~ a }} {{ a | name }} {{ method(a) }} {{ "}" }} {{ "a " if b else "c" }}'
    assert unfiltered(text) == ["a.doc", "a | upper", '"x" ~ a']


def test_the_environment_has_these_filters_alone() -> None:
    assert set(environment().filters) == FILTERS


def test_templates_are_short_and_compute_nothing() -> None:
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 120, path.name
        assert "{% set" not in text, path.name
