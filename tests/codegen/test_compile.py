"""What right specs become."""

import time
from pathlib import Path

import pytest

from duologue_codegen import ir
from duologue_codegen.compiler import compile_spec
from duologue_codegen.problems import SpecErrors
from duologue_codegen.resolve.recursion import definition_references, ordered

GOLDEN = Path(__file__).parent / "golden"
HEAD = "duologue: 1\nprotocol: chat\nversion: 1.0.0\n"


@pytest.fixture(scope="module")
def registry() -> ir.Protocol:
    return compile_spec(GOLDEN / "registry/spec.yaml")


@pytest.fixture(scope="module")
def everything() -> ir.Protocol:
    return compile_spec(GOLDEN / "everything/spec.yaml")


def compiled(tmp_path: Path, body: str) -> ir.Protocol:
    path = tmp_path / "spec.yaml"
    path.write_text(HEAD + body, encoding="utf-8")
    return compile_spec(path)


def objects(protocol: ir.Protocol, name: str) -> dict[str, ir.Field]:
    definition = protocol.definition(name)
    assert isinstance(definition, ir.ObjectDef)
    return {field.name: field for field in definition.fields}


def action(protocol: ir.Protocol, name: str) -> ir.ActionDef:
    return next(action for action in protocol.actions if action.name == name)


def event(protocol: ir.Protocol, name: str) -> ir.EventDef:
    return next(event for event in protocol.events if event.name == name)


def test_registry_is_whole(registry: ir.Protocol) -> None:
    assert (len(registry.actions), len(registry.events), len(registry.errors)) == (22, 7, 17)
    assert [action.name for action in registry.server_actions] == ["execute", "install_package", "tail_logs"]
    assert registry.python.client == "RegistryClient"
    assert registry.sources == ("spec.yaml",)


def test_mixins_come_first_and_defaults_are_added(registry: ir.Protocol) -> None:
    listed = action(registry, "list_services")
    assert [field.name for field in listed.arguments] == ["limit", "cursor", "state", "tag", "node"]
    assert listed.errors == ("ReadOnly",)
    assert listed.timeout == 30.0
    assert listed.pages is not None
    assert (listed.pages.items, listed.pages.item) == ("services", ir.Ref(name="ServiceEntry"))


def test_inline_types_are_named(registry: ir.Protocol) -> None:
    assert objects(registry, "LogLine")["source"].type == ir.Ref(name="LogLineSource")
    assert action(registry, "heartbeat").result == ir.Ref(name="HeartbeatResult")


def test_fields_called_like_words_of_the_grammar(registry: ir.Protocol) -> None:
    manifest = objects(registry, "PackageManifest")
    assert manifest["type"].type == ir.Ref(name="ServiceKind")
    assert manifest["description"].presence is ir.Presence.OPTIONAL


def test_event_data_is_copied(registry: ir.Protocol) -> None:
    step, progress = objects(registry, "DeploymentStep"), registry.definition("DeploymentProgress")
    assert isinstance(progress, ir.ObjectDef)
    assert (progress.base, progress.event_name) == (ir.Base.EVENT, "deployment_progress")
    assert list(progress.fields) == list(step.values())


def test_filters_and_keys(registry: ir.Protocol) -> None:
    checked = event(registry, "health_check_result")
    assert [(item.path, item.attributes, item.keyword) for item in checked.filters] == [
        ("service", ("service",), "service"),
        ("report.status", ("report", "status"), "report_status"),
    ]
    assert checked.key == (("service",), ("report", "check"))


def test_error_messages_in_both_namings(registry: ir.Protocol) -> None:
    error = next(error for error in registry.errors if error.code == "invalid_transition")
    assert error.message == "A service cannot go from {from} to {to}."
    assert error.python_message == "A service cannot go from {from_} to {to}."
    assert error.status.class_name == "FailedPrecondition"


def test_details_of_errors(tmp_path: Path) -> None:
    body = (
        "types: {A: {fields: {a: string}}}\n"
        "errors:\n"
        "  bare: {status: not_found, description: 'Not {here}.'}\n"
        "  empty: {status: not_found, details: {}}\n"
        "  mixed: {status: not_found, with: A, message: '{a}'}\n"
    )
    bare, empty, mixed = compiled(tmp_path, body).errors
    assert (bare.details, bare.message) == (None, "Not {{here}}.")
    assert (empty.details, empty.message) == (None, "empty")
    assert (mixed.details, [field.name for field in mixed.arguments]) == ("MixedDetails", ["a"])


