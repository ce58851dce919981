"""What the tests of the house share: the work tree, fresh environments, make, and the built wheels."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import pytest
from tests import programs

ROOT = Path(__file__).parents[2]
PROJECTS = {
    "duologue": ROOT,
    "service-registry-sdk": ROOT / "generated/service-registry-sdk",
    "duologue-registry": ROOT / "runtime/registry",
}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def run_command(
    *command: str | Path,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    timeout: float = 240,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a command; when it fails and may not, show all that it said."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=None if env is None else dict(env),
        timeout=timeout,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0 or not check, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done


@dataclass(frozen=True)
class Environment:
    """A fresh virtual environment."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def python(self) -> Path:
        return self.bin / "python"

    @property
    def _pip(self) -> Sequence[str | Path]:
        """The one that runs these tests: one of its own would take seconds to install."""
        return (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", self.python)

    def install(self, *arguments: str | Path) -> None:
        """Install, and compile only what is imported."""
        run_command(*self._pip, "install", "--quiet", "--no-compile", *arguments)

    def run(self, command: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of its commands in its own folder, where no work tree is near."""
        return run_command(self.bin / command, *arguments, cwd=self.folder, check=check)

    def installed(self) -> set[str]:
        """Return the names of all distributions, but for those that every environment starts with."""
        (packages,) = self.folder.glob("lib/python*/site-packages")
        listed = {found.name.lower().replace("_", "-") for found in distributions(path=[str(packages)])}
        return listed - {"pip", "setuptools"}


@pytest.fixture
def run() -> Run:
    """Run a command; when it fails and may not, the test fails and shows all that it said."""
    return run_command


Environments = Callable[[str], Environment]


@pytest.fixture
def environment(tmp_path: Path) -> Environments:
    """Make fresh environments by name, with this Python."""

    def make(name: str) -> Environment:
        run_command(sys.executable, "-m", "venv", "--without-pip", tmp_path / name)
        return Environment(tmp_path / name)

    return make


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the wheel of each distribution; by the distribution's name."""
    found: dict[str, Path] = {}
    for name, project in PROJECTS.items():
        folder = tmp_path_factory.mktemp(name)
        run_command(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=project)
        (found[name],) = folder.glob("*.whl")
    return found


@pytest.fixture
def outer_env() -> dict[str, str]:
    """Return an environment for `make` that does not know that it runs within `make test`."""
    return programs.outer_env()


@pytest.fixture
def make(outer_env: dict[str, str]) -> Run:
    """Run `make` with these arguments in the work tree, or where `cwd` says."""

    def call(
        *arguments: str | Path,
        cwd: Path = ROOT,
        check: bool = True,
        timeout: float = 240,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return run_command("make", *arguments, cwd=cwd, env={**outer_env, **(env or {})}, check=check, timeout=timeout)

    return call


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy the work tree as a fresh clone would hold it: what git knows or would add, nothing that is ignored."""
    listed = run_command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, tmp_path / "clone" / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return tmp_path / "clone"
