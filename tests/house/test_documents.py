"""Every command, program, message and link of the documents works.

A document is followed from top to bottom in an empty folder, as a reader would. What a fenced block means:

    sh                 is run by bash; `cd` lasts
    sh until=WORD      is left running once its output holds WORD, until the end of the document
    python FILE        is the program FILE: written there; a later `sh` block runs it
    yaml FILE          is written to FILE
    text               the output of the block before: every line of it was printed; `…` stands for anything
    json               one message a line of the wire format: decoded by the runtime
    console            commands that a test cannot run (they clone, or never end): their verbs and options exist
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec import UNSET

from duologue.wire import NativeCodec

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
EVERY = [*DOCUMENTS, ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]
BLOCK = re.compile(r"^```(?P<kind>\w+)(?P<options>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
KINDS = {"sh", "python", "yaml", "text", "json", "console"}
READY = 15.0
DECIDING = ["hello", "goaway", "action", "event", "cancel", "sub", "item", "credit", "data", "error"]


@dataclass(frozen=True)
class Block:
    kind: str
    options: str
    body: str
    line: int


def blocks(document: Path) -> list[Block]:
    text = document.read_text()
    found = BLOCK.finditer(text)
    return [Block(b["kind"], b["options"].strip(), b["body"], text.count("\n", 0, b.start()) + 1) for b in found]


@dataclass
class Reader:
    """Somebody who follows a document in an empty folder; its ports become ones that are free."""

    home: Path
    ports: dict[str, str]
    cwd: Path = field(init=False)
    output: str = ""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    def __post_init__(self) -> None:
        self.cwd = self.home

    def follow(self, block: Block) -> None:
        body, options = self._on_free_ports(block.body), self._on_free_ports(block.options)
        match block.kind:
            case "sh" if options.startswith("until="):
                self._start(body, options.removeprefix("until="))
            case "sh":
                self._run(body)
            case "python" | "yaml":
                assert options, "say which file this is, as in: ```python hello.py"
                (self.cwd / options).write_text(body)
            case "text":
                self._compare(body)
            case _:
                pass

    def _on_free_ports(self, text: str) -> str:
        return re.sub("|".join(self.ports), lambda port: self.ports[port[0]], text)

    def close(self) -> None:
        for process in self.running:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running:
            process.wait(20)

    def _env(self) -> dict[str, str]:
        hidden = {"MAKEFLAGS", "MAKELEVEL", "VIRTUAL_ENV", "XDG_DATA_HOME", "XDG_STATE_HOME"}
        outer = {name: value for name, value in os.environ.items() if name not in hidden}
        path = f"{Path(sys.executable).parent}:{outer['PATH']}"
        ours = {"DUOLOGUE_REQUIREMENT": f"{ROOT}[codegen]"}  # what `make` of a new project installs
        return {**outer, **ours, "HOME": str(self.home), "PATH": path, "PYTHONUNBUFFERED": "1"}

    def _run(self, body: str) -> None:
        place = self.home / ".cwd"
        script = f"set -euo pipefail\n{body}\npwd > {shlex.quote(str(place))}\n"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.cwd, env=self._env(), timeout=180, check=False, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.output = done.stdout
        assert done.returncode == 0, self.output
        self.cwd = Path(place.read_text().strip())

    def _start(self, body: str, word: str) -> None:
        for program in self.cwd.glob("*.py"):  # `duologue init` wrote some
            program.write_text(self._on_free_ports(program.read_text()))
        log = self.home / f".log{len(self.running)}"
        with log.open("w") as out:
            process = subprocess.Popen(
                ["bash", "-c", body], cwd=self.cwd, env=self._env(), stdout=out, stderr=out, start_new_session=True
            )
        self.running.append(process)
        until = time.monotonic() + READY
        while word not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        self.output = log.read_text()

    def _compare(self, expected: str) -> None:
        for line in filter(None, expected.splitlines()):
            pattern = ".*".join(re.escape(part.strip()) for part in line.split("…"))
            assert re.search(pattern, self.output), f"no line like {line!r} in:\n{self.output}"


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    person = Reader(tmp_path, {port: free_port() for port in ("8080", "8090")})
    yield person
    person.close()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_reader_can_follow_the_document(document: Path, reader: Reader) -> None:
    for block in blocks(document):
        assert block.kind in KINDS, f"{document.name}:{block.line}: blocks are of {sorted(KINDS)}, not {block.kind}"
        try:
            reader.follow(block)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            raise AssertionError(f"{document.name}:{block.line}: {error}") from error


def messages() -> list[tuple[str, str]]:
    found = [(document.name, b) for document in DOCUMENTS for b in blocks(document) if b.kind == "json"]
    return [(f"{name}:{block.line}", line) for name, block in found for line in block.body.splitlines()]


@pytest.mark.parametrize(("place", "message"), messages(), ids=lambda value: value if ".md:" in value else "")
def test_a_message_in_the_documents_is_one(place: str, message: str) -> None:
    decoded = NativeCodec().decode(message.encode())
    assert any(getattr(decoded, member) is not UNSET for member in DECIDING), place
    assert set(json.loads(message)) <= set(decoded.__struct_fields__) | {"for"}, "a member that nobody reads"


def test_every_verb_that_the_documents_name_exists() -> None:
    (line,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = {verb for path in EVERY for verb in re.findall(r"(?:`|^)make ([a-z-]+)", path.read_text(), re.MULTILINE)}
    assert named
    assert named <= set(line.split())


def commands() -> list[str]:
    """Return the commands of our two programs that stand in `console` blocks, and so are not run."""
    bodies = [block.body for document in DOCUMENTS for block in blocks(document) if block.kind == "console"]
    lines = [line.partition("#")[0].removeprefix("$ ").strip() for body in bodies for line in body.splitlines()]
    return [line for line in lines if line.startswith(("duologue ", "duologue-registry "))]


@pytest.mark.parametrize("command", commands())
def test_a_command_that_is_only_shown_exists(command: str) -> None:
    program, *words = shlex.split(command)
    options = [word for word in words if word.startswith("-")]
    verb = words[0]
    asked = subprocess.run(
        [Path(sys.executable).parent / program, verb, "--help"], capture_output=True, text=True, check=False, timeout=30
    )
    assert asked.returncode == 0, asked.stderr
    assert all(re.search(rf"(?<![\w-]){re.escape(option)}\b", asked.stdout) for option in options), asked.stdout


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", EVERY, ids=lambda path: path.name)
def test_links_within_the_project_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        place = (document.parent / name).resolve() if name else document
        assert place.exists(), f"{document.name}: {target} leads nowhere"
        assert not anchor or anchor in anchors(place), f"{document.name}: {place.name} has no heading {anchor}"


def test_the_map_fits_a_page() -> None:
    lines = (ROOT / "ARCHITECTURE.md").read_text().splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 110