@pytest.mark.parametrize("name", ["registry", "everything"])
def test_definitions_follow_what_they_refer_to(name: str, request: pytest.FixtureRequest) -> None:
    protocol: ir.Protocol = request.getfixturevalue(name)
    seen: set[str] = set()
    for definition in protocol.definitions:
        missing = set(definition_references(definition)) - seen - {definition.class_name}
        assert not missing, definition.class_name
        seen.add(definition.class_name)
    assert len(seen) == len(protocol.definitions)


def test_order_keeps_recursive_groups_together() -> None:
    graph = {"user": ["a"], "a": ["b"], "b": ["a", "leaf"], "leaf": list[str]()}
    assert ordered(graph) == ["leaf", "a", "b", "user"]


def test_namespaces(everything: ir.Protocol) -> None:
    [page] = everything.namespaces
    assert (page.name, page.accessor, page.client_class) == ("Page", "page", "EveryPage")
    navigate = action(everything, "Page.navigate")
    assert (navigate.method, navigate.service_method, navigate.constant) == (
        "navigate",
        "page_navigate",
        "PAGE_NAVIGATE",
    )
    assert everything.sources == ("spec.yaml", "parts/page.yaml", "parts/more.yaml")


def test_own_namespace_goes_first_then_the_root(everything: ir.Protocol) -> None:
    frame = objects(everything, "PageFrame")
    assert frame["name"].type == ir.Ref(name="PageName")
    assert frame["tree"].type == ir.Ref(name="Tree")
    assert action(everything, "Page.navigate").errors == ("Busy", "PageGone")


@pytest.fixture(scope="module")
def foreign() -> ir.Protocol:
    return compile_spec(GOLDEN / "foreign/spec.yaml")


def test_names_of_others(foreign: ir.Protocol) -> None:
    methods = {action.name: (action.namespace, action.method) for action in foreign.actions}
    assert methods["textDocument/didOpen"] == (None, "text_document_did_open")
    assert methods["$/cancelRequest"] == (None, "cancel_request")
    assert methods["2fa"] == (None, "n2fa")
    assert methods["a.b.c"] == ("a.b", "c")
    assert methods["größe.öffnen"] == ("größe", "offnen")
    fields = {field.name: field.python_name for field in objects(foreign, "Names").values()}
    assert (fields["$ref"], fields["1st"], fields["Größe"], fields["fooBar"]) == ("ref", "n1st", "grosse", "foo_bar_2")


def test_what_is_said_of_namespaces(foreign: ir.Protocol) -> None:
    spaces = {namespace.name: namespace for namespace in foreign.namespaces}
    assert list(spaces) == ["DOM", "Net", "Page", "größe", "a.b", "$/trace.v2"]
    assert (spaces["$/trace.v2"].accessor, spaces["$/trace.v2"].experimental) == ("trace", True)
    assert spaces["Net"].doc == "Requests and who made them."
    assert spaces["DOM"].deprecated == ir.Deprecation(use="Page")
    homes = {definition.class_name: definition.namespace for definition in foreign.definitions}
    assert (homes["Value"], homes["NetFrame"], homes["PageLostDetails"]) == (None, "Net", "Page")


def test_recursion_through_lists_and_maps(foreign: ir.Protocol) -> None:
    nested, value = foreign.definition("Nested"), foreign.definition("Value")
    assert isinstance(nested, ir.AliasDef)
    assert nested.type == ir.Array(item=ir.Ref(name="Nested"))
    assert isinstance(value, ir.AliasDef)
    assert {"Values", "ValueMap"} <= set(definition_references(value))


def test_absent_by_field(foreign: ir.Protocol) -> None:
    presence = {field.name: field.presence for field in objects(foreign, "Presence").values()}
    assert presence == {"a": "missing", "b": "missing", "c": "optional", "d": "optional", "e": "required"}


def test_delivery_by_default_and_errors_with_numbers(foreign: ir.Protocol, tmp_path: Path) -> None:
    assert event(foreign, "DOM.nodeAdded").delivery is ir.Delivery.VOLATILE
    assert event(foreign, "Page.navigated").delivery is ir.Delivery.LOG
    [error] = compiled(tmp_path, "wire: jsonrpc2\nerrors: {lost: {status: not_found, code: -32001}}\n").errors
    assert (error.code, error.number) == ("lost", -32001)


