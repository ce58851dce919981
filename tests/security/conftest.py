"""Where these tests run: sockets have no part in them, and so uvloop has none."""

from __future__ import annotations

import pytest
from tests.conftest import BACKENDS


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return BACKENDS[request.param]
