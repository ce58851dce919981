"""A protocol that is written as a spec again and read is the same protocol."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_codegen import quantities
from duologue_codegen.compiler import compile_spec
from duologue_codegen.unparse import SECTIONS, unparse
from duologue_codegen.yamltext import dump

ROOT = Path(__file__).parents[2]
SPECS = [*sorted(Path(__file__).parent.glob("golden/*/spec.yaml")), ROOT / "tests/simulation/spec.yaml"]


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.parent.name)
def test_a_spec_that_is_written_again_says_the_same(spec: Path, tmp_path: Path) -> None:
    protocol = compile_spec(spec)
    text = dump(unparse(protocol), blocks=SECTIONS)
    again = tmp_path / "spec.yaml"
    again.write_text(text, encoding="utf-8")
    read = compile_spec(again)
    assert replace(read, sources=protocol.sources) == protocol
    assert dump(unparse(read), blocks=SECTIONS) == text


def test_what_is_said_in_fewer_words_elsewhere_is_written_in_few(tmp_path: Path) -> None:
    body = """\
duologue: 1
protocol: chat
version: 1.0.0
python: {absent: missing}

types:
  Name: {type: string, maxLength: 20}
  Person: {fields: {name: Name, nick?: Name|null, tags: {type: '[Name]|null', maxItems: 3}}}
  Page.Size: {tuple: [integer, integer]}

actions:
  find:
    params: Person
    result: {fields: {people: [Person]}, python: {name: Found}}
    scope: public
    effect: safe
    timeout: 500ms
    limits: {rate: 100/min, burst: 5, request: 64KiB}
  Page.resize: {params: {to: Size}, scope: public, effect: unsafe, timeout: none}
"""
    path = tmp_path / "spec.yaml"
    path.write_text(body, encoding="utf-8")
    assert dump(unparse(compile_spec(path)), blocks=SECTIONS) == body


@given(st.decimals(0, 100_000, places=3, allow_nan=False).filter(bool).map(float))
def test_durations_and_rates_are_read_as_they_were(amount: float) -> None:
    assert quantities.seconds(quantities.written_seconds(amount)) == amount
    assert quantities.per_second(quantities.written_rate(amount)) == amount


@given(st.integers(1, 10**15 - 1))  # a quantity of a spec has at most fifteen digits
def test_sizes_are_read_as_they_were(amount: int) -> None:
    assert quantities.size(quantities.written_size(amount)) == amount


@pytest.mark.parametrize(
    ("amount", "written"), [(0.5, "500ms"), (60, "1min"), (90, "90s"), (86400, "1d"), (0.0015, "1.5ms"), (7200, "2h")]
)
def test_durations_are_short(amount: float, written: str) -> None:
    assert quantities.written_seconds(amount) == written
