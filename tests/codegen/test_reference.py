"""The reference of a protocol: all is there, links lead somewhere, and each example is a message of the protocol."""

from __future__ import annotations

import ast
import datetime as dt
import importlib
import inspect
import json
import sys
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from typing_extensions import override

from duologue import Client
from duologue.calling.peer import Peer
from duologue.session.speech import Speech
from duologue.wire import Message
from duologue_codegen import ir
from duologue_codegen.breaking.packages import Package
from duologue_codegen.compiler import compile_spec
from duologue_codegen.reference.render import render_reference
from duologue_codegen.reference.shapes import anchor

HERE = Path(__file__).parent
SPECS = {path.parent.name: path for path in sorted((HERE / "golden").glob("*/spec.yaml"))}
SPECS["registry"] = HERE.parents[1] / "spec/registry.yaml"


class Page(HTMLParser):
    """A page as a test reads it: anchors, links, and the examples by the entry in which they stand."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.wire: list[tuple[str, str, str, str]] = []
        """Entry, label, payload and frame."""
        self.python: dict[str, list[str]] = {}
        self._entry, self._open = "", ""
        self._data: Mapping[str, str | None] = {}
        self.feed(text)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if identity := said.get("id"):
            self.ids.append(identity)
        if tag == "article":
            self._entry = said["id"] or ""
        if tag == "a" and (link := said.get("href")):
            self.links.add(link.removeprefix("#"))
        if tag == "pre":
            self._open, self._data = said.get("class") or "", said

    @override
    def handle_data(self, data: str) -> None:
        if self._open == "wire":
            label, payload = self._data["data-label"] or "", self._data["data-payload"] or ""
            self.wire.append((self._entry, label, payload, data))
        elif self._open == "python":
            self.python.setdefault(self._entry, []).append(data)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self._open = ""


@pytest.fixture(params=SPECS, scope="module")
def protocol(request: pytest.FixtureRequest) -> ir.Protocol:
    return compile_spec(SPECS[request.param])


@pytest.fixture(scope="module")
def page(protocol: ir.Protocol) -> Page:
    return Page(render_reference(protocol)["reference.html"])


@pytest.fixture(scope="module")
def package(protocol: ir.Protocol) -> Iterator[Package]:
    made = Package(protocol)
    yield made
    made.close()


def test_it_says_how_it_is_written_anew(protocol: ir.Protocol) -> None:
    for text in render_reference(protocol).values():
        assert "then run `duologue docs`" in text.partition("-->")[0]


def test_all_that_is_declared_is_there(protocol: ir.Protocol, page: Page) -> None:
    entries = {one for one in page.ids if one.split("-")[0] in ("action", "event", "error", "type")}
    declared = (
        {anchor("action", action.name) for action in protocol.actions}
        | {anchor("event", event.name) for event in protocol.events}
        | {anchor("error", error.code) for error in protocol.errors}
        | {anchor("type", definition.name) for definition in protocol.definitions if definition.name}
    )
    assert declared <= entries


def test_links_lead_somewhere_and_anchors_are_different(page: Page) -> None:
    assert page.links <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


PARTS = {
    "request": ("params", "params"),
    "item": ("item", "item"),
    "answer": ("result", "data"),
    "event": ("data", "data"),
}
"""What a package calls an example's payload, and the member of a decoded message that holds it."""


def test_each_example_is_a_message_of_the_protocol(protocol: ir.Protocol, page: Page, package: Package) -> None:
    """Read by the codecs and the models that its clients and servers use."""
    table = package.table
    codecs = [Speech(table, end).codec({}) for end in ("client", "server")]
    names = {anchor("action", one.name): one.name for one in protocol.actions}
    names |= {anchor("event", one.name): one.name for one in protocol.events}
    assert {entry for entry, *_ in page.wire} == names.keys(), "each has an example"
    for entry, label, payload, frame in page.wire:
        if label == "error":
            assert any(_decoded(codec, frame) for codec in codecs), frame
            continue
        part, member = PARTS[label]
        name = names[entry]
        package.read(part, name, payload)
        decoded = [read for read in (_decoded(codec, frame) for codec in codecs) if read is not None]
        assert decoded, frame
        found = [bytes(value) for read in decoded if not isinstance(value := getattr(read, member), Unset)]
        if found:  # a call without params has none
            assert json.loads(payload) in [json.loads(one) for one in found], frame