def test_mixins_are_remembered(everything: ir.Protocol) -> None:
    def mixins(name: str) -> tuple[str, ...]:
        definition = everything.definition(name)
        assert isinstance(definition, ir.ObjectDef)
        return definition.mixins

    assert (mixins("C"), mixins("TypedParams"), mixins("Copied")) == (("B",), ("B",), ("A", "Tree"))


def test_names_that_are_in_the_way(everything: ir.Protocol) -> None:
    assert action(everything, "close").method == "close_"
    arguments = [field.python_name for field in action(everything, "everything").arguments]
    assert {"timeout_", "options_", "self_"} <= set(arguments)
    odd = objects(everything, "Odd")
    assert odd["class"].python_name == "klass"
    assert odd["timeout"].python_name == "timeout"


def test_constraints_are_merged(everything: ir.Protocol) -> None:
    short = everything.definition("ShortName")
    assert isinstance(short, ir.AliasDef)
    assert short.type == ir.Scalar(
        kind=ir.ScalarKind.STRING, constraints=ir.Constraints(pattern="^[a-z]+$", min_length=1, max_length=5)
    )


def test_defaults_say_what_to_build(everything: ir.Protocol) -> None:
    defaults = {name: field.default for name, field in objects(everything, "Defaults").items()}
    assert all(default is not None for default in defaults.values())
    values = {name: default.value for name, default in defaults.items() if default}
    wires = {name: default.wire for name, default in defaults.items() if default}
    assert values["mood"] == ir.EnumValue(enum="Mood", member="ON")
    assert values["wait"] == ir.ScalarValue(kind=ir.ScalarKind.DURATION, text="P1DT2H3M4.5S")
    assert values["shape"] == ir.ObjectValue(class_name="Circle", arguments=(("radius", ir.PlainValue(value=2)),))
    assert (values["source"], wires["source"]) == (ir.PlainValue(value="1.10"), "1.10")
    assert (values["big"], wires["big"]) == (
        ir.ScalarValue(kind=ir.ScalarKind.INT64, text="9007199254740993"),
        "9007199254740993",
    )
    assert wires["any"] == {"a": [1, None, 2.5]}
    assert wires["either"] == 5


def test_open_union(everything: ir.Protocol) -> None:
    shape = everything.definition("Shape")
    assert isinstance(shape, ir.UnionDef)
    assert [variant.tag for variant in shape.variants] == ["circle", "square"]
    assert (shape.discriminator_python, shape.unknown_class) == ("kind", "UnknownShape")


def test_verbatim_schemas_become_the_same_nodes(everything: ir.Protocol) -> None:
    fields = objects(everything, "Verbatim")
    assert fields["tags"].type == ir.Array(item=ir.Ref(name="VerbatimTagsItem"), min_items=1)
    assert fields["id"].presence is ir.Presence.REQUIRED
    assert fields["maybe"].type == ir.Ref(name="Name")
    assert fields["size"].default == ir.Default(value=ir.PlainValue(value=3), wire=3)
    assert fields["kind"].presence is ir.Presence.CONST
    assert fields["pair"].type == ir.Tuple(
        items=(ir.Scalar(kind=ir.ScalarKind.STRING), ir.Scalar(kind=ir.ScalarKind.NUMBER))
    )
    assert isinstance(everything.definition("VerbatimEnum"), ir.EnumDef)


def test_presence(tmp_path: Path) -> None:
    body = (
        "types:\n  A: {fields: {a: string, b?: string, c: string|null, d: {type: string, default: x}, e: {const: 1}}}\n"
    )
    fields = objects(compiled(tmp_path, body), "A")
    assert [field.presence for field in fields.values()] == ["required", "optional", "required", "default", "const"]
    assert fields["c"].type == ir.Nullable(inner=ir.Scalar(kind=ir.ScalarKind.STRING))


def test_absent_missing_allows_absent_and_null(tmp_path: Path) -> None:
    body = "python: {absent: missing}\ntypes:\n  A: {fields: {x?: string|null}}\n"
    assert objects(compiled(tmp_path, body), "A")["x"].presence is ir.Presence.MISSING


def test_limits_are_merged_one_by_one(everything: ir.Protocol) -> None:
    assert action(everything, "nothing").limits == ir.Limits(rate=ir.Rate(per_second=100 / 60, burst=2), concurrency=8)
    own = action(everything, "everything").limits
    assert (own.concurrency, own.request, own.rate) == (2, 65_536, ir.Rate(per_second=5 / 3600, burst=3))


