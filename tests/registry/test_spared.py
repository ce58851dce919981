"""A registry that serves spares the garbage collector: what it keeps is not looked at again and again."""

from __future__ import annotations

import gc

import anyio
import pytest

from duologue_registry.packages.signing import SignaturePolicy
from duologue_registry.serving.access import authenticator_of
from duologue_registry.serving.app import Started, serve_registry
from duologue_registry.serving.observing import Observing
from service_registry_sdk import Retention

pytestmark = pytest.mark.anyio


async def test_a_registry_that_serves_is_spared() -> None:
    left_out: list[int] = []
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:

            def started(_: Started) -> None:
                left_out.append(gc.get_freeze_count())
                tasks.cancel_scope.cancel()

            await serve_registry(
                "127.0.0.1",
                0,
                None,
                started,
                authenticator=authenticator_of("127.0.0.1", None, insecure=False),
                tls=None,
                origins=[],
                observing=Observing(),
                signatures=SignaturePolicy.read(None),
                keep=Retention(),
            )
    assert left_out[0] > 0
