"""The same spec gives the same bytes, whatever Python, hash seed, folder and locale."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
NEEDED = "import click, datamodel_code_generator, jinja2, ruff, yaml, pydantic, typing_extensions"
OTHERS = [f"python3.{minor}" for minor in (11, 12, 13)]


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def generate(python: str, case: str, folder: Path, **environment: str) -> dict[str, str]:
    """What the command writes, run by that Python from that folder."""
    folder.mkdir(parents=True)
    spec = os.path.relpath(GOLDEN / case / "spec.yaml", folder) if "far" in folder.name else GOLDEN / case / "spec.yaml"
    subprocess.run(
        [python, "-m", "duologue_codegen", "generate", str(spec), "-o", "out", "--project"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "codegen"), **environment},
        check=True,
        timeout=120,
        stdout=subprocess.DEVNULL,
    )
    return digest(folder / "out")


@pytest.mark.parametrize(
    ("folder", "environment"),
    [
        (
            "a way/from afar",
            {"PYTHONHASHSEED": "random", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        ),
        ("configured", {"PYTHONHASHSEED": "0", "TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8"}),
    ],
)
def test_seed_folder_and_locale_do_not_matter(tmp_path: Path, folder: str, environment: dict[str, str]) -> None:
    if folder == "configured":  # settings that are near do not reach the generator's tools either
        (tmp_path / "pyproject.toml").write_text(
            '[tool.ruff.format]\nquote-style = "single"\n\n[tool.datamodel-codegen]\nbase-class = "x.Y"\n',
            encoding="utf-8",
        )
        environment = {**environment, "TMPDIR": str(tmp_path)}
    assert generate(sys.executable, "everything", tmp_path / folder, **environment) == digest(
        GOLDEN / "everything/expected"
    )


def candidate(name: str) -> str:
    """A Python of that name that has the generator's dependencies, or skip and say why there is none.

    DUOLOGUE_PYTHONS may name folders of environments to look in.
    """
    folders = [*os.environ.get("DUOLOGUE_PYTHONS", "").split(os.pathsep), *os.environ["PATH"].split(os.pathsep)]
    found = [path for path in (shutil.which(name, path=folder) for folder in folders if folder) if path]
    for path in found:
        if subprocess.run([path, "-c", NEEDED], capture_output=True, timeout=60, check=False).returncode == 0:
            return path
    where = f"{', '.join(found)} lack the generator's dependencies" if found else f"no {name} is here"
    pytest.skip(f"{where}; DUOLOGUE_PYTHONS names folders to look in")


@pytest.mark.parametrize("name", OTHERS)
def test_the_version_of_python_does_not_matter(tmp_path: Path, name: str) -> None:
    python = candidate(name)
    for case in ("everything", "registry"):
        assert generate(python, case, tmp_path / case) == digest(GOLDEN / case / "expected")
