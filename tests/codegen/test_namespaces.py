"""A namespace is loaded when it is used, whatever namespaces need each other, and works like everything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from tests.codegen.golden.foreign.expected.foreign_sdk import (
    ABCParams,
    CancelRequestParams,
    CloseParams,
    DOMGetNodeParams,
    DOMNode,
    DOMNodeAdded,
    EventType,
    ForeignClient,
    ForeignPeer,
    ForeignPeerService,
    ForeignService,
    GrosseOffnenParams,
    N2faParams,
    NetFetchParams,
    NetFrame,
    NetKind,
    NetRequest,
    PageAskParams,
    PageBlurred,
    PageBoth,
    PageFirst,
    PageFrame,
    PageKind,
    PageLost,
    PageNavigated,
    PageNavigateParams,
    PageShown,
    PageWatchParams,
    Presence,
    PrintParams,
    Signs,
    TextDocumentDidOpenParams,
    TraceV2StartParams,
    Value,
)
from typing_extensions import override

from duologue import Call, Sink, serve
from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files

GOLDEN = Path(__file__).parent / "golden/foreign/expected"
ROOT = Path(__file__).parents[2]
BOUND = 20.0
REQUEST = NetRequest(id="r1", frames=[PageFrame(id="f1", node=DOMNode(node_id=1, children=[DOMNode(node_id=2)]))])


def told_by(script: str, *places: Path) -> Any:
    """What a script prints as JSON in a process of its own; `loaded()` are the modules of namespaces that there are."""
    head = """
import json, sys
from pydantic import BaseModel
def loaded():
    return sorted(name.partition(".namespaces.")[2] for name in sys.modules if ".namespaces." in name)
def models(cls=BaseModel):
    return [one for sub in cls.__subclasses__() for one in (sub, *models(sub)) if "_sdk" in one.__module__]
def built():
    return [one.__name__ for one in models() if one.__pydantic_complete__]
"""
    path = os.pathsep.join(str(place) for place in (ROOT / "runtime", *places))
    run = subprocess.run(
        [sys.executable, "-c", head + script],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


# ---------------------------------------------------------------------------------------------------- what is loaded
def test_importing_loads_no_namespace_no_server_and_builds_no_model() -> None:
    told = told_by(
        """
import foreign_sdk
package = [name for name in sys.modules if name.startswith("foreign_sdk")]
from foreign_sdk import ForeignClient
server = "foreign_sdk.server" in sys.modules
print(json.dumps([package, loaded(), server, len(models()), built()]))
""",
        GOLDEN,
    )
    package, namespaces, server, models, built = told
    assert package == ["foreign_sdk"]
    assert namespaces == ["net", "net.values"], "a member of an enum there is the default of a declared error's detail"
    assert (server, built) == (False, [])
    rooted = [d for d in compile_spec(GOLDEN.parent / "spec.yaml").definitions if d.namespace is None]
    assert models <= len(rooted), "those outside of namespaces alone"


def test_using_a_namespace_loads_it_and_of_others_the_plain_values() -> None:
    used, decoded = told_by(
        """
import foreign_sdk
from foreign_sdk.namespaces.net import actions
used = loaded()
from duologue.session.outcomes import decode
decode(actions.NET_FETCH.result, b'[{"id": "r", "frames": []}]')
print(json.dumps([used, loaded()]))
""",
        GOLDEN,
    )
    assert used == ["net", "net.actions", "net.models", "net.values", "page", "page.values"]
    assert set(decoded) - set(used) == {"dom", "dom.models", "page.models", "page.unknown"}


def test_an_event_is_found_by_its_name_without_the_other_namespaces() -> None:
    found, modules, unknown = told_by(
        """
from foreign_sdk import PROTOCOL
found = PROTOCOL.event("a.b.changed").name
print(json.dumps([found, loaded(), [PROTOCOL.event(name) for name in ("a.b.c", "nowhere.changed", "changed")]]))
""",
        GOLDEN,
    )
    assert found == "a.b.changed"
    assert {name.partition(".")[0] for name in modules} - {"net"} == {"a_b"}
    assert unknown == [None, None, None]


def test_the_package_has_all_names_and_no_others() -> None:
    same, missing = told_by(
        """
import foreign_sdk
same = set(foreign_sdk.__all__) <= set(dir(foreign_sdk)) and not loaded()
try:
    foreign_sdk.PageFrom
except AttributeError as error:
    missing = str(error)
for name in foreign_sdk.__all__:
    getattr(foreign_sdk, name)
