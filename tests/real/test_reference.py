"""The reference's page in a browser: it opens, is searched, follows its links, and has nothing to complain about."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from websockets.sync.client import ClientConnection, connect

from duologue_codegen.compiler import compile_spec
from duologue_codegen.reference.render import render_reference

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="NOT TESTED: chromium not installed: `.ci/run` says how")
ENABLED = ("Page.enable", "Runtime.enable", "Log.enable")


class Tab:
    """One tab, over the browser's own protocol; `complaints` is what stood on its console."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.complaints: list[Any] = []
        self.loaded = False
        for method in ENABLED:
            self.ask(method)

    def ask(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = self._read()
            if message.get("id") == number:
                return message["result"]

    def _read(self) -> Any:
        message = json.loads(self._socket.recv(timeout=20))
        match message.get("method"):
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.complaints.append(message["params"])
            case "Page.loadEventFired":
                self.loaded = True
            case _:
                pass
        return message

    def open(self, page: Path) -> None:
        self.loaded = False
        self.ask("Page.navigate", url=page.as_uri())
        while not self.loaded:
            self._read()

    def run(self, code: str) -> Any:
        found = self.ask("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def search(self, words: str) -> list[str]:
        """Type into the page's search field; the names of the entries that are left."""
        self.run("document.getElementById('search').focus(); document.getElementById('search').value = ''")
        self.ask("Input.insertText", text=words)
        left = "[...document.querySelectorAll('article')].filter((a) => a.checkVisibility()).map((a) => a.id)"
        found: list[str] = self.run(left)
        return found


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    profile = tmp_path / "profile"
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", f"--user-data-dir={profile}")
    browser = subprocess.Popen(
        [str(CHROMIUM), *options, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        port, _ = _written(profile / "DevToolsActivePort")
        with urlopen(f"http://127.0.0.1:{port}/json/list", timeout=20) as answer:
            [target] = [one for one in json.load(answer) if one["type"] == "page"]
        with connect(target["webSocketDebuggerUrl"], compression=None, max_size=None) as socket:
            yield Tab(socket)
    finally:
        browser.terminate()
        browser.wait(20)


def _written(path: Path) -> list[str]:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if path.exists() and len(lines := path.read_text().splitlines()) == 2:
            return lines
        time.sleep(0.05)
    raise AssertionError(f"{path} was not written")


def look_at(tab: Tab, spec: Path, folder: Path) -> None:
    page = folder / "reference.html"
    protocol = compile_spec(spec)
    page.write_text(render_reference(protocol)["reference.html"], encoding="utf-8")
    tab.open(page)
    everything = tab.search("")
    assert len(everything) >= len(protocol.actions) + len(protocol.events) + len(protocol.errors)
    for entry in (protocol.actions[-1], protocol.events[0]):
        left = tab.search(f"  {entry.name.upper()} ")
        assert 0 < len(left) < len(everything)
        assert any(entry.name in one for one in left)
        assert tab.run("document.getElementById('found').textContent") == f"{len(left)} of {len(everything)}"
    assert tab.search("no-such-word-anywhere") == []
    # A link to an entry that the search has hidden shows it.
    assert tab.run("document.querySelector('article').hidden") is True
    shown = "new Promise((done) => window.addEventListener('hashchange', () => done(article.checkVisibility())))"
    follow = f"location.hash = {json.dumps(everything[0])}"
    assert tab.run(f"const article = document.querySelector('article'); const said = {shown}; {follow}; said") is True
    assert tab.complaints == []


def test_the_registrys_page(tab: Tab, tmp_path: Path) -> None:
    look_at(tab, ROOT / "spec/registry.yaml", tmp_path)


@pytest.mark.long
def test_the_page_of_the_whole_devtools_protocol(tab: Tab, tmp_path: Path, npm_package: Callable[[str], Path]) -> None:
    given = os.environ.get("DEVTOOLS_PROTOCOL")
    folder = Path(given) if given else npm_package("devtools-protocol@0.0.1734725") / "json"
    files = [str(folder / f"{name}_protocol.json") for name in ("browser", "js")]
    spec = tmp_path / "devtools.yaml"
    subprocess.run(
        [sys.executable, "-m", "duologue_codegen", "import", "cdp", *files, "-o", str(spec)],
        check=True,
        timeout=120,
        capture_output=True,
    )
    look_at(tab, spec, tmp_path)


def test_what_stands_on_the_console_is_seen(tab: Tab, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<script>nothing()</script><img src='http://127.0.0.1:9/none.png'>")
    tab.open(page)
    assert len(tab.complaints) >= 2
