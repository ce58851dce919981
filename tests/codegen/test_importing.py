"""Protocols of other formats become specs that read well, compile, and tell what they could not say.

A folder of `imported` is named like the format; `expected.yaml` beside the documents is the spec that they become, and
`expected.txt` what is told of it. `python tests/codegen/test_importing.py` writes them anew; read the difference.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from duologue_codegen import ir
from duologue_codegen.cli import main
from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files
from duologue_codegen.importing.run import ImportRefused, import_spec
from duologue_codegen.importing.source import MAX_BYTES, MAX_DEPTH

IMPORTED = Path(__file__).parent / "imported"
CASES = {
    "cdp": ["viewer_protocol.json"],
    "openrpc": ["ledger.json"],
    "asyncapi": ["chat.yaml"],
    "json-schema": ["rooms.json"],
}


def outcome(kind: str) -> tuple[str, str]:
    made = import_spec(kind, [IMPORTED / kind / name for name in CASES[kind]])
    return made.text, "\n".join(made.summary) + "\n"


@pytest.mark.parametrize("kind", CASES)
def test_documents_become_the_expected_spec(kind: str) -> None:
    text, summary = outcome(kind)
    assert text == (IMPORTED / kind / "expected.yaml").read_text(encoding="utf-8")
    assert summary == (IMPORTED / kind / "expected.txt").read_text(encoding="utf-8")
    assert outcome(kind) == (text, summary), "the same again"


@pytest.mark.parametrize("kind", CASES)
def test_what_is_imported_can_be_generated(kind: str) -> None:
    protocol = compile_spec(IMPORTED / kind / "expected.yaml")
    files = generate_files(protocol, project=True)
    places = {"" if d.namespace is None else "namespaces/" for d in protocol.definitions}
    for place in places:
        assert any(
            path.startswith(f"{protocol.python.package}/{place}") and path.endswith("models.py") for path in files
        )


@pytest.mark.parametrize("kind", CASES)
def test_every_widening_and_omission_that_is_counted_has_its_comment(kind: str) -> None:
    text, summary = outcome(kind)
    for told in ("widened to json", "left out", "put into a field", "renamed in Python"):
        counted = next((int(line.split()[0]) for line in summary.splitlines() if f" {told}: " in line), 0)
        assert text.count(f"# {told}: ") == counted, told


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_outcome_is_the_same_with_every_hash_seed(seed: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    source = IMPORTED / "json-schema/rooms.json"
    command = [sys.executable, "-m", "duologue_codegen", "import", "json-schema", str(source), "-o", str(spec)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed}
    subprocess.run(command, env=env, check=True, timeout=60, capture_output=True)
    assert spec.read_bytes() == (IMPORTED / "json-schema/expected.yaml").read_bytes()


# ---------------------------------------------------------------------------------------------------------- the meaning
def objects(protocol: ir.Protocol) -> dict[str, dict[str, ir.Field]]:
    found = [d for d in protocol.definitions if isinstance(d, ir.ObjectDef)]
    return {d.name or d.class_name: {field.name: field for field in d.fields} for d in found}


def test_domains_are_namespaces_and_names_on_the_wire_are_kept() -> None:
    protocol = compile_spec(IMPORTED / "cdp/expected.yaml")
    assert [space.name for space in protocol.namespaces] == ["Lens", "Clock"]
    capture = next(action for action in protocol.actions if action.name == "Lens.capture")
    assert [field.name for field in capture.arguments] == ["format", "timeout", "clip"]
    assert objects(protocol)["LensCaptureResult"]["data"].type == ir.Scalar(kind=ir.ScalarKind.BYTES)
    assert [event.delivery for event in protocol.events] == [ir.Delivery.VOLATILE] * 2
    assert protocol.wire == "cdp"


def test_absent_and_null_stay_apart() -> None:
    room = objects(compile_spec(IMPORTED / "json-schema/expected.yaml"))["RoomService"]
    assert room["kind"].presence is ir.Presence.REQUIRED
    assert isinstance(room["kind"].type, ir.Nullable)
    assert room["note"].presence is ir.Presence.MISSING
    assert room["site"].presence is ir.Presence.OPTIONAL
    assert room["nights"].presence is ir.Presence.DEFAULT


def test_a_discriminator_makes_constants_of_its_tags() -> None:
    protocol = compile_spec(IMPORTED / "json-schema/expected.yaml")
    pet = protocol.definition("Pet")
    assert isinstance(pet, ir.UnionDef)
    assert [(variant.tag, pet.discriminator) for variant in pet.variants] == [("cat", "kind"), ("dog", "kind")]


# ------------------------------------------------------------------------------------------------------------- refusals
def test_of_a_string_and_another_form_of_it_the_string_is_left(tmp_path: Path) -> None:
    moment: dict[str, Any] = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string"}]}
    document = {
        "$defs": {
            "Moment": {"description": "When.", **moment},
            "Key": {
                "anyOf": [
                    {"type": "string"},
                    {"type": "integer"},
                    {"type": "string", "format": "uuid"},
                    {"type": "null"},
                ]
            },
            "Day": {"type": "string", "format": "date"},
            "Named": {"anyOf": [{"$ref": "#/$defs/Day"}, {"type": "string"}]},
        }
    }
    source = tmp_path / "times.json"
    source.write_text(json.dumps(document), encoding="utf-8")
    made = import_spec("json-schema", [source])
    for line in (
        "Moment: {type: string, description: When.}",
        "Key: string|integer|null",
        "Named: json",
    ):
        assert f" {line}\n" in made.text
    assert "# left out: datetime: it is a string as well" in made.text
    assert "# widened to json: `date` and `string` cannot be told apart" in made.text


def refused(folder: Path, document: object, kind: str = "json-schema") -> str:
    """The one line that a document is refused with."""
    path = folder / "doc.json"
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    path.write_bytes(data)
    with pytest.raises(ImportRefused) as caught:
        import_spec(kind, [path])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def nested(depth: int) -> bytes:
    return b'{"items":' * depth + b"{}" + b"}" * depth


HOSTILE: list[tuple[Any, str]] = [
    ({"$ref": "/etc/passwd"}, "doc.json#/$ref: `/etc/passwd` is no relative path"),
    ({"items": {"$ref": "../secret.json"}}, "doc.json#/items/$ref: `../secret.json` leads out of the folder"),
    ({"$ref": "%2e%2e/secret.json"}, "doc.json#/$ref: `%2e%2e/secret.json` leads out of the folder"),
    ({"$ref": "link.json"}, "doc.json#/$ref: `link.json` leads out of the folder"),
    ({"$ref": "round.json"}, "doc.json#/$ref: cannot read `round.json`"),
    ({"$ref": "a\0b.json"}, "doc.json#/$ref: `a\\x00b.json` is no relative path"),
    ({"$ref": "https://example.invalid/a.json"}, "doc.json#/$ref: `https://example.invalid/a.json` is remote"),
    ({"$ref": "file:///etc/passwd"}, "doc.json#/$ref: `file:///etc/passwd` is remote"),
    ({"$ref": "nowhere.json"}, "doc.json#/$ref: cannot read `nowhere.json`: No such file or directory"),
    ({"$ref": "#/nowhere"}, "doc.json#/$ref: `#/nowhere` leads nowhere: there is no `nowhere` at doc.json#"),
    ({"$ref": "#nowhere"}, "doc.json#/$ref: `#nowhere` leads nowhere: doc.json has no such anchor"),
    ({"$ref": 3}, "doc.json#/$ref: text expected, not `3`"),
    ({"allOf": [{"$ref": []}, {"type": "object"}]}, "doc.json#/allOf/0/$ref: text expected, not a list"),
    ({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}, "doc.json#: `allOf` includes itself"),
    ({"properties": [1]}, "doc.json#/properties: a mapping expected, not a list"),
    ({"type": "strin"}, "doc.json#/type: strin is no type; the types are string,"),
    ({"properties": {"a/b": {"enum": {}}}}, "doc.json#/properties/a~1b/enum: a list expected, not a mapping"),
    ({"required": "name"}, "doc.json#/required: a list expected, not the text `name`"),
    (["a"], "doc.json#: a mapping expected, not a list"),
    (b'{"a": 1,}', "doc.json:1:9: not JSON: "),
    (b'{"$defs": {"A": {}, "A": {}}}', "doc.json#/$defs: the key `A` stands here twice"),
    (b'{"minimum": NaN}', "doc.json#: not JSON: NaN is no JSON number"),
    (b'{"minimum": ' + b"9" * 5000 + b"}", "doc.json#: not JSON: "),
    (b'{"description": "\\ud800"}', "doc.json#/description: half of a pair of surrogates"),
    (b"\xff\xfe{}", "doc.json#: the file is not UTF-8"),
    (nested(MAX_DEPTH + 1), f"nested more than {MAX_DEPTH} deep"),
    (nested(200_000), f"nested more than {MAX_DEPTH} deep"),
    (b" " * (MAX_BYTES + 1), f"doc.json#: the file has more than {MAX_BYTES:,} bytes"),
]


@pytest.mark.parametrize(("document", "told"), HOSTILE)
def test_hostile_documents_are_refused_in_one_line_with_their_place(
    tmp_path: Path, document: object, told: str
) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    (tmp_path / "secret.json").write_text('{"type": "string"}', encoding="utf-8")
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    (folder / "round.json").symlink_to(folder / "round.json")
    assert told in refused(folder, document)


def test_a_hundred_megabytes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "doc.json"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(ImportRefused, match="more than"):
        import_spec("json-schema", [path])


OTHERS: list[tuple[str, Any, str]] = [
    ("cdp", {}, "`domains` is missing"),
    ("cdp", {"domains": [{}]}, "doc.json#/domains/0: `domain` is missing"),
    ("cdp", {"domains": [{"domain": "A", "commands": [{}]}]}, "doc.json#/domains/0/commands/0: `name` is missing"),
    ("openrpc", {"openrpc": "1.3.2"}, "this is no OpenRPC document"),
    ("openrpc", {"openrpc": "1.3.2", "methods": [{}]}, "doc.json#/methods/0: `name` is missing"),
    ("asyncapi", {"asyncapi": "2.6.0"}, "this is no AsyncAPI document of version 3"),
    ("asyncapi", {"asyncapi": "3.0.0", "operations": {"a": {"action": "hum"}}}, "doc.json#/operations/a/action: "),
]


@pytest.mark.parametrize(("kind", "document", "told"), OTHERS)
def test_other_documents_are_refused(tmp_path: Path, kind: str, document: object, told: str) -> None:
    assert told in refused(tmp_path, document, kind)


def test_an_anchor_of_yaml_is_refused_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "doc.yaml"
    path.write_text("asyncapi: 3.0.0\ninfo: &a {}\n", encoding="utf-8")
    with pytest.raises(ImportRefused, match=r"doc\.yaml:2:7: an anchor, `&a`"):
        import_spec("asyncapi", [path])


# ---------------------------------------------------------------------------------------------------------- the command
def duologue(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_long_title_becomes_a_name_that_files_can_have(tmp_path: Path) -> None:
    long = tmp_path / "long.json"
    info = {"title": "word " * 60, "version": "1.0.0"}
    long.write_text(json.dumps({"openrpc": "1.3.2", "info": info, "methods": []}), encoding="utf-8")
    assert f"protocol: {'-'.join(['word'] * 20)}\n" in import_spec("openrpc", [long]).text


def test_the_command_writes_a_spec_and_tells_what_is_in_it(tmp_path: Path) -> None:
    spec = tmp_path / "viewer.yaml"
    made = duologue("import", "cdp", IMPORTED / "cdp/viewer_protocol.json", "-o", spec, "--name", "viewer")
    assert made.exit_code == 0
    assert made.stdout == ""
    assert f"{spec}: viewer 2.4.0: 6 types, 4 actions, 2 events\n" in made.stderr
    assert "1 widened to json" in made.stderr
    assert compile_spec(spec).name == "viewer"
    assert duologue("lint", spec).exit_code == 0


def test_a_spec_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("mine\n", encoding="utf-8")
    arguments = ("import", "cdp", IMPORTED / "cdp/viewer_protocol.json", "-o", spec)
    failed = duologue(*arguments)
    assert failed.exit_code == 2
    assert "exists already" in failed.stderr
    assert spec.read_text(encoding="utf-8") == "mine\n"
    assert duologue(*arguments, "--force").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["spec.yaml"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("cdp", "nowhere.json", "-o", "spec.yaml"),
            "duologue: nowhere.json: cannot read it: No such file or directory",
        ),
        (("cdp", IMPORTED / "openrpc/ledger.json", "-o", "spec.yaml"), "duologue: ledger.json#: this is no protocol"),
        (("cdp", IMPORTED / "cdp/viewer_protocol.json", "-o", "nowhere/spec.yaml"), "duologue: cannot write nowhere/"),
        (("cdp", IMPORTED / "cdp/viewer_protocol.json", "-o", "spec.yaml", "--name", "A b"), "lower-case words"),
        (("cdp", IMPORTED / "cdp/viewer_protocol.json", "-o", "spec.yaml", "--version", "1"), "three numbers"),
    ],
)
def test_mistakes_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[object, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    failed = duologue("import", *arguments)
    assert failed.exit_code == 2
    assert told in failed.stderr
    assert "Traceback" not in failed.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", CASES)
def test_help_teaches_by_example(kind: str) -> None:
    shown = duologue("import", kind, "--help")
    assert shown.exit_code == 0
    assert f"Example: duologue import {kind}" in " ".join(shown.stdout.split())
    assert kind in duologue("import", "--help").stdout


if __name__ == "__main__":
    for case in CASES:
        spec_text, told_text = outcome(case)
        (IMPORTED / case / "expected.yaml").write_text(spec_text, encoding="utf-8")
        (IMPORTED / case / "expected.txt").write_text(told_text, encoding="utf-8")
