"""Calls and notifications from both ends, and calls that are given up, as editors and language servers have them."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.runtime.raw import Raw, raw_client, raw_server
from tests.wires.support import BOUND, sdk, serving, url

from duologue import Call, Undeclared

pytestmark = pytest.mark.anyio
lsp: Any = sdk("lsp")
PLACE = {"line": 1, "character": 2}


class LanguageServer(lsp.LanguageServerService):  # type: ignore[misc]
    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.started, self.stopped = anyio.Event(), anyio.Event()

    async def initialize(self, call: Call[Any], params: Any) -> Any:
        return lsp.InitializeResult(capabilities={"hoverProvider": True})

    async def text_document_hover(self, call: Call[Any], params: Any) -> str | None:
        self.started.set()
        try:
            await anyio.sleep(10)
        finally:
            self.stopped.set()
        return None

    async def text_document_definition(self, call: Call[Any], params: Any) -> Any:
        [found] = await call.peer.workspace_configuration(items=["editor"])
        return [lsp.Place(line=found, character=0)]

    async def shutdown(self, call: Call[Any], params: Any) -> None: ...

    async def on_initialized(self, call: Call[Any], event: Any) -> None:
        self.seen.append("initialized")

    async def on_text_document_did_open(self, call: Call[Any], event: Any) -> None:
        problem = lsp.Diagnostic(message=event.text_document.text, line=3)
        told = lsp.TextDocumentPublishDiagnostics(uri=event.text_document.uri, diagnostics=[problem])
        await call.connection.notify(told)

    async def on_progress(self, call: Call[Any], event: Any) -> None:
        self.seen.append(event.token)

    async def undeclared(self, call: Call[Any], message: Undeclared) -> None:
        self.seen.append((message.name, message.data))


class Editor(lsp.LanguageServerPeerService):  # type: ignore[misc]
    async def workspace_configuration(self, call: Call[Any], params: Any) -> Any:
        return [len(item) for item in params.items]


async def test_both_ends_call_and_notify_each_other() -> None:
    server = LanguageServer()
    async with (
        serving(server) as listening,
        lsp.LanguageServerClient.open(url(listening.port), serve=Editor()) as editor,
        editor.events.text_document_publish_diagnostics() as diagnostics,
    ):
        assert (await editor.initialize(process_id=None)).capabilities == {"hoverProvider": True}
        await editor.notify(lsp.Initialized())
        await editor.notify(lsp.Progress(token="t", value=None))
        opened = lsp.TextDocumentDidOpen.from_wire(b'{"textDocument":{"uri":"u","text":"x"}}')
        await editor.notify(opened)
        assert (await anext(diagnostics)).diagnostics == [lsp.Diagnostic(message="x", line=3)]
        assert await editor.text_document_definition(text_document=lsp.Document(uri="u")) == [
            lsp.Place(line=6, character=0)
        ]
        assert set(server.seen) == {"initialized", "t"}
        with anyio.move_on_after(0.3):
            await editor.text_document_hover(
                text_document=lsp.Document(uri="u"), position=lsp.Place(line=0, character=0)
            )
        await server.stopped.wait()
        assert server.started.is_set()


async def test_a_server_hears_what_editors_say() -> None:
    server = LanguageServer()
    async with serving(server) as listening, raw_client(listening.port, []) as editor:
        await editor.say({"jsonrpc": "2.0", "method": "window/odd", "params": {"a": 1}})
        await editor.say({"hello": "there"})
        answer = await editor.hear()
        assert (answer["id"], answer["error"]["code"]) == (None, -32600)
        params: dict[str, Any] = {"textDocument": {"uri": "u"}, "position": PLACE}
        await editor.say({"jsonrpc": "2.0", "id": 5, "method": "textDocument/hover", "params": params})
        await server.started.wait()
        await editor.say({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 5}})
        answer = await editor.hear()
        assert (answer["id"], answer["error"]["code"]) == (5, -32800)
        params = {"textDocument": {"uri": "u"}}
        await editor.say({"jsonrpc": "2.0", "id": 6, "method": "textDocument/definition", "params": params})
        asked = await editor.hear()
        assert asked == {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "workspace/configuration",
            "params": {"items": ["editor"]},
        }
        await editor.say({"jsonrpc": "2.0", "id": 1, "result": [9]})
        assert await editor.hear() == {"jsonrpc": "2.0", "id": 6, "result": [{"line": 9, "character": 0}]}
        assert len(server.seen) == 2
        assert ("window/odd", {"a": 1}) in server.seen
        assert (None, {"hello": "there"}) in server.seen


async def test_an_editor_says_what_servers_hear() -> None:
    heard: list[Any] = []

    async def handle(server: Raw) -> None:
        heard.extend([await server.hear() for _ in range(3)])
        await server.say({"jsonrpc": "2.0", "id": 1, "error": {"code": -32800, "message": "cancelled"}})
        await server.say({"jsonrpc": "2.0", "id": "q", "method": "client/registerCapability"})
        heard.append(await server.hear())
        await server.say({"jsonrpc": "2.0", "method": "telemetry/event", "params": [1, 2]})
        await server.until_closed()

    async with (
        raw_server(handle, []) as port,
        lsp.LanguageServerClient.open(url(port), serve=Editor()) as editor,
        editor.undeclared() as undeclared,
    ):
        with anyio.fail_after(BOUND):
            await editor.notify(lsp.Initialized())
            with anyio.move_on_after(0.2):
                await editor.text_document_hover(
                    text_document=lsp.Document(uri="u"), position=lsp.Place(line=0, character=0)
                )
            other = await anext(undeclared)
    assert (other.name, other.data) == ("telemetry/event", [1, 2])
    assert heard == [
        {"jsonrpc": "2.0", "method": "initialized"},
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "textDocument/hover",
            "params": {"textDocument": {"uri": "u"}, "position": {"line": 0, "character": 0}},
        },
        {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 1}},
        {
            "jsonrpc": "2.0",
            "id": "q",
            "error": {"code": -32601, "message": "no action is called client/registerCapability"},
        },
    ]
