"""The lower bounds of the dependencies are true: all quick tests pass with the oldest versions that they allow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.house.conftest import Environments, Run

ROOT = Path(__file__).parents[2]


@pytest.mark.long  # installs a second set of everything, then runs all quick tests of that part again
@pytest.mark.parametrize(("part", "extras"), [("runtime", "jwt,trio,uvloop"), ("codegen", "codegen"), ("registry", "")])
def test_it_works_with_the_oldest_versions_it_allows(
    environment: Environments, run: Run, part: str, extras: str
) -> None:
    tools, oldest = environment("tools"), environment("oldest")
    tools.install("uv")
    uv = (tools.bin / "uv", "pip", "install", "--quiet", "--python", oldest.python)
    run(*uv, "--resolution", "lowest-direct", "-e", f"{ROOT}[{extras}]")
    run(*uv, "--no-deps", "-e", ROOT / "generated/service-registry-sdk")
    if part != "codegen":
        run(*uv, "--resolution", "lowest-direct", "-e", ROOT / "runtime/registry")
    run(*uv, "--group", "test")
    # Warnings of old versions are their own affair.
    tests = (f"tests/{part}", "-m", "not long", "-W", "default", "-q", "-p", "no:cacheprovider")
    run(oldest.python, "-m", "pytest", *tests, timeout=600)
