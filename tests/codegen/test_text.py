"""The filters between an author's words and the files: nothing gets through as anything but words."""

import ast
import inspect
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_codegen import text

WORDS = st.text(st.characters(exclude_categories=["Cs"])) | st.text(alphabet="\"\\\n '{}#\u2028\u202e\x85\tN")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
)


def printable(written: str) -> bool:
    """No controls, no separators but plain ones, nothing invisible or that turns the direction of reading."""
    hidden = {"Cc", "Cf", "Zl", "Zp"}
    from unicodedata import ucd_3_2_0 as old

    return all(char == "\n" or old.category(char) not in hidden for char in written)


@given(JSON)
def test_a_literal_is_read_back(value: object) -> None:
    written = text.literal(value)
    assert ast.literal_eval(written) == value
    assert "\n" not in written
    assert printable(written)


@given(WORDS, st.sampled_from([0, 4, 8]))
def test_a_docstring_is_one_literal_with_the_same_words(words: str, indent: int) -> None:
    written = text.docstring(words, indent)
    module = ast.parse(f"class A:\n    x = (\n{' ' * indent}{written}\n)")
    value = ast.literal_eval(written)
    assert len(module.body) == 1
    assert isinstance(value, str)
    # Lines may be broken anew at spaces, and nothing else may happen to the words.
    plain = words.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    assert [word for word in value.replace("\n", " ").split(" ") if word] == [
        word for word in plain.replace("\n", " ").split(" ") if word
    ]
    assert printable(written)


def test_a_docstring_keeps_lines_and_margins() -> None:
    written = text.docstring("Head.\n\nArgs:\n    one: 1\n\n\n    two: 2\n", 4)
    assert written == '"""Head.\n\n    Args:\n        one: 1\n\n\n        two: 2\n    """'
    assert inspect.cleandoc(ast.literal_eval(written)) == "Head.\n\nArgs:\n    one: 1\n\n\n    two: 2"


def test_long_lines_of_a_docstring_are_broken_and_code_is_not() -> None:
    prose = "word " * 60
    code = "    " + "code " * 60
    lines = text.paragraphs(f"{prose}\n{code}")
    assert all(len(line) <= 110 for line in lines[:-1])
    assert lines[-1] == code.rstrip()


@given(WORDS)
def test_a_toml_string_is_read_back(words: str) -> None:
    assert tomllib.loads(f"x = {text.toml_string(words)}")["x"] == words


@given(WORDS)
def test_one_line_is_one_line(words: str) -> None:
    written = text.one_line(words)
    assert "\n" not in written
    assert printable(written)
    assert "-->" not in f"<!-- {text.markdown_comment(words)} -->"[:-3]
    assert "`" not in text.markdown_code(words)


@pytest.mark.parametrize("words", ["", "a b", "a\n", "1a", "class", "None", "a.b", "é", "a-b", "a\u2028"])
def test_what_is_no_identifier_is_no_name(words: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        text.name(words)


@pytest.mark.parametrize("words", ["", "a b", "a\n", "../x", "a`b", "-a", "a--"])
def test_what_is_no_slug_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="not a slug"):
        text.slug(words)


def test_only_composed_code_is_code() -> None:
    assert text.code(text.literal("x")) == '"x"'
    with pytest.raises(TypeError, match="not composed code"):
        text.code("import os")


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_numbers_without_a_literal_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no literal"):
        text.literal(value)
