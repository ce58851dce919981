"""Each place where an author may write, with each of the words that mean harm: words they stay."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest
from tests.codegen.hostile_slots import HARMLESS, PAYLOADS, generate, places, rotated, spec
from typing_extensions import override

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
UNITS = 6
PACKAGES = len(PAYLOADS) // UNITS
Files = dict[str, str]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The same with harmless words."""
    return generate(tmp_path_factory.mktemp("twin"), spec(lambda _: lambda _: HARMLESS, UNITS))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Files]:
    return [generate(tmp_path_factory.mktemp("hostile"), spec(rotated(k, UNITS), UNITS)) for k in range(PACKAGES)]


def test_every_place_meets_every_payload() -> None:
    in_units, _ = places()
    met = {(place, rotated(k, UNITS)(n)(place)) for k in range(PACKAGES) for n in range(UNITS) for place in in_units}
    assert met == {(place, payload) for place in in_units for payload in PAYLOADS.values()}
    assert len(met) >= 700


ANCHOR = re.compile(r'#[a-z]+-[A-Za-z0-9._~-]*|(?<=id=")[a-z]+-[A-Za-z0-9._~-]*(?=")')
PROSE: tuple[str, list[str]] = ("", [])


class Shape(ast.NodeTransformer):
    """All text replaced by the same."""

    @override
    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("words") if isinstance(node.value, str) else node


def shape(path: str, text: str) -> object:
    """What a file is besides the words in it."""
    if path.endswith(".py"):
        return ast.dump(Shape().visit(ast.parse(text)))
    if path.endswith(".toml"):
        return of_data(tomllib.loads(text))
    if path.endswith(".md"):
        prose = re.sub(r"^```\w+\n.*?^```$", "```", text, flags=re.DOTALL | re.MULTILINE)
        lines = [of_line(ANCHOR.sub("#", line)) for line in prose.splitlines()]
        return [line for line in lines if line != PROSE]  # words may be one paragraph or two
    if path.endswith(".html"):
        return Markup.of(text)
    return len(text.splitlines())


class Markup(HTMLParser):
    """What a page is besides its words: elements and their attributes, in order, and where comments are."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[object] = []

    @classmethod
    def of(cls, text: str) -> list[object]:
        parser = cls()
        parser.feed(text)
        parser.close()
        return parser.found

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "p":  # words may be one paragraph or two
            self.found.append((tag, [name for name, _ in attrs]))

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag != "p":
            self.found.append(f"/{tag}")

    @override
    def handle_comment(self, data: str) -> None:
        self.found.append("comment")


def of_data(value: Any) -> object:
    """Data with the text in it made equal; of the project's links the number counts, since their names are words."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        if all(str(item).startswith("https:") for item in members.values()):
            return len(members)
        return {key: of_data(item) for key, item in members.items()}
    if isinstance(value, list):
        return of_items(value)
    return "text" if isinstance(value, str) else value


def of_items(items: Any) -> object:
    return [of_data(item) for item in items]


def of_line(line: str) -> tuple[str, list[str]]:
    """What a line is to a reader of Markdown: how it begins, and what in it is no text: cells, spans of code, marks."""
    start = re.match(r"#+ |\||```|<!--|-->| {4}|[-+*>] |\d+\. |$|", line)
    assert start is not None
    # A backslash takes the meaning from a mark, but not from a backtick that ends a span.
    parts = re.findall(r"\\[^a-zA-Z0-9\s]|`[^`]*`|[`|<>*_]|\]\(|!\[", line)
    return start[0], [part[0] for part in parts if not part.startswith("\\")]


@pytest.mark.parametrize("k", range(PACKAGES))
def test_files_have_the_shape_that_harmless_words_give(twin: Files, packages: list[Files], k: int) -> None:
    assert sorted(packages[k]) == sorted(twin)
    for path, text in packages[k].items():
        assert shape(path, text) == shape(path, twin[path]), path
        allowed = "\n\t\u200d\U0001fae8" if path == "Makefile" else "\n\u200d\U0001fae8"
        hidden = [char for char in text if not char.isprintable() and char not in allowed]
        assert not hidden, f"{path}: {hidden}"


def run_audited(pairs: list[Path], cwd: Path) -> list[str]:
    """What happens while packages are imported that does not belong to it."""
    arguments = [word for folder in pairs for word in (str(folder), "hostile_sdk")]
    run = subprocess.run(
        [sys.executable, str(HERE / "audited.py"), *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT / "runtime")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    found: list[str] = json.loads(run.stdout)
    return found


def put(folder: Path, files: Files) -> Path:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
    return folder


def test_importing_does_nothing_else(twin: Files, packages: list[Files], tmp_path: Path) -> None:
    folders = [put(tmp_path / str(number), files) for number, files in enumerate([twin, *packages])]
    assert run_audited(folders, tmp_path) == []
    assert not list(tmp_path.rglob("pwned"))


MISDEEDS = (
    "import os\nos.system('true')",
    "open('pwned', 'w')",
    "import socket\nsocket.socket()",
    "import subprocess\nsubprocess.run(['true'])",
    "exec('x = 1')",
    "eval('__import__(chr(111) + chr(115))')",
    "import ctypes",
)


def test_what_else_happens_is_seen(twin: Files, tmp_path: Path) -> None:
    init = "hostile_sdk/__init__.py"
    evil = [{**twin, init: f"{twin[init]}\n{code}\n"} for code in MISDEEDS]
    folders = [put(tmp_path / str(number), files) for number, files in enumerate([twin, *evil])]
    seen = run_audited(folders, tmp_path)
    for folder, code in zip(folders[1:], MISDEEDS, strict=True):
        assert [event for event in seen if event.startswith(f"{folder}:")], code