Unset = type(Message().params)


def _decoded(codec: Any, frame: str) -> Any:
    try:
        return codec.decode(frame.encode())
    except Exception:  # noqa: BLE001 - the other end's reads it
        return None


# ------------------------------------------------------------------------------------------------------------- Python
class Recorder:
    """Takes the place of what sends: keeps what would be sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def __aiter__(self) -> Recorder:
        return self

    async def __anext__(self) -> object:
        raise StopAsyncIteration

    async def result(self) -> None:
        pass


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()

    async def call(_: Peer, action: Any, params: Any, *__: object) -> None:
        made.sent.append((action.name, params))

    async def notify(_: Client, event: Any, *__: object) -> None:
        made.sent.append((event.event_name, event))

    def held(_: Peer, action: Any, params: Any, *__: object) -> Recorder:
        made.sent.append((action.name, params))
        return made

    monkeypatch.setattr(Peer, "_call", call)
    monkeypatch.setattr(Peer, "_upload", call)
    monkeypatch.setattr(Peer, "_stream", held)
    monkeypatch.setattr(Peer, "_download", held)
    monkeypatch.setattr(Client, "_notify", notify)
    return made


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # what is deprecated is described as well
def test_python_says_what_its_message_says(
    protocol: ir.Protocol, page: Page, package: Package, recorder: Recorder
) -> None:
    names = protocol.python
    client = importlib.import_module(f"{package.name}.client")
    peer = importlib.import_module(f"{package.name}.peer") if protocol.server_actions else None
    assert package.table, "all its modules are there"
    known: dict[str, Any] = {**vars(dt), **vars(uuid), "Decimal": Decimal}
    for name in [name for name in sys.modules if name.startswith(f"{package.name}.")]:
        known |= {key: value for key, value in vars(sys.modules[name]).items() if not key.startswith("_")}
    known["client"] = object.__new__(getattr(client, names.client))
    if peer is not None:
        known["call"] = SimpleNamespace(peer=object.__new__(getattr(peer, names.peer)))
    called: dict[str, ir.ActionDef | ir.EventDef] = {anchor("action", one.name): one for one in protocol.actions}
    called |= {anchor("event", one.name): one for one in protocol.events if not one.side.from_server}
    tried, unsaid = 0, len(called.keys() - page.python.keys())
    assert unsaid <= 1, "nearly all can be said"
    for entry, snippets in page.python.items():
        declared = called.get(entry)
        wanted = [payload for where, label, payload, _ in page.wire if where == entry and label in ("request", "event")]
        for snippet, payload in zip(snippets, wanted, strict=False):
            code = compile(snippet, entry, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            if declared is None:
                continue
            recorder.sent.clear()
            running = eval(code, known)
            assert inspect.iscoroutine(running)
            with pytest.raises(StopIteration):
                running.send(None)
            [(name, said)] = recorder.sent
            part = "params" if isinstance(declared, ir.ActionDef) else "data"
            assert name == declared.name
            assert said == package.read(part, name, payload), snippet
            tried += 1
    assert tried >= len(called) - unsaid


@pytest.mark.parametrize(
    ("type_", "wire", "python"),
    [
        ("'Pair|[number]'", "[1.5]", "[1.5]"),
        ("'Pair|[number]'", "[1, x]", '(1, "x")'),
        ("'[string]|Pair'", "[1, x]", '["1", "x"]'),
        ("'[boolean]|Pair'", "[1, x]", '(1, "x")'),
        ("'{string: boolean}|{string: string}'", "{a: x}", '{"a": "x"}'),
        ("'decimal|date'", "'2026-01-02'", "date(2026, 1, 2)"),
        ("'int64|uuid|Mood'", "calm", "Mood.CALM"),
    ],
)
def test_python_is_that_of_the_member_which_the_value_fits(tmp_path: Path, type_: str, wire: str, python: str) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "duologue: 1\nprotocol: p\nversion: 1.0.0\ndefaults: {scope: public}\n"
        "types: {Pair: {tuple: [integer, string]}, Mood: {enum: [calm, loud]}}\n"
        f"actions: {{a: {{params: {{p: {type_}}}, examples: [{{params: {{p: {wire}}}}}]}}}}\n"
    )
    assert f"await client.a(p={python})" in render_reference(compile_spec(spec))["reference.md"]
