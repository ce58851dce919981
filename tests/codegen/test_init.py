"""`duologue init` makes a project that runs at once."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.programs import outer_env

from duologue_codegen.cli import main
from duologue_codegen.compiler import compile_spec
from duologue_codegen.init import InitRefused, create, local_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its package generated."""
    folder = tmp_path_factory.mktemp("new") / "chat-room"
    create(folder)
    made = CliRunner().invoke(main, ["generate", str(folder / "spec/chat-room.yaml"), "-o", str(folder / "generated")])
    assert made.exit_code == 0, made.stderr
    return folder


def run(project: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["generated", *(path for path in sys.path if path)])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_calls_sees_an_error_and_an_event(project: Path) -> None:
    assert run(project, "demo.py").splitlines() == [
        "answer: Hello, Ada!",
        "error:  There is no greeting in klingon. klingon",
        "event:  Ada was told: Hello, Ada!",
    ]


def test_ctrl_c_ends_the_server_as_it_says(project: Path) -> None:
    text = (project / "server.py").read_text(encoding="utf-8")
    free = project / "free.py"
    free.write_text(text.replace("8080", "0"), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-u", free.name],
        cwd=project,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["generated", *(path for path in sys.path if path)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "end with Ctrl-C" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


def test_its_own_tests_pass(project: Path) -> None:
    assert "3 passed" in run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")


def test_its_code_is_formatted(project: Path) -> None:  # and typed: `test_typing.py` checks it with all else
    files = ["server.py", "demo.py", "test_chat_room.py"]
    for command in (["format", "--check"], ["check", "--select=E,F,I,UP,B"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, "--no-cache", *files], cwd=project, check=True)


@pytest.mark.parametrize(
    "name", ["Hello", "hello_world", "1st", "-x", "a--b", "hello!", "a-", "é", "x" * 61, "hello world", "a.b"]
)
def test_names_that_no_protocol_can_have_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InitRefused, match="no name for a protocol"):
        create(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_name_whose_classes_would_be_the_runtimes_is_refused_in_a_line(tmp_path: Path) -> None:
    asked = CliRunner().invoke(main, ["init", str(tmp_path / "sync")])
    assert asked.exit_code == 2
    told = "the class name `SyncClient`, for the client, belongs to the runtime; choose another name"
    assert asked.stderr == f"duologue: 'sync' is no name for a protocol: {told}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["class", "json", "a1", "test", "server", "demo", "model", "params"])
def test_names_that_mean_something_to_python_work(tmp_path: Path, name: str) -> None:
    create(tmp_path / name)
    compile_spec(tmp_path / name / f"spec/{name}.yaml")


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    folder.mkdir()
    create(folder)  # an empty one is fine
    before = sorted(folder.rglob("*"))
    asked = CliRunner().invoke(main, ["init", str(folder)])
    assert asked.exit_code == 2
    assert "is not empty" in asked.stderr
    assert sorted(folder.rglob("*")) == before
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert "is a file" in CliRunner().invoke(main, ["init", str(tmp_path / "file")]).stderr


def test_what_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def project_files(_: str) -> dict[str, str]:
        return {"a/b.py": "", "c.py": ""}

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "hello"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        patch.setattr(os, "fsync", full)
        patch.setattr("duologue_codegen.init.project_files", project_files)
        failed = CliRunner().invoke(main, ["init", str(folder)])
    assert failed.exit_code == 2
    assert failed.stderr == f"duologue: cannot write {folder}: No space left on device; nothing was changed\n"
    assert list(tmp_path.iterdir()) == []
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0


def test_what_is_installed_can_be_chosen(project: Path) -> None:
    def plan(*arguments: str, **environment: str) -> str:
        return subprocess.run(
            ["make", "--dry-run", "demo", *arguments],
            cwd=project,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    (project / "local.mk").unlink(missing_ok=True)  # there where the tests' own duologue comes from a folder
    assert "'duologue[codegen]'" in plan()
    (project / "local.mk").write_text("DUOLOGUE ?= $(or $(DUOLOGUE_REQUIREMENT),/from/here[codegen])\n")
    assert "'/from/here[codegen]'" in plan()
    assert "'/src/duologue[codegen]'" in plan("DUOLOGUE=/src/duologue[codegen]")
    assert "'/src/duologue[codegen]'" in plan(DUOLOGUE_REQUIREMENT="/src/duologue[codegen]")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As a user does it, though `make` may have started this test, too."""
    return subprocess.run(
        ["make", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False, env=outer_env()
    )


def test_make_help_lists_every_verb(project: Path) -> None:
    [phony] = [line for line in (project / "Makefile").read_text(encoding="utf-8").splitlines() if ".PHONY" in line]
    lines = make(project).stdout.splitlines()
    assert [line.split()[1] for line in lines] == phony.split()[1:]
    assert all(len(line.split()) > 4 and len(line) <= 110 for line in lines)


@pytest.mark.parametrize("venv", [None, "tools/env", "absolute"])
def test_make_build_keeps_to_its_folder_where_a_path_has_a_space(tmp_path: Path, venv: str | None) -> None:
    """Its tools are stand-ins that write down what they were asked."""
    folder, log = tmp_path / "in it/my-app", tmp_path / "log"
    (tmp_path / "in").mkdir()
    for place in (tmp_path / "in", tmp_path / "in it"):
        place.mkdir(exist_ok=True)
        (place / "precious.tar.gz").write_text("mine", encoding="utf-8")
    create(folder)
    written = ["generate", str(folder / "spec/my-app.yaml"), "-o", str(folder / "generated"), "--project"]
    assert CliRunner().invoke(main, written).exit_code == 0
    (folder / "dist").mkdir()
    (folder / "dist/old.tar.gz").write_text("old", encoding="utf-8")
    bin_ = (tmp_path / "env" if venv == "absolute" else folder / (venv or ".venv")) / "bin"
    bin_.mkdir(parents=True)
    for name in ("python", "twine", "duologue"):
        (bin_ / name).write_text(f'#!/bin/sh\necho "$@" >> {log}\n', encoding="utf-8")
        (bin_ / name).chmod(0o755)
    asked = [] if venv is None else [f"VENV={tmp_path / 'env' if venv == 'absolute' else venv}"]
    done = make(folder, "build", "PYTHON=true", *asked)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "-m build --no-isolation --outdir ../dist .\n" in log.read_text(encoding="utf-8")
    assert not (folder / "dist/old.tar.gz").exists()
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["precious.tar.gz"]
    assert (tmp_path / "in it/precious.tar.gz").exists()


def test_what_make_builds_can_go_where_a_path_has_a_space(project: Path, tmp_path: Path) -> None:
    written = ["generate", str(project / "spec/chat-room.yaml"), "-o", str(tmp_path / "sdk"), "--project"]
    assert CliRunner().invoke(main, written).exit_code == 0
    (tmp_path / "in").write_text("mine", encoding="utf-8")
    (tmp_path / "in it").mkdir()
    (tmp_path / "in it/old.whl").write_text("old", encoding="utf-8")
    (tmp_path / "sdk/.venv/bin").mkdir(parents=True)
    for name in ("python", "twine"):
        (tmp_path / "sdk/.venv/bin" / name).symlink_to("/bin/true")
    for verb, left in (("build", True), ("clean", False)):
        done = make(tmp_path / "sdk", verb, f"DIST={tmp_path / 'in it'}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert (tmp_path / "in").exists()
        assert not (tmp_path / "in it/old.whl").exists()
        assert (tmp_path / "in it").exists() == left


@pytest.mark.parametrize("verb", ["clean", "build"])
def test_an_environment_whose_path_has_a_space_is_refused(project: Path, tmp_path: Path, verb: str) -> None:
    (tmp_path / "in").mkdir()
    for folder in (project, ROOT / "generated/service-registry-sdk", ROOT):
        refused = make(folder, "--dry-run", verb, f"VENV={tmp_path / 'in it'}", f"DIST={tmp_path / 'dist'}")
        assert refused.returncode == 2
        assert f"VENV is `{tmp_path / 'in it'}`: choose a path without spaces" in refused.stderr
    assert (tmp_path / "in").exists()


@pytest.mark.long
def test_make_demo_and_make_test_work_from_nothing(tmp_path: Path) -> None:
    """In an environment of its own, installed from this checkout."""
    create(tmp_path / "hello")
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", "tests", ".*_cache"))
    for verb, told in (("demo", "answer: Hello, Ada!"), ("test", "3 passed")):
        done = subprocess.run(
            ["make", verb, f"DUOLOGUE={source}[codegen]", f"PYTHON={sys.executable}"],
            cwd=tmp_path / "hello",
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert told in done.stdout


class _Installed:
    """The record that an installer leaves of where a distribution came from."""

    def __init__(self, record: str | None) -> None:
        self.record = record

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self.record


@pytest.mark.parametrize(
    ("record", "requirement"),
    [
        (None, None),
        ('{"url": "https://example.invalid/duologue.whl"}', None),
        ('{"url": "file:///srv/my%20code/duologue", "dir_info": {"editable": true}}', "/srv/my code/duologue[codegen]"),
        ('{"url": "file:///srv/a$b#c"}', "/srv/a$$b[codegen]"),
    ],
)
def test_a_project_installs_what_made_it(
    record: str | None, requirement: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def distribution(name: str) -> _Installed:
        assert name == "duologue"
        return _Installed(record)

    monkeypatch.setattr("duologue_codegen.init.distribution", distribution)
    written = local_settings()
    if requirement is None:
        assert written == {}
    else:
        assert written["local.mk"].splitlines()[1] == f"DUOLOGUE ?= $(or $(DUOLOGUE_REQUIREMENT),{requirement})"
