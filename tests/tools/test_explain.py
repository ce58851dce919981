"""`duologue explain`: of every message that our own ends say it finds what it is; and of each mistake, where it is."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import UNSET, Raw
from tests.tools.serving import duologue, told

from duologue.session.speech import Speech
from duologue.wire import ErrorBody
from duologue.wire.messages import Capabilities, UploadForm
from duologue_codegen import ir
from duologue_codegen.breaking.samples import Sampler
from duologue_codegen.compiler import compile_spec
from duologue_codegen.loaded import Loaded
from duologue_codegen.tools.explaining import Explainer, Side

ROOT = Path(__file__).parents[2]
REGISTRY = ROOT / "spec/registry.yaml"
GOLDEN = ROOT / "tests/codegen/golden"
WIRES = sorted((ROOT / "tests/wires/specs").glob("*.yaml"))
QUICK = {"calculator", "devtools", "ocpp"}  # JSON-RPC, Chrome DevTools, arrays; the others are long tests
SPECS = [
    *(pytest.param(GOLDEN / name / "spec.yaml", id=name) for name in ("everything", "declared")),
    *(pytest.param(one, id=one.stem, marks=() if one.stem in QUICK else pytest.mark.long) for one in WIRES),
]
EXTENDED = Capabilities(extensions=True)
VARIABLES: dict[str, bytes] = dict.fromkeys(("session", "secret", "language"), b'"x"')


class Saying:
    """Says every message of a protocol, as the end that says it does."""

    def __init__(self, protocol: ir.Protocol, table: Any, seed: int) -> None:
        self._protocol = protocol
        self._sampler = Sampler(protocol, Random(seed), later=0)
        self._codecs: dict[Side, Any] = {
            "client": Speech(table, "client").codec(VARIABLES),
            "server": Speech(table, "server").codec(VARIABLES),
        }
        self._numbers = iter(range(1, 10_000))

    def all(self) -> Iterator[tuple[Side, str, str, bytes]]:
        """Who says it, its kind, its name, and the message; each call before its answer."""
        for action in self._protocol.actions:
            if action.side.from_client:
                yield from self._call(action, "client", "server")
            if action.side.from_server:
                yield from self._call(action, "server", "client")
        for event in self._protocol.events:
            payload = json.dumps(self._sampler.value(ir.Ref(name=event.class_name))).encode()
            if event.side.from_server:
                yield "server", "event", event.name, self._codecs["server"].event(event.name, payload)
            if event.side.from_client:
                yield "client", "event", event.name, self._codecs["client"].event(event.name, payload)

    def _call(self, action: ir.ActionDef, caller: Side, callee: Side) -> Iterator[tuple[Side, str, str, bytes]]:
        calling, answering = self._codecs[caller], self._codecs[callee]
        id = calling.id_of(next(self._numbers))
        params = json.dumps(self._sampler.value(ir.Ref(name=action.params))).encode()
        extras = self._extras(action) if calling.is_native else {}
        request = calling.request(EXTENDED, id, action.name, params, **extras)
        yield caller, "request", action.name, request
        if not calling.is_native and (calling.in_order or action.name in calling.acknowledged | calling.settled_by_ack):
            return
        if action.item is not None:
            yield (
                callee,
                "item",
                action.name,
                answering.item(id, json.dumps(self._sampler.value(action.item)).encode(), 0),
            )
        result = json.dumps(self._sampler.value(action.result)).encode()
        yield callee, "answer", action.name, answering.result(id, result, action=action.name)
        for error in (one for one in self._protocol.errors if one.class_name in action.errors):
            details = UNSET if error.details is None else Raw(self._made(error.details))
            id = calling.id_of(next(self._numbers))
            yield caller, "request", action.name, calling.request(EXTENDED, id, action.name, params, **extras)
            failure = answering.failure(
                id, ErrorBody(error.code, error.status, "no", details=details), action=action.name
            )
            if failure:
                yield callee, "error", action.name, failure

    def _made(self, name: str) -> bytes:
        return json.dumps(self._sampler.value(ir.Ref(name=name))).encode()

    @staticmethod
    def _extras(action: ir.ActionDef) -> dict[str, Any]:
        key = {"key": "k"} if action.effect is ir.Effect.KEYED else {}
        match action.kind:
            case ir.ActionKind.STREAM:
                return {**key, "credit": 1}
            case ir.ActionKind.DOWNLOAD:
                return {**key, "credit": 1, "stream": 1}
            case ir.ActionKind.UPLOAD:
                return {**key, "stream": 1, "upload": UploadForm(1, "0" * 64)}
            case ir.ActionKind.UNARY:
                return key


@pytest.mark.parametrize("spec", SPECS)
def test_what_our_ends_say_fits_and_is_known(spec: Path) -> None:
    protocol = compile_spec(spec)
    with closing(Loaded(protocol)) as package:
        explainer = Explainer(protocol, package.table)
        for sender, kind, name, message in Saying(protocol, package.table, 1).all():
            found = explainer.explain(message.decode(), sender)
            assert (found.kind, found.name, found.violations) == (kind, name, []), message


def test_who_said_it_is_found_out() -> None:
    protocol = compile_spec(GOLDEN / "everything" / "spec.yaml")
    with closing(Loaded(protocol)) as package:
        explainer = Explainer(protocol, package.table)
        both = {one.name for one in protocol.actions if one.side is ir.Side.BOTH}
        both |= {one.name for one in protocol.events if one.side is ir.Side.BOTH}
        for sender, kind, name, message in Saying(protocol, package.table, 2).all():
            if name not in both:
                found = explainer.explain(message.decode())
                assert (found.sender, found.kind, found.name) == (sender, kind, name), message


@pytest.fixture(scope="module")
def registry() -> Generator[Explainer]:
    protocol = compile_spec(REGISTRY)
    with closing(Loaded(protocol)) as package:
        yield Explainer(protocol, package.table)


HELLO = {"protocol": "service-registry", "version": "1.0.0", "api": 1, "session": "s", "gen": 1}


@pytest.mark.parametrize(
    ("message", "path", "said"),
    [
        ({"id": "1", "action": "list_service"}, "$.action", "no action is called `list_service`"),
        ({"action": "list_services"}, "$.id", "missing"),
        ({"id": "1", "action": "list_services", "params": {"limit": 0}}, "$.params.limit", "0 does not fit"),
        ({"id": "1", "action": "list_services", "params": {"state": ["x", 5]}}, "$.params.state[1]", "5 does not fit"),
        ({"id": "1", "action": "watch_logs", "params": {"name": "a"}}, "$.credit", "is a call with a stream"),
        ({"id": "1", "action": "subscribe", "params": {"events": ["x"]}}, "$.params.events[0]", "sends no event"),
        ({"id": "1", "action": "subscribe", "params": {"events": "x"}}, "$.params", "Expected `array`"),
        ({"event": "service_gone", "data": {}}, "$.event", "no event is called `service_gone`"),
        ({"event": "service_registered", "data": {}}, "$.data.entry", "missing"),
        ({"id": "1", "error": {"code": "odd", "status": "odd"}}, "$.error.code", "neither declared nor a status"),
        (
            {"id": "1", "error": {"code": "service_not_found", "status": "internal", "details": {"name": "a"}}},
            "$.error.status",
            "has the status `not_found`",
        ),
        (
            {"id": "1", "error": {"code": "service_not_found", "status": "not_found", "details": {"name": "A b"}}},
            "$.error.details.name",
            '"A b" does not fit',
        ),
        (
            {"id": "1", "data": {"a": 1}, "error": {"code": "unknown", "status": "unknown"}},
            "$.data",
            "an error and data",
        ),
        ({"hello": {**HELLO, "protocol": "other"}}, "$.hello.protocol", "the spec is that of `service-registry`"),
        ({"hello": {**HELLO, "version": "2.0.0"}}, "$.hello.version", "does not go together with 1.0.0"),
        ({"x": 1}, "$", "no message: it has none of the members"),
        ({"id": 1, "action": "list_services"}, "$", "Expected `str"),
    ],
)
def test_each_mistake_is_told_with_its_place(registry: Explainer, message: Any, path: str, said: str) -> None:
    found = registry.explain(json.dumps(message))
    assert [(one.path, said in one.message) for one in found.violations] == [(path, True)], found.violations


SPEC = """\
duologue: 1
protocol: zoo
version: 1.0.0
errors:
  no_animal: {status: not_found, details: {name: string}}
  closed: {status: unavailable}