def test_timeout_none_is_for_ever_and_unsafe_is_the_default(tmp_path: Path) -> None:
    assert action(compiled(tmp_path, "actions: {a: {scope: public, timeout: none}}\n"), "a").timeout is None
    plain = action(compiled(tmp_path, "actions: {a: {scope: public}}\n"), "a")
    assert (plain.timeout, plain.effect, plain.scope, plain.result) == (30.0, ir.Effect.UNSAFE, (), ir.Null())


def test_kinds_of_actions(registry: ir.Protocol) -> None:
    kinds = {action.name: action.kind for action in registry.actions if action.kind is not ir.ActionKind.UNARY}
    assert kinds == {
        **dict.fromkeys(["service_action", "watch_logs", "deploy_package", "rollback"], ir.ActionKind.STREAM),
        **dict.fromkeys(["execute", "install_package", "tail_logs"], ir.ActionKind.STREAM),
        "upload_package": ir.ActionKind.UPLOAD,
        "download_package": ir.ActionKind.DOWNLOAD,
    }
    for name in ("upload_package", "download_package"):
        assert action(registry, name).transfer == ir.Transfer(media="application/gzip", max_size=512 << 20)
    assert action(registry, "get_service").transfer is None


def test_transfers_have_defaults(everything: ir.Protocol) -> None:
    assert action(everything, "uploading").transfer == ir.Transfer(
        media="application/octet-stream", max_size=64 << 20, resumable=True
    )
    assert action(everything, "put").transfer == ir.Transfer(media="image/png", max_size=1 << 30, resumable=False)


def test_body_is_an_argument_of_uploads_alone(everything: ir.Protocol) -> None:
    bodies = {name: action(everything, name).arguments[1] for name in ("put", "get")}
    assert {name: (field.name, field.python_name) for name, field in bodies.items()} == {
        "put": ("body", "body_"),
        "get": ("body", "body"),
    }


def test_an_upload_may_be_keyed_by_default(tmp_path: Path) -> None:
    body = "defaults: {effect: keyed, scope: public}\nactions: {a: {upload: {}}, b: {download: {}, effect: safe}}\n"
    assert [item.effect for item in compiled(tmp_path, body).actions] == [ir.Effect.KEYED, ir.Effect.SAFE]


def test_constants_of_one_letter_step_aside(tmp_path: Path) -> None:
    body = "types: {Y: string}\nactions: {y: {scope: public, result: Y}}\nevents: {x: {scope: public, delivery: log}}\n"
    protocol = compiled(tmp_path, body)
    made = event(protocol, "x")
    assert (made.class_name, made.constant, made.member) == ("X", "X_", "X")
    assert action(protocol, "y").constant == "Y_"


def test_compiling_twice_gives_the_same(everything: ir.Protocol) -> None:
    assert compile_spec(GOLDEN / "everything/spec.yaml") == everything


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("duologue: 1\n")
    folder = tmp_path / "spec"
    folder.mkdir()
    (folder / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")
    (folder / "sub").mkdir()
    (folder / "spec.yaml").write_text(HEAD + "imports: [link.yaml, loop.yaml, sub]\n")
    with pytest.raises(SpecErrors) as caught:
        compile_spec(folder / "spec.yaml")
    first, second, third = caught.value.problems
    assert "leads out of the spec's folder through a link" in first.message
    assert "cannot read `loop.yaml`" in second.message
    assert "cannot read `sub`" in third.message


def test_a_file_without_end_is_cut_off() -> None:
    with pytest.raises(SpecErrors, match="more than 5,000,000 bytes"):
        compile_spec(Path("/dev/zero"))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecErrors, match="cannot read the spec: No such file"):
        compile_spec(tmp_path / "spec.yaml")


def test_large_specs_are_quick(tmp_path: Path) -> None:
    """The target is 0.3 s for 3,300 lines; the bound leaves room for a busy machine."""
    fields = "".join(
        f"      f{index}: {{type: string, maxLength: 9, description: Some words.}}\n" for index in range(30)
    )
    types = "".join(f"  T{index}:\n    fields:\n{fields}" for index in range(104))
    started = time.perf_counter()
    protocol = compiled(tmp_path, f"types:\n{types}")
    assert time.perf_counter() - started < 3
    assert len(protocol.definitions) == 104