print(json.dumps([same, missing]))
""",
        GOLDEN,
    )
    assert same
    assert missing == "module 'foreign_sdk' has no attribute 'PageFrom'"


LARGE = {"spaces": 30, "actions": 10}


def test_what_importing_does_does_not_grow_with_the_namespaces(tmp_path: Path) -> None:
    """In counts, not in seconds: three hundred actions in thirty namespaces, each of which names the next one."""
    spec: dict[str, Any] = {
        "duologue": 1,
        "protocol": "large",
        "version": "1.0.0",
        "defaults": {"scope": "public", "delivery": "volatile"},
        "types": {},
        "actions": {},
        "events": {},
    }
    for space in range(LARGE["spaces"]):
        following = f"S{(space + 1) % LARGE['spaces']}"
        spec["types"][f"S{space}.Thing"] = {"fields": {"id": "string", "next?": f"{following}.Thing"}}
        spec["events"][f"S{space}.happened"] = {"data": {"thing": "Thing"}}
        for action in range(LARGE["actions"]):
            spec["actions"][f"S{space}.do{action}"] = {
                "params": {"thing": "Thing"},
                "result": {"fields": {"ok": "Thing"}},
            }
    (tmp_path / "spec.yaml").write_text(json.dumps(spec), encoding="utf-8")
    for path, text in generate_files(compile_spec(tmp_path / "spec.yaml"), project=False).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    imported, used, whole = told_by(
        """
from large_sdk import LargeClient
counts = [[len(loaded()), len(models()), len(built())]]
from large_sdk.namespaces.s0.actions import S0_DO0
S0_DO0.params(thing={"id": "a"})
counts.append([len(loaded()), len(models()), len(built())])
LargeClient.protocol.whole()
counts.append([len(loaded()), len(models()), len(built())])
print(json.dumps(counts))
""",
        tmp_path,
    )
    assert imported == [0, 0, 0]
    own = 1 + 1 + 2 * LARGE["actions"]
    assert used[0] == 3 + 2 * (LARGE["spaces"] - 1), "actions and models of its own; of the others what Thing leads to"
    assert used[2] == 1, "the params' model and nothing else is built"
    assert whole[1] == own * LARGE["spaces"]


# ------------------------------------------------------------------------------------------------------------- defaults
def test_a_default_of_another_namespace_is_made_when_it_is_needed(tmp_path: Path) -> None:
    """And params leave it out where it is what would be sent."""
    spec = {
        "duologue": 1, "protocol": "apart", "version": "1.0.0", "defaults": {"scope": "public"},
        "types": {
            "A.Size": {"fields": {"width": "integer", "of?": "B.Box"}},
            "B.Box": {"fields": {"size": {"type": "A.Size", "default": {"width": 3}}}},
        },
        "actions": {"B.put": {"params": {"size": {"type": "A.Size", "default": {"width": 2}}}}},
    }  # fmt: skip
    (tmp_path / "spec.yaml").write_text(json.dumps(spec), encoding="utf-8")
    for path, text in generate_files(compile_spec(tmp_path / "spec.yaml"), project=False).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    before, sent, width = told_by(
        """
