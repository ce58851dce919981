"""What is written as YAML is read back as the same by the loader, and looks as people write it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duologue_codegen.load import load_text
from duologue_codegen.nodes import to_json
from duologue_codegen.yamltext import Commented, dump

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.sampled_from(
    ["", " ", "a: b", "a #b", "- a", "? a", "null", "~", "1.10", "0x1F", "<<", "no", "a,b", "{a}", "'", '"', "\n",
     "a\n", "a\n\nb", " a\nb", "a\n ", "a\r\nb", "---", "...", "-", "=", "\\", "%a", "@a", "`a", "a:", ":a", "a\tb",
     "\ufeffa", "word " * 60, "word  " * 40, "x" * 300, "1" * 70, "-32601 not found", "a?b", "?", "http://x:1/y"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXT, inner, max_size=5), max_leaves=40
)


def read(text: str) -> Any:
    root, problems = load_text(text.encode("utf-8", "surrogatepass"), "x.yaml")
    assert not problems, text
    assert root is not None, text
    return to_json(root)


@settings(max_examples=60)
@given(st.dictionaries(TEXT, TREES, min_size=1, max_size=6), st.sets(TEXT), st.sampled_from([20, 60, 120]))
@example({"a": {"b": "x" * 130, "c": ["word " * 30, {"d": "line\nline"}]}}, {"a"}, 120)
def test_what_is_written_is_read_back(tree: dict[str, Any], blocks: set[str], width: int) -> None:
    assert read(dump(tree, width=width, blocks=blocks)) == tree


def test_it_looks_as_people_write_it() -> None:
    tree = Commented(
        {
            "duologue": 1,
            "version": "1.3.0",
            "description": "Said in one line.",
            "types": {
                "Name": {"type": "string", "maxLength": 20},
                "Long": {"description": "word " * 30 + "end", "fields": {"a?": "string", "b": {"type": "[A]|null"}}},
                "Lines": {"description": "One.\nTwo.\n", "const": "1"},
                "Many": {"enum": [f"value-{number}" for number in range(20)]},
                "Price": {"type": "decimal", "minimum": Decimal("0.10")},
            },
        },
        {"": "From elsewhere.", "types": "All of them."},
    )
    expected = """\
# From elsewhere.
duologue: 1
version: 1.3.0
description: Said in one line.

# All of them.
types:
  Name: {type: string, maxLength: 20}
  Long:
    description: >-
      word word word word word word word word word word word word word word word word word word word word word word word
      word word word word word word word end
    fields: {a?: string, b: {type: '[A]|null'}}
  Lines:
    description: |
      One.
      Two.
    const: '1'
  Many:
    enum: [
      value-0, value-1, value-2, value-3, value-4, value-5, value-6, value-7, value-8, value-9, value-10, value-11,
      value-12, value-13, value-14, value-15, value-16, value-17, value-18, value-19,
    ]
  Price: {type: decimal, minimum: 0.10}
"""
    assert dump(tree, blocks={"types"}) == expected


def test_comments_hide_nothing() -> None:
    text = dump(Commented({"a": {"b": 1}}, {"a": "one\ntwo\u2028a: 2\x1b[31m\rb: 3"}))
    assert read(text) == {"a": {"b": 1}}


def test_a_key_that_is_too_long_to_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="1000 characters"):
        dump({"x" * 1001: 1})
