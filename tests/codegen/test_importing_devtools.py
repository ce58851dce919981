"""The whole Chrome DevTools Protocol, as its npm package has it: imported, generated, type-checked.

It needs the package's registry, so it is no part of the quick tests; where the package cannot be had it is skipped, and
says so. `DEVTOOLS_PROTOCOL` may name a folder that holds the two files.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from duologue_codegen import ir
from duologue_codegen.compiler import compile_spec
from duologue_codegen.generate import generate_files

pytestmark = pytest.mark.long  # it fetches a package, and type checks two megabytes of Python

PACKAGE = "devtools-protocol@0.0.1734725"
FILES = ("browser_protocol.json", "js_protocol.json")


@pytest.fixture(scope="module")
def protocol_files(npm_package: Callable[[str], Path]) -> list[Path]:
    given = os.environ.get("DEVTOOLS_PROTOCOL")
    folder = Path(given) if given else npm_package(PACKAGE) / "json"
    return [folder / name for name in FILES]


@pytest.fixture(scope="module")
def spec(protocol_files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "devtools.yaml"
    began = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-m", "duologue_codegen", "import", "cdp", *map(str, protocol_files), "-o", str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    print(f"imported in {time.monotonic() - began:.1f} s\n{run.stderr}")
    assert run.stderr.count("\n") == 1, "all of it can be said"
    return path


def test_all_of_it_is_imported(spec: Path) -> None:
    protocol = compile_spec(spec)
    types = [definition for definition in protocol.definitions if definition.name is not None]
    found = (len(protocol.namespaces), len(types), len(protocol.actions), len(protocol.events))
    assert found == (59, 611, 677, 232)
    assert (
        "# "
        not in spec.read_text(encoding="utf-8")
        .replace("# needs", "")
        .replace("# redirected", "")
        .partition("types:")[2]
    )


@pytest.fixture(scope="module")
def package(spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds what is generated."""
    folder = tmp_path_factory.mktemp("package")
    began = time.process_time()
    files = generate_files(compile_spec(spec), project=False)
    print(f"generated in {time.process_time() - began:.1f} s of this process")
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return folder


def run(package: Path, *command: str) -> subprocess.CompletedProcess[str]:
    runtime = str(Path(__file__).parents[2] / "runtime")
    return subprocess.run(
        [sys.executable, *command],
        cwd=package,
        env={**os.environ, "MYPYPATH": runtime, "PYTHONPATH": os.pathsep.join([runtime, str(package)])},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_what_is_generated_passes_mypy_strict(package: Path, tmp_path: Path) -> None:
    cache = f"--cache-dir={tmp_path}"
    checked = run(package, "-m", "mypy", "--strict", "--config-file=", "--python-version=3.11", cache, "devtools_sdk")
    assert checked.returncode == 0, checked.stdout[-2000:] + checked.stderr[-2000:]


def test_what_is_generated_passes_basedpyright_strict(package: Path) -> None:
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "include": ["devtools_sdk"]}
    (package / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    checked = run(package, "-m", "basedpyright", "--pythonpath", sys.executable, "-p", str(package))
    assert "0 errors, 0 warnings" in checked.stdout, checked.stdout[-2000:] + checked.stderr[-2000:]


COUNTING = """
import json, sys
from pydantic import BaseModel
def counts():
    classes = [sys.modules[name] for name in list(sys.modules) if name.startswith("devtools_sdk")]
    models = {v for m in classes for v in vars(m).values() if isinstance(v, type) and issubclass(v, BaseModel)}
    own = [model for model in models if model.__module__.startswith("devtools_sdk")]
    return [len(own), sum(model.__pydantic_complete__ for model in own)]
from devtools_sdk import DevtoolsClient
told = [counts()]
from devtools_sdk.namespaces.page import client, actions
from duologue.session.outcomes import decode
actions.PAGE_NAVIGATE.params(url="about:blank").to_wire()
decode(actions.PAGE_NAVIGATE.result, b'{"frameId": "f", "loaderId": "l"}')
told.append(counts())
print(json.dumps(told))
"""


def test_importing_it_makes_no_model_and_using_a_domain_makes_those_of_that_domain(spec: Path, package: Path) -> None:
    counted = run(package, "-c", COUNTING)
    assert counted.returncode == 0, counted.stderr
    page = [d for d in compile_spec(spec).definitions if isinstance(d, ir.ObjectDef) and d.namespace == "Page"]
    assert json.loads(counted.stdout) == [[0, 0], [len(page), 1]], "the params; a result is read by its adapter"
