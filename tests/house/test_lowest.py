"""The lower bounds in pyproject.toml are true: the runtime's tests pass with the oldest versions that they allow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.house.conftest import Environments, Run

ROOT = Path(__file__).parents[2]


@pytest.mark.long  # installs a second set of everything, then runs all quick tests of the runtime again
def test_the_runtime_works_with_the_oldest_versions_it_allows(environment: Environments, run: Run) -> None:
    tools, oldest = environment("tools"), environment("oldest")
    tools.install("uv")
    uv = (tools.bin / "uv", "pip", "install", "--quiet", "--python", oldest.python)
    run(*uv, "--resolution", "lowest-direct", "-e", f"{ROOT}[trio,uvloop]")
    run(*uv, "--no-deps", "-e", ROOT / "generated/service-registry-sdk")
    run(*uv, "--group", "test")
    # Warnings of old versions are their own affair.
    tests = ("tests/runtime", "-m", "not long", "-W", "default", "-q", "-p", "no:cacheprovider")
    run(oldest.python, "-m", "pytest", *tests, timeout=600)
