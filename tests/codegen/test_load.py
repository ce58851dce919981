"""Reading YAML: positions, limits, and what a document may not hold."""

import time

import pytest

from duologue_codegen import load
from duologue_codegen.nodes import MapNode, ScalarNode, SeqNode, to_json


def read(text: str) -> MapNode:
    root, problems = load.load_text(text.encode(), "spec.yaml")
    assert problems == []
    assert root is not None
    return root


def messages(data: bytes) -> list[str]:
    _, problems = load.load_text(data, "spec.yaml")
    return [f"{problem.line}:{problem.column} {problem.message}" for problem in problems]


def test_every_key_and_value_knows_its_place() -> None:
    root = read("a: 1\nb:\n  - x\n  - {c: 'é', d: e}\n")
    assert (root.keys_at["b"].line, root.keys_at["b"].column) == (2, 1)
    items = root["b"]
    assert isinstance(items, SeqNode)
    inner = items[1]
    assert isinstance(inner, MapNode)
    assert (inner["d"].line, inner["d"].column) == (4, 17)
    assert (inner.keys_at["d"].line, inner.keys_at["d"].column) == (4, 14)


def test_the_source_of_a_scalar_is_kept() -> None:
    root = read("since: 1.10\nquoted: '1.10'\nblock: |\n  yes\n")
    since, quoted = root["since"], root["quoted"]
    assert isinstance(since, ScalarNode)
    assert isinstance(quoted, ScalarNode)
    assert (since.text, since.value) == ("1.10", 1.1)
    assert (quoted.text, quoted.value) == ("1.10", "1.10")
    assert to_json(root) == {"since": 1.1, "quoted": "1.10", "block": "yes\n"}


def test_optional_keys_in_flow_mappings() -> None:
    assert to_json(read("{pid?: integer, 'x?': y}")) == {"pid?": "integer", "x?": "y"}


def test_byte_order_mark_and_carriage_returns() -> None:
    root, problems = load.load_text(b"\xef\xbb\xbfa: b\r\nc: d\r\n", "spec.yaml")
    assert problems == []
    assert root is not None
    assert to_json(root) == {"a": "b", "c": "d"}
    assert root["c"].line == 2


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"a: 1\na: 2\n", ["2:1 the key `a` stands here twice; first on line 1"]),
        (b"a: 1\n'a': 2\n", ["2:1 the key `a` stands here twice; first on line 1"]),
        (b"a: &x 1\n", ["1:4 an anchor, `&x`"]),
        (b"a: *x\n", ["1:4 an alias, `*x`"]),
        (b"<<: {a: b}\n", ["1:1 a merge key, `<<`"]),
        (b"a: !x 1\n", ["1:4 a tag, `!x`"]),
        (b"? [a]\n: b\n", ["1:3 a key that is no text"]),
        (b"a: {{x}}\n", ["1:5 a key that is no text"]),
        (b"a: 1\n---\nb: 2\n", ["2:1 a second document"]),
        (b"a: \xff\n", ["1:4 the file is not UTF-8"]),
        (b"a: \x07\n", ["1:4 the control character U+0007"]),
        (b"a: " + b"9" * 70 + b"\n", ["1:4 the number `" + "9" * 57 + "...` is too long"]),
        (b"text\n", ["1:1 a spec is a mapping"]),
        (b"", ["1:1 a spec is a mapping"]),
    ],
)  # fmt: skip
def test_refused(data: bytes, told: list[str]) -> None:
    assert messages(data) == told


def test_a_quoted_merge_key_is_a_key() -> None:
    assert to_json(read("'<<': a")) == {"<<": "a"}


def test_depth() -> None:
    read("a: " + "[" * (load.MAX_DEPTH - 1) + "]" * (load.MAX_DEPTH - 1))
    deeper = "a: " + "[" * load.MAX_DEPTH + "]" * load.MAX_DEPTH
    assert messages(deeper.encode()) == [f"1:{load.MAX_DEPTH + 3} nested more than 64 deep"]


def test_hostile_depth_ends_quickly() -> None:
    started = time.monotonic()
    assert "nested more than 64 deep" in messages(b"[" * 1_000_000)[0]
    assert time.monotonic() - started < 5


def test_size(monkeypatch: pytest.MonkeyPatch) -> None:
    assert messages(b"#" * (load.MAX_BYTES + 1)) == ["1:1 the file has more than 5,000,000 bytes"]
    monkeypatch.setattr(load, "MAX_NODES", 5)
    assert messages(b"a: [1, 2]") == []
    assert messages(b"a: [1, 2, 3]") == ["1:11 more than 5 nodes"]


def test_syntax_errors_say_what_to_quote() -> None:
    _, problems = load.load_text(b"a: {b: c: d}", "spec.yaml")
    assert problems[0].message.startswith("not YAML: ")
    assert problems[0].hint is not None
    assert "quote text that holds" in problems[0].hint


def test_missing_libyaml_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("yaml.CSafeLoader")
    with pytest.raises(RuntimeError, match="libyaml"):
        load.load_text(b"a: b", "spec.yaml")
