"""Packages of npm that long tests ask: protocols and schemas that are not ours to copy."""

import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

Fetch = Callable[[str], Path]


@pytest.fixture(scope="session")
def npm_package(tmp_path_factory: pytest.TempPathFactory) -> Fetch:
    """Gives the folder of a package, such as `left@1.0.0`. Where it cannot be had the test is skipped, and says so."""

    def fetch(package: str) -> Path:
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip(f"NOT TESTED: npm, which fetches {package}, is not installed")
        folder = tmp_path_factory.mktemp("npm")
        run = subprocess.run(
            [npm, "pack", package], cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
        if run.returncode:
            pytest.skip(f"NOT TESTED: {package} could not be fetched: {run.stderr.strip()[-200:]}")
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
        return folder / "package"

    return fetch
