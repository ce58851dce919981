"""Each golden case: the output is what stands there, imports, and passes ruff. After a wanted change: regolden.py.

The expected packages are type-checked in test_typing.py.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from duologue_codegen import ir
from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]
CASES = sorted(path.name for path in GOLDEN.iterdir())
RULES = "E4,E7,E9,F,I,RUF022,UP"  # the defaults, sorted imports and `__all__`, nothing out of date


def on_disk(folder: Path) -> dict[str, str]:
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in paths}


@pytest.mark.parametrize("case", CASES)
def test_the_output_is_the_expected_one(case: str) -> None:
    files = generate_files(compile_spec(GOLDEN / case / "spec.yaml"), project=True)
    expected = on_disk(GOLDEN / case / "expected")
    assert sorted(files) == sorted(expected)
    for path, text in files.items():
        assert text == expected[path], f"{case}: {path} differs; if that is wanted: python tests/codegen/regolden.py"


IMPORT = """
import importlib, json, sys, traceback

def tell(name):
    package = importlib.import_module(name)
    exported = [getattr(package, name) for name in package.__all__]
    models = [value for value in exported if hasattr(value, "__pydantic_complete__")]
    for model in models:
        model.model_rebuild()  # else at its first use
        assert model.__pydantic_complete__, model
    whole = package.PROTOCOL.whole()
    for action in whole.client_actions + whole.server_actions:
        action.result.json_schema()
    return {"name": package.PROTOCOL.name, "models": len(models), "all": package.__all__}

told = {}
for name in sys.argv[1:]:
    try:
        told[name] = tell(name)
    except Exception:
        told[name] = {"error": traceback.format_exc()}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What all packages say of themselves, each by its name, imported into one process."""
    names = [compile_spec(GOLDEN / case / "spec.yaml").python.package for case in CASES]
    assert len(set(names)) == len(CASES)
    said: dict[str, Any] = json.loads(run_python(IMPORT, names, *(GOLDEN / case / "expected" for case in CASES)))
    return said


@pytest.mark.parametrize("case", CASES)
def test_the_output_imports_and_its_models_are_complete(case: str, told: dict[str, Any]) -> None:
    protocol = compile_spec(GOLDEN / case / "spec.yaml")
    package = told[protocol.python.package]
    assert "error" not in package, package["error"]
    assert package["name"] == protocol.name
    objects = sum(isinstance(definition, ir.ObjectDef) for definition in protocol.definitions)
    assert package["models"] >= objects
    assert {definition.class_name for definition in protocol.definitions} <= set(package["all"])


def run_python(script: str, arguments: Sequence[str], *places: Path) -> str:
    """Run a script in a process of its own, with the runtime and these folders importable; its output."""
    path = os.pathsep.join(str(place) for place in (ROOT / "runtime", *places))
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_output_passes_ruff() -> None:
    expected = [str(GOLDEN / case / "expected") for case in CASES]
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--no-cache",
            "--line-length=120",
            f"--select={RULES}",
            *expected,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", ["service_registry_sdk/client.py", "pyproject.toml", "README.md"])
def test_every_file_says_where_it_comes_from(path: str) -> None:
    text = (GOLDEN / "registry/expected" / path).read_text(encoding="utf-8")
    head = " ".join(text[:500].split())
    assert "Written by duologue" in head
    assert "(grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run `duologue generate`." in head


def test_the_project_can_be_published_under_its_own_name() -> None:
    import tomllib

    project = tomllib.loads((GOLDEN / "registry/expected/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "service-registry-sdk"
    assert project["version"] == "1.0.0"
    assert project["dependencies"] == ["duologue>=0.1,<0.2"]
    assert project["license"] == "MIT"
    assert project["authors"] == [{"name": "Duologue contributors"}]
    assert set(project["urls"]) == {"source", "docs"}
    absent = tomllib.loads((GOLDEN / "absent/expected/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert absent["dependencies"] == ["duologue>=0.1,<0.2", "pydantic>=2.14"]
    minimal = tomllib.loads((GOLDEN / "minimal/expected/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "license" not in minimal
    assert not (GOLDEN / "minimal/expected/LICENSE").exists()
