"""Words of a spec stay words, whatever they hold, in every place where an author may write some."""

import ast
import importlib.util
import inspect
import json
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typing_extensions import override

from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files
from duologue_codegen.problems import SpecErrors

HARMLESS = "plain words"
HOSTILE = {
    "quotes": 'it\'s "quoted"',
    "triple quotes": '"""\nimport os\n"""',
    "other triple quotes": "''' '''",
    "ends in a quote": 'the end"',
    "ends in an escaped quote": 'the end\\"',
    "begins with a quote": '"begin',
    "ends in a backslash": "C:\\temp\\",
    "backslashes": "\\n \\x00 \\u2028 \\",
    "a named character": "\\N{BULLET} \\N{nope}",
    "line breaks": "one\ntwo\r\nthree\n\n    four",
    "a template": "{{ protocol }} {% raw %} {# no #} ${x} %s",
    "braces": "{{}} {",
    "a line separator": "a\u2028b\u2029c\x85d",
    "right to left": "a\u202e\u2066 evil\u2069\u202c b\u200f",
    "hidden": "a\u200bb\ufeffc\u00add",
    "a tag character": "a\U000e0041b",
    "a comment": "# type: ignore  # noqa",
    "end of a comment": "--> <!-- ]]> | `x` <b>",
    "TOML": "']]\n[project]\nname = 'evil'",
    "code": "x: int = __import__('os').system('true')",
    "far away": "\U0001fae8 \U0001f469\u200d\U0001f4bb 漢字",
}


def field_name(words: str) -> str:
    """The words, as far as they may name a field: names of fields are printable."""
    return "".join(char if char.isprintable() else "-" for char in words)


def spec(words: str) -> dict[str, Any]:
    """A spec with these words wherever any may stand."""
    key = field_name(words)
    deprecated = {"since": words, "use": words, "reason": words}
    told = {"description": words, "since": words, "deprecated": deprecated}
    member = {"type": "string", "default": words, "examples": [words], "python": {"name": "member"}, **told}
    return {
        "duologue": 1,
        "protocol": "hostile",
        "version": "1.0.0",
        "description": words,
        "authors": [words],
        "links": {words: "https://example.invalid/", "docs": "https://example.invalid/"},
        "scopes": {"all": words},
        "roles": {"any": ["all"]},
        "types": {
            "State": {"enum": [words, "b"], "names": {words: "FIRST"}, "open": True, **told},
            "Text": {"type": "string", **told},
            "One": {"fields": {"kind": {"const": words}, key: member}, **told},
            "Two": {"fields": {"kind": {"const": "two"}}},
            "Both": {"oneOf": ["One", "Two"], "discriminator": "kind", "open": True, **told},
            "All": {
                "fields": {
                    "state": {"type": "State", "default": words},
                    "any": {"type": "json", "default": {words: [words]}},
                    "map": {"type": {"string": "string"}, "default": {words: words}},
                    "both": {"type": "Both", "default": {"kind": words, key: words}},
                }
            },
        },
        "errors": {
            "gone": {
                "status": "not_found",
                "message": words.replace("{", "{{").replace("}", "}}") + " {" + "name}",
                "details": {"name": {"type": "string", **told}},
                **told,
            }
        },
        "actions": {
            "act": {
                "params": {key: member, "all": "All"},
                "result": "Both",
                "errors": ["gone"],
                "scope": "all",
                **told,
            },
            "stream": {"stream": "State", "result": "All", "scope": "public", "from": "both", **told},
            "take": {
                "params": {key: member, "body": "All"},
                "upload": {},
                "effect": "keyed",
                "scope": "public",
                "from": "both",
                **told,
            },
            "give": {"params": {key: member}, "download": {}, "scope": "public", "from": "both", **told},
        },
        "events": {
            "told": {"data": {"text": {"type": "string", **told}}, "delivery": "log", "scope": "all", **told},
            "sent": {"data": {}, "delivery": "volatile", "from": "client", "scope": "public", **told},
        },
    }


def generate(folder: Path, words: str) -> dict[str, str]:
    path = folder / "spec.yaml"
    quoted = json.dumps(spec(words), ensure_ascii=False)  # JSON is YAML, but for characters beyond the first plane
    path.write_text("".join(c if c.isascii() else f"\\U{ord(c):08x}" for c in quoted), encoding="ascii")
    return generate_files(compile_spec(path), project=True)


class Words(ast.NodeTransformer):
    """All text replaced by the same."""

    @override
    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("words") if isinstance(node.value, str) else node


def structure(text: str) -> str:
    return ast.dump(Words().visit(ast.parse(text)))


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return generate(tmp_path_factory.mktemp("harmless"), HARMLESS)


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE)
def test_output_has_the_structure_that_harmless_words_give(
    harmless: dict[str, str], tmp_path: Path, words: str
) -> None:
    files = generate(tmp_path, words)
    assert sorted(files) == sorted(harmless)
    for path, text in files.items():
        if path.endswith(".py"):
            assert structure(text) == structure(harmless[path]), path
        allowed = "\n\t" if path == "Makefile" else "\n"
        bad = [char for char in text if not (char in allowed or char.isprintable()) and ord(char) < 0x1FAE0]
        assert not bad, f"{path}: {bad}"


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE)
def test_the_words_arrive_as_they_were_written(tmp_path: Path, words: str) -> None:
    files = generate(tmp_path, words)
    package = load(tmp_path, files)
    assert package.State.FIRST.value == words
    assert package.One().kind == words
    assert package.One().member == words
    assert package.All().model_dump(mode="json")["map"] == {words: words}
    assert package.All().both.member == words
    assert package.One.from_wire(json.dumps({field_name(words): "x"})).member == "x"
    assert list(package.PROTOCOL.scopes.items()) == [("all", words)]
    assert package.Gone(name="n").message == words + " n"
    shown = " ".join((inspect.getdoc(package.One) or "").split())
    assert " ".join(words.split()) in shown
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["authors"] == [{"name": words}]
    assert project["name"] == "hostile-sdk"
    assert set(project["urls"]) == {words, "docs"}


def load(folder: Path, files: dict[str, str]) -> ModuleType:
    """Import the generated package from memory's copy on disk, apart from any other of its name."""
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
    for name in [name for name in sys.modules if name.partition(".")[0] == "hostile_sdk"]:
        del sys.modules[name]
    init = folder / "hostile_sdk/__init__.py"
    found = importlib.util.spec_from_file_location("hostile_sdk", init, submodule_search_locations=[str(init.parent)])
    assert found is not None
    assert found.loader is not None
    package = importlib.util.module_from_spec(found)
    sys.modules["hostile_sdk"] = package
    found.loader.exec_module(package)
    return package


@pytest.mark.parametrize("words", ["a\0b", "a\x07b", "a\x1b[31mb"])
def test_control_characters_are_refused(tmp_path: Path, words: str) -> None:
    (tmp_path / "spec.yaml").write_bytes(
        f'duologue: 1\nprotocol: p\nversion: 1.0.0\ndescription: "{words}"\nactions: {{a: {{scope: public}}}}'.encode()
    )
    with pytest.raises(SpecErrors):
        compile_spec(tmp_path / "spec.yaml")
