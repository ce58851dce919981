"""A registry in a process of its own, as its users run it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.forked import PATIENCE, Registry, run
from tests.registry.disks.recording import Recorder

Start = Callable[..., Registry]


@pytest.fixture
def start_registry() -> Iterator[Start]:
    """Start registries; those still running at the end of the test are killed."""
    started: list[Registry] = []

    def start(*arguments: str, fault: str | None = None) -> Registry:
        started.append(Registry(*arguments, fault=fault))
        return started[-1]

    yield start
    for process in started:
        if process.process.poll() is None:
            process.kill()


@pytest.fixture(scope="module")
def shared_registry() -> Iterator[Registry]:
    """One for all the tests of a module, which leave it as it is."""
    process = Registry("--ephemeral")
    yield process
    process.kill()


@pytest.fixture
def run_cli() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command to its end."""

    return partial(run, timeout=PATIENCE)


@pytest.fixture
def data_directory(tmp_path: Path) -> Path:
    """Where a registry may store."""
    return tmp_path / "data"


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """A place that stands for a disk, in memory where that can be: what syncs there syncs for nothing."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="duologue-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def recorder(scratch: Path) -> Recorder:
    """Runs programs, and writes down what they do to their files."""
    return Recorder(scratch)
