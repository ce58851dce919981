"""Every command, program, message and link of the documents works.

A document is followed from top to bottom in an empty folder, as a reader would. What a fenced block means:

    sh python yaml ini text as `tests/reader.py` has it
    json               one message a line of the wire format: decoded by the runtime
    console            commands that a test cannot run (they clone, or never end): their verbs and options exist
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import UNSET
from tests.reader import Block, Reader, blocks, free_port

from duologue.wire import NativeCodec

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted(ROOT.glob("examples/*/README.md"))  # `tests/real` follows them: they need other people's programs
EVERY = [*DOCUMENTS, *EXAMPLES, ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]
KINDS = {"sh", "python", "yaml", "ini", "text", "json", "console"}
DECIDING = ["hello", "goaway", "action", "event", "cancel", "sub", "item", "credit", "data", "error"]


ALL_THERE = """#!/bin/sh
set -e
if test "$1 $2" != "-m venv"; then exec {python} "$@"; fi
{python} -m venv --without-pip "$3"
echo {packages} > "$("$3/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/here.pth"
{then}
"""
"""A `python3` whose new environments have all that is installed here, as if it had just been installed there."""

FORKING = """#!/bin/sh
set -e
case "$1" in *.py) exec {programs}/python "$@" ;; esac
"${{0}}3" "$@"
cd "${{0%/*}}"
test ! -x duologue || ln -sf {programs}/duologue duologue
"""
"""The `python` of such an environment whose programs are forked, as is the `duologue` that it installs."""


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    (tmp_path / "home").mkdir()
    person = Reader(tmp_path / "home", {port: free_port() for port in ("8080", "8090")})
    yield person
    person.close()


@pytest.fixture
def equipped(reader: Reader, tmp_path: Path, wheels: dict[str, Path]) -> Reader:
    """Somebody who has downloaded and installed everything before."""
    equip(reader, tmp_path / "bin")
    reader.requirement = f"{wheels['duologue']}[codegen]"
    return reader


def equip(reader: Reader, folder: Path, *then: str | Path) -> None:
    """Put a `python3` before all others; `then` is a command for each new environment."""
    folder.mkdir(exist_ok=True)
    reader.python = folder / "python3"
    _write_script(
        reader.python,
        ALL_THERE,
        python=shlex.quote(sys.executable),
        packages=shlex.quote(sysconfig.get_path("purelib")),
        then=" ".join(str(word) for word in then),
    )


def _write_script(place: Path, text: str, **words: str | Path) -> None:
    place.write_text(text.format(**words))
    place.chmod(0o755)


each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@each_document
def test_a_reader_can_follow_the_document(document: Path, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """With programs that start more quickly than a reader's; the README installs them first."""
    reader = request.getfixturevalue("equipped" if document == README else "reader")
    reader.programs = request.getfixturevalue("programs")
    if document == README:
        folder = tmp_path / "bin"
        _write_script(folder / "python", FORKING, programs=reader.programs)
        equip(reader, folder, "ln", "-sf", folder / "python", '"$3/bin/python"')
    follow(document, reader)


@pytest.mark.long  # some hundred programs, which take half a second to start
@each_document
def test_a_reader_can_follow_the_document_as_it_stands(document: Path, request: pytest.FixtureRequest) -> None:
    follow(document, request.getfixturevalue("equipped" if document == README else "reader"))


@pytest.mark.long  # it downloads and installs everything
def test_a_reader_who_has_nothing_can_follow_the_readme(reader: Reader) -> None:
    follow(README, reader)


def follow(document: Path, reader: Reader) -> None:
    for block in blocks(document):
        assert block.kind in KINDS, f"{document.name}:{block.line}: blocks are of {sorted(KINDS)}, not {block.kind}"
        try:
            reader.follow(block)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            raise AssertionError(f"{document.name}:{block.line}: {error}") from error


UNITS = [block for document in DOCUMENTS for block in blocks(document) if block.kind == "ini"]


def test_the_units_of_systemd_are_good_ones(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not here: nobody has verified the units of docs/operating.md")
    assert UNITS
    for unit in UNITS:
        ours = unit.body.replace("/opt/duologue/bin", str(Path(sys.executable).parent))
        (tmp_path / unit.options).write_text(ours)
    done = subprocess.run(
        [verify, "verify", *(tmp_path / unit.options for unit in UNITS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    about_ours = [line for line in done.stderr.splitlines() if "duologue" in line]
    assert (done.returncode, about_ours) == (0, [])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.options)
def test_the_commands_of_units_are_ours(unit: Block) -> None:
    """With options that there are."""
    lines = re.sub(r"\\\n", " ", unit.body).splitlines()
    for line in lines:
        program, _, typed = line.partition("duologue-registry ")
        if program.startswith("ExecStart="):
            assert_there("duologue-registry", [word.strip("'") for word in typed.split()])


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
    bodies = [
        block.body for document in [*DOCUMENTS, *EXAMPLES] for block in blocks(document) if block.kind == "console"
    ]
    lines = [line.partition("#")[0].removeprefix("$ ").strip() for body in bodies for line in body.splitlines()]
    return [line for line in lines if line.startswith(("duologue ", "duologue-registry "))]


@pytest.mark.parametrize("command", commands())
def test_a_command_that_is_only_shown_exists(command: str) -> None:
    program, *words = shlex.split(command)
    assert_there(program, words)


def assert_there(program: str, words: list[str]) -> None:
    """That a program has this verb, with these options."""
    options = [word for word in words if word.startswith("-")]
    verb = words[: 2 if words[0] in ("import", "export") else 1]
    asked = subprocess.run(
        [Path(sys.executable).parent / program, *verb, "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
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
    assert max(len(line) for line in lines if not line.startswith("|")) <= 110