from apart_sdk import BPutParams, BBox
before = loaded()
sent = [json.loads(BPutParams(**given).to_wire()) for given in ({}, {"size": {"width": 2}}, {"size": {"width": 5}})]
print(json.dumps([before, sent, BBox().size.width]))
""",
        tmp_path,
    )
    assert before == ["b", "b.models"]
    assert sent == [{}, {}, {"size": {"width": 5}}]
    assert width == 3


# ---------------------------------------------------------------------------------------------------- from end to end
class Browser(ForeignService):
    """Answers with what it was given, so that both directions are seen."""

    def __init__(self) -> None:
        self.blurred: list[PageBlurred] = []
        self.heard = anyio.Event()

    @override
    async def net_fetch(self, call: Call[ForeignPeer], params: NetFetchParams) -> list[NetRequest]:
        return [params.request, NetRequest(id=params.kind, frames=params.via or [])]

    @override
    async def page_navigate(self, call: Call[ForeignPeer], params: PageNavigateParams) -> PageShown:
        if params.url == "lost":
            raise PageLost(request="r1", kind=NetKind.DOCUMENT)
        return NetFrame(id="n1", page=PageFrame(id=params.frame or "", request=params.after), data=b"x")

    @override
    async def page_watch(
        self, call: Call[ForeignPeer], params: PageWatchParams, out: Sink[PageBoth]
    ) -> NetFrame | None:
        kind = await call.peer.page.ask(node=DOMNode(node_id=7))
        await out.send(PageFirst(frame=NetFrame(id=kind, page=PageFrame(id="f"), data=b"")))
        return None

    @override
    async def on_page_blurred(self, call: Call[ForeignPeer], event: PageBlurred) -> None:
        self.blurred.append(event)
        self.heard.set()

    @override
    async def dom_get_node(self, call: Call[ForeignPeer], params: DOMGetNodeParams) -> DOMNode:
        return DOMNode(node_id=params.node_id, frame=PageFrame(id=params.frame_id))

    @override
    async def a_b_c(self, call: Call[ForeignPeer], params: ABCParams) -> Signs:
        return Signs.HAN

    @override
    async def n2fa(self, call: Call[ForeignPeer], params: N2faParams) -> Value:
        return {"a": [None, 1.5]}

    @override
    async def print(self, call: Call[ForeignPeer], params: PrintParams) -> list[Value]:
        return ["x"]

    @override
    async def grosse_offnen(self, call: Call[ForeignPeer], params: GrosseOffnenParams) -> Presence:
        return Presence(e=None)

    @override
    async def text_document_did_open(self, call: Call[ForeignPeer], params: TextDocumentDidOpenParams) -> None:
        return None

    @override
    async def cancel_request(self, call: Call[ForeignPeer], params: CancelRequestParams) -> None:
        return None

    @override
    async def trace_v2_start(self, call: Call[ForeignPeer], params: TraceV2StartParams) -> None:
        return None

    @override
    async def close_(self, call: Call[ForeignPeer], params: CloseParams) -> None:
        return None


class Window(ForeignPeerService):
    @override
    async def page_ask(self, call: Call[ForeignClient], params: PageAskParams) -> PageKind:
        return PageKind.POPUP if params.node.node_id == 7 else PageKind.TAB


@pytest.mark.anyio
async def test_calls_streams_and_errors_cross_namespaces() -> None:
    with anyio.fail_after(BOUND):
        async with (
            serve(Browser(), "127.0.0.1", 0) as server,
            ForeignClient.open(f"ws://127.0.0.1:{server.port}", serve=Window()) as client,
        ):
            assert await client.net.fetch(request=REQUEST, via=REQUEST.frames) == [
                REQUEST,
                NetRequest(id="popup", frames=REQUEST.frames),
            ]
            shown = await client.page.navigate(url="u", frame="f9", after=REQUEST)
            assert shown == NetFrame(id="n1", page=PageFrame(id="f9", request=REQUEST), data=b"x")
            assert (await client.dom.get_node(node_id=3, frame_id="f")).frame == PageFrame(id="f")
            assert await client.grosse.offnen() == Presence(e=None)
            with pytest.raises(PageLost, match="Lost r1") as lost:
                await client.page.navigate(url="lost", after=REQUEST)
            assert lost.value.details.kind is NetKind.DOCUMENT
            async with client.page.watch(kind=NetKind.IMAGE) as watched:
                assert [item async for item in watched] == [
                    PageFirst(frame=NetFrame(id="popup", page=PageFrame(id="f"), data=b""))
                ]
                assert await watched.result() is None


@pytest.mark.anyio
async def test_events_of_namespaces_arrive_by_method_by_name_and_filtered() -> None:
    browser = Browser()
    with anyio.fail_after(BOUND):
        async with (
            serve(browser, "127.0.0.1", 0) as server,
            ForeignClient.open(f"ws://127.0.0.1:{server.port}") as client,
            client.events.page.navigated(frame_id="f2") as navigated,
        ):
            named = await client.subscribe([EventType.DOM_NODE_ADDED, EventType.PAGE_NAVIGATED])
            for frame in ("f1", "f2"):
                await server.emit(PageNavigated(frame=PageFrame(id=frame), request=REQUEST))
            await server.emit(DOMNodeAdded(node=DOMNode(node_id=4)))
            assert (await anext(navigated)).frame.id == "f2"
            assert [type(await anext(named)) for _ in range(3)] == [PageNavigated, PageNavigated, DOMNodeAdded]
            await client.notify(PageBlurred(node=DOMNode(node_id=5)))
            await browser.heard.wait()
    assert [event.node for event in browser.blurred] == [DOMNode(node_id=5)]


def test_the_synchronous_client_has_them_too() -> None:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve(Browser(), "127.0.0.1", 0)) as server,
    ):
        with ForeignClient.open_sync(f"ws://127.0.0.1:{server.port}") as client:
            assert client.net.fetch(request=REQUEST)[0] == REQUEST
            with client.events.dom.node_added() as added:
                portal.call(server.emit, DOMNodeAdded(node=DOMNode(node_id=4)))
                assert next(added).node.node_id == 4