actions:
  find: {params: {name: string}, result: {fields: {legs: integer}}, scope: public, errors: [no_animal]}
events:
  born: {data: {name: string}, delivery: log, scope: public}
"""


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    spec = tmp_path / "zoo.yaml"
    spec.write_text(SPEC)
    return spec


def test_the_command_reads_conversations(tmp_path: Path, zoo: Path) -> None:
    capture = tmp_path / "capture.txt"
    capture.write_text(
        'C> {"id": "1", "action": "find", "params": {"name": "ant"}}\n'
        "\n"
        '< {"id": "1", "data": null, "error": {"code": "closed", "status": "unavailable", "message": ""}}\n'
        'S> {"event": "born", "data": {"name": "fox", "age": 1}}\n'
    )
    ran = duologue("explain", str(zoo), str(capture))
    assert ran.stdout.splitlines() == [
        f"1: request, client → server, find ({zoo}:8:3): fits",
        f"2: error, server → client, find ({zoo}:8:3): 1 that do not fit",
        "  $.error.code: find does not declare `closed`",
        f"    spec: {zoo}:8:3",
        f"3: event, server → client, born ({zoo}:10:3): fits",
        "  note: members that readers ignore: $.data.age",
    ]
    assert (ran.returncode, ran.stderr) == (1, f"1 of 3 messages do not fit {zoo}\n")


def test_an_answer_alone_needs_to_be_told_of_what(tmp_path: Path, zoo: Path) -> None:
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"id": "7", "data": {"legs": "two"}, "error": None}, indent=2))
    ran = duologue("explain", str(zoo), str(answer), "--json")
    assert json.loads(ran.stdout)["notes"] == ["its request is not here: say of which action it is, with --for ACTION"]
    ran = duologue("explain", str(zoo), str(answer), "--for", "find", "--json")
    found = json.loads(ran.stdout)
    assert (ran.returncode, found["from"], found["name"]) == (1, "server", "find")
    assert found["violations"][0]["path"] == "$.data.legs"
    assert found["violations"][0]["spec"] == {"file": "zoo.yaml", "line": 8, "column": 52}


def test_standard_input_and_what_makes_no_sense(tmp_path: Path, zoo: Path) -> None:
    fits = duologue("explain", str(zoo), "-", typed='{"id": "1", "action": "find", "params": {"name": "ant"}}')
    assert (fits.returncode, fits.stderr) == (0, "")
    broken = duologue("explain", str(zoo), "-", typed='{"id": \n{"goaway": {}}')
    assert "$: not JSON: " in broken.stdout
    assert "2: goaway: fits" in broken.stdout
    assert "there is no message" in told(duologue("explain", str(zoo), "-", typed=" \n"), 2)
    assert "cannot read nowhere" in told(duologue("explain", str(zoo), "nowhere"), 2)
    assert "did you mean `find`?" in told(duologue("explain", str(zoo), "-", "--for", "fin", typed="{}"), 2)
    (tmp_path / "bytes").write_bytes(b"\xff")
    assert "not UTF-8" in told(duologue("explain", str(zoo), str(tmp_path / "bytes")), 2)
    digits = '{"id": "1", "action": "find", "params": {"name": ' + "9" * 5000 + "}}"
    assert "$.params: Exceeds the limit" in duologue("explain", str(zoo), "-", typed=digits).stdout
    assert "nested deeper" in duologue("explain", str(zoo), "-", typed="[" * 100_000).stdout
