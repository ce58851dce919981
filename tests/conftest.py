"""Which event loops the asynchronous tests run on, and what all tests may ask for."""

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.generated import SHARED, share
from tests.npm import npm_package
from tests.programs import programs

__all__ = ["npm_package", "programs"]

settings.register_profile("here", deadline=None, derandomize=True, database=None)
settings.load_profile("here")  # a busy machine fails no test, and what fails once fails again

BACKENDS: dict[str, tuple[str, dict[str, bool]]] = {
    "asyncio": ("asyncio", {"use_uvloop": False}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}


@pytest.fixture(scope="module", params=list(BACKENDS))
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Run the test on asyncio, on asyncio with uvloop and on trio.

    All three are in the `test` dependency group; only where one cannot be installed is its case skipped, and says so.
    """
    name: str = request.param
    if name != "asyncio":
        pytest.importorskip(name, reason=f"{name} is not installed: the `test` dependency group has it")
    return BACKENDS[name]


@pytest.fixture
def only_new_objects() -> Iterator[None]:
    """Hide from the garbage collector all that was there before the test: looking at it takes half a second."""
    gc.freeze()
    yield
    gc.unfreeze()


def pytest_configure(config: pytest.Config) -> None:
    """Let all processes of a run share what is made once.

    And let those that tests start hear Ctrl-C: a shell's background jobs are started deaf to it.
    """
    if SHARED not in os.environ:
        config.add_cleanup(share().close)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection() -> None:
    """Look for no garbage while hundreds of thousands of objects are made that all stay."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.enable()
