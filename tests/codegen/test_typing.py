"""What is generated passes mypy --strict and basedpyright strict, and so does right use of it; wrong use does not.

The folder `typing/user` holds programs as users write them, for the golden registry; those that `duologue init` writes
are checked by mypy beside them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files
from duologue_codegen.init import create

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOLDEN = HERE / "golden"
USER = HERE / "typing/user"
WRONG = "user/wrong.py"
PLANTED = 28

Found = set[tuple[str, int]]


def planted() -> Found:
    lines = (USER / "wrong.py").read_text(encoding="utf-8").splitlines()
    return {(WRONG, number) for number, line in enumerate(lines, 1) if "# BAD " in line}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project: all golden packages and the programs, in a folder that no configuration of ours reaches."""
    folder = tmp_path_factory.mktemp("project")
    for case in sorted(GOLDEN.iterdir()):
        for package in (case / "expected").iterdir():
            if (package / "__init__.py").exists():
                shutil.copytree(package, folder / "sdk" / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(USER, folder / "user", ignore=shutil.ignore_patterns("__pycache__"))
    create(folder / "chat-room")
    for name, text in generate_files(compile_spec(folder / "chat-room/spec/chat-room.yaml"), project=False).items():
        path = folder / "sdk" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def mypy(project: Path) -> Found:
    run = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", "--python-version=3.11",
            f"--cache-dir={project / '.mypy_cache'}", "sdk", *(f"user/{path.name}" for path in USER.glob("*.py")),
            *(f"chat-room/{path.name}" for path in (project / "chat-room").glob("*.py")),
        ],
        cwd=project,
        env={**os.environ, "MYPYPATH": os.pathsep.join(["sdk", "user", str(ROOT / "runtime")])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert run.returncode in (0, 1), run.stderr + run.stdout
    errors = re.findall(r"^(?P<file>[^:\n]+):(?P<line>\d+): error: (?P<text>.*)$", run.stdout, re.MULTILINE)
    for file, line, text in errors:
        print(f"mypy: {file}:{line}: {text}")
    return {(file, int(line)) for file, line, _ in errors if not file.startswith("/")}


def basedpyright(project: Path) -> Found:
    settings = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "include": ["sdk", "user"],
        "extraPaths": ["sdk", "user", str(ROOT / "runtime")],
    }
    (project / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(project)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found: Found = set()
    for finding in json.loads(run.stdout)["generalDiagnostics"]:
        file = Path(finding["file"]).relative_to(project).as_posix()
        line = finding["range"]["start"]["line"] + 1
        print(f"basedpyright: {file}:{line}: {finding['severity']}: {finding['message']}")
        if finding["severity"] == "error":
            found.add((file, line))
    return found


def test_the_mistakes_are_planted() -> None:
    assert len(planted()) == PLANTED


def test_mypy_finds_the_planted_mistakes_and_nothing_else(project: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed: the `check` dependency group has it")
    assert mypy(project) == planted()


def test_basedpyright_finds_the_planted_mistakes_and_nothing_else(project: Path) -> None:
    pytest.importorskip("basedpyright", reason="basedpyright is not installed: the `check` dependency group has it")
    assert basedpyright(project) == planted()
