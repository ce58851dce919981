"""What is exported is valid in its format, and importing it gives back the same protocol."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from duologue_codegen import ir
from duologue_codegen.cli import main
from duologue_codegen.compiler import compile_spec
from duologue_codegen.exporting import document
from duologue_codegen.importing.run import import_spec
from duologue_codegen.importing.source import is_list, is_map
from duologue_codegen.problems import SpecErrors
from duologue_codegen.unparse import SECTIONS, unparse
from duologue_codegen.yamltext import dump

ROOT = Path(__file__).parents[2]
SPECS = [
    ROOT / "spec/registry.yaml",
    *sorted(Path(__file__).parent.glob("golden/*/spec.yaml")),
    *sorted(Path(__file__).parent.glob("imported/*/expected.yaml")),
]
HEALTHY = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
]
FORMATS = ["asyncapi", "openrpc", "json-schema"]


def there_and_back(protocol: ir.Protocol, kind: str, folder: Path) -> ir.Protocol:
    """The protocol that comes of importing its export; where files are no part of what is compared."""
    exported, spec = folder / "exported.json", folder / "spec.yaml"
    exported.write_text(json.dumps(document(kind, protocol)), encoding="utf-8")
    made = import_spec(kind, [exported])
    assert len(made.summary) == 1, "nothing is widened or left out"
    spec.write_text(made.text, encoding="utf-8")
    return replace(compile_spec(spec), sources=protocol.sources)


def shown(protocol: ir.Protocol) -> list[str]:
    return dump(unparse(protocol), blocks=SECTIONS).splitlines()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("spec", SPECS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_export_that_is_imported_is_the_same_protocol(spec: Path, kind: str, tmp_path: Path) -> None:
    protocol = compile_spec(spec)
    again = there_and_back(protocol, kind, tmp_path)
    assert shown(again) == shown(protocol)
    assert again == protocol


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("side", ["client", "server", "both"])
def test_an_action_and_an_event_of_one_name_stay_two(kind: str, side: str, tmp_path: Path) -> None:
    """Also where the operations that stand for them would be called as others are."""
    path = tmp_path / "two.yaml"
    names = ["moved", "moved.event", "moved.action.sent", "moved.event.sent"]
    action = {"from": side, "params": {"x": "integer"}, "result": "string", "scope": "public"}
    event = {"from": side, "data": {"y": "integer"}, "scope": "public"}
    event |= {"delivery": "volatile"} if side != "client" else {}
    whole = {
        "duologue": 1, "protocol": "two", "version": "1.0.0",
        "actions": {name: {**action, "python": {"name": f"act{n}"}} for n, name in enumerate(names)},
        "events": {name: {**event, "python": {"name": f"tell{n}"}} for n, name in enumerate(names)},
    }  # fmt: skip
    path.write_text(json.dumps(whole), encoding="utf-8")
    protocol = compile_spec(path)
    assert len(protocol.actions) == len(protocol.events) == len(names)
    again = there_and_back(protocol, kind, tmp_path)
    assert shown(again) == shown(protocol)
    assert again == protocol


# ---------------------------------------------------------------------------------------------------------- small specs
DECLARED: dict[str, Any] = {
    "Name": {"type": "string", "pattern": "^[a-z]+$"},
    "Mood": {"enum": ["happy", "sad"], "open": True},
    "Level": {"enum": [1, 2], "names": {"1": "LOW"}},
    "Maybe": "Name|null",
    "Page.Cat": {"fields": {"kind": {"const": "cat"}, "name?": "Name"}, "python": {"name": "Feline"}},
    "Dog": {"fields": {"kind": {"const": "dog"}, "friend": "Pet|null"}, "deprecated": {"use": "Page.Cat"}},
    "Pet": {"oneOf": ["Page.Cat", "Dog"], "discriminator": "kind", "open": True},
    "Either": {"oneOf": ["Name", "integer", "Dog"]},
    "Base": {"fields": {"id": "uuid", "fooBar": {"type": "integer", "python": {"name": "other"}}}},
}
WORDS = [
    *("string", "integer", "number", "boolean", "null", "json", "bytes", "date", "datetime", "duration", "uuid"),
    *("int64", "decimal", *DECLARED, "string|integer|null", "[Pet]|null", "{string: [Level]}", "Dog|Page.Cat"),
]
BOUNDS = [
    {"type": "string", "maxLength": 5},
    {"type": "string|null", "minLength": 1},
    {"type": "int64", "minimum": -5},
    {"type": "decimal", "maximum": "0.10"},
    {"type": "integer", "default": 3, "maximum": 9},
    {"type": "Name|null", "default": None},
    {"type": ["Name"], "minItems": 1, "uniqueItems": True},
    {"type": "json", "default": {"a": [None]}},
    {"type": "Pet", "default": {"kind": "cat"}},
    {"enum": ["a", "-"], "names": {"-": "DASH"}, "open": True, "default": "a"},
    {"const": 7},
    {"schema": {"anyOf": [{"type": "object", "properties": {"x": {"type": "string"}}}, {"type": "null"}]}},
    {"schema": {"anyOf": [{"type": ["integer", "null"], "enum": [1, 2, None]}, {"type": "string", "maxLength": 2}]}},
    {"schema": {"type": ["array", "null"], "prefixItems": [{"type": "string", "format": "date"}], "items": False}},
]
notes = st.fixed_dictionaries(
    {},
    optional={
        "description": st.sampled_from(["Said.", "two\nlines", "{braces} 'quoted'", " "]),
        "since": st.sampled_from(["1.10", "2"]),
        "deprecated": st.sampled_from([True, {"use": "x"}, {"since": "1.0", "reason": "Old."}]),
        "experimental": st.just(value=True),
    },
)
types = st.recursive(
    st.sampled_from(WORDS) | st.sampled_from(BOUNDS),
    lambda inner: st.one_of(
        inner.map(lambda item: [item]),
        inner.map(lambda item: {"string": item}),
        inner.map(lambda item: {"Name": item}),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: {"tuple": items}),
        st.dictionaries(st.sampled_from(["kind", "name", "x?", "timeout"]), inner, max_size=3).map(
            lambda fields: {"fields": fields}
        ),
    ),
    max_leaves=4,
)


LONG = {"type", "fields", "enum", "const", "tuple", "schema"}


def with_notes(type_: Any, said: dict[str, Any]) -> Any:
    form: dict[str, Any] = type_ if is_map(type_) and not LONG.isdisjoint(type_) else {"type": type_}
    return {**form, **said} if said else type_


def action(said: dict[str, Any], **entry: Any) -> dict[str, Any]:
    return {**said, **{key.rstrip("_"): value for key, value in entry.items() if value is not None}}


def event(said: dict[str, Any], side: str, data: Any, delivery: str, scope: Any) -> dict[str, Any]:
    more: dict[str, Any] = (
        {} if side == "client" else {"delivery": delivery, **({"key": []} if delivery == "state" else {})}
    )
    return {**said, "from": side, "data": data, "scope": scope, **more}


described = st.builds(with_notes, types, notes)
field_maps = st.dictionaries(
    st.sampled_from(["a", "b?", "timeout?", "klass", "Mixed-Case", "@x?"]), described, max_size=3
)
sides = st.sampled_from(["client", "server", "both"])
scopes = st.sampled_from(["public", "all", ["all", "some"]])
actions = st.builds(
    action,
    notes,
    from_=sides,
    params=field_maps | st.just("Base"),
    with_=st.none() | st.just(["Base"]),
    result=st.none() | types,
    stream=st.none() | types,
    scope=scopes,
    effect=st.sampled_from(["safe", "keyed", "unsafe"]),
    timeout=st.none() | st.sampled_from(["none", "1500ms", "2h"]),
    errors=st.lists(st.sampled_from(["gone", "Page.busy"]), max_size=2, unique=True),
    limits=st.none() | st.just({"rate": "5/min", "request": "3KiB"}),
    python=st.none() | st.just({"name": "chosen"}),
)
events = st.builds(
    event,
    notes,
    sides,
    field_maps | st.just("Base"),
    st.sampled_from(["log", "state", "volatile"]),
    scopes,
)
specs = st.fixed_dictionaries(
    {
        "types": st.dictionaries(st.sampled_from(["New", "Page.New", "other-one"]), described, max_size=2),
        "actions": st.dictionaries(st.sampled_from(["act", "Page.close", "a/b"]), actions, max_size=2),
        "events": st.dictionaries(st.sampled_from(["told", "Page.closed"]), events, max_size=2),
    },
    optional={
        "python": st.just({"absent": "missing"}),
        "description": st.just("All of it."),
        "license": st.just("MIT"),
    },
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("small")


def compiled(spec: dict[str, Any], folder: Path) -> ir.Protocol | None:
    whole = {
        "duologue": 1, "protocol": "small", "version": "1.2.3-rc.1", "scopes": {"all": "All.", "some": "Some."},
        "roles": {"one": ["all"]}, "errors": {
            "gone": {"status": "not_found", "details": {"who": "Name"}, "message": "No {who}."},
            "Page.busy": {"status": "unavailable", "retry": "2s"},
        },
        **spec, "types": {**DECLARED, **spec["types"]},
    }  # fmt: skip
    path = folder / "small.yaml"
    path.write_text(json.dumps(whole), encoding="utf-8")
    try:
        return compile_spec(path)
    except SpecErrors:
        return None


@pytest.mark.parametrize("kind", FORMATS)
def test_small_specs_survive_export_and_import(kind: str, folder: Path) -> None:
    assert sum(survival(kind, folder, 15)) >= 10, "most specs that are tried are specs"


@pytest.mark.long  # a thousand specs for each format
@pytest.mark.parametrize("kind", FORMATS)
def test_many_small_specs_survive_export_and_import(kind: str, folder: Path) -> None:
    survival(kind, folder, 1000)


def survival(kind: str, folder: Path, examples: int) -> list[bool]:
    """Whether each of the specs that were tried was one; all of those survived."""
    outcomes: list[bool] = []

    @settings(max_examples=examples, suppress_health_check=HEALTHY)
    @given(specs)
    def survives(spec: dict[str, Any]) -> None:
        protocol = compiled(spec, folder)
        outcomes.append(protocol is not None)
        assume(protocol is not None)
        assert protocol is not None
        assert there_and_back(protocol, kind, folder) == protocol

    survives()
    return outcomes


# ------------------------------------------------------------------------------------------------------------- validity
def walk(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, value
    if is_map(value):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif is_list(value):
        for number, item in enumerate(value):
            yield from walk(item, (*path, str(number)))


def target(whole: Any, reference: str) -> Any:
    assert reference.startswith("#/")
    for step in reference[2:].split("/"):
        whole = whole[step.replace("~1", "/").replace("~0", "~")]
    return whole


def only(value: dict[str, Any], required: str, optional: str = "") -> None:
    """The object has these members, and else extensions alone."""
    known = {*required.split(), *optional.split()}
    assert set(required.split()) <= set(value)
    assert all(key in known or key.startswith("x-duologue-") for key in value), value.keys() - known


# The rules below are those of the formats' own schemas, as far as they concern what is written: the long test at the
# end asks the schemas themselves.
def asyncapi(whole: dict[str, Any]) -> None:
    only(whole, "asyncapi info", "id servers defaultContentType channels operations components")
    only(whole["info"], "title version", "description license")
    for key in whole["components"]["schemas"]:
        assert re.fullmatch(r"[\w.\-]+", key, re.ASCII)
    for channel in whole["channels"].values():
        only(channel, "", "address messages")
        for message in channel["messages"].values():
            only(message, "", "payload")
            jsonschema.Draft7Validator.check_schema(message["payload"])
    for operation in whole["operations"].values():
        only(operation, "action channel", "messages reply description")
        assert operation["action"] in ("send", "receive")
        assert operation["channel"] == {"$ref": "#/channels/main"}
        for reference in [*operation["messages"], *operation.get("reply", {}).get("messages", [])]:
            assert list(reference) == ["$ref"]
            assert "payload" in target(whole, reference["$ref"])


def openrpc(whole: dict[str, Any]) -> None:
    only(whole, "openrpc info methods", "components")
    only(whole["info"], "title version", "description license")
    names = [method["name"] for method in whole["methods"]]
    assert len(names) == len(set(names))
    for method in whole["methods"]:
        only(method, "name params", "description deprecated paramStructure result errors")
        for descriptor in [*method["params"], method["result"]]:
            only(descriptor, "name schema", "required")
            jsonschema.Draft7Validator.check_schema(descriptor["schema"])
        for error in method.get("errors", []):
            assert error.keys() == {"code", "message"}


def json_schema(whole: dict[str, Any]) -> None:
    only(whole, "$schema", "title description $defs")
    jsonschema.Draft202012Validator.check_schema(whole)


RULES: dict[str, Callable[[dict[str, Any]], None]] = {
    "asyncapi": asyncapi, "openrpc": openrpc, "json-schema": json_schema,
}  # fmt: skip


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("spec", SPECS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_exports_keep_the_rules_of_their_format(spec: Path, kind: str) -> None:
    whole = document(kind, compile_spec(spec))
    RULES[kind](whole)
    for path, value in walk(whole):
        if path[-1:] == ("$ref",) and "x-duologue-spec" not in path and "properties" not in path[-2:-1]:
            target(whole, value)
        if is_map(value) and "$ref" in value and kind != "json-schema" and "properties" not in path[-1:]:
            assert len(value) == 1, "draft 07 ignores what stands beside a reference"


def test_schemas_accept_what_the_protocol_sends_and_refuse_what_it_refuses() -> None:
    whole = document("json-schema", compile_spec(ROOT / "spec/registry.yaml"))

    def accepts(name: str, value: dict[str, Any]) -> bool:
        validator: Any = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": whole["$defs"]})
        return bool(validator.is_valid(value))

    assert accepts("list_services.params", {"limit": 5})
    assert not accepts("list_services.params", {"limit": 0})
    assert not accepts("list_services.params", {"dry_run": True})


@pytest.mark.parametrize("kind", FORMATS)
def test_the_command_prints_or_writes_the_document(kind: str, tmp_path: Path) -> None:
    spec, output = str(ROOT / "spec/registry.yaml"), tmp_path / "out.json"
    printed = CliRunner().invoke(main, ["export", kind, spec])
    written = CliRunner().invoke(main, ["export", kind, spec, "-o", str(output)])
    assert (printed.exit_code, written.exit_code, written.stdout) == (0, 0, "")
    assert json.loads(printed.stdout) == document(kind, compile_spec(Path(spec)))
    assert output.read_text(encoding="utf-8") == printed.stdout


def test_mistakes_are_told_as_everywhere(tmp_path: Path) -> None:
    spec = str(ROOT / "spec/registry.yaml")
    for arguments, told in (
        (["wsdl", spec], "'wsdl' is not one of"),
        (["openrpc", "nowhere.yaml"], "nowhere.yaml:1:1: cannot read the spec"),
        (["openrpc", spec, "-o", str(tmp_path / "no/out.json")], "cannot write"),
    ):
        failed = CliRunner().invoke(main, ["export", *arguments])
        assert failed.exit_code == 2
        assert told in failed.stderr


# ------------------------------------------------------------------------------------------------ the formats' own word
def asyncapi_schema(npm_package: Callable[[str], Path]) -> jsonschema.Draft7Validator:
    path = npm_package("@asyncapi/specs@6.11.1") / "schemas/3.0.0-without-$id.json"
    return jsonschema.Draft7Validator(json.loads(path.read_text(encoding="utf-8")))


def openrpc_schema(npm_package: Callable[[str], Path]) -> jsonschema.Draft7Validator:
    """Its package holds the schema in a script; what that schema says of schemas is draft 07."""
    script = (npm_package("@open-rpc/meta-schema@1.14.9") / "index.js").read_text(encoding="utf-8")
    schema, _ = json.JSONDecoder().raw_decode(script, script.index('{ "$schema"'))
    draft7 = jsonschema.Draft7Validator.META_SCHEMA
    schema["definitions"]["JSONSchema"] = {"$ref": draft7["$id"]}
    schema["definitions"]["referenceObject"]["properties"]["$ref"] = {"type": "string"}
    return jsonschema.Draft7Validator({key: value for key, value in schema.items() if key != "$id"})


@pytest.mark.long  # it fetches the schemas
@pytest.mark.parametrize(("kind", "schema"), [("asyncapi", asyncapi_schema), ("openrpc", openrpc_schema)])
def test_exports_are_valid_by_the_schemas_of_their_formats(
    kind: str,
    schema: Callable[[Callable[[str], Path]], jsonschema.Draft7Validator],
    npm_package: Callable[[str], Path],
) -> None:
    validator: Any = schema(npm_package)
    for spec in SPECS:
        whole = document(kind, compile_spec(spec))
        assert [error.message for error in validator.iter_errors(whole)] == []
        for wrong in ({"mood": "new"}, {"info": dict[str, Any]()}, {kind: 3}):
            assert not validator.is_valid({**whole, **wrong})
