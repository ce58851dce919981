"""Which event loops the asynchronous tests run on."""

import pytest

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
