"""The whole Chrome DevTools Protocol, as its npm package has it: imported, generated, type-checked.

It needs the package's registry, so it is no part of the quick tests; where the package cannot be had it is skipped, and
says so. `DEVTOOLS_PROTOCOL` may name a folder that holds the two files.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

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


def test_what_is_generated_passes_mypy_strict(spec: Path, tmp_path: Path) -> None:
    files = generate_files(compile_spec(spec), project=False)
    for path, text in files.items():
        place = tmp_path / path
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, encoding="utf-8")
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--config-file=", "--python-version=3.11",
            f"--cache-dir={tmp_path / '.mypy_cache'}", next(iter(files)).partition("/")[0],
        ],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(root / "runtime")},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
