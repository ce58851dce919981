"""A registry's garbage: full collections leave out what they have found alive, and lose nothing for good."""

from __future__ import annotations

import gc
import weakref

import anyio
import pytest

from duologue_registry.packages.signing import SignaturePolicy
from duologue_registry.serving.access import authenticator_of
from duologue_registry.serving.app import Started, serve_registry
from duologue_registry.serving.garbage import sparing
from duologue_registry.serving.observing import Observing
from service_registry_sdk import Retention

pytestmark = pytest.mark.anyio


class Knot:
    """Garbage that only a collection can free, and some weight."""

    def __init__(self) -> None:
        self.itself = self
        self.weight: list[list[None]] = [[] for _ in range(10)]


def is_looked_at(knot: Knot) -> bool:
    return any(each is knot for each in gc.get_objects())


async def test_what_has_survived_a_full_collection_is_left_out_of_the_next() -> None:
    async with sparing():
        knot = Knot()
        assert is_looked_at(knot)
        gc.collect()
        assert not is_looked_at(knot)
    assert is_looked_at(knot)


async def test_what_has_leaked_meanwhile_goes_when_there_is_more_than_was_alive() -> None:
    async with sparing():
        knot = Knot()
        gc.collect()
        gone = weakref.ref(knot)
        del knot
        gc.collect()
        assert gone() is not None
        there = [Knot() for _ in range(2 * gc.get_freeze_count() // 10)]
        gc.collect()  # keeps them
        gc.collect()  # and looks at everything, since they are so many
        assert gone() is None
        assert not is_looked_at(there[0])


async def test_all_is_as_before_when_it_is_over() -> None:
    before = list(gc.callbacks), gc.get_threshold()
    async with sparing():
        pass
    assert (gc.callbacks, gc.get_threshold()) == before
    assert gc.get_freeze_count() == 0


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
